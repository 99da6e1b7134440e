// message.list/get/add/move/delete: the messages of mailboxes, in the folders INBOX (new) and Old. Each
// change tells the world with mailbox.changed, from which the message-waiting lamp follows.
#include <filesystem>

#include "store/commands.hpp"
#include "store/secret.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

constexpr const char* kMessageColumns =
    "seq, id, tenant, mailbox, folder, caller, caller_name, path, duration_ms, heard, created";

void require_folder(const Context& context) {
  const std::string folder = context.text("folder", "INBOX");
  if (folder != "INBOX" && folder != "Old")
    throw Refusal(TD_INVALID, "folder: expected INBOX or Old, got '" + folder + "'");
}

Json shown(Json row) {
  row["heard"] = row["heard"] != 0;
  return row;
}

Json find_message(Context& context) {
  Where where;
  where.equal("id", context.text("id"));
  where.equal("tenant", context.tenant());
  Json row =
      context.db.row("SELECT " + std::string(kMessageColumns) + " FROM message" + where.sql(), where.binds());
  if (row.is_null()) throw Refusal(TD_NOT_FOUND, "message '" + context.text("id") + "': not found");
  return shown(std::move(row));
}

Json get_message(Context& context) {
  Json row = find_message(context);
  row.erase("seq");
  return row;
}

Json list_message(Context& context) {
  require_folder(context);
  const auto limit = context.integer("limit", kListDefault);
  Where where;
  where.equal("tenant", context.tenant());
  where.equal("mailbox", context.text("mailbox"));
  where.equal("folder", context.text("folder"));
  if (context.has("cursor")) where.add("seq > :cursor", "cursor", context.integer("cursor"));
  Json rows = context.db.rows("SELECT " + std::string(kMessageColumns) + " FROM message" + where.sql() +
                                  " ORDER BY seq LIMIT " + std::to_string(limit),
                              where.binds());
  for (Json& row : rows) row = shown(std::move(row));
  return page("messages", std::move(rows), limit);
}

Json add_message(Context& context) {
  const std::string mailbox = context.text("mailbox");
  require_mailbox(context, mailbox);
  require_folder(context);
  require_path(context, "path");
  const Database::Binds key = {{"tenant", context.tenant()}, {"mailbox", mailbox}};
  const auto have =
      context.db.number("SELECT count(*) FROM message WHERE tenant = :tenant AND mailbox = :mailbox", key);
  const auto limit =
      context.db.number("SELECT max_messages FROM mailbox WHERE tenant = :tenant AND number = :mailbox", key);
  if (have >= limit) {
    throw Refusal(TD_EXHAUSTED,
                  "mailbox '" + mailbox + "' is full: it holds " + std::to_string(have) + " messages");
  }
  const std::string id = random_id("msg");
  context.db.run(
      "INSERT INTO message (id, tenant, mailbox, folder, caller, caller_name, path, duration_ms, created) "
      "VALUES (:id, :tenant, :mailbox, :folder, :caller, :caller_name, :path, :duration_ms, :created)",
      {{"id", id},
       {"tenant", context.tenant()},
       {"mailbox", mailbox},
       {"folder", context.text("folder", "INBOX")},
       {"caller", context.text("caller")},
       {"caller_name", context.text("caller_name")},
       {"path", context.text("path")},
       {"duration_ms", context.integer("duration_ms")},
       {"created", context.now()}});
  announce_mailbox(context, context.tenant(), mailbox);
  return {{"id", id}};
}

Json move(Context& context) {
  const Json row = find_message(context);
  require_folder(context);
  const std::string folder = context.text("folder", row["folder"].get<std::string>());
  const bool heard = context.has("heard") ? context.params["heard"].get<bool>()
                                          : row["heard"].get<bool>() || folder == "Old";
  context.db.run("UPDATE message SET folder = :folder, heard = :heard WHERE id = :id",
                 {{"folder", folder}, {"heard", std::int64_t{heard}}, {"id", context.text("id")}});
  announce_mailbox(context, row["tenant"].get<std::string>(), row["mailbox"].get<std::string>());
  return get_message(context);
}

Json remove_message(Context& context) {
  const Json row = find_message(context);
  context.db.run("DELETE FROM message WHERE id = :id", {{"id", context.text("id")}});
  announce_mailbox(context, row["tenant"].get<std::string>(), row["mailbox"].get<std::string>());
  discard_file(context, row["path"].get<std::string>());
  return {{"path", row["path"]}};
}

}  // namespace

std::span<const Command> message_commands() {
  static const Field id{"id", Kind::text, Need::required, 1, 64, "the message's id"};
  static const Field folder{"folder", Kind::text, Need::optional, 1, 16, "INBOX or Old"};
  static const Field mailbox{"mailbox", Kind::text, Need::required, 1, 32, "the mailbox's number"};
  static const char* shape =
      "{id, tenant, mailbox, folder, caller, caller_name, path, duration_ms, heard, created}";
  static const std::vector<Command> table = {
      {"message.list",
       "A mailbox's messages, oldest first.",
       "{messages: [as message.get], cursor?}",
       Access::open,
       Lane::live,
       Tenancy::one,
       false,
       {mailbox, folder, limit_field(), cursor_field()},
       list_message},
      {"message.get",
       "One message.",
       shape,
       Access::open,
       Lane::live,
       Tenancy::any,
       false,
       {id},
       get_message},
      {"message.add",
       "Adds a message whose audio is recorded.",
       "{id}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {mailbox,
        {"path", Kind::text, Need::required, 1, 1024, "the audio file"},
        folder,
        {"caller", Kind::text, Need::optional, 0, 128, "the caller's number"},
        {"caller_name", Kind::text, Need::optional, 0, 200, "the caller's name"},
        {"duration_ms", Kind::integer, Need::optional, 0, 86'400'000, "its length"}},
       add_message},
      {"message.move",
       "Moves a message to a folder, or marks it heard.",
       "as message.get",
       Access::open,
       Lane::live,
       Tenancy::any,
       true,
       {id, folder, {"heard", Kind::boolean, Need::optional, 0, 0, "left out: true when moved to Old"}},
       move},
      {"message.delete",
       "Deletes a message, and its file when it lies below media_root.",
       "{path}",
       Access::open,
       Lane::live,
       Tenancy::any,
       true,
       {id},
       remove_message},
  };
  return table;
}

}  // namespace tandem::store
