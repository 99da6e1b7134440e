// The store's command table, one file per noun. docs/store.md is its text for people.
// Thread: the tables [any]; their bodies [io].
#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/command.hpp"

namespace tandem::store {

std::span<const Command> tenant_commands();
std::span<const Command> extension_commands();
std::span<const Command> device_commands();
std::span<const Command> mailbox_commands();
std::span<const Command> message_commands();
std::span<const Command> prompt_commands();
std::span<const Command> recording_commands();
std::span<const Command> cdr_commands();
std::span<const Command> demo_commands();

// ---- what several nouns share; each throws Refusal

// not_found unless the tenant exists.
void require_tenant(Context& context);
// not_found unless the tenant has that mailbox.
void require_mailbox(Context& context, const std::string& number);
// invalid unless `path` is a plain path without ".." and, when media_root is set, inside it.
void require_path(const Context& context, const char* name);
// The file goes when the command has succeeded, but only from below media_root: a path in the database is
// somebody's text (require_path was asked when it came in).
void discard_file(Context& context, const std::string& path);
// Sets `columns` that stand in the parameters on one row; `where` names its key columns, taken from the
// parameters too.
void update_given(Context& context, const std::string& table, std::span<const char* const> columns,
                  std::span<const char* const> key);
// New and old messages of a mailbox, as {"new":1,"old":2}, and an event mailbox.changed with them.
Json count_messages(Context& context, const std::string& tenant, const std::string& mailbox);
void announce_mailbox(Context& context, const std::string& tenant, const std::string& mailbox);
// An event devices.changed: whoever holds secrets asks for them anew.
void announce_devices(Context& context, const std::string& tenant, const std::string& user);

// The parameters `limit` and `cursor` of a list, and the list's answer {NAME: rows, cursor?}: rows carry
// `seq`, which is taken out; `cursor` is there when there may be more.
inline constexpr std::int64_t kListDefault = 100, kListMax = 1000;
Field limit_field();
Field cursor_field();
Json page(const char* name, Json rows, std::int64_t limit);

}  // namespace tandem::store
