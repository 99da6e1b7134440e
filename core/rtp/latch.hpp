// Latch: from whom we take media and to whom we send it (symmetric RTP, RFC 4961; "comedia").
//
//   SDP ──reset(announced)──► learning ──window over, or the announced source seen──► locked
//                                │ a better source within the window: relearn           │ others: strangers,
//                                dropped
//
// Better: the announced address and port; then the announced host with another port; then any. Among equals,
// the one with the SSRC of the present source (a NAT that moved), or any once the present one has fallen
// silent. When nothing came within the window, the first source after it is taken and locked at once. A
// locked source whose host sends the same SSRC from another port after kMovedAfter of silence is followed;
// the announced source may claim its place always. Ask only with packets that parsed as RTP with a negotiated
// payload type (or as RTCP). Thread: [media], one owner; no allocation, no clock.
#pragma once

#include <cstdint>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/rtp/units.hpp"

namespace tandem::rtp {

enum class LatchVerdict : std::uint8_t {
  accept,    // of the peer
  relearn,   // of the peer, and remote() is another address from now on
  stranger,  // drop; counted
};

class Latch {
 public:
  static constexpr Nanos kSilentAfter = milliseconds(500);
  static constexpr Nanos kMovedAfter = seconds(2);

  struct Config {
    Address announced;             // the SDP's; invalid or unspecified: unknown
    bool symmetric = true;         // false: send to the announced address always, take from its host only
    Nanos window = seconds(5);     // how long another source may still win
    bool sends_elsewhere = false;  // what is learned is whom we hear; we send to the announced address always
  };

  Latch() = default;

  // An SDP took effect. When `announced` is the one known already, what was learned stays (a re-INVITE that
  // changes nothing must not open a window); otherwise learning begins anew, the present source being taken
  // until another comes. [media]
  void reset(const Config& config, TimePoint now);

  // Who it is has been told by other means (ICE, RFC 8445): from here on this one and no other, until
  // reset(). [media]
  void pin(const Address& source, TimePoint now);
  bool pinned() const { return pinned_; }

  // Judges a packet by its source. [media]
  [[nodiscard]] LatchVerdict check(const Address& source, Ssrc ssrc, TimePoint now);

  // Where to send: the learned source, or the announced address until one is learned. Invalid: nowhere yet.
  // [media]
  const Address& remote() const { return learned_ && !elsewhere_ ? source_ : announced_; }
  // Whom we hear, or shall hear. [media]
  const Address& source() const { return learned_ ? source_ : announced_; }

  bool learned() const { return learned_; }
  bool locked() const { return locked_; }
  std::uint64_t strangers() const { return strangers_; }

 private:
  enum class Rank : std::uint8_t { any, host, exact };
  Rank rank(const Address& source) const;
  LatchVerdict take(const Address& source, Ssrc ssrc, TimePoint now);
  LatchVerdict judge_other(const Address& source, Ssrc ssrc, TimePoint now);
  LatchVerdict refuse();

  // What every packet of the peer touches, in one cache line.
  bool symmetric_ = true, elsewhere_ = false;
  bool learned_ = false;
  bool locked_ = false;
  Rank source_rank_ = Rank::any;
  Ssrc ssrc_;
  Address source_;
  TimePoint heard_at_{};
  TimePoint window_end_{};

  Address announced_;
  Address previous_;  // the source before a re-INVITE, still taken for kSilentAfter
  TimePoint previous_until_{};
  std::uint64_t strangers_ = 0;
  bool pinned_ = false;
};

}  // namespace tandem::rtp
