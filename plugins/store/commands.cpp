// What several nouns of the command table share.
#include "store/commands.hpp"

#include <algorithm>
#include <filesystem>

namespace tandem::store {

void require_tenant(Context& context) {
  if (context.db.number("SELECT count(*) FROM tenant WHERE name = :name", {{"name", context.tenant()}}) ==
      0) {
    throw Refusal(TD_NOT_FOUND, "tenant '" + context.tenant() + "': not found (tenant.add makes one)");
  }
}

void require_mailbox(Context& context, const std::string& number) {
  if (context.db.number("SELECT count(*) FROM mailbox WHERE tenant = :tenant AND number = :number",
                        {{"tenant", context.tenant()}, {"number", number}}) == 0) {
    throw Refusal(TD_NOT_FOUND, "mailbox '" + number + "' of tenant '" + context.tenant() +
                                    "': not found (mailbox.set makes one)");
  }
}

void require_path(const Context& context, const char* name) {
  namespace fs = std::filesystem;
  const std::string text = context.text(name);
  if (text.empty()) return;  // "" takes the path away
  const fs::path path(text);
  const auto climbs =
      std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  const auto control =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (climbs || control)
    throw Refusal(TD_INVALID, std::string(name) + ": expected a path without '..' or control characters");
  const std::string& root = context.options.media_root;
  if (root.empty() || path.is_relative()) return;
  const fs::path inside = path.lexically_normal().lexically_relative(fs::path(root).lexically_normal());
  if (inside.empty() || *inside.begin() == "..") {
    throw Refusal(TD_DENIED, std::string(name) + ": expected a path inside " + root);
  }
}

void discard_file(Context& context, const std::string& path) {
  namespace fs = std::filesystem;
  if (context.options.media_root.empty()) return;
  const fs::path root = fs::path(context.options.media_root).lexically_normal();
  const fs::path full = fs::path(path).is_absolute() ? fs::path(path) : root / path;
  std::error_code ignored;
  if (fs::is_regular_file(fs::symlink_status(full, ignored))) context.discarded.push_back(full);
}

void update_given(Context& context, const std::string& table, std::span<const char* const> columns,
                  std::span<const char* const> key) {
  std::string sets, where;
  Database::Binds binds;
  for (const char* column : columns) {
    if (!context.has(column)) continue;
    sets += (sets.empty() ? "" : ", ") + std::string(column) + " = :" + column;
    const Json& value = context.params[column];
    if (value.is_string())
      binds.emplace_back(column, value.get<std::string>());
    else
      binds.emplace_back(column, value.get<std::int64_t>());
  }
  if (sets.empty()) return;
  for (const char* column : key) {
    where += (where.empty() ? " WHERE " : " AND ") + std::string(column) + " = :" + column;
    binds.emplace_back(column, context.text(column));
  }
  context.db.run("UPDATE " + table + " SET " + sets + where, binds);
}

Json count_messages(Context& context, const std::string& tenant, const std::string& mailbox) {
  const auto count = [&](const char* folder) {
    return context.db.number(
        "SELECT count(*) FROM message WHERE tenant = :tenant AND mailbox = :mailbox AND folder = :folder",
        {{"tenant", tenant}, {"mailbox", mailbox}, {"folder", std::string(folder)}});
  };
  return {{"new", count("INBOX")}, {"old", count("Old")}};
}

void announce_mailbox(Context& context, const std::string& tenant, const std::string& mailbox) {
  Json event = count_messages(context, tenant, mailbox);
  event["event"] = "mailbox.changed";
  event["tenant"] = tenant;
  event["mailbox"] = mailbox;
  context.events.push_back(std::move(event));
}

void announce_devices(Context& context, const std::string& tenant, const std::string& user) {
  context.events.push_back({{"event", "devices.changed"}, {"tenant", tenant}, {"user", user}});
}

Field limit_field() {
  return {"limit", Kind::integer, Need::optional, 1, kListMax, "at most so many (default 100)"};
}
Field cursor_field() {
  return {"cursor", Kind::integer, Need::optional, 1, INT64_MAX, "the answer's cursor: the next page"};
}

Json page(const char* name, Json rows, std::int64_t limit) {
  Json answer = Json::object();
  if (!rows.empty() && static_cast<std::int64_t>(rows.size()) >= limit) answer["cursor"] = rows.back()["seq"];
  for (Json& row : rows) row.erase("seq");
  answer[name] = std::move(rows);
  return answer;
}

}  // namespace tandem::store
