// The commands on anchored calls, bound to anchor::Anchors. Thread: [control].
#pragma once

#include "core/anchor/anchors.hpp"
#include "core/api/command_table.hpp"
#include "core/call/sounds.hpp"

namespace tandem::api {

// Adds anchor.*: for the operator only, as no tenant owns an anchored call. All outlive the table's use.
void bind_anchor_commands(CommandTable& table, anchor::Anchors& anchors, call::Sounds& sounds);

// Those of them beside offer and answer, and without either; called by bind_anchor_commands.
void bind_anchor_flows(CommandTable& table, anchor::Anchors& anchors);
void bind_anchor_transforms(CommandTable& table, anchor::Anchors& anchors);

}  // namespace tandem::api
