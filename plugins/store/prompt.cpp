// prompt.list/set/delete: a tenant's own names for audio files.
#include "store/commands.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

Json list_prompt(Context& context) {
  const auto limit = context.integer("limit", kListDefault);
  Where where;
  where.equal("tenant", context.tenant());
  where.equal("name", context.text("name"));
  if (context.has("after")) where.add("name > :after", "after", context.text("after"));
  return {{"prompts", context.db.rows("SELECT tenant, name, path, created FROM prompt" + where.sql() +
                                          " ORDER BY name, tenant LIMIT " + std::to_string(limit),
                                      where.binds())}};
}

Json set_prompt(Context& context) {
  require_tenant(context);
  require_path(context, "path");
  context.db.run(
      "INSERT INTO prompt (tenant, name, path, created) VALUES (:tenant, :name, :path, :created) "
      "ON CONFLICT (tenant, name) DO UPDATE SET path = excluded.path, created = excluded.created",
      {{"tenant", context.tenant()},
       {"name", context.text("name")},
       {"path", context.text("path")},
       {"created", context.now()}});
  return Json::object();
}

Json remove_prompt(Context& context) {
  const auto gone = context.db.run("DELETE FROM prompt WHERE tenant = :tenant AND name = :name",
                                   {{"tenant", context.tenant()}, {"name", context.text("name")}});
  if (gone == 0)
    throw Refusal(TD_NOT_FOUND,
                  "prompt '" + context.text("name") + "' of tenant '" + context.tenant() + "': not found");
  return Json::object();
}

}  // namespace

std::span<const Command> prompt_commands() {
  static const Field name{"name", Kind::text, Need::required, 1, 128, "the name that scripts play"};
  static const std::vector<Command> table = {
      {"prompt.list",
       "Prompts by name.",
       "{prompts: [{tenant, name, path, created}]}",
       Access::open,
       Lane::live,
       Tenancy::any,
       false,
       {limit_field(),
        {"name", Kind::text, Need::optional, 1, 128, "only this one"},
        {"after", Kind::text, Need::optional, 1, 128, "only names after this one"}},
       list_prompt},
      {"prompt.set",
       "Gives a prompt its file.",
       "{}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {name, {"path", Kind::text, Need::required, 1, 1024, "the audio file"}},
       set_prompt},
      {"prompt.delete",
       "Takes a prompt's name away; the file stays.",
       "{}",
       Access::open,
       Lane::live,
       Tenancy::one,
       true,
       {name},
       remove_prompt},
  };
  return table;
}

}  // namespace tandem::store
