// cdr.list, and the making and storing of records. cdr.add stands in the table for its description; the Store
// sends it through Spill (store.cpp).
#include "store/cdr.hpp"

#include <array>

#include "store/commands.hpp"
#include "store/secret.hpp"
#include "store/where.hpp"

namespace tandem::store {

namespace {

constexpr std::size_t kTextMax = 256, kExtraMax = 4096;
constexpr std::array kTexts = {"tenant",       "clid",      "src",        "dst",
                               "start",        "answer",    "end",        "disposition",
                               "hangup_cause", "uniqueid",  "linkedid",   "accountcode",
                               "lastapp",      "direction", "read_codec", "write_codec"};
constexpr std::array kIntegers = {"duration", "billsec", "q850"};
constexpr std::array kNumbers = {"loss", "jitter_ms", "mos"};
constexpr const char* kCdrColumns =
    "seq, id, tenant, clid, src, dst, start, answer, \"end\", duration, billsec, disposition, hangup_cause, "
    "q850, uniqueid, linkedid, "
    "accountcode, lastapp, direction, read_codec, write_codec, loss, jitter_ms, mos, extra";

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// At most `max` bytes, not ending inside a UTF-8 character.
std::string cut(std::string text, std::size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xc0) == 0x80) --max;
  text.resize(max);
  return text;
}

Json take(Json& given, const char* name) {
  const auto it = given.find(name);
  if (it == given.end()) return nullptr;
  Json value = std::move(*it);
  given.erase(it);
  return value;
}

Json make(Json given) {
  Json record = Json::object();
  for (const char* name : kTexts) {
    const Json value = take(given, name);
    if (value.is_null())
      record[name] = "";
    else
      record[name] = cut(value.is_string() ? value.get<std::string>() : dump(value), kTextMax);
  }
  for (const char* name : kIntegers) {
    const Json value = take(given, name);
    const double number = value.is_number() ? value.get<double>() : 0;
    record[name] = number >= -9e15 && number <= 9e15 ? static_cast<std::int64_t>(number) : 0;
  }
  for (const char* name : kNumbers) {
    const Json value = take(given, name);
    record[name] = value.is_number() ? value.get<double>() : 0.0;
  }
  given.erase("idempotency_key");
  std::string extra = given.empty() ? "" : dump(given);
  if (extra.size() > kExtraMax) extra = R"({"left_out":"more than 4096 bytes"})";
  record["extra"] = std::move(extra);
  return record;
}

Json list_cdr(Context& context) {
  const auto limit = context.integer("limit", kListDefault);
  Where where;
  for (const char* name :
       {"tenant", "src", "dst", "disposition", "linkedid", "uniqueid", "direction", "accountcode"}) {
    where.equal(name, context.text(name));
  }
  if (context.has("from")) where.add("start >= :from", "from", context.text("from"));
  if (context.has("to")) where.add("start < :to", "to", context.text("to"));
  if (context.has("cursor")) where.add("seq < :cursor", "cursor", context.integer("cursor"));
  Json rows = context.db.rows("SELECT " + std::string(kCdrColumns) + " FROM cdr" + where.sql() +
                                  " ORDER BY seq DESC LIMIT " + std::to_string(limit),
                              where.binds());
  for (Json& row : rows) {
    const Json extra = Json::parse(row["extra"].get<std::string>(), nullptr, false);
    if (extra.is_object())
      row["extra"] = extra;
    else
      row.erase("extra");
  }
  return page("cdrs", std::move(rows), limit);
}

Json add_cdr(Context& context) {
  insert_record(context.db, context.options, make_record("", dump(context.params)));
  return Json::object();
}

}  // namespace

Json make_record(std::string_view caller_tenant, std::string_view params_text) {
  if (params_text.size() > kParamsBytesMax)
    throw Refusal(TD_INVALID, "cdr.add: expected at most 65536 bytes of parameters");
  Json given = Json::parse(params_text, nullptr, false);
  if (!given.is_object()) throw Refusal(TD_INVALID, "cdr.add: expected the record as a JSON object");
  if (!caller_tenant.empty()) given["tenant"] = caller_tenant;
  Json record = make(std::move(given));
  record["id"] = random_id("cdr");
  return record;
}

Json reread_record(std::string_view line) {
  Json given = Json::parse(line, nullptr, false);
  if (!given.is_object() || !given.contains("id") || !given["id"].is_string()) {
    throw Refusal(TD_INVALID, "expected a record with an id");
  }
  const Json id = cut(given["id"].get<std::string>(), 64), extra = take(given, "extra");
  given.erase("id");
  Json record = make(std::move(given));
  record["id"] = id;
  if (extra.is_string()) record["extra"] = cut(extra.get<std::string>(), kExtraMax);
  return record;
}

