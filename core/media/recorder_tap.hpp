// RecorderTap: the media side of one recording: takes what a leg says and hears, frame by frame on the leg's
// clock, into a ring; session::RecordingWriter [io] empties it into a file.
//
//   said ─┐ mono: mixed; stereo: left said, right heard
//   heard ┴──► SampleRing ──► [io] WAV
//
// Clock-driven: a frame is written for every tick, silence where packets are missing or while paused, so both
// channels stay aligned. Made on [control], fed on [media], shared with the writer until it is closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "core/audio/level.hpp"
#include "core/media/ids.hpp"
#include "core/media/sample_ring.hpp"

namespace tandem::media {

class RecorderTap {
 public:
  struct Spec {
    RecordingId id = 0;
    std::uint32_t rate = 8000;
    bool stereo = false;
    bool heard_too = true;            // mono only: false records what the leg says alone
    std::uint64_t limit_samples = 0;  // 0: none
    std::uint32_t silence_ms = 0;     // ends after so much silence of the leg; 0: never
  };

  explicit RecorderTap(const Spec& spec);

  // [media] One frame of each, of the same length. Ignored once closed.
  void feed(std::span<const std::int16_t> said, std::span<const std::int16_t> heard);
  // [media] While paused, silence is written.
  void set_paused(bool paused) { paused_ = paused; }
  // [media] No more will come; the first reason stands.
  void close(RecordEnd reason);

  // [media] Ended by itself (limit, silence) or by close().
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  // [any] after closed()
  RecordEnd end() const { return end_; }

  // [any]
  RecordingId id() const { return spec_.id; }
  const Spec& spec() const { return spec_; }
  SampleRing& ring() { return ring_; }

 private:
  const Spec spec_;
  // owned
  SampleRing ring_;
  // state
  bool paused_ = false;
  std::uint64_t written_ = 0;  // samples per channel
  audio::SilenceDetector silence_;
  RecordEnd end_ = RecordEnd::stopped;
  std::atomic<bool> closed_{false};
};

}  // namespace tandem::media
