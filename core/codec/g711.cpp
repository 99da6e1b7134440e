// G.711 by tables made at compile time from the recommendation's own rules.
// The reference keeps 14 bits for µ-law and 12 for A-law, so the encode tables have 16,384 and 4,096 bytes.
// Negative input is taken in one's complement, as the reference code of ITU-T G.191 does.
#include "core/codec/g711.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

#include "tandem/sdk_codec.hpp"

namespace tandem::codec {
namespace {

constexpr std::int16_t ulaw_value(unsigned byte) {
  const unsigned code = ~byte & 0xFFu;
  const int magnitude = static_cast<int>(((((code & 0x0Fu) << 1) + 33u) << (code >> 4 & 7u)) - 33u);
  return static_cast<std::int16_t>((code & 0x80u) != 0 ? -magnitude * 4 : magnitude * 4);
}

constexpr std::int16_t alaw_value(unsigned byte) {
  const unsigned code = byte ^ 0x55u;
  const unsigned segment = code >> 4 & 7u;
  unsigned magnitude = ((code & 0x0Fu) << 1) + 1u;
  if (segment != 0) magnitude = (magnitude + 32u) << (segment - 1u);
  const int value = static_cast<int>(magnitude) * 8;
  return static_cast<std::int16_t>((code & 0x80u) != 0 ? value : -value);
}

// `magnitude` in 13 bits, without the sign.
constexpr std::uint8_t ulaw_code(unsigned magnitude) {
  const unsigned biased = magnitude + 33u > 8191u ? 8191u : magnitude + 33u;
  const unsigned segment = static_cast<unsigned>(std::bit_width(biased)) - 6u;
  return static_cast<std::uint8_t>(~(segment << 4 | (biased >> (segment + 1u) & 0x0Fu)) & 0x7Fu);
}

// `magnitude` in 11 bits, without the sign; the even bits inverted.
constexpr std::uint8_t alaw_code(unsigned magnitude) {
  const int width = static_cast<int>(std::bit_width(magnitude));
  const unsigned segment = width <= 4 ? 0u : static_cast<unsigned>(width) - 4u;
  const unsigned mantissa = segment <= 1 ? magnitude & 0x0Fu : magnitude >> (segment - 1u) & 0x0Fu;
  return static_cast<std::uint8_t>((segment << 4 | mantissa) ^ 0x55u);
}

constexpr unsigned kUlawShift = 2, kAlawShift = 4;

constexpr auto make_ulaw_codes() {
  std::array<std::uint8_t, (65536 >> kUlawShift)> table{};
  constexpr unsigned kHalf = table.size() / 2;
  for (unsigned i = 0; i < kHalf; ++i) {
    const std::uint8_t code = ulaw_code(i);
    table[i] = static_cast<std::uint8_t>(code | 0x80u);
    table[table.size() - 1 - i] = code;
  }
  return table;
}

constexpr auto make_alaw_codes() {
  std::array<std::uint8_t, (65536 >> kAlawShift)> table{};
  constexpr unsigned kHalf = table.size() / 2;
  for (unsigned i = 0; i < kHalf; ++i) {
    const std::uint8_t code = alaw_code(i);
    table[i] = static_cast<std::uint8_t>(code | 0x80u);
    table[table.size() - 1 - i] = code;
  }
  return table;
}

template <typename Value>
constexpr std::array<std::int16_t, 256> make_values(Value value) {
  std::array<std::int16_t, 256> table{};
  for (unsigned i = 0; i < 256; ++i) table[i] = value(i);
  return table;
}

// G.711 table 3: the A-law decision of each µ-law one (magnitudes from 0), as its runs.
constexpr unsigned ulaw_step_to_alaw(unsigned i) {
  if (i < 16) return i / 2;
  if (i < 33) return i - 8;
  if (i < 37) return 2 * i - 40;
  if (i < 48) return i - 4;
  if (i < 49) return 45;
  if (i < 64) return i - 2;
  if (i < 81) return i - 1;
  return i;
}

// G.711 table 4.
constexpr unsigned alaw_step_to_ulaw(unsigned i) {
  if (i < 8) return 2 * i + 1;
  if (i < 24) return i + 8;
  if (i < 32) return 32 + (i - 24) / 2;
  if (i < 44) return i + 4;
  if (i < 48) return 48 + (i - 44) / 2;
  if (i < 63) return i + 2;
  if (i < 80) return i + 1;
  return i;
}

constexpr auto make_ulaw_to_alaw() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned i = 0; i < 128; ++i) {
    table[0xFFu ^ i] = static_cast<std::uint8_t>(0xD5u ^ ulaw_step_to_alaw(i));
    table[0x7Fu ^ i] = static_cast<std::uint8_t>(0x55u ^ ulaw_step_to_alaw(i));
  }
  return table;
}

constexpr auto make_alaw_to_ulaw() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned i = 0; i < 128; ++i) {
    table[0xD5u ^ i] = static_cast<std::uint8_t>(0xFFu ^ alaw_step_to_ulaw(i));
    table[0x55u ^ i] = static_cast<std::uint8_t>(0x7Fu ^ alaw_step_to_ulaw(i));
  }
  return table;
}

constexpr auto kUlawCodes = make_ulaw_codes();
constexpr auto kAlawCodes = make_alaw_codes();

