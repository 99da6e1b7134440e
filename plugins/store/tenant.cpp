// tenant.list, tenant.add. A tenant is never deleted here: its records outlive it on purpose.
#include "store/commands.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

Json list_tenant(Context& context) {
  Where where;
  if (context.has("tenant")) where.add("name = :name", "name", context.tenant());
  return {{"tenants", context.db.rows("SELECT name, title, created FROM tenant" + where.sql() +
                                          " ORDER BY name LIMIT 1000",
                                      where.binds())}};
}

Json add_tenant(Context& context) {
  if (context.db.number("SELECT count(*) FROM tenant WHERE name = :name", {{"name", context.text("name")}}) !=
      0) {
    throw Refusal(TD_CONFLICT, "tenant '" + context.text("name") + "': is there already");
  }
  context.db.run(
      "INSERT INTO tenant (name, title, created) VALUES (:name, :title, :created)",
      {{"name", context.text("name")}, {"title", context.text("title")}, {"created", context.now()}});
  return Json::object();
}

}  // namespace

std::span<const Command> tenant_commands() {
  static const std::vector<Command> table = {
      {"tenant.list",
       "The tenants: all for the operator, its own for a tenant.",
       "{tenants: [{name, title, created}]}",
       Access::open,
       Lane::report,
       Tenancy::any,
       false,
       {},
       list_tenant},
      {"tenant.add",
       "Adds a tenant (operator only).",
       "{}",
       Access::open,
       Lane::live,
       Tenancy::none,
       true,
       {{"name", Kind::text, Need::required, 1, 64, "its short name"},
        {"title", Kind::text, Need::optional, 0, 200, "its name for people"}},
       add_tenant},
  };
  return table;
}

}  // namespace tandem::store
