// AesCtr128 against OpenSSL: any key, any counter, any way of cutting the bytes.
#include "core/srtp/aes_ctr.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace tandem::srtp {
namespace {

using Block = std::array<std::uint8_t, AesCtr128::kBlockBytes>;

std::vector<std::uint8_t> by_openssl(const Block& key, const Block& counter,
                                     std::vector<std::uint8_t> bytes) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  int done = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr, key.data(), counter.data()), 1);
  EXPECT_EQ(
      EVP_EncryptUpdate(context.get(), bytes.data(), &done, bytes.data(), static_cast<int>(bytes.size())), 1);
  EXPECT_EQ(static_cast<std::size_t>(done), bytes.size());
  return bytes;
}

TEST(AesCtr128, MakesTheKeyStreamOfOpensslHoweverTheBytesAreCut) {
  if (!AesCtr128::usable()) GTEST_SKIP() << "this processor has no AES instructions";
  std::mt19937 random(20);
  const auto byte = [&] { return static_cast<std::uint8_t>(random()); };
  for (int round = 0; round < 3000; ++round) {
    Block key, counter;
    for (auto& b : key) b = byte();
    for (auto& b : counter) b = byte();
    // Every third counter stands just before a carry: into the second byte, over the middle, over the end.
    if (round % 3 == 0)
      std::fill(counter.end() - static_cast<std::ptrdiff_t>(random() % 17), counter.end(),
                std::uint8_t{0xff});
    std::vector<std::uint8_t> bytes(random() % 400);
    for (auto& b : bytes) b = byte();
    const auto wanted = by_openssl(key, counter, bytes);

    AesCtr128 cipher;
    cipher.set_key(key);
    cipher.set_counter(counter);
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = std::min<std::size_t>(bytes.size() - at, 1 + random() % 90);
      cipher.crypt(std::span(bytes).subspan(at, n));
      at += n;
    }
    ASSERT_EQ(bytes, wanted) << "round " << round;
  }
}

TEST(AesCtr128, ANewCounterForgetsWhatWasLeftOfTheOld) {
  if (!AesCtr128::usable()) GTEST_SKIP() << "this processor has no AES instructions";
  const Block key{1, 2, 3}, first{4}, second{5};
  AesCtr128 cipher;
  cipher.set_key(key);
  cipher.set_counter(first);
  std::vector<std::uint8_t> bytes(5);
  cipher.crypt(bytes);
  cipher.set_counter(second);
  std::vector<std::uint8_t> more(40);
  cipher.crypt(more);
  EXPECT_EQ(more, by_openssl(key, second, std::vector<std::uint8_t>(40)));
}

}  // namespace
}  // namespace tandem::srtp
