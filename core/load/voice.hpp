// Voice: the saying half of a phone: one packet a packet time, stamped or sung, keys between, and the memory
// of when each was sent, which the partner's Ear asks.
//
//   tick ─► next(): stamp + melody bytes | encoded melody | telephone-event | nothing (a pause)
//
// Thread: [any] one owner, the crew's; no allocation after construction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/load/phone_spec.hpp"
#include "core/rtp/telephone_event_sender.hpp"

namespace tandem::load {

class Voice {
 public:
  static void* operator new(std::size_t);
  static void operator delete(void* place) noexcept;

  // `melody` outlives this. `encoder` may be null for marks in the payload and for G.711.
  Voice(const PhoneSpec& spec, const Melody& melody, std::unique_ptr<codec::Encoder> encoder);

  struct Made {
    std::size_t bytes = 0;  // 0: nothing to send in this packet time
    bool stamped = false;   // the payload has a stamp, whose time is still to be written
    Fate fate;
    std::int64_t tick = 0;
  };
  static std::uint32_t ssrc_of(std::uint32_t leg) { return static_cast<std::uint32_t>(mixed(leg)); }

  // The first packet is that of `tick`: members of a room sing by one clock. Before the first next().
  void begin_at(std::int64_t tick) { tick_ = first_tick_ = tick; }

  // What next() reads is fetched into the cache meanwhile.
  void prefetch() const;
  // What its hearer asks with each packet.
  void prefetch_heard() const { __builtin_prefetch(&measured_from_); }

  // One packet time goes by. `out` holds an RTP packet.
  Made next(std::span<std::uint8_t> out);

  // The packet of `tick` went out, or would have.
  void sent(std::int64_t tick, TimePoint at) { sent_at_[static_cast<std::size_t>(tick) % kRemembered] = at; }
  // When what stands at `position` (samples at 8 kHz) went out, for the last 1.28 s.
  std::optional<TimePoint> sent_at(std::int64_t position) const;

  // From the packet due then to the next one, on this phone's own clock.
  Nanos interval(TimePoint due) { return drifts_ ? drifting_interval(due) : interval_; }

  void begin_measure();

  std::int64_t began_at() const { return first_tick_ * packet_samples_; }  // its first position
  std::int64_t position() const { return tick_ * packet_samples_; }
  std::uint32_t counter() const { return counter_; }
  std::uint32_t measured_from() const { return measured_from_; }
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t sent_packets() const { return sent_packets_; }
  std::uint64_t keys() const { return keys_; }  // pressed since the beginning
  std::uint64_t keys_before() const { return keys_before_; }
  StreamPlace place() const { return {ssrc_, time_, seq_}; }
  unsigned payload_bytes() const { return payload_bytes_; }
  const PhoneSpec& spec() const { return spec_; }

 private:
  static constexpr std::size_t kRemembered = 64;
  void count_inband_keys();
  Nanos drifting_interval(TimePoint due);
  std::size_t write_payload(std::span<std::uint8_t> out, bool& stamped);

  // what each packet needs, in two lines of the cache: thousands of phones take turns
  const Melody& melody_;
  const Nanos interval_;
  const std::uint32_t leg_, ssrc_;
  const std::uint32_t packet_ticks_;  // of the RTP clock
  const std::uint32_t payload_bytes_;
  const Marks says_;
  const std::uint8_t payload_type_;
  const bool impaired_, drifts_, presses_, pauses_;
  bool spurt_ = true, keying_ = false;
  std::uint32_t time_;
  std::uint16_t seq_;
  std::uint32_t counter_ = 0, measured_from_ = 0;
  std::int64_t tick_ = 0;
  std::uint64_t sent_packets_ = 0;
  // of some packets
  const std::int64_t packet_samples_;  // at 8 kHz
  std::uint64_t dropped_ = 0, keys_ = 0, keys_before_ = 0;
  std::int64_t first_tick_ = 0;
  std::optional<TimePoint> first_due_;
  std::unique_ptr<codec::Encoder> encoder_;
  const PhoneSpec spec_;
  std::vector<std::int16_t> pcm_;
  Impairment impairment_;
  std::array<TimePoint, kRemembered> sent_at_{};
  rtp::TelephoneEventSender events_;
};

}  // namespace tandem::load
