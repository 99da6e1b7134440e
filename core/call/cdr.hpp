// Cdr: the record of one leg, written when it ends, under the names that billing people know
// (features.md §12: Asterisk's and FreeSWITCH's). Thread: [control]. Rating is not done here.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/time.hpp"

namespace tandem::call {

struct Cdr {
  std::string uniqueid;  // the leg's id
  std::string linkedid;  // the call's id: the same for every leg of the conversation
  std::string tenant;
  std::string direction;                         // "inbound", "outbound"
  std::string accountcode;                       // the device that placed the call (digest user), "" if none
  std::string caller_id_name, caller_id_number;  // who called
  std::string destination_number;                // what was dialed
  std::string lastapp, lastdata;                 // the last app that handled the leg, and its arguments
  std::string peer;                              // the leg it was last joined with
  std::string source;                            // "udp:192.0.2.1:5060"
  std::string user_agent, sip_call_id;
  WallTime start{}, answer{}, end{};             // answer is zero when it never was
  std::int64_t duration_ms = 0, billsec_ms = 0;  // start → end, answer → end
  std::string disposition;                       // "ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"
  std::string hangup_cause;                      // "NORMAL_CLEARING"
  int q850 = 0, sip_code = 0;
  std::string hangup_by;                // "remote", "local", "timer", "link"
  std::string read_codec, write_codec;  // from the peer, to the peer
  std::uint64_t packets_received = 0, packets_sent = 0, packets_lost = 0;
  double loss_percent = 0, jitter_ms = 0, round_trip_ms = -1;  // received; -1 unknown
  double mos = 0;                                              // estimate of what we heard, 0 unknown
};

class CdrSink {
 public:
  virtual ~CdrSink() = default;
  // Called once for each leg that existed. Must not call back into Calls.
  virtual void on_cdr(const Cdr&) = 0;
};

}  // namespace tandem::call
