#include "core/srtp/aes_ctr.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#define TANDEM_AES __attribute__((target("aes,sse4.1")))
#endif

namespace tandem::srtp {

AesCtr128::~AesCtr128() {
  OPENSSL_cleanse(round_keys_.data(), sizeof round_keys_);
  OPENSSL_cleanse(stream_.data(), sizeof stream_);
}

#if defined(__x86_64__)
namespace {

constexpr int kRounds = 10;
constexpr std::size_t kAtOnce = 4;  // blocks in flight: each instruction waits for the one before it

TANDEM_AES __m128i load(const std::uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
TANDEM_AES void store(std::uint8_t* to, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
}

// FIPS 197 5.2: the next round key from the one before; `assist` holds the turned and substituted last word.
TANDEM_AES __m128i next_key(__m128i key, __m128i assist) {
  assist = _mm_shuffle_epi32(assist, 0xff);
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

TANDEM_AES __m128i block_of(std::uint64_t high, std::uint64_t low) {
  return _mm_set_epi64x(static_cast<long long>(__builtin_bswap64(low)),
                        static_cast<long long>(__builtin_bswap64(high)));
}

template <std::size_t N>
TANDEM_AES void encipher(const std::uint8_t* keys, __m128i (&blocks)[N]) {
  const __m128i first = load(keys);
  for (__m128i& block : blocks) block = _mm_xor_si128(block, first);
  for (int round = 1; round < kRounds; ++round) {
    const __m128i key = load(keys + round * 16);
    for (__m128i& block : blocks) block = _mm_aesenc_si128(block, key);
  }
  const __m128i last = load(keys + kRounds * 16);
  for (__m128i& block : blocks) block = _mm_aesenclast_si128(block, last);
}

}  // namespace

bool AesCtr128::usable() { return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1"); }

TANDEM_AES void AesCtr128::set_key(std::span<const std::uint8_t, kBlockBytes> key) {
  __m128i k = load(key.data());
  std::size_t at = 0;
  const auto keep = [&](__m128i made) { store(round_keys_[at++].data(), k = made); };
  keep(k);
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x01)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x02)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x04)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x08)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x10)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x20)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x40)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x80)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x1b)));
  keep(next_key(k, _mm_aeskeygenassist_si128(k, 0x36)));
}

void AesCtr128::set_counter(const std::array<std::uint8_t, kBlockBytes>& counter) {
  counter_high_ = counter_low_ = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    counter_high_ = counter_high_ << 8 | counter[i];
    counter_low_ = counter_low_ << 8 | counter[8 + i];
  }
  left_ = 0;
}

TANDEM_AES void AesCtr128::crypt(std::span<std::uint8_t> bytes) {
  std::uint8_t* at = bytes.data();
  std::size_t size = bytes.size();
  const std::uint8_t* const keys = round_keys_.front().data();
  for (; left_ != 0 && size != 0; --left_, --size, ++at) *at ^= stream_[kBlockBytes - left_];
  for (; size >= kAtOnce * kBlockBytes; size -= kAtOnce * kBlockBytes) {
    __m128i blocks[kAtOnce];
    for (__m128i& block : blocks) {
      block = block_of(counter_high_, counter_low_);
      if (++counter_low_ == 0) ++counter_high_;
    }
    encipher(keys, blocks);
    for (const __m128i& block : blocks) {
      store(at, _mm_xor_si128(load(at), block));
      at += kBlockBytes;
    }
  }
  while (size != 0) {
    __m128i block[1] = {block_of(counter_high_, counter_low_)};
    if (++counter_low_ == 0) ++counter_high_;
    encipher(keys, block);
    store(stream_.data(), block[0]);
    const std::size_t n = std::min(size, kBlockBytes);
    for (std::size_t i = 0; i < n; ++i) at[i] ^= stream_[i];
    at += n;
    size -= n;
    left_ = kBlockBytes - n;
  }
}

#else

bool AesCtr128::usable() { return false; }
void AesCtr128::set_key(std::span<const std::uint8_t, kBlockBytes>) {}
void AesCtr128::set_counter(const std::array<std::uint8_t, kBlockBytes>&) {}
void AesCtr128::crypt(std::span<std::uint8_t>) {}

#endif

}  // namespace tandem::srtp
