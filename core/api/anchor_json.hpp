// What the commands on anchored calls share: their parameters in JSON, and how one is added. Thread:
// [control]; of core/api only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/anchor/anchors.hpp"
#include "core/api/command_table.hpp"
#include "core/api/json.hpp"

namespace tandem::api::anchor_json {

// Properties of a schema: who is meant, what an offer or answer may ask.
const std::string& who_properties();
const std::string& option_properties();
const std::string& key_properties();  // what becomes of keys
std::string schema(const std::string& properties, const char* required);

anchor::Selector selector_of(const Json& params);
Result<anchor::Options> options(const Json& params);
// Errors: invalid (no keys of a telephone).
Result<anchor::KeyOrder> key_order(const Json& keys);
const std::string& sdp_edit_properties();
// Errors: invalid (more than a line).
Result<void> read_sdp_edits(const Json& params, anchor::Options& into);
std::vector<std::string> texts(const Json& object, const char* key);

using Act = std::function<void(const Json& params, const Reply& reply)>;
// A command that is the operator's: no tenant owns an anchored call.
void add(CommandTable& table, const char* name, const char* summary, const std::string& params,
         const char* result, Act act);

}  // namespace tandem::api::anchor_json
