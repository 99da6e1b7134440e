// bcg729's comfort noise: with it Linphone describes pauses and plays them, whatever the codec of the speech
// is.
extern "C" {
#include <bcg729/decoder.h>
#include <bcg729/encoder.h>
}

#include <array>
#include <memory>

#include "tests/audio/foreign/noise_peer.hpp"

namespace tandem::testing {
namespace {

constexpr std::size_t kFrame = 80;

std::vector<std::uint8_t> describe(std::span<const std::int16_t> pcm, unsigned) {
  const std::unique_ptr<bcg729EncoderChannelContextStruct, void (*)(bcg729EncoderChannelContextStruct*)>
      encoder(initBcg729EncoderChannel(1), closeBcg729EncoderChannel);
  std::vector<std::uint8_t> payload;
  for (; pcm.size() >= kFrame; pcm = pcm.subspan(kFrame)) {
    std::array<std::uint8_t, 10> bits{};
    std::uint8_t bytes = 0;
    bcg729Encoder(encoder.get(), pcm.data(), bits.data(), &bytes);
    if (bytes != 2) continue;
    payload.resize(11);
    bcg729GetRFC3389Payload(encoder.get(), payload.data());
  }
  return payload;
}

std::vector<std::int16_t> play(std::span<const std::uint8_t> payload, unsigned, std::size_t samples) {
  const std::unique_ptr<bcg729DecoderChannelContextStruct, void (*)(bcg729DecoderChannelContextStruct*)>
      decoder(initBcg729DecoderChannel(), closeBcg729DecoderChannel);
  std::vector<std::int16_t> pcm((samples + kFrame - 1) / kFrame * kFrame);
  for (std::size_t at = 0; at < pcm.size(); at += kFrame) {
    const bool told = at % 800 == 0;
    bcg729Decoder(decoder.get(), told ? payload.data() : nullptr,
                  told ? static_cast<std::uint8_t>(payload.size()) : 0, told ? 0 : 1, 1, 1, pcm.data() + at);
  }
  return pcm;
}

}  // namespace

NoisePeer bcg729_noise() { return {"bcg729", {8000}, 6, -6, true, 4, describe, play}; }

}  // namespace tandem::testing
