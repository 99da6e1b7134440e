// ITU-T G.722 at 64 kbit/s: 16 kHz PCM split in two bands, each coded by how it differs from what was
// expected.
//
//   2 samples ─ filter bank ─┬─ below 4 kHz ─► 6 bits ─┐
//                            └─ above 4 kHz ─► 2 bits ─┴─► 1 byte        and back
//
// Written for speed (a frame of 20 ms in two thirds of the time that SpanDSP takes) and equal to it bit for
// bit (tests/plugins/g722). Source: ITU-T G.722 (09/2012) 3 to 6. Not here: 56 and 48 kbit/s, concealment.
// Thread: any one; nothing is allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::g722 {

inline constexpr std::size_t kPairsMax = 480;  // of samples in one call: 60 ms
inline constexpr std::size_t kTaps = 12;       // of the filter bank, in each phase

// What is expected next in one band, from what was decoded (figures 13 to 17 and 20 of the recommendation).
struct Band {
  std::int32_t expected = 0;                        // s
  std::int32_t from_zeros = 0;                      // sz
  std::int32_t scale = 32;                          // det, the quantizer's step
  std::int32_t log_scale = 0;                       // nb
  std::array<std::int32_t, 2> poles{};              // a1, a2
  std::array<std::int32_t, 2> rebuilt{};            // r1, r2
  std::array<std::int32_t, 2> partial{};            // p1, p2
  alignas(16) std::array<std::int16_t, 8> zeros{};  // b1 … b6; two more that stay 0
  alignas(16) std::array<std::int16_t, 8> steps{};  // d1 … d6
};

class Encoder {
 public:
  Encoder() { high_.scale = 8; }
  // `pcm` is twice as long as `out`, which has at most kPairsMax bytes.
  void encode(std::span<const std::int16_t> pcm, std::span<std::uint8_t> out);

 private:
  Band low_, high_;
  std::array<std::int16_t, 2 * kTaps - 2> before_{};  // samples of the last call that the filters still need
};

class Decoder {
 public:
  Decoder() { high_.scale = 8; }
  // `pcm` is twice as long as `payload`, which has at most kPairsMax bytes.
  void decode(std::span<const std::uint8_t> payload, std::span<std::int16_t> pcm);

 private:
  Band low_, high_;
  std::array<std::int16_t, kTaps - 1> sums_{}, differences_{};  // of the bands, that the filters still need
};

}  // namespace tandem::g722
