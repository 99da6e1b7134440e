// L16: bytes swapped, nothing else.
#include "core/codec/l16.hpp"

#include <array>
#include <cstdint>
#include <memory>

#include "tandem/sdk_codec.hpp"

namespace tandem::codec {
namespace {

constexpr std::uint32_t kMaxPayload = 1440;  // RTP over IPv6 in an Ethernet frame

template <std::uint32_t Channels>
struct L16 {
  static constexpr std::uint32_t kUnitBytes = 2 * Channels, kUnitSamples = 1;
  struct Encoder {
    static std::unique_ptr<Encoder> create(std::string_view) { return std::make_unique<Encoder>(); }
    std::int32_t encode(sdk::Pcm pcm, sdk::Bytes out) {
      if (pcm.size() * 2 > out.size() || pcm.size() * 2 > kMaxPayload) return TD_INVALID;
      for (std::size_t i = 0; i < pcm.size(); ++i) {
        const auto bits = static_cast<std::uint16_t>(pcm[i]);
        out[2 * i] = static_cast<std::uint8_t>(bits >> 8);
        out[2 * i + 1] = static_cast<std::uint8_t>(bits & 0xFFu);
      }
      return static_cast<std::int32_t>(pcm.size() * 2);
    }
  };
  struct Decoder {
    static std::unique_ptr<Decoder> create(std::string_view) { return std::make_unique<Decoder>(); }
    std::int32_t decode(sdk::Payload payload, sdk::PcmOut pcm) {
      const std::int32_t samples = payload_samples(payload);
      if (samples < 0 || payload.size() / 2 > pcm.size()) return TD_INVALID;
      for (std::size_t i = 0; i < payload.size() / 2; ++i)
        pcm[i] =
            static_cast<std::int16_t>(static_cast<std::uint16_t>(payload[2 * i] << 8 | payload[2 * i + 1]));
      return samples;
    }
  };
  static std::int32_t payload_samples(sdk::Payload payload) {
    if (payload.size() % (2 * Channels) != 0 || payload.size() > 2 * kMaxPayload) return TD_INVALID;
    return static_cast<std::int32_t>(payload.size() / (2 * Channels));
  }
};

template <std::uint32_t Channels>
constexpr td_codec make(std::uint32_t rate) {
  const std::uint32_t fits_ms = kMaxPayload * 1000 / (rate * Channels * 2) / 10 * 10;
  return sdk::codec_table<L16<Channels>, Channels>({.name = "L16",
                                                    .clock_rate = rate,
                                                    .sample_rate = rate,
                                                    .rtpmap_channels = Channels,
                                                    .frame_samples = rate / 1000,
                                                    .max_payload = kMaxPayload,
                                                    .max_ptime_ms = fits_ms > 60 ? 60 : fits_ms});
}

const td_codec kMono8 = make<1>(8000), kMono16 = make<1>(16000), kMono24 = make<1>(24000),
               kMono32 = make<1>(32000), kMono48 = make<1>(48000);
const td_codec kStereo8 = make<2>(8000), kStereo16 = make<2>(16000), kStereo24 = make<2>(24000),
               kStereo32 = make<2>(32000);
constexpr std::array kAll = {&kMono8,   &kMono16,   &kMono24,   &kMono32,  &kMono48,
                             &kStereo8, &kStereo16, &kStereo24, &kStereo32};

}  // namespace

std::span<const td_codec* const> l16_all() { return kAll; }
const td_codec* l16_8000() { return &kMono8; }

}  // namespace tandem::codec