constexpr std::uint8_t ulaw_of(std::int16_t sample) {
  return kUlawCodes[static_cast<std::uint16_t>(sample) >> kUlawShift];
}
constexpr std::uint8_t alaw_of(std::int16_t sample) {
  return kAlawCodes[static_cast<std::uint16_t>(sample) >> kAlawShift];
}

}  // namespace

constinit const std::array<std::int16_t, 256> kUlawToLinear = make_values(ulaw_value);
constinit const std::array<std::int16_t, 256> kAlawToLinear = make_values(alaw_value);
constinit const std::array<std::uint8_t, 256> kUlawToAlaw = make_ulaw_to_alaw();
constinit const std::array<std::uint8_t, 256> kAlawToUlaw = make_alaw_to_ulaw();

void encode_ulaw(std::span<const std::int16_t> pcm, std::uint8_t* out) {
  for (const std::int16_t sample : pcm) *out++ = ulaw_of(sample);
}

void encode_alaw(std::span<const std::int16_t> pcm, std::uint8_t* out) {
  for (const std::int16_t sample : pcm) *out++ = alaw_of(sample);
}

void decode_ulaw(std::span<const std::uint8_t> bytes, std::int16_t* out) {
  for (const std::uint8_t byte : bytes) *out++ = kUlawToLinear[byte];
}

void decode_alaw(std::span<const std::uint8_t> bytes, std::int16_t* out) {
  for (const std::uint8_t byte : bytes) *out++ = kAlawToLinear[byte];
}

void transcode(const std::array<std::uint8_t, 256>& table, std::span<const std::uint8_t> bytes,
               std::uint8_t* out) {
  // By eights, gathered before they are stored: bytes may alias the table, which would force a reload of
  // each.
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint8_t eight[8];
    for (std::size_t k = 0; k < 8; ++k) eight[k] = table[bytes[i + k]];
    std::memcpy(out + i, eight, sizeof(eight));
  }
  for (; i < bytes.size(); ++i) out[i] = table[bytes[i]];
}

// The codec tables. Neither coder has state: every handle is the same address.
namespace {

constexpr std::uint32_t kMaxPayload = 480;  // 60 ms
constexpr bool is_payload(std::uint32_t bytes) { return bytes != 0 && bytes <= kMaxPayload * 2; }
char stateless;  // its address is every coder's handle

template <void (*kEncode)(std::span<const std::int16_t>, std::uint8_t*)>
std::int32_t encode(td_encoder*, const std::int16_t* pcm, std::uint32_t samples, std::uint8_t* out,
                    std::uint32_t capacity) noexcept {
  if (samples > capacity || samples > kMaxPayload) return TD_INVALID;
  kEncode({pcm, samples}, out);
  return static_cast<std::int32_t>(samples);
}

template <void (*kDecode)(std::span<const std::uint8_t>, std::int16_t*)>
std::int32_t decode(td_decoder*, const std::uint8_t* payload, std::uint32_t bytes, std::int16_t* pcm,
                    std::uint32_t capacity) noexcept {
  if (!is_payload(bytes) || bytes > capacity) return TD_INVALID;
  kDecode({payload, bytes}, pcm);
  return static_cast<std::int32_t>(bytes);
}

constexpr td_codec make_codec(const char* name, std::int32_t type, decltype(td_codec::encode) encoder,
                              decltype(td_codec::decode) decoder) {
  td_codec codec{};
  codec.size = sizeof(td_codec);
  codec.name = name;
  codec.static_type = type;
  codec.clock_rate = codec.sample_rate = 8000;
  codec.rtpmap_channels = codec.channels = 1;
  codec.frame_samples = 8;
  codec.max_payload = kMaxPayload;
  codec.default_fmtp = "";
  codec.fmtp_compatible = [](td_str, td_str) noexcept { return 1; };
  codec.create_encoder = [](td_str) noexcept { return reinterpret_cast<td_encoder*>(&stateless); };
  codec.destroy_encoder = [](td_encoder*) noexcept {};
  codec.encode = encoder;
  codec.create_decoder = [](td_str) noexcept { return reinterpret_cast<td_decoder*>(&stateless); };
  codec.destroy_decoder = [](td_decoder*) noexcept {};
  codec.decode = decoder;
  codec.conceal = [](td_decoder*, std::int16_t*, std::uint32_t) noexcept { return std::int32_t{0}; };
  codec.payload_samples = [](const std::uint8_t*, std::uint32_t bytes) noexcept {
    return is_payload(bytes) ? static_cast<std::int32_t>(bytes) : std::int32_t{TD_INVALID};
  };
  codec.repacket = [](const td_str* parts, std::uint32_t count, std::uint32_t from, std::uint32_t samples,
                      std::uint8_t* out, std::uint32_t capacity) noexcept {
    return sdk::repacket_units<1, 1>({parts, count}, from, samples, {out, capacity});
  };
  return codec;
}

const td_codec kPcmu = make_codec("PCMU", 0, encode<encode_ulaw>, decode<decode_ulaw>);
const td_codec kPcma = make_codec("PCMA", 8, encode<encode_alaw>, decode<decode_alaw>);

}  // namespace

const td_codec* pcmu() { return &kPcmu; }
const td_codec* pcma() { return &kPcma; }

}  // namespace tandem::codec
