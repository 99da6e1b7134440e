// Line: a sender, a network and a leg on a counted clock, for the tests of the jitter buffer.
// send() puts one packet on the wire; run_until() lets the leg pull one frame each tick and notes what it
// got.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/jitter/jitter_buffer.hpp"

namespace tandem::jitter::testing {

struct Sent {
  std::int64_t at_ms = 0;  // arrival
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ticks = 160;
  std::uint32_t ssrc = 1;
  bool pauses = false;
};

struct Heard {
  std::int64_t at_ms = 0;
  Pull kind = Pull::waiting;
  std::uint32_t timestamp = 0;
  std::uint32_t ticks = 0;
  bool restarted = false;
};

class Line {
 public:
  explicit Line(JitterConfig config = {}, int tick_ms = 20, std::size_t blocks = 200)
      : pool(blocks), buffer(pool, config), tick_ms_(tick_ms) {}

  static TimePoint at(std::int64_t ms) { return TimePoint(seconds(1000) + milliseconds(ms)); }

  Push send(const Sent& sent) {
    const std::uint8_t payload[4] = {static_cast<std::uint8_t>(sent.sequence >> 8),
                                     static_cast<std::uint8_t>(sent.sequence), 0, 0};
    return buffer.push({.sequence = sent.sequence,
                        .timestamp = sent.timestamp,
                        .ssrc = sent.ssrc,
                        .ticks = sent.ticks,
                        .clock_rate = 8000,
                        .pauses = sent.pauses},
                       payload, at(sent.at_ms));
  }

  // Plays from where it was to `end_ms`, taking in `packets` (sorted by arrival here) on the way.
  void run(std::vector<Sent> packets, std::int64_t end_ms, Quiet quiet = Quiet::no) {
    std::stable_sort(packets.begin(), packets.end(), [](auto& a, auto& b) { return a.at_ms < b.at_ms; });
    auto next = packets.begin();
    const auto frame = static_cast<std::uint32_t>(tick_ms_ * 8);
    for (; now_ms_ < end_ms; now_ms_ += tick_ms_) {
      for (; next != packets.end() && next->at_ms <= now_ms_; ++next) verdicts.push_back(send(*next));
      while (have_ < frame) {
        const Pulled pulled = buffer.pull(at(now_ms_), frame - have_, quiet);
        heard.push_back({now_ms_, pulled.kind, pulled.timestamp, pulled.ticks, pulled.restarted});
        have_ += pulled.ticks;
      }
      have_ -= frame;
    }
  }

  std::vector<std::uint32_t> played() const {
    std::vector<std::uint32_t> timestamps;
    for (const Heard& h : heard)
      if (h.kind == Pull::packet) timestamps.push_back(h.timestamp);
    return timestamps;
  }
  int count(Pull kind) const {
    return static_cast<int>(
        std::count_if(heard.begin(), heard.end(), [&](auto& h) { return h.kind == kind; }));
  }
  int verdicts_of(Push verdict) const {
    return static_cast<int>(std::count(verdicts.begin(), verdicts.end(), verdict));
  }

  PayloadPool pool;
  JitterBuffer buffer;
  std::vector<Heard> heard;
  std::vector<Push> verdicts;

 private:
  int tick_ms_;
  std::int64_t now_ms_ = 0;
  std::uint32_t have_ = 0;
};

// `n` packets 20 ms apart, arriving without jitter, numbered from any place.
inline std::vector<Sent> steady(int n, std::uint16_t sequence = 0, std::uint32_t timestamp = 0) {
  std::vector<Sent> packets;
  for (int i = 0; i < n; ++i)
    packets.push_back({.at_ms = i * 20,
                       .sequence = static_cast<std::uint16_t>(sequence + i),
                       .timestamp = timestamp + static_cast<std::uint32_t>(i) * 160});
  return packets;
}

}  // namespace tandem::jitter::testing
