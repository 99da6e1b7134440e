// extension.list/get/set/delete, and extension.resolve, which a call asks before it rings anybody.
#include "store/commands.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

constexpr const char* kExtensionColumns = "tenant, number, name, mailbox, ring_timeout_s, created";

Json find_extension(Context& context) {
  Json row = context.db.row("SELECT " + std::string(kExtensionColumns) +
                                " FROM extension WHERE tenant = :tenant AND number = :number",
                            {{"tenant", context.tenant()}, {"number", context.text("number")}});
  if (row.is_null()) {
    throw Refusal(TD_NOT_FOUND, "extension '" + context.text("number") + "' of tenant '" + context.tenant() +
                                    "': not found");
  }
  return row;
}

Json list_extension(Context& context) {
  const auto limit = context.integer("limit", kListDefault);
  Where where;
  where.equal("tenant", context.tenant());
  if (context.has("after")) where.add("number > :after", "after", context.text("after"));
  return {{"extensions",
           context.db.rows("SELECT " + std::string(kExtensionColumns) + " FROM extension" + where.sql() +
                               " ORDER BY number, tenant LIMIT " + std::to_string(limit),
                           where.binds())}};
}

Json set_extension(Context& context) {
  require_tenant(context);
  const std::string mailbox = context.text("mailbox");
  if (!mailbox.empty()) require_mailbox(context, mailbox);
  context.db.run(
      "INSERT INTO extension (tenant, number, created) VALUES (:tenant, :number, :created) "
      "ON CONFLICT (tenant, number) DO NOTHING",
      {{"tenant", context.tenant()}, {"number", context.text("number")}, {"created", context.now()}});
  constexpr const char* kSettable[] = {"name", "mailbox", "ring_timeout_s"};
  constexpr const char* kKey[] = {"tenant", "number"};
  if (context.has("mailbox") && mailbox.empty()) {
    context.db.run("UPDATE extension SET mailbox = NULL WHERE tenant = :tenant AND number = :number",
                   {{"tenant", context.tenant()}, {"number", context.text("number")}});
    constexpr const char* kRest[] = {"name", "ring_timeout_s"};
    update_given(context, "extension", kRest, kKey);
  } else {
    update_given(context, "extension", kSettable, kKey);
  }
  return find_extension(context);
}

Json remove_extension(Context& context) {
  find_extension(context);
  const Database::Binds key = {{"tenant", context.tenant()}, {"number", context.text("number")}};
  const auto devices =
      context.db.number("SELECT count(*) FROM device WHERE tenant = :tenant AND extension = :number", key);
  if (devices > 0) {
    throw Refusal(TD_CONFLICT, "extension '" + context.text("number") + "': has " + std::to_string(devices) +
                                   " device(s); delete them first (device.delete)");
  }
  context.db.run("DELETE FROM extension WHERE tenant = :tenant AND number = :number", key);
  return Json::object();
}

Json resolve(Context& context) {
  Json found = find_extension(context);
  found["devices"] = context.db.rows(
      "SELECT \"user\", name, realm FROM device WHERE tenant = :tenant AND extension = :number "
      "ORDER BY created, \"user\" LIMIT 100",
      {{"tenant", context.tenant()}, {"number", context.text("number")}});
  return found;
}

}  // namespace

std::span<const Command> extension_commands() {
  static const Field number{"number", Kind::text, Need::required, 1, 32, "as dialled"};
  static const std::vector<Command> table = {
      {"extension.list",
       "Extensions in the order of their numbers.",
       "{extensions: [{tenant, number, name, mailbox, ring_timeout_s, created}]}",
       Access::open,
       Lane::report,
       Tenancy::any,
       false,
       {limit_field(), {"after", Kind::text, Need::optional, 1, 32, "only numbers after this one"}},
       list_extension},
      {"extension.get",
       "One extension.",
       "{tenant, number, name, mailbox, ring_timeout_s, created}",
       Access::open,
       Lane::live,
       Tenancy::one,
       false,
       {number},
       find_extension},
      {"extension.set",
       "Makes an extension or changes what is given of it.",
       "as extension.get",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {number,
        {"name", Kind::text, Need::optional, 0, 200, "for people and the caller id"},
        {"mailbox", Kind::text, Need::optional, 0, 32, "the mailbox's number; empty: none"},
        {"ring_timeout_s", Kind::integer, Need::optional, 1, 600,
         "how long it rings before the mailbox answers"}},
       set_extension},
      {"extension.delete",
       "Deletes an extension without devices.",
       "{}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {number},
       remove_extension},
      {"extension.resolve",
       "What a call to a number needs: its devices and its mailbox.",
       "{tenant, number, name, mailbox, ring_timeout_s, created, devices: [{user, name, realm}]}",
       Access::internal,
       Lane::live,
       Tenancy::one,
       false,
       {number},
       resolve},
  };
  return table;
}

}  // namespace tandem::store
