// StoreCdrs: see the header. Field names: docs/store.md, after Asterisk's cdr.conf.
#include "core/app/store_cdrs.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/log.hpp"

namespace tandem::app {
namespace {

// ISO 8601 UTC with milliseconds; "" for a time that never was.
std::string stamp(WallTime at) {
  if (at == WallTime{}) return {};
  const auto whole = std::chrono::floor<seconds>(at);
  const auto ms = std::chrono::duration_cast<milliseconds>(at - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(whole)),
                     ms);
}

// The store's longest text. What a phone made longer is cut, never a reason to lose the record.
std::string cut(std::string text) {
  constexpr std::size_t kTextMax = 256;
  if (text.size() <= kTextMax) return text;
  std::size_t end = kTextMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    --end;  // not inside a character
  text.resize(end);
  return text;
}

}  // namespace

std::string cdr_json(const call::Cdr& r) {
  const std::string clid = r.caller_id_name.empty()
                               ? r.caller_id_number
                               : fmt::format("\"{}\" <{}>", r.caller_id_name, r.caller_id_number);
  nlohmann::json record = {
      {"tenant", r.tenant},
      {"uniqueid", r.uniqueid},
      {"linkedid", r.linkedid},
      {"clid", clid},
      {"src", r.caller_id_number},
      {"dst", r.destination_number},
      {"start", stamp(r.start)},
      {"answer", stamp(r.answer)},
      {"end", stamp(r.end)},
      {"duration", r.duration_ms / 1000},
      {"billsec", r.billsec_ms / 1000},
      {"duration_ms", r.duration_ms},
      {"billsec_ms", r.billsec_ms},
      {"disposition", r.disposition},
      {"hangup_cause", r.hangup_cause},
      {"q850", r.q850},
      {"sip_code", r.sip_code},
      {"hangup_by", r.hangup_by},
      {"accountcode", r.accountcode},
      {"lastapp", r.lastapp},
      {"lastdata", r.lastdata},
      {"direction", r.direction},
      {"peer", r.peer},
      {"source", r.source},
      {"user_agent", r.user_agent},
      {"sip_call_id", r.sip_call_id},
      {"read_codec", r.read_codec},
      {"write_codec", r.write_codec},
      {"packets_received", r.packets_received},
      {"packets_sent", r.packets_sent},
      {"packets_lost", r.packets_lost},
      {"loss", std::clamp(r.loss_percent, 0.0, 100.0)},
      {"jitter_ms", std::clamp(r.jitter_ms, 0.0, 10000.0)},
      {"round_trip_ms", r.round_trip_ms},
  };
  if (r.mos > 0) record["mos"] = std::clamp(r.mos, 1.0, 5.0);  // unknown is left out
  for (auto& [name, value] : record.items()) {
    if (value.is_string()) value = cut(value.get<std::string>());
  }
  return record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void StoreCdrs::on_cdr(const call::Cdr& record) {
  const std::string text = cdr_json(record);
  api_.invoke({"", api::Role::internal}, "cdr.add", text, [this, text](const Result<std::string>& result) {
    if (result) return written_.add();
    refused_.add();
    log::error("cdr", "not stored ({}): {}", result.error().message, text);
  });
}

}  // namespace tandem::app
