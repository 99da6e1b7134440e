// device.list/add/delete/set_password, and device.secrets for whoever registers phones. A password is
// returned only when it was made here, once; what stays is its HA1.
#include "store/commands.hpp"
#include "store/secret.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

constexpr std::size_t kPasswordSize = 16;

std::string realm_of(const Context& context) { return context.text("realm", context.options.realm); }

Json list_device(Context& context) {
  const auto limit = context.integer("limit", kListDefault);
  Where where;
  where.equal("tenant", context.tenant());
  where.equal("extension", context.text("extension"));
  if (context.has("after")) where.add("\"user\" > :after", "after", context.text("after"));
  return {{"devices",
           context.db.rows("SELECT \"user\", tenant, extension, realm, name, created FROM device" +
                               where.sql() + " ORDER BY \"user\", realm LIMIT " + std::to_string(limit),
                           where.binds())}};
}

Json answer_with(const Context& context, const std::string& password) {
  Json answer = {{"user", context.text("user")}, {"realm", realm_of(context)}};
  if (!context.has("password")) answer["password"] = password;
  return answer;
}

std::string password_of(const Context& context) {
  return context.has("password") ? context.text("password") : random_password(kPasswordSize);
}

Json add_device(Context& context) {
  require_tenant(context);
  const std::string user = context.text("user"), extension = context.text("extension"),
                    password = password_of(context);
  if (user.find_first_of(":\"\\@ ") != std::string::npos) {
    throw Refusal(TD_INVALID, "device.add: user: expected a SIP user without ':', '@', quotes or spaces");
  }
  if (context.db.number("SELECT count(*) FROM extension WHERE tenant = :tenant AND number = :number",
                        {{"tenant", context.tenant()}, {"number", extension}}) == 0) {
    throw Refusal(TD_NOT_FOUND, "extension '" + extension + "' of tenant '" + context.tenant() +
                                    "': not found (extension.set makes one)");
  }
  if (context.db.number("SELECT count(*) FROM device WHERE \"user\" = :user AND realm = :realm",
                        {{"user", user}, {"realm", realm_of(context)}}) != 0) {
    throw Refusal(TD_CONFLICT,
                  "device '" + user + "' in realm '" + realm_of(context) + "': the name is taken");
  }
  context.db.run(
      "INSERT INTO device (tenant, \"user\", extension, realm, ha1, name, created) "
      "VALUES (:tenant, :user, :extension, :realm, :ha1, :name, :created)",
      {{"tenant", context.tenant()},
       {"user", user},
       {"extension", extension},
       {"realm", realm_of(context)},
       {"ha1", digest_ha1(user, realm_of(context), password)},
       {"name", context.text("name")},
       {"created", context.now()}});
  announce_devices(context, context.tenant(), user);
  return answer_with(context, password);
}

[[noreturn]] void refuse_unknown(const Context& context) {
  throw Refusal(TD_NOT_FOUND, "device '" + context.text("user") + "' of tenant '" + context.tenant() +
                                  "' in realm '" + realm_of(context) + "': not found");
}

Json remove_device(Context& context) {
  const auto gone = context.db.run(
      "DELETE FROM device WHERE tenant = :tenant AND \"user\" = :user AND realm = :realm",
      {{"tenant", context.tenant()}, {"user", context.text("user")}, {"realm", realm_of(context)}});
  if (gone == 0) refuse_unknown(context);
  announce_devices(context, context.tenant(), context.text("user"));
  return Json::object();
}

Json set_password(Context& context) {
  const std::string user = context.text("user"), password = password_of(context);
  const auto changed = context.db.run(
      "UPDATE device SET ha1 = :ha1 WHERE tenant = :tenant AND \"user\" = :user AND realm = :realm",
      {{"ha1", digest_ha1(user, realm_of(context), password)},
       {"tenant", context.tenant()},
       {"user", user},
       {"realm", realm_of(context)}});
  if (changed == 0) refuse_unknown(context);
  announce_devices(context, context.tenant(), user);
  return answer_with(context, password);
}

Json secrets(Context& context) {
  Where where;
  where.equal("tenant", context.tenant());
  return {{"devices", context.db.rows("SELECT \"user\", tenant, extension, ha1, realm FROM device" +
                                          where.sql() + " ORDER BY \"user\", realm LIMIT 10000",
                                      where.binds())}};
}

}  // namespace

std::span<const Command> device_commands() {
  static const Field user{"user", Kind::text, Need::required, 1, 64, "the SIP user it registers as"};
  static const Field realm{"realm", Kind::text, Need::optional,
                           1,       128,        "the digest realm (default: the option realm)"};
  static const Field password{"password", Kind::text, Need::optional,
                              8,          128,        "left out: one is made and returned, once"};
  static const std::vector<Command> table = {
      {"device.list",
       "SIP accounts, without secrets.",
       "{devices: [{user, tenant, extension, realm, name, created}]}",
       Access::open,
       Lane::report,
       Tenancy::any,
       false,
       {limit_field(),
        {"after", Kind::text, Need::optional, 1, 64, "only users after this one"},
        {"extension", Kind::text, Need::optional, 1, 32, "only of this extension"}},
       list_device},
      {"device.add",
       "Adds a SIP account to an extension.",
       "{user, realm, password?}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {user,
        {"extension", Kind::text, Need::required, 1, 32, "the extension it rings for"},
        realm,
        password,
        {"name", Kind::text, Need::optional, 0, 200, "for people"}},
       add_device},
      {"device.delete",
       "Deletes a SIP account.",
       "{}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {user, realm},
       remove_device},
      {"device.set_password",
       "Changes the password.",
       "{user, realm, password?}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {user, realm, password},
       set_password},
      {"device.secrets",
       "Every account with its HA1, for the registrar.",
       "{devices: [{user, tenant, extension, ha1, realm}]}",
       Access::internal,
       Lane::live,
       Tenancy::any,
       false,
       {},
       secrets},
  };
  return table;
}

}  // namespace tandem::store
