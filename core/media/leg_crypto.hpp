// LegCrypto: SRTP of one leg: opens what arrives before anything else looks at it, and seals what leaves, RTP
// and RTCP, relayed or of our own making.
//
//   [control] prepare(before, after) ──Keys──► command ──► swap_keys [media]; the old contexts die on
//   [control] [media]   socket ─ open ─► Leg … Leg ─ seal ─► socket
//
// A direction whose key did not change keeps its context: rollover and replay go on over a re-INVITE. Without
// keys both are no-ops. A leg that has keys never sends or takes anything in the clear.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/media/leg_config.hpp"
#include "core/srtp/context.hpp"

namespace tandem::media {

struct LoopCounters;

class LegCrypto {
 public:
  struct Keys {
    std::unique_ptr<srtp::Sender> sender;
    std::unique_ptr<srtp::Receiver> receiver;
    bool new_sender = false, new_receiver = false;  // also with none: back to plain RTP
  };
  struct Counts {
    std::uint64_t forged = 0, replayed = 0;
  };

  // [control] What has to change from one configuration to the next; `ssrc` is the one we send with. Errors
  // as of srtp::Sender::create.
  static Result<Keys> prepare(const std::optional<SrtpConfig>& before, const std::optional<SrtpConfig>& after,
                              std::uint32_t ssrc);

  // [media] Takes what is new; the old contexts come back in `keys`.
  void swap_keys(Keys& keys);

  // [media] False: drop the packet; it was counted.
  [[nodiscard]] bool open_rtp(std::span<std::uint8_t>& packet, LoopCounters& counters);
  [[nodiscard]] bool open_rtcp(std::span<std::uint8_t>& packet, LoopCounters& counters);

  // [media] Seals the first `bytes` of `buffer`, which has srtp::kTrailerBytesMax more; the new length. 0:
  // must not be sent; it was counted.
  [[nodiscard]] std::size_t seal_rtp(std::span<std::uint8_t> buffer, std::size_t bytes,
                                     LoopCounters& counters);
  [[nodiscard]] std::size_t seal_rtcp(std::span<std::uint8_t> buffer, std::size_t bytes,
                                      LoopCounters& counters);

  // [media] A packet comes, or goes, soon: what it needs is fetched from memory meanwhile.
  void expect_packet() const {
    if (receiver_ != nullptr) receiver_->expect();
  }
  void expect_send() const {
    if (sender_ != nullptr) sender_->expect();
  }

  const Counts& counts() const { return counts_; }

 private:
  bool judge(srtp::Verdict verdict, LoopCounters& counters);
  std::unique_ptr<srtp::Sender> sender_;
  std::unique_ptr<srtp::Receiver> receiver_;
  Counts counts_;
};

}  // namespace tandem::media
