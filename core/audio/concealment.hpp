// Concealment: makes up lost audio for codecs that cannot (G.711): the last pitch period is repeated, more
// periods the longer it lasts, faded out by 60 ms, and merged into what comes next. After ITU-T G.711
// Appendix I, but without its 3.75 ms of added delay.
//
//   decoded ──good()──► merged in place, remembered         lost ──conceal()──► made-up PCM
//
// Thread: [media]. Mono. Not here: deciding what is lost (core/jitter).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::audio {

class Concealment {
 public:
  // [any] sample_rate 8000 or 16000; what is higher is concealed as 16000 would be (shorter history).
  explicit Concealment(unsigned sample_rate);

  // [media] A good frame, of any length: after a loss its beginning is overlapped with the made-up signal.
  void good(std::span<std::int16_t> pcm);

  // [media] Fills `out` for a lost stretch, of any length; silence when nothing good was heard yet.
  void conceal(std::span<std::int16_t> out);

  // [media] The next good frame does not follow what was heard (packets were left out): overlap it as well.
  void splice();

  // [media] Forgets what was heard.
  void reset();

 private:
  static constexpr std::size_t kHistory = 780;  // 48.75 ms at 16 kHz
  static constexpr std::size_t kMaxOverlap = 160;

  void start();
  std::size_t find_pitch() const;
  void make_cycle(unsigned periods);
  std::int16_t next_sample();

  unsigned rate_;
  std::size_t history_size_;
  std::size_t pitch_min_, pitch_max_;
  std::array<std::int16_t, kHistory> history_{};  // newest last
  std::array<std::int16_t, kHistory> cycle_{};    // what is repeated
  std::array<std::int16_t, kMaxOverlap> tail_{};  // the end of what was heard, for the overlap
  std::size_t pitch_ = 0;
  std::size_t cycle_size_ = 0;
  std::size_t cycle_at_ = 0;
  std::size_t lost_ = 0;  // samples made up in this loss
  unsigned periods_ = 0;
  bool heard_ = false;
};
static_assert(sizeof(Concealment) <= 4096);

}  // namespace tandem::audio
