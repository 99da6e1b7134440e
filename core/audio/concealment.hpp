// Concealment: makes up lost audio for codecs that cannot (G.711): the last pitch period is repeated, more
// periods the longer it lasts, faded out by 100 ms, and merged into what comes next. The idea
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

  // How many samples shorter or longer the first good frame after a loss may become, to be in phase.
  struct Room {
    std::size_t shorter = 0, longer = 0;
  };

  // [media] A good frame, of any length: after a loss its beginning is overlapped with the made-up signal.
  void good(std::span<std::int16_t> pcm) { (void)good(pcm, pcm.size(), {}); }
  // [media] The same for the first `samples` of `pcm`, where the overlap may be moved to where both signals
  // are most alike. `pcm` holds room.longer more. Samples there are now; the same unless a loss has just
  // ended.
  [[nodiscard]] std::size_t good(std::span<std::int16_t> pcm, std::size_t samples, Room room);

  // [media] Fills `out` for a lost stretch, of any length; silence when nothing good was heard yet.
  void conceal(std::span<std::int16_t> out);

  // [media] The same with the period that another channel of the same sound has; the loss has begun there.
  void conceal(std::span<std::int16_t> out, const Concealment& other);

  // [media] The same where what follows is known: `next`, at least 5 ms, is the beginning of the next good
  // frame and will be given to good(). At most 25 ms at 16 kHz, else it is as conceal().
  void bridge(std::span<std::int16_t> out, std::span<const std::int16_t> next);

  // [media] The next good frame does not follow what was heard (packets were left out): overlap it as well.
  void splice();

  // [media] Forgets what was heard.
  void reset();

  // [media] A loss is being concealed: the next good frame will be overlapped.
  bool making() const { return making_ || splice_; }
  // [media] Energy of what was heard in the last 40 ms or so.
  double loudness() const;
  // [any] The longest period of a voice that is looked for, in samples: as much room as merging can use.
  std::size_t longest_pitch() const { return pitch_max_; }

 private:
  static constexpr std::size_t kHistory = 780;  // 48.75 ms at 16 kHz
  static constexpr std::size_t kRing = 60;      // a quarter of the longest pitch at 16 kHz

  static constexpr std::size_t kBridge = 640;  // what a bridge looks at: 20 ms and room to meet, at 16 kHz

  // `at`: of what goes on, what was then played; how alike it is there with what it meets.
  struct Meeting {
    std::size_t at = 0;
    float alike = 0;
  };

  void begin() { begin(find_pitch()); }
  void begin(std::size_t pitch);
  void ring_on();
  std::size_t find_pitch() const;
  float decline() const;
  float next_raw();
  float gain() const;
  float next_sample();
  std::size_t period_of(std::span<const std::int16_t> next) const;
  Meeting meet(const float* forward, std::size_t n, std::size_t most, std::span<const std::int16_t> next,
               std::size_t window) const;
  std::size_t merge(std::span<std::int16_t> pcm, std::size_t samples, Room room);
  void remember(std::span<const std::int16_t> pcm);

  unsigned rate_;
  std::size_t size_;  // of the history in use
  std::size_t pitch_min_, pitch_max_;
  std::array<std::int16_t, kHistory> history_{};  // newest last, at size_ - 1
  std::array<std::int16_t, kHistory> source_{};   // the history when the loss began: what is repeated
  std::size_t pitch_ = 1;
  std::size_t at_ = 0;  // in the cycle of periods_ pitch periods at the end of source_
  std::size_t periods_ = 1;
  std::size_t made_ = 0;             // samples made up in this loss
  float level_ = 1, decline_ = 1;    // of a voice that was fading, and by what a sample
  std::array<float, kRing> ring_{};  // how what was heard would ring on: the cycle fades in over it
  bool heard_ = false;
  bool making_ = false;
  bool splice_ = false;
};
static_assert(sizeof(Concealment) <= 4096);

}  // namespace tandem::audio
