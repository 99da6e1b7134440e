// recording.list/get, and recording.add for whoever records.
#include <filesystem>

#include "store/commands.hpp"
#include "store/secret.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

constexpr const char* kRecordingColumns = "seq, id, tenant, call, leg, path, duration_ms, reason, created";

Json list_recording(Context& context) {
  const auto limit = context.integer("limit", kListDefault);
  Where where;
  where.equal("tenant", context.tenant());
  where.equal("call", context.text("call"));
  if (context.has("cursor")) where.add("seq < :cursor", "cursor", context.integer("cursor"));
  return page("recordings",
              context.db.rows("SELECT " + std::string(kRecordingColumns) + " FROM recording" + where.sql() +
                                  " ORDER BY seq DESC LIMIT " + std::to_string(limit),
                              where.binds()),
              limit);
}

Json get_recording(Context& context) {
  Where where;
  where.equal("id", context.text("id"));
  where.equal("tenant", context.tenant());
  Json row = context.db.row("SELECT " + std::string(kRecordingColumns) + " FROM recording" + where.sql(),
                            where.binds());
  if (row.is_null()) throw Refusal(TD_NOT_FOUND, "recording '" + context.text("id") + "': not found");
  row.erase("seq");
  return row;
}

Json add_recording(Context& context) {
  require_tenant(context);
  require_path(context, "path");
  const std::string id = context.has("id") ? context.text("id") : random_id("rec");
  context.db.run(
      "INSERT INTO recording (id, tenant, call, leg, path, duration_ms, reason, created) "
      "VALUES (:id, :tenant, :call, :leg, :path, :duration_ms, :reason, :created)",
      {{"id", id},
       {"tenant", context.tenant()},
       {"call", context.text("call")},
       {"leg", context.text("leg")},
       {"path", context.text("path")},
       {"duration_ms", context.integer("duration_ms")},
       {"reason", context.text("reason")},
       {"created", context.now()}});
  return {{"id", id}};
}

// A file of the tenant's own folder that nothing in the store speaks of.
Json discard_recording(Context& context) {
  namespace fs = std::filesystem;
  require_tenant(context);
  require_path(context, "path");
  const std::string path = context.text("path"), &root = context.options.media_root;
  const fs::path inside = fs::path(path).lexically_normal().lexically_relative(
      (fs::path(root) / context.tenant()).lexically_normal());
  if (root.empty() || inside.empty() || *inside.begin() == "..")
    throw Refusal(TD_DENIED, "path: expected a file of tenant " + context.tenant() + " below " +
                                 (root.empty() ? "media_root, which is not set" : root));
  const Json used = context.db.row(
      "SELECT 1 AS used WHERE EXISTS (SELECT 1 FROM message WHERE path = :path) "
      "OR EXISTS (SELECT 1 FROM recording WHERE path = :path) OR EXISTS (SELECT 1 FROM mailbox WHERE :path "
      "IN "
      "(greeting_unavail, greeting_busy, greeting_temp, greeting_name))",
      {{"path", path}});
  if (!used.is_null()) throw Refusal(TD_CONFLICT, "path: it is in use as a message, greeting or recording");
  discard_file(context, path);
  return Json::object();
}

}  // namespace

std::span<const Command> recording_commands() {
  static const std::vector<Command> table = {
      {"recording.list",
       "Recordings, newest first.",
       "{recordings: [as recording.get], cursor?}",
       Access::open,
       Lane::report,
       Tenancy::any,
       false,
       {limit_field(), cursor_field(), {"call", Kind::text, Need::optional, 1, 64, "only of this call"}},
       list_recording},
      {"recording.get",
       "One recording.",
       "{id, tenant, call, leg, path, duration_ms, reason, created}",
       Access::open,
       Lane::live,
       Tenancy::any,
       false,
       {{"id", Kind::text, Need::required, 1, 64, "the recording's id"}},
       get_recording},
      {"recording.add",
       "Notes a finished recording.",
       "{id}",
       Access::internal,
       Lane::live,
       Tenancy::one,
       true,
       {{"path", Kind::text, Need::required, 1, 1024, "the file"},
        {"id", Kind::text, Need::optional, 1, 64, "left out: one is made"},
        {"call", Kind::text, Need::optional, 0, 64, "the call's id"},
        {"leg", Kind::text, Need::optional, 0, 64, "the leg's id"},
        {"duration_ms", Kind::integer, Need::optional, 0, 604'800'000, "its length"},
        {"reason", Kind::text, Need::optional, 0, 64, "why it ended"}},
       add_recording},
      {"recording.discard",
       "Deletes the file of a recording that nobody wants: nothing in the store may refer to it.",
       "{}",
       Access::internal,
       Lane::live,
       Tenancy::one,
       true,
       {{"path", Kind::text, Need::required, 1, 1024, "the file"}},
       discard_recording},
  };
  return table;
}

}  // namespace tandem::store
