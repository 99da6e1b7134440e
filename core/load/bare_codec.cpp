// BareCost: encoders first, their packets then to decoders.
#include "core/load/bare_codec.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <vector>

#include "core/codec/coder.hpp"

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

}  // namespace

Result<BareCost> bare_cost(const td_codec& codec, unsigned coders, unsigned ptime_ms, Nanos span,
                           const Melody& melody) {
  const std::size_t n = std::clamp<std::size_t>(coders, 1, kCodersMax);
  const std::size_t samples = codec.sample_rate / 1000 * ptime_ms;
  std::vector<codec::Encoder> encoders;
  std::vector<codec::Decoder> decoders;
  for (std::size_t i = 0; i < n; ++i) {
    auto encoder = codec::Encoder::create(&codec, codec.default_fmtp);
    if (!encoder) return encoder.error();
    auto decoder = codec::Decoder::create(&codec, codec.default_fmtp);
    if (!decoder) return decoder.error();
    encoders.push_back(std::move(*encoder));
    decoders.push_back(std::move(*decoder));
  }
  std::vector<std::vector<std::uint8_t>> packets(n * kRounds);
  std::vector<std::int16_t> pcm(std::max(samples, kFrameMax));
  std::vector<std::uint8_t> out(std::max<std::size_t>(codec.max_payload, 1500));
  BareCost cost;
  Nanos took{0};
  std::size_t done = 0;
  for (std::size_t round = 0; took < span || round < kRounds; ++round) {
    for (std::size_t i = 0; i < n; ++i, ++done) {
      melody.sing(static_cast<std::uint32_t>(i), static_cast<std::int64_t>(round * samples),
                  codec.sample_rate, std::span(pcm).first(samples));
      const Nanos before = spent();
      const int bytes = encoders[i].encode(std::span(pcm).first(samples), out);
      took += spent() - before;
      if (bytes <= 0)
        return Error{ErrorCode::invalid, fmt::format("{} makes no packet of a tone", codec.name)};
      if (round < kRounds) packets[round * n + i].assign(out.begin(), out.begin() + bytes);
    }
  }
  cost.encode_us = us_of(took, done);
  took = Nanos(0);
  done = 0;
  for (std::size_t round = 0; took < span || round < kRounds; ++round) {
    for (std::size_t i = 0; i < n; ++i, ++done) {
      const Nanos before = spent();
      const int got = decoders[i].decode(packets[round % kRounds * n + i], pcm);
      took += spent() - before;
      if (got <= 0)
        return Error{ErrorCode::invalid, fmt::format("{} does not decode its own packet", codec.name)};
    }
  }
  cost.decode_us = us_of(took, done);
  return cost;
}

}  // namespace tandem::load
