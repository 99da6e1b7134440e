// CommandTable: finding, checking, running. markdown.cpp makes its page. Thread: [control].
#include "core/api/command_table.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/api/schema.hpp"
#include "core/base/log.hpp"

namespace tandem::api {
namespace {

constexpr std::size_t kNameMax = 64;

bool fine_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
  });
}

}  // namespace

Result<void> CommandTable::add(const std::string& name, Entry entry) {
  if (!fine_name(name))
    return Error{ErrorCode::invalid, "expected a command name of a-z 0-9 . _, at most 64 long"};
  if (entries_.size() >= kCommandsMax)
    return Error{ErrorCode::exhausted, "the table holds 1000 commands already"};
  if (entries_.contains(name))
    return Error{ErrorCode::conflict, "there is a command \"" + name + "\" already"};
  for (const Json* schema : {&entry.params, &entry.result}) {
    if (auto fine = check_schema(*schema); !fine) {
      return Error{ErrorCode::invalid, "command \"" + name + "\": " + fine.error().message};
    }
  }
  entries_.emplace(name, std::move(entry));
  return {};
}

void CommandTable::add_own(const std::string& name, const char* summary, const char* params,
                           const char* result, Access access, Command body) {
  Entry entry{summary, Json::parse(params, nullptr, false), Json::parse(result, nullptr, false), access,
              std::move(body)};
  const auto added = add(name, std::move(entry));
  if (added) return;
  std::fprintf(stderr, "tandem: command table: %s\n", added.error().message.c_str());
  std::abort();
}

void CommandTable::remove(const std::string& name) { entries_.erase(name); }

const CommandTable::Entry* CommandTable::find(std::string_view name) const {
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : &it->second;
}

void CommandTable::invoke(const Caller& caller, std::string_view name, const Json& params, const Reply& reply,
                          Refusal* refused) const {
  Refusal ignored = Refusal::none;
  Refusal& why = refused == nullptr ? ignored : *refused;
  const Entry* entry = find(name);
  if (entry == nullptr) {
    why = Refusal::no_method;
    std::string shown(name.substr(0, kNameMax));
    return reply(Error{ErrorCode::not_found, "no method \"" + shown + "\""});
  }
  if (entry->access == Access::internal && caller.role != Role::internal) {
    why = Refusal::not_allowed;
    return reply(
        Error{ErrorCode::denied, "\"" + std::string(name) + "\" is internal: only our own plugins call it"});
  }
  if (!params.is_object()) {
    why = Refusal::bad_params;
    return reply(Error{ErrorCode::invalid, "expected the params as an object of names and values"});
  }
  if (auto fine = fits(params, entry->params); !fine) {
    why = Refusal::bad_params;
    return reply(fine.error());
  }
  const Command body = entry->body;  // a copy: the command may take itself out of the table
  try {
    body(caller, params, reply);
  } catch (const std::exception& caught) {  // a mistake of ours must not take the server with it
    log::error("api", "command {} threw: {}", name, caught.what());
    reply(Error{ErrorCode::internal, "the command failed: " + std::string(caught.what())});
  }
}

Json CommandTable::describe(bool with_internal) const {
  Json all = Json::array();
  for (const auto& [name, entry] : entries_) {
    if (entry.access == Access::internal && !with_internal) continue;
    all.push_back({{"name", name},
                   {"summary", entry.summary},
                   {"access", entry.access == Access::open ? "public" : "internal"},
                   {"params", entry.params},
                   {"result", entry.result}});
  }
  return all;
}

Result<std::string> tenant_of(const Caller& caller, const Json& params) {
  const std::string named = text_at(params, "tenant");
  if (caller.tenant.empty()) return named;
  if (!named.empty() && named != caller.tenant) {
    return Error{ErrorCode::denied, "tenant \"" + caller.tenant + "\" may not act for \"" + named + "\""};
  }
  return caller.tenant;
}

}  // namespace tandem::api
