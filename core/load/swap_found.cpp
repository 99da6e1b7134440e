// SwapFound: all packets are made first, then each swap is one decoder and one Tune over them.
#include "core/load/swap_found.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/codec/coder.hpp"
#include "core/codec/registry.hpp"
#include "core/load/ear.hpp"
#include "core/load/tolerance.hpp"
#include "core/load/tune.hpp"

namespace tandem::load {
namespace {

constexpr unsigned kPacketMs = 20, kPackets = 150;  // 3 s
constexpr unsigned kSwapFrom = 75;                  // and up to 7 later: at other places in a tone and a turn
constexpr unsigned kSwapStepMs = 40, kSwapMaxMs = 600;
using Packets = std::vector<std::vector<std::uint8_t>>;

Result<Packets> said(const td_codec& codec, const Melody& melody, std::uint32_t singer) {
  auto encoder = codec::Encoder::create(&codec, codec.default_fmtp);
  if (!encoder) return encoder.error();
  std::vector<std::int16_t> pcm(codec.sample_rate / 1000 * kPacketMs);
  std::vector<std::uint8_t> out(std::max<std::size_t>(codec.max_payload, 1500));
  Packets packets;
  for (unsigned n = 0; n < kPackets; ++n) {
    melody.sing(singer, static_cast<std::int64_t>(n * pcm.size()), codec.sample_rate, pcm);
    const int bytes = encoder->encode(pcm, out);
    if (bytes <= 0) return Error{ErrorCode::invalid, fmt::format("{} makes no packet of a tone", codec.name)};
    packets.emplace_back(out.begin(), out.begin() + bytes);
  }
  return packets;
}

// What is heard of `own`, with `other` in its place for packets [from, from + count).
Result<SoundFigures> heard(const td_codec& codec, const Melody& melody, std::uint32_t singer,
                           const Packets& own, const Packets& other, unsigned from, unsigned count) {
  auto decoder = codec::Decoder::create(&codec, codec.default_fmtp);
  if (!decoder) return decoder.error();
  Tune tune(melody, singer, {}, tolerance_of(codec.name));
  SoundFigures figures;
  std::vector<std::int16_t> pcm(codec::kMaxFrameSamples * 2);
  std::int64_t at = 0;
  for (unsigned n = 0; n < kPackets; ++n) {
    const int samples = decoder->decode((n >= from && n < from + count ? other : own)[n], pcm);
    if (samples <= 0)
      return Error{ErrorCode::invalid, fmt::format("{} does not decode its own packet", codec.name)};
    const std::size_t size =
        to_8k(std::span(pcm).first(static_cast<std::size_t>(samples)), codec.sample_rate);
    int searches = 1;
    tune.take(at, std::span(pcm).first(size), at + static_cast<std::int64_t>(size), searches, figures);
    at += static_cast<std::int64_t>(size);
  }
  return figures;
}

}  // namespace

Result<std::vector<SwapFound>> swaps_found(const td_codec& codec, const Melody& melody, unsigned pairs) {
  std::vector<Packets> all;
  for (std::uint32_t singer = 0; singer < 2 * pairs; ++singer) {
    auto packets = said(codec, melody, singer);
    if (!packets) return packets.error();
    all.push_back(std::move(*packets));
  }
  std::vector<SwapFound> rows;
  for (unsigned ms = 0; ms <= kSwapMaxMs; ms += kSwapStepMs) {
    SwapFound row{ms, ms == 0 ? 2 * pairs : pairs, 0, 0, 0};
    for (unsigned n = 0; n < row.planted; ++n) {
      const unsigned own = ms == 0 ? n : 2 * n;
      const auto figures =
          heard(codec, melody, own, all[own], all[own ^ 1U], kSwapFrom + n % 8, ms / kPacketMs);
      if (!figures) return figures.error();
      row.told += figures->wrong > 0 ? 1 : 0;
      row.hurt += figures->wrong + figures->clicks + figures->gaps + figures->shifts > 0 ? 1 : 0;
      row.tones += figures->symbols;
    }
    rows.push_back(row);
  }
  return rows;
}

unsigned smallest_swap(const std::vector<SwapFound>& rows, unsigned SwapFound::*which) {
  unsigned ms = 0;
  for (auto row = rows.rbegin(); row != rows.rend() && row->ms > 0 && (*row).*which == row->planted; ++row)
    ms = row->ms;
  return ms;
}

std::string swaps_line(const td_codec& codec, const std::vector<SwapFound>& rows) {
  std::string out =
      fmt::format("{{\"codec\": \"{}\", \"smallest_told_ms\": {}, \"smallest_hurt_ms\": {}, \"swaps\": [",
                  codec.name, smallest_swap(rows, &SwapFound::told), smallest_swap(rows, &SwapFound::hurt));
  for (const SwapFound& row : rows)
    out += fmt::format("{}{{\"ms\": {}, \"planted\": {}, \"told\": {}, \"hurt\": {}, \"tones\": {}}}",
                       row.ms == 0 ? "" : ", ", row.ms, row.planted, row.told, row.hurt, row.tones);
  return out + "]}";
}

}  // namespace tandem::load
