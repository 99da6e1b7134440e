// The RTP payload of AMR and AMR-WB (RFC 4867 4.3 and 4.4): a mode request, a table of contents, frames.
//
//   bandwidth-efficient: CMR 4 bits │ F FT Q 6 bits each … │ speech bits of each frame, one after the other
//   octet-aligned:       CMR + 4 bits │ F FT Q + 2 bits each … │ frames, each filled up to whole bytes
//
// Thread: [any], no state. Not here: CRC, robust sorting, interleaving, several channels: they are refused in
// the negotiation.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tandem::amr {

enum class Band : std::uint8_t { narrow, wide };

inline constexpr unsigned kNoRequest = 15, kNoData = 15;
inline constexpr std::size_t kFrameBytesMax = 61;  // a header and 477 bits
inline constexpr std::size_t kFramesMax = 6;       // 120 ms

// Speech bits of a frame type; -1: no such frame. `kNoData` and lost ones have 0.
int frame_bits(Band band, unsigned type);

// One frame as the codec libraries store it: a byte of type and quality, then the bits from the highest down.
using Frame = std::array<std::uint8_t, kFrameBytesMax>;

struct Parsed {
  unsigned request = kNoRequest;  // CMR
  std::size_t frames = 0;
  std::array<Frame, kFramesMax> frame;
};

// False when it is no payload of this kind: types that do not exist, too many frames, bits that are missing.
bool parse(Band band, bool octet_align, std::span<const std::uint8_t> payload, Parsed& out);

// The number of frames without taking them out; 0 when it is none.
std::size_t count_frames(Band band, bool octet_align, std::span<const std::uint8_t> payload);

// `frames` as a payload; bytes written, 0 when it does not fit.
std::size_t build(Band band, bool octet_align, unsigned request, std::span<const Frame> frames,
                  std::span<std::uint8_t> out);

}  // namespace tandem::amr
