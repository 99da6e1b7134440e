// Calls and legs as JSON. Thread: [control].
#include "core/api/call_json.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/api/events.hpp"
#include "core/call/cause.hpp"

namespace tandem::api {
namespace {

constexpr std::size_t kHeadersMax = 50;

std::string time_or_nothing(WallTime when) { return when == WallTime{} ? "" : iso_time(when); }

double rounded(double value) { return std::round(value * 100) / 100; }

Json to_json(const session::StreamStats& stream, double mos) {
  return Json{{"codec", stream.codec},
              {"packets", stream.packets},
              {"bytes", stream.bytes},
              {"lost", stream.lost},
              {"late", stream.late},
              {"duplicate", stream.duplicate},
              {"reordered", stream.reordered},
              {"loss_percent", rounded(stream.loss_percent)},
              {"jitter_ms", rounded(stream.jitter_ms)},
              {"delay_ms", rounded(stream.delay_ms)},
              {"mos", rounded(mos)}};
}

bool safe_header_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

Result<void> add_header(call::Headers& headers, const std::string& name, const std::string& value) {
  constexpr std::array<const char*, 16> kOwn{"Via",
                                             "From",
                                             "To",
                                             "Call-ID",
                                             "CSeq",
                                             "Contact",
                                             "Content-Length",
                                             "Content-Type",
                                             "Max-Forwards",
                                             "Route",
                                             "Record-Route",
                                             "Authorization",
                                             "Proxy-Authorization",
                                             "Require",
                                             "Supported",
                                             "Session-Expires"};
  const bool token =
      !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
      });
  if (!token)
    return Error{ErrorCode::invalid, "\"headers\": \"" + name.substr(0, 64) + "\" is no header name"};
  for (const char* own : kOwn) {
    if (strcasecmp(own, name.c_str()) == 0)
      return Error{ErrorCode::invalid, "\"headers\": " + name + " is set by the SIP side"};
  }
  if (value.size() > 1024 || !safe_header_text(value)) {
    return Error{ErrorCode::invalid, "\"headers\": " + name + ": expected one line of at most 1024 bytes"};
  }
  headers.emplace_back(name, value);
  return {};
}

}  // namespace

Json to_json(const call::Party& party) {
  return Json{{"user", party.user}, {"uri", party.uri}, {"name", party.name}};
}

Json to_json(const call::Call& call) {
  return Json{{"call", call.id},
              {"tenant", call.tenant},
              {"started", iso_time(call.started)},
              {"direction", call::to_string(call.direction)},
              {"state", call.answered ? "answered" : "ringing"},
              {"from", to_json(call.from)},
              {"to", to_json(call.to)},
              {"dialed", call.dialed},
              {"legs", call.legs}};
}

Json to_json(const call::Leg& leg, const session::LegStats& stats) {
  Json json{{"leg", leg.id},
            {"call", leg.call},
            {"tenant", leg.tenant},
            {"direction", call::to_string(leg.direction)},
            {"state", call::to_string(leg.state())},
            {"from", to_json(leg.from)},
            {"to", to_json(leg.to)},
            {"dialed", leg.dialed},
            {"auth_user", leg.auth_user},
            {"source", leg.source},
            {"user_agent", leg.user_agent},
            {"sip_call_id", leg.sip_call_id},
            {"app", leg.app},
            {"peer", leg.peer},
            {"held", leg.held},
            {"holding", leg.holding},
            {"recordings", leg.recordings},
            {"created", iso_time(leg.created)},
            {"answered", time_or_nothing(leg.answered_wall)}};
  if (leg.media.id() == 0) {
    json["media"] = nullptr;
    return json;
  }
  json["media"] = Json{{"mode", stats.mode},
                       {"remote", stats.remote},
                       {"codec", leg.media.codec()},
                       {"round_trip_ms", rounded(stats.round_trip_ms)},
                       {"from_strangers", stats.from_strangers},
                       {"malformed", stats.malformed},
                       {"srtp", stats.srtp},
                       {"srtp_forged", stats.srtp_forged},
                       {"srtp_replayed", stats.srtp_replayed},
                       {"unknown_payload", stats.unknown_payload},
                       {"received", to_json(stats.received, stats.mos_received)},
                       {"sent", to_json(stats.sent, stats.mos_sent)}};
  return json;
}

