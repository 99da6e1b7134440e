// MD5: RFC 1321 3.
#include "core/load/md5.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace tandem::load {
namespace {

constexpr std::array<int, 16> kTurns{7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};

void block(const std::uint8_t* bytes, std::array<std::uint32_t, 4>& state) {
  std::array<std::uint32_t, 16> words;
  for (std::size_t i = 0; i < 16; ++i)
    words[i] = std::uint32_t{bytes[4 * i]} | std::uint32_t{bytes[4 * i + 1]} << 8 |
               std::uint32_t{bytes[4 * i + 2]} << 16 | std::uint32_t{bytes[4 * i + 3]} << 24;
  auto [a, b, c, d] = state;
  for (std::uint32_t i = 0; i < 64; ++i) {
    std::uint32_t f = 0, g = 0;
    switch (i / 16) {
      case 0: f = (b & c) | (~b & d), g = i; break;
      case 1: f = (d & b) | (~d & c), g = (5 * i + 1) % 16; break;
      case 2: f = b ^ c ^ d, g = (3 * i + 5) % 16; break;
      default: f = c ^ (b | ~d), g = 7 * i % 16; break;
    }
    const auto sine = static_cast<std::uint32_t>(std::floor(std::abs(std::sin(i + 1.0)) * 4294967296.0));
    const std::uint32_t next = b + std::rotl(a + f + sine + words[g], kTurns[i / 16 * 4 + i % 4]);
    a = d;
    d = c;
    c = b;
    b = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::string md5_hex(std::string_view text) {
  std::string padded(text);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  for (unsigned i = 0; i < 8; ++i) padded += static_cast<char>(std::uint64_t{text.size()} * 8 >> 8 * i);
  std::array<std::uint32_t, 4> state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (std::size_t at = 0; at < padded.size(); at += 64)
    block(reinterpret_cast<const std::uint8_t*>(&padded[at]), state);
  std::string out;
  for (const std::uint32_t word : state)
    for (unsigned i = 0; i < 8; ++i)
      out += "0123456789abcdef"[word >> (i / 2 * 8 + (i % 2 == 0 ? 4 : 0)) & 15];
  return out;
}

}  // namespace tandem::load
