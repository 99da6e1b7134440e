// mailbox.list/get/set/set_pin, and mailbox.check_pin with its lock-out. Counts of failed attempts are in the
// database, so that a restart forgives nothing.
#include "store/clock.hpp"
#include "store/commands.hpp"
#include "store/secret.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

constexpr std::int64_t kAttemptsMax = 3;
constexpr std::uint64_t kLockedUs = 15ull * 60 * 1'000'000;
constexpr const char* kMailboxColumns =
    "tenant, number, name, email, greeting_unavail, greeting_busy, greeting_temp, greeting_name, "
    "max_messages, "
    "failed_attempts, locked_until, pin_hash, created";

// The row for people: whether there is a PIN, never its hash; and the counts.
Json shown(Context& context, Json row) {
  row["has_pin"] = !row["pin_hash"].get_ref<const std::string&>().empty();
  row.erase("pin_hash");
  row.update(count_messages(context, row["tenant"].get<std::string>(), row["number"].get<std::string>()));
  return row;
}

Json find_mailbox(Context& context) {
  Json row = context.db.row(
      "SELECT " + std::string(kMailboxColumns) + " FROM mailbox WHERE tenant = :tenant AND number = :number",
      {{"tenant", context.tenant()}, {"number", context.text("number")}});
  if (row.is_null()) {
    throw Refusal(TD_NOT_FOUND,
                  "mailbox '" + context.text("number") + "' of tenant '" + context.tenant() + "': not found");
  }
  return row;
}

Json get_mailbox(Context& context) { return shown(context, find_mailbox(context)); }

Json list_mailbox(Context& context) {
  const auto limit = context.integer("limit", kListDefault);
  Where where;
  where.equal("tenant", context.tenant());
  if (context.has("after")) where.add("number > :after", "after", context.text("after"));
  Json rows = context.db.rows("SELECT " + std::string(kMailboxColumns) + " FROM mailbox" + where.sql() +
                                  " ORDER BY number, tenant LIMIT " + std::to_string(limit),
                              where.binds());
  for (Json& row : rows) row = shown(context, std::move(row));
  return {{"mailboxes", std::move(rows)}};
}

Json set_mailbox(Context& context) {
  require_tenant(context);
  constexpr const char* kPaths[] = {"greeting_unavail", "greeting_busy", "greeting_temp", "greeting_name"};
  for (const char* name : kPaths) require_path(context, name);
  context.db.run(
      "INSERT INTO mailbox (tenant, number, created) VALUES (:tenant, :number, :created) "
      "ON CONFLICT (tenant, number) DO NOTHING",
      {{"tenant", context.tenant()}, {"number", context.text("number")}, {"created", context.now()}});
  constexpr const char* kSettable[] = {"name",          "email",         "greeting_unavail", "greeting_busy",
                                       "greeting_temp", "greeting_name", "max_messages"};
  constexpr const char* kKey[] = {"tenant", "number"};
  update_given(context, "mailbox", kSettable, kKey);
  return get_mailbox(context);
}

void store_attempts(Context& context, std::int64_t failed, const std::string& locked_until) {
  context.db.run(
      "UPDATE mailbox SET failed_attempts = :failed, locked_until = :until WHERE tenant = :tenant AND number "
      "= :number",
      {{"failed", failed},
       {"until", locked_until},
       {"tenant", context.tenant()},
       {"number", context.text("number")}});
}

Json set_pin(Context& context) {
  find_mailbox(context);
  const std::string pin = context.text("pin");
  if (pin.find_first_not_of("0123456789") != std::string::npos) {
    throw Refusal(TD_INVALID, "mailbox.set_pin: pin: expected digits only, since it is dialled");
  }
  context.db.run("UPDATE mailbox SET pin_hash = :hash WHERE tenant = :tenant AND number = :number",
                 {{"hash", hash_pin(pin, context.options.pin_iterations)},
                  {"tenant", context.tenant()},
                  {"number", context.text("number")}});
  store_attempts(context, 0, "");
  return Json::object();
}

Json check_mailbox_pin(Context& context) {
  const Json row = find_mailbox(context);
  const auto locked_until = row["locked_until"].get<std::string>();
  auto failed = row["failed_attempts"].get<std::int64_t>();
  if (!locked_until.empty() && context.now() < locked_until) {
    return {{"ok", false}, {"reason", "locked"}, {"attempts_left", 0}, {"locked_until", locked_until}};
  }
  if (!locked_until.empty()) failed = 0;  // the lock ran out
  const auto hash = row["pin_hash"].get<std::string>();
  if (hash.empty()) return {{"ok", false}, {"reason", "no_pin"}, {"attempts_left", kAttemptsMax - failed}};
  if (check_pin(context.text("pin"), hash)) {
    store_attempts(context, 0, "");
    return {{"ok", true}};
  }
  ++failed;
  const std::string until = failed >= kAttemptsMax ? iso_time(context.now_us + kLockedUs) : "";
  store_attempts(context, failed, until);
  Json answer = {{"ok", false},
                 {"reason", until.empty() ? "wrong" : "locked"},
                 {"attempts_left", kAttemptsMax - failed}};
  if (!until.empty()) answer["locked_until"] = until;
  return answer;
}

}  // namespace

std::span<const Command> mailbox_commands() {
  static const Field number{"number", Kind::text, Need::required, 1, 32, "the mailbox's number"};
  static const Field pin{"pin", Kind::text, Need::required, 4, 16, "4 to 16 digits"};
  static const char* shape =
      "{tenant, number, name, email, greeting_unavail, greeting_busy, greeting_temp, greeting_name, "
      "max_messages, "
      "failed_attempts, locked_until, has_pin, created, new, old}";
  static const std::vector<Command> table = {
      {"mailbox.list",
       "Mailboxes with their counts of messages.",
       "{mailboxes: [as mailbox.get]}",
       Access::open,
       Lane::report,
       Tenancy::any,
       false,
       {limit_field(), {"after", Kind::text, Need::optional, 1, 32, "only numbers after this one"}},
       list_mailbox},
      {"mailbox.get",
       "One mailbox.",
       shape,
       Access::open,
       Lane::live,
       Tenancy::one,
       false,
       {number},
       get_mailbox},
      {"mailbox.set",
       "Makes a mailbox or changes what is given of it.",
       "as mailbox.get",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {number,
        {"name", Kind::text, Need::optional, 0, 200, "for people"},
        {"email", Kind::text, Need::optional, 0, 254, "where messages may be sent"},
        {"greeting_unavail", Kind::text, Need::optional, 0, 1024, "path of the greeting when unanswered"},
        {"greeting_busy", Kind::text, Need::optional, 0, 1024, "path of the greeting when busy"},
        {"greeting_temp", Kind::text, Need::optional, 0, 1024, "path of the greeting that replaces both"},
        {"greeting_name", Kind::text, Need::optional, 0, 1024, "path of the spoken name"},
        {"max_messages", Kind::integer, Need::optional, 1, 10'000, "more are refused"}},
       set_mailbox},
      {"mailbox.set_pin",
       "Sets the PIN and lifts a lock-out.",
       "{}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {number, pin},
       set_pin},
      {"mailbox.check_pin",
       "Compares a dialled PIN; three wrong ones lock the mailbox for 15 minutes.",
       "{ok, reason?: \"wrong\"|\"locked\"|\"no_pin\", attempts_left?, locked_until?}",
       Access::internal,
       Lane::live,
       Tenancy::one,
       true,
       {number, {"pin", Kind::text, Need::required, 0, 64, "what was dialled"}},
       check_mailbox_pin},
  };
  return table;
}

}  // namespace tandem::store
