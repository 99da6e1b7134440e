// BareCost: in a row, encoders first, their packets then to decoders; as calls, each when its packet is due.
#include "core/load/bare_codec.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

constexpr std::size_t kRounds = 25;  // packets that each coder has in store: half a second
constexpr std::size_t kFrameMax = 5760, kCodersMax = 10'000;

Nanos spent() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return seconds(t.tv_sec) + Nanos(t.tv_nsec);
}

double us_of(Nanos span, std::size_t packets) {
  return std::chrono::duration<double, std::micro>(span).count() / static_cast<double>(packets);
}

void wait_until(TimePoint at) {
  const auto whole = std::chrono::duration_cast<seconds>(at.time_since_epoch());
  const timespec t{whole.count(), (at.time_since_epoch() - whole).count()};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) continue;
}

class Coders {
 public:
  static Result<Coders> create(const td_codec& codec, std::size_t count, unsigned ptime_ms,
                               const Melody& melody) {
    Coders made(codec, codec.sample_rate / 1000 * ptime_ms, melody);
    for (std::size_t i = 0; i < count; ++i) {
      auto encoder = codec::Encoder::create(&codec, codec.default_fmtp);
      if (!encoder) return encoder.error();
      auto decoder = codec::Decoder::create(&codec, codec.default_fmtp);
      if (!decoder) return decoder.error();
      made.encoders_.push_back(std::move(*encoder));
      made.decoders_.push_back(std::move(*decoder));
    }
    return made;
  }
  std::size_t count() const { return encoders_.size(); }
  double encode_us() const { return us_of(encoding_, encoded_); }
  double decode_us() const { return us_of(decoding_, decoded_); }
  Nanos encoding() const { return encoding_; }
  Nanos decoding() const { return decoding_; }

  // The packet of `round`; it stays good until the next call.
  Result<std::span<const std::uint8_t>> encode(std::size_t i, std::size_t round) {
    const std::span<std::int16_t> pcm = std::span(pcm_).first(samples_);
    melody_.sing(static_cast<std::uint32_t>(i), static_cast<std::int64_t>(round * samples_),
                 codec_.sample_rate, pcm);
    const Nanos before = spent();
    const int bytes = encoders_[i].encode(pcm, out_);
    encoding_ += spent() - before;
    ++encoded_;
    if (bytes <= 0)
      return Error{ErrorCode::invalid, fmt::format("{} makes no packet of a tone", codec_.name)};
    return std::span<const std::uint8_t>(out_).first(static_cast<std::size_t>(bytes));
  }
  Result<void> decode(std::size_t i, std::span<const std::uint8_t> packet) {
    const Nanos before = spent();
    const int got = decoders_[i].decode(packet, pcm_);
    decoding_ += spent() - before;
    ++decoded_;
    if (got <= 0)
      return Error{ErrorCode::invalid, fmt::format("{} does not decode its own packet", codec_.name)};
    return {};
  }

 private:
  Coders(const td_codec& codec, std::size_t samples, const Melody& melody)
      : codec_(codec),
        melody_(melody),
        samples_(samples),
        pcm_(std::max(samples, kFrameMax)),
        out_(std::max<std::size_t>(codec.max_payload, 1500)) {}

  const td_codec& codec_;
  const Melody& melody_;
  std::vector<codec::Encoder> encoders_;
  std::vector<codec::Decoder> decoders_;
  std::size_t samples_;
  std::vector<std::int16_t> pcm_;
  std::vector<std::uint8_t> out_;
  Nanos encoding_{0}, decoding_{0};
  std::size_t encoded_ = 0, decoded_ = 0;
};

Result<void> work_in_a_row(Coders& coders, Nanos span) {
  const std::size_t n = coders.count();
  std::vector<std::vector<std::uint8_t>> packets(n * kRounds);
  for (std::size_t round = 0; coders.encoding() < span || round < kRounds; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto packet = coders.encode(i, round);
      if (!packet) return packet.error();
      if (round < kRounds) packets[round * n + i].assign(packet->begin(), packet->end());
    }
  }
  for (std::size_t round = 0; coders.decoding() < span || round < kRounds; ++round)
    for (std::size_t i = 0; i < n; ++i)
      if (auto good = coders.decode(i, packets[round % kRounds * n + i]); !good) return good;
  return {};
}

Result<void> work_as_calls(Coders& coders, unsigned ptime_ms, Nanos span) {
  const std::size_t n = coders.count();
  const Nanos step = Nanos(milliseconds(ptime_ms)) / static_cast<std::int64_t>(2 * n);
  const TimePoint begun = loop::monotonic_now();
  TimePoint due = begun;
  std::vector<std::uint8_t> sent;
  for (std::size_t round = 0; due - begun < span; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      wait_until(due += step);
      const auto packet = coders.encode(i, round);
      if (!packet) return packet.error();
      sent.assign(packet->begin(), packet->end());
      wait_until(due += step);
      if (auto good = coders.decode(i, sent); !good) return good;
    }
  }
  return {};
}

}  // namespace

Result<BareCost> bare_cost(const td_codec& codec, unsigned coders, unsigned ptime_ms, Nanos span,
                           const Melody& melody, Pace pace) {
  auto all = Coders::create(codec, std::clamp<std::size_t>(coders, 1, kCodersMax), ptime_ms, melody);
  if (!all) return all.error();
  auto good = pace == Pace::in_a_row ? work_in_a_row(*all, span) : work_as_calls(*all, ptime_ms, span);
  if (!good) return good.error();
  return BareCost{all->encode_us(), all->decode_us()};
}

}  // namespace tandem::load
