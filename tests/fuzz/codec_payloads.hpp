// The driver that all codec plugins' fuzz targets share: a run of payloads of any bytes through one decoder,
// with losses between them, one codec of the plugin after the first byte.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "core/codec/coder.hpp"

namespace tandem::fuzz {

inline int codec_payloads(const td_plugin* plugin, const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::uint32_t count = 0;
  while (plugin->interface(TD_CODEC_ID, count) != nullptr) ++count;
  const auto* codec = static_cast<const td_codec*>(plugin->interface(TD_CODEC_ID, data[0] % count));
  static constexpr const char* kFmtps[] = {
      "",
      "octet-align=1",
      "stereo=1;usedtx=1;useinbandfec=1",
      "annexb=yes",
      "octet-align=1;mode-set=0,2,4,7;mode-change-period=2;mode-change-neighbor=1",
      "mode-set=1"};
  const char* fmtp = kFmtps[data[1] % std::size(kFmtps)];
  data += 2, size -= 2;
  auto decoder = codec::Decoder::create(codec, fmtp);
  auto encoder = codec::Encoder::create(codec, fmtp);
  if (!decoder || !encoder) return 0;
  while (size >= 2) {
    const std::size_t bytes = data[0] < size - 2 ? data[0] : size - 2;
    const std::size_t capacity = std::size_t{data[1]} * 24 * codec->channels;
    const std::vector<std::uint8_t> payload(data + 2, data + 2 + bytes);
    data += 2 + bytes, size -= 2 + bytes;
    std::vector<std::int16_t> pcm(capacity);
    const int most = static_cast<int>(capacity / codec->channels);
    if (decoder->recover(payload, pcm) > most) std::abort();
    if (decoder->decode(payload, pcm) > most) std::abort();
    if (decoder->conceal(pcm) > most) std::abort();
    // What the peer asked for is obeyed in what is sent next.
    encoder->heed(payload);
    std::vector<std::int16_t> said(std::size_t{codec->sample_rate} / 50 * codec->channels, 1000);
    std::vector<std::uint8_t> sent(codec->max_payload);
    if (encoder->encode(said, sent) > static_cast<int>(sent.size())) std::abort();
    (void)codec::pauses(*codec, payload);
    const td_str part{reinterpret_cast<const char*>(payload.data()), payload.size()};
    const td_str parts[] = {part, part};
    std::vector<std::uint8_t> out(bytes * 2 + 8);
    const auto whole = codec->payload_samples(payload.data(), static_cast<std::uint32_t>(payload.size()));
    for (const std::int32_t from : {0, whole / 2})
      if (whole > 0 && codec::repacket(*codec, parts, static_cast<std::uint32_t>(from),
                                       static_cast<std::uint32_t>(whole), out) > static_cast<int>(out.size()))
        std::abort();
    (void)codec::payload_ticks(*codec, payload);
  }
  return 0;
}

}  // namespace tandem::fuzz
