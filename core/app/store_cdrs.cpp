// StoreCdrs: see the header. Field names: docs/store.md, after Asterisk's cdr.conf.
#include "core/app/store_cdrs.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

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

}  // namespace

std::string cdr_json(const call::Cdr& r) {
  const std::string clid = r.caller_id_name.empty()
                               ? r.caller_id_number
                               : fmt::format("\"{}\" <{}>", r.caller_id_name, r.caller_id_number);
  const nlohmann::json record = {
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
      {"loss", r.loss_percent},
      {"jitter_ms", r.jitter_ms},
      {"round_trip_ms", r.round_trip_ms},
      {"mos", r.mos},
  };
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
