// Concealment: makes up lost audio for codecs that cannot (G.711): the last pitch period is repeated, more
// periods the longer it lasts, faded out by 60 ms, and merged into what comes next. The idea
// is that of ITU-T G.711 Appendix I, without its 3.75 ms of added delay.
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

  void begin();
  std::size_t find_pitch() const;
  float next_sample();
  void merge(std::span<std::int16_t> pcm);
  void remember(std::span<const std::int16_t> pcm);

  unsigned rate_;
  std::size_t size_;  // of the history in use
  std::size_t pitch_min_, pitch_max_;
  std::array<std::int16_t, kHistory> history_{};  // newest last, at size_ - 1
  std::array<std::int16_t, kHistory> source_{};   // the history when the loss began: what is repeated
  std::size_t pitch_ = 1;
  std::size_t at_ = 0;  // in the cycle of periods_ pitch periods at the end of source_
  std::size_t periods_ = 1;
  std::size_t made_ = 0;  // samples made up in this loss
  float step_ = 0;        // between the last sample heard and what the cycle would have had there
  bool heard_ = false;
  bool making_ = false;
  bool splice_ = false;
};
static_assert(sizeof(Concealment) <= 4096);

}  // namespace tandem::audio
