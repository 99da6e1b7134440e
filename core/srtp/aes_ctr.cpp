#include "core/srtp/aes_ctr.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define TANDEM_AES __attribute__((target("aes,sse4.1")))
#endif

namespace tandem::srtp {

AesCtr::~AesCtr() { OPENSSL_cleanse(round_keys_.data(), sizeof round_keys_); }

#if defined(__x86_64__)
namespace {

TANDEM_AES __m128i load(const std::uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
TANDEM_AES void store(std::uint8_t* to, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

// FIPS 197 5.2: the substitution of a word's bytes, and the same of the word turned by one byte.
TANDEM_AES std::uint32_t substituted(std::uint32_t word) {
  const __m128i all = _mm_set1_epi32(static_cast<int>(word));
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_aeskeygenassist_si128(all, 0), 0));
}
TANDEM_AES std::uint32_t turned_and_substituted(std::uint32_t word) {
  const __m128i all = _mm_set1_epi32(static_cast<int>(word));
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_aeskeygenassist_si128(all, 0), 1));
}

// N blocks in flight: each instruction waits for the one before it. Block i counts `first` + i.
template <std::size_t N>
TANDEM_AES void encipher(const std::uint8_t* keys, std::uint32_t rounds, __m128i counter, std::uint32_t first,
                         __m128i (&blocks)[N]) {
  const __m128i key = load(keys);
  for (std::size_t i = 0; i < N; ++i) {
    const auto count = static_cast<std::uint16_t>(first + i);
    blocks[i] = _mm_xor_si128(_mm_insert_epi16(counter, __builtin_bswap16(count), 7), key);
  }
  for (std::uint32_t round = 1; round < rounds; ++round) {
    const __m128i next = load(keys + round * AesCtr::kBlockBytes);
    for (__m128i& block : blocks) block = _mm_aesenc_si128(block, next);
  }
  const __m128i last = load(keys + rounds * AesCtr::kBlockBytes);
  for (__m128i& block : blocks) block = _mm_aesenclast_si128(block, last);
}

}  // namespace

bool AesCtr::usable() { return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1"); }

TANDEM_AES void AesCtr::set_key(std::span<const std::uint8_t> key) {
  std::array<std::uint32_t, 4 * (kRoundsMax + 1)> words{};
  const std::size_t length = key.size() / 4;
  rounds_ = static_cast<std::uint32_t>(length + 6);
  std::memcpy(words.data(), key.data(), key.size());
  std::uint32_t constant = 1;
  for (std::size_t i = length; i < 4 * (rounds_ + 1); ++i) {
    std::uint32_t word = words[i - 1];
    if (i % length == 0) {
      word = turned_and_substituted(word) ^ constant;
      constant = constant << 1 ^ (constant >> 7) * 0x11b;
    } else if (length > 6 && i % length == 4) {
      word = substituted(word);
    }
    words[i] = words[i - length] ^ word;
  }
  std::memcpy(round_keys_.data(), words.data(), sizeof round_keys_);
  OPENSSL_cleanse(words.data(), sizeof words);
}

TANDEM_AES void AesCtr::crypt(const Block& counter, std::span<std::uint8_t> bytes) const {
  const std::uint8_t* const keys = round_keys_.front().data();
  const __m128i from = load(counter.data());
  std::uint8_t* at = bytes.data();
  std::size_t size = std::min(bytes.size(), kBytesMax);
  std::uint32_t count = 0;
  for (constexpr std::size_t kAtOnce = 8; size >= kAtOnce * kBlockBytes; size -= kAtOnce * kBlockBytes) {
    __m128i blocks[kAtOnce];
    encipher(keys, rounds_, from, count, blocks);
    count += kAtOnce;
    for (const __m128i& block : blocks) {
      store(at, _mm_xor_si128(load(at), block));
      at += kBlockBytes;
    }
  }
  while (size != 0) {
    constexpr std::size_t kAtOnce = 4;
    __m128i blocks[kAtOnce];
    encipher(keys, rounds_, from, count, blocks);
    count += kAtOnce;
    for (std::size_t i = 0; i < kAtOnce && size != 0; ++i) {
      if (size >= kBlockBytes) {
        store(at, _mm_xor_si128(load(at), blocks[i]));
        at += kBlockBytes;
        size -= kBlockBytes;
        continue;
      }
      Block rest{};
      std::memcpy(rest.data(), at, size);
      store(rest.data(), _mm_xor_si128(load(rest.data()), blocks[i]));
      std::memcpy(at, rest.data(), size);
      size = 0;
    }
  }
}

#else

bool AesCtr::usable() { return false; }
void AesCtr::set_key(std::span<const std::uint8_t>) {}
void AesCtr::crypt(const Block&, std::span<std::uint8_t>) const {}

#endif

}  // namespace tandem::srtp
