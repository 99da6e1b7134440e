// WebRTC's comfort noise: what NetEq plays, and what its audio coding module sends, in frames of 10 ms.
#include "modules/audio_coding/codecs/cng/webrtc_cng.h"
#include "tests/audio/foreign/noise_peer.hpp"

namespace tandem::testing {
namespace {

std::vector<std::uint8_t> describe(std::span<const std::int16_t> pcm, unsigned rate) {
  webrtc::ComfortNoiseEncoder encoder(static_cast<int>(rate), 100, 8);
  std::vector<std::uint8_t> payload;
  const std::size_t frame = rate / 100;
  for (; pcm.size() >= frame; pcm = pcm.subspan(frame)) {
    rtc::Buffer out;
    if (encoder.Encode(rtc::ArrayView<const int16_t>(pcm.data(), frame), false, &out) > 0)
      payload.assign(out.data(), out.data() + out.size());
  }
  return payload;
}

std::vector<std::int16_t> play(std::span<const std::uint8_t> payload, unsigned rate, std::size_t samples) {
  webrtc::ComfortNoiseDecoder decoder;
  const std::size_t frame = rate / 100;
  std::vector<std::int16_t> pcm((samples + frame - 1) / frame * frame);
  for (std::size_t at = 0; at < pcm.size(); at += frame) {
    if (at % (10 * frame) == 0) decoder.UpdateSid({payload.data(), payload.size()});
    if (!decoder.Generate({pcm.data() + at, frame}, at == 0)) return {};
  }
  return pcm;
}

}  // namespace

NoisePeer webrtc_noise() { return {"WebRTC", {8000, 16000}, 0, 0, false, 3, describe, play}; }

}  // namespace tandem::testing