void insert_record(Database& db, const Options& options, Json record) {
  static const std::string sql = [] {
    std::string columns = "id, extra", values = ":id, :extra";
    const auto name_it = [&](const char* name) {
      columns += std::string(", \"") + name + "\"";
      values += std::string(", :") + name;
    };
    for (const char* name : kTexts) name_it(name);
    for (const char* name : kIntegers) name_it(name);
    for (const char* name : kNumbers) name_it(name);
    return "INSERT INTO cdr (" + columns + ") VALUES (" + values + ") ON CONFLICT (id) DO NOTHING";
  }();
  const auto store = [&] {
    Database::Binds binds;
    for (const auto& [name, value] : record.items()) {
      if (value.is_string())
        binds.emplace_back(name, value.get<std::string>());
      else if (value.is_number_float())
        binds.emplace_back(name, value.get<double>());
      else
        binds.emplace_back(name, value.get<std::int64_t>());
    }
    db.run(sql, binds);
  };
  try {
    store();
  } catch (const Refusal& refusal) {
    if (refusal.code() != TD_CONFLICT || record["tenant"] == options.default_tenant) throw;
    Json extra = Json::parse(record["extra"].get<std::string>(), nullptr, false);
    if (!extra.is_object()) extra = Json::object();
    extra["unknown_tenant"] = record["tenant"];
    record["extra"] = dump(extra);
    record["tenant"] = options.default_tenant;
    store();
  }
}

std::span<const Command> cdr_commands() {
  const auto text = [](const char* name, const char* about) {
    return Field{name, Kind::text, Need::optional, 0, 256, about};
  };
  static const std::vector<Command> table = {
      {"cdr.list",
       "Call detail records, newest first.",
       "{cdrs: [{id, tenant, clid, src, dst, start, answer, end, duration, billsec, disposition, "
       "hangup_cause, q850, uniqueid, "
       "linkedid, accountcode, lastapp, direction, read_codec, write_codec, loss, jitter_ms, mos, extra?}], "
       "cursor?}",
       Access::open,
       Lane::report,
       Tenancy::any,
       false,
       {limit_field(), cursor_field(), text("src", "the caller"), text("dst", "the number dialled"),
        text("disposition", "ANSWERED, NO ANSWER, BUSY or FAILED"), text("linkedid", "the call's id"),
        text("uniqueid", "the leg's id"), text("direction", "inbound, outbound or internal"),
        text("accountcode", "the account"), text("from", "start at or after this ISO 8601 time"),
        text("to", "start before this ISO 8601 time")},
       list_cdr},
      {"cdr.add",
       "Takes the record of an ended call; it is stored, or kept in a file until it can be. Unknown fields "
       "are kept in extra.",
       "{id}",
       Access::internal,
       Lane::live,
       Tenancy::any,
       true,
       {text("clid", "caller name and number"),
        text("src", "the caller"),
        text("dst", "the number dialled"),
        text("start", "ISO 8601 UTC"),
        text("answer", "ISO 8601 UTC; empty: never"),
        text("end", "ISO 8601 UTC"),
        {"duration", Kind::integer, Need::optional, 0, INT32_MAX, "seconds from start to end"},
        {"billsec", Kind::integer, Need::optional, 0, INT32_MAX, "seconds from answer to end"},
        text("disposition", "ANSWERED, NO ANSWER, BUSY or FAILED"),
        text("hangup_cause", "NORMAL_CLEARING, USER_BUSY, …"),
        {"q850", Kind::integer, Need::optional, 0, 127, "the cause's number"},
        text("uniqueid", "the leg's id"),
        text("linkedid", "the call's id"),
        text("accountcode", "the account"),
        text("lastapp", "the app that ran last"),
        text("direction", "inbound, outbound or internal"),
        text("read_codec", "what was received"),
        text("write_codec", "what was sent"),
        {"loss", Kind::number, Need::optional, 0, 100, "per cent of packets not received"},
        {"jitter_ms", Kind::number, Need::optional, 0, 10'000, "RFC 3550 interarrival jitter"},
        {"mos", Kind::number, Need::optional, 1, 5, "estimated mean opinion score"}},
       add_cdr,
       true},
  };
  return table;
}

}  // namespace tandem::store
