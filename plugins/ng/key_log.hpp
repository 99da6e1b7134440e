// KeyLog: each key pressed in an anchored call as one JSON datagram, as rtpengine's --dtmf-log-dest sends
// them (OpenSIPS's module takes them at its notification_sock and raises E_RTPENGINE_NOTIFICATION).
//
//   anchor.digit ─► anchor.query (tags, address) ─►
//   {"callid","source_tag","source_label","tags","type":"DTMF",
//                                                    "timestamp","source_ip","event","duration"} ─► UDP
//
// Where to: the call's own destination, else that of the configuration, else nowhere. Nothing waits for the
// receiver: what cannot be sent is counted. Thread: [control].
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ng/options.hpp"
#include "ng/value.hpp"
#include "tandem/sdk.hpp"

namespace tandem::ng {

class KeyLog {
 public:
  static constexpr std::size_t kCallsMax = 100'000;  // with a destination of their own

  KeyLog(const sdk::Host& host, std::optional<Listen> common);
  ~KeyLog();
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;

  // From now on this call's keys go there, until the call has ended. False: too many calls have one.
  bool lead(const std::string& call_id, const Listen& to);

  struct Counts {
    std::uint64_t sent = 0, failed = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  void on_event(std::string_view json);
  void tell(const Value& digit, const Listen& to);
  void send(const Value& datagram, const Listen& to);

  sdk::Host host_;
  std::optional<Listen> common_;
  std::map<std::string, Listen> of_calls_;
  int v4_ = -1, v6_ = -1;
  Counts counts_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::unique_ptr<sdk::Subscription> events_;
};

}  // namespace tandem::ng