Json to_json(const call::Cdr& cdr) {
  return Json{{"uniqueid", cdr.uniqueid},
              {"linkedid", cdr.linkedid},
              {"tenant", cdr.tenant},
              {"direction", cdr.direction},
              {"accountcode", cdr.accountcode},
              {"caller_id_name", cdr.caller_id_name},
              {"caller_id_number", cdr.caller_id_number},
              {"destination_number", cdr.destination_number},
              {"lastapp", cdr.lastapp},
              {"lastdata", cdr.lastdata},
              {"peer", cdr.peer},
              {"source", cdr.source},
              {"user_agent", cdr.user_agent},
              {"sip_call_id", cdr.sip_call_id},
              {"start_stamp", iso_time(cdr.start)},
              {"answer_stamp", time_or_nothing(cdr.answer)},
              {"end_stamp", time_or_nothing(cdr.end)},
              {"duration_ms", cdr.duration_ms},
              {"billsec_ms", cdr.billsec_ms},
              {"disposition", cdr.disposition},
              {"hangup_cause", cdr.hangup_cause},
              {"q850", cdr.q850},
              {"sip_code", cdr.sip_code},
              {"hangup_by", cdr.hangup_by},
              {"read_codec", cdr.read_codec},
              {"write_codec", cdr.write_codec},
              {"packets_received", cdr.packets_received},
              {"packets_sent", cdr.packets_sent},
              {"packets_lost", cdr.packets_lost},
              {"loss_percent", rounded(cdr.loss_percent)},
              {"jitter_ms", rounded(cdr.jitter_ms)},
              {"round_trip_ms", rounded(cdr.round_trip_ms)},
              {"mos", rounded(cdr.mos)}};
}

call::Party party_from(const Json& params, const char* key) {
  const auto it = params.find(key);
  if (it == params.end() || !it->is_object()) return {};
  return {text_at(*it, "user"), text_at(*it, "uri"), text_at(*it, "name")};
}

call::PeerMedia media_from(const Json& params) {
  call::PeerMedia media;  // the schema knows all words
  media.srtp = call::srtp_policy_named(text_at(params, "srtp"));
  media.noise = call::noise_policy_named(text_at(params, "comfort_noise"));
  if (const std::string order = text_at(params, "codec_order"); !order.empty())
    media.order = order == "ours" ? sdp::Preference::ours : sdp::Preference::theirs;
  if (params.contains("ptime_ms"))
    media.ptime_ms = static_cast<unsigned>(number_at(params, "ptime_ms") / 10 * 10);
  if (const auto it = params.find("codecs"); it != params.end())
    for (const Json& name : *it) media.codecs.push_back(name.get<std::string>());
  return media;
}

Result<call::Headers> headers_from(const Json& params) {
  call::Headers headers;
  const auto it = params.find("headers");
  if (it == params.end()) return headers;
  if (it->size() > kHeadersMax) return Error{ErrorCode::invalid, "\"headers\": expected at most 50"};
  for (const auto& [key, value] : it->items()) {
    const bool pair = it->is_array() && value.is_array() && value.size() == 2 && value[0].is_string() &&
                      value[1].is_string();
    if (!pair && !(it->is_object() && value.is_string())) {
      return Error{ErrorCode::invalid,
                   "\"headers\": expected {\"X-Name\": \"value\"} or [[\"X-Name\", \"value\"]]"};
    }
    const auto added = pair ? add_header(headers, value[0].get<std::string>(), value[1].get<std::string>())
                            : add_header(headers, key, value.get<std::string>());
    if (!added) return added.error();
  }
  return headers;
}

}  // namespace tandem::api
