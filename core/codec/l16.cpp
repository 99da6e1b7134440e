// L16 at 8 kHz mono: bytes swapped, nothing else.
#include "core/codec/l16.hpp"

#include <cstdint>

namespace tandem::codec {
namespace {

constexpr std::uint32_t kMaxSamples = 480;  // 60 ms
char stateless;                             // its address is every coder's handle

std::int32_t encode(td_encoder*, const std::int16_t* pcm, std::uint32_t samples, std::uint8_t* out,
                    std::uint32_t capacity) noexcept {
  if (samples > kMaxSamples || samples * 2 > capacity) return TD_INVALID;
  for (std::uint32_t i = 0; i < samples; ++i) {
    const auto bits = static_cast<std::uint16_t>(pcm[i]);
    out[2 * i] = static_cast<std::uint8_t>(bits >> 8);
    out[2 * i + 1] = static_cast<std::uint8_t>(bits & 0xFFu);
  }
  return static_cast<std::int32_t>(samples * 2);
}

std::int32_t decode(td_decoder*, const std::uint8_t* payload, std::uint32_t bytes, std::int16_t* pcm,
                    std::uint32_t capacity) noexcept {
  if (bytes == 0 || bytes % 2 != 0 || bytes / 2 > capacity) return TD_INVALID;
  for (std::uint32_t i = 0; i < bytes / 2; ++i)
    pcm[i] = static_cast<std::int16_t>(static_cast<std::uint16_t>(payload[2 * i] << 8 | payload[2 * i + 1]));
  return static_cast<std::int32_t>(bytes / 2);
}

constexpr td_codec make_codec() {
  td_codec codec{};
  codec.size = sizeof(td_codec);
  codec.name = "L16";
  codec.static_type = -1;
  codec.clock_rate = codec.sample_rate = 8000;
  codec.rtpmap_channels = codec.channels = 1;
  codec.frame_samples = 8;
  codec.max_payload = kMaxSamples * 2;
  codec.default_fmtp = "";
  codec.fmtp_compatible = [](td_str, td_str) noexcept { return 1; };
  codec.create_encoder = [](td_str) noexcept { return reinterpret_cast<td_encoder*>(&stateless); };
  codec.destroy_encoder = [](td_encoder*) noexcept {};
  codec.encode = encode;
  codec.create_decoder = [](td_str) noexcept { return reinterpret_cast<td_decoder*>(&stateless); };
  codec.destroy_decoder = [](td_decoder*) noexcept {};
  codec.decode = decode;
  codec.conceal = [](td_decoder*, std::int16_t*, std::uint32_t) noexcept { return std::int32_t{0}; };
  codec.payload_samples = [](const std::uint8_t*, std::uint32_t bytes) noexcept {
    return bytes == 0 || bytes % 2 != 0 || bytes > kMaxSamples * 4 ? std::int32_t{TD_INVALID}
                                                                   : static_cast<std::int32_t>(bytes / 2);
  };
  return codec;
}

const td_codec kL16 = make_codec();

}  // namespace

const td_codec* l16_8000() { return &kL16; }

}  // namespace tandem::codec
