// The units of RTP as strong types: SeqNum, RtpTime, Ssrc. Sequence numbers and timestamps live on a circle:
// differences are signed and right across the wrap, and there is no operator< to misuse (RFC 3550 5.1, RFC
// 1982). Thread: [any], plain values. Not here: extended sequence numbers, which belong to RxStream.
#pragma once

#include <cstdint>

namespace tandem::rtp {

// A 16-bit sequence number on its circle.
class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(std::uint16_t value) : value_(value) {}
  constexpr std::uint16_t value() const { return value_; }

  // The number `steps` further (steps < 0: back), across the wrap.
  constexpr SeqNum plus(int steps) const {
    return SeqNum(static_cast<std::uint16_t>(value_ + static_cast<std::uint32_t>(steps)));
  }
  constexpr SeqNum next() const { return plus(1); }

  // Signed distance from b to a by the shorter way, -32768 … 32767: 1 - 65535 is 2.
  friend constexpr int operator-(SeqNum a, SeqNum b) {
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(a.value_ - b.value_));
  }
  constexpr bool is_after(SeqNum other) const { return *this - other > 0; }
  constexpr bool is_before(SeqNum other) const { return *this - other < 0; }
  friend constexpr bool operator==(SeqNum, SeqNum) = default;

 private:
  std::uint16_t value_ = 0;
};

// A 32-bit media timestamp on its circle, in ticks of the payload's clock.
class RtpTime {
 public:
  constexpr RtpTime() = default;
  constexpr explicit RtpTime(std::uint32_t value) : value_(value) {}
  constexpr std::uint32_t value() const { return value_; }

  // The time `ticks` later (ticks < 0: earlier), across the wrap.
  constexpr RtpTime plus(std::int64_t ticks) const {
    return RtpTime(static_cast<std::uint32_t>(value_ + static_cast<std::uint64_t>(ticks)));
  }

  // Signed distance in ticks from b to a by the shorter way.
  friend constexpr std::int32_t operator-(RtpTime a, RtpTime b) {
    return static_cast<std::int32_t>(a.value_ - b.value_);
  }
  constexpr bool is_after(RtpTime other) const { return *this - other > 0; }
  constexpr bool is_before(RtpTime other) const { return *this - other < 0; }
  friend constexpr bool operator==(RtpTime, RtpTime) = default;

 private:
  std::uint32_t value_ = 0;
};

// A synchronization source identifier. 0 is a legal one, if unlucky.
class Ssrc {
 public:
  constexpr Ssrc() = default;
  constexpr explicit Ssrc(std::uint32_t value) : value_(value) {}
  constexpr std::uint32_t value() const { return value_; }
  friend constexpr bool operator==(Ssrc, Ssrc) = default;

 private:
  std::uint32_t value_ = 0;
};

}  // namespace tandem::rtp
