// G.711: one byte a sample, by table. Bit-exact to ITU-T G.711 as the reference code of G.191 computes it.
//
//   int16 PCM ──encode_ulaw──► µ-law bytes ◄──transcode by one 256-byte table──► A-law bytes
//
// Thread: [any], everything is a pure function over constant tables. Not here: choosing a codec
// (registry.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tandem/codec.h"

namespace tandem::codec {

// Decoded value of each byte, 16 bits (ITU-T G.711 tables 1 and 2, left-justified).
extern const std::array<std::int16_t, 256> kUlawToLinear;
extern const std::array<std::int16_t, 256> kAlawToLinear;

// What a byte of one law becomes in the other: G.711 tables 3 and 4 (not by way of rounded PCM).
extern const std::array<std::uint8_t, 256> kUlawToAlaw;
extern const std::array<std::uint8_t, 256> kAlawToUlaw;

// Bytes of digital silence.
inline constexpr std::uint8_t kUlawSilence = 0xFF;
inline constexpr std::uint8_t kAlawSilence = 0xD5;

// [any] One byte a sample; `out` holds at least pcm.size() bytes.
void encode_ulaw(std::span<const std::int16_t> pcm, std::uint8_t* out);
void encode_alaw(std::span<const std::int16_t> pcm, std::uint8_t* out);

// [any] One sample a byte; `out` holds at least bytes.size() samples.
void decode_ulaw(std::span<const std::uint8_t> bytes, std::int16_t* out);
void decode_alaw(std::span<const std::uint8_t> bytes, std::int16_t* out);

// [any] One byte a byte; `out` holds at least bytes.size() bytes and may be the input itself.
void transcode(const std::array<std::uint8_t, 256>& table, std::span<const std::uint8_t> bytes,
               std::uint8_t* out);

// [any] The codecs as the registry takes them: PCMU (payload type 0) and PCMA (8), RFC 3551 4.5.14. They live
// for ever, have no state, and leave concealment to the host.
const td_codec* pcmu();
const td_codec* pcma();

}  // namespace tandem::codec
