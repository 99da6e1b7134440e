// AesCtr against OpenSSL: any key of the three lengths, any counter, any number of bytes.
#include "core/srtp/aes_ctr.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace tandem::srtp {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes by_openssl(const Bytes& key, const AesCtr::Block& counter, Bytes bytes) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  int done = 0;
  const EVP_CIPHER* cipher = key.size() == 16   ? EVP_aes_128_ctr()
                             : key.size() == 24 ? EVP_aes_192_ctr()
                                                : EVP_aes_256_ctr();
  EXPECT_EQ(EVP_EncryptInit_ex(context.get(), cipher, nullptr, key.data(), counter.data()), 1);
  EXPECT_EQ(
      EVP_EncryptUpdate(context.get(), bytes.data(), &done, bytes.data(), static_cast<int>(bytes.size())), 1);
  EXPECT_EQ(static_cast<std::size_t>(done), bytes.size());
  return bytes;
}

TEST(AesCtr, MakesTheKeyStreamOfOpenssl) {
  if (!AesCtr::usable()) GTEST_SKIP() << "this processor has no AES instructions";
  std::mt19937 random(20);
  const auto fill = [&](auto& bytes) {
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
  };
  for (std::size_t round = 0; round < 6000; ++round) {
    Bytes key(16 + 8 * (round % 3)), bytes(round < 600 ? round / 3 : random() % 1500);
    AesCtr::Block counter;
    fill(key), fill(counter), fill(bytes);
    counter[14] = counter[15] = 0;
    AesCtr cipher;
    cipher.set_key(key);
    const Bytes wanted = by_openssl(key, counter, bytes);
    counter[14] = static_cast<std::uint8_t>(round), counter[15] = 7;  // are taken for 0
    cipher.crypt(counter, bytes);
    ASSERT_EQ(bytes, wanted) << "round " << round;
  }
}

TEST(AesCtr, CountsItsBlocksOverBothBytes) {
  if (!AesCtr::usable()) GTEST_SKIP() << "this processor has no AES instructions";
  const Bytes key(32, 9);
  AesCtr cipher;
  cipher.set_key(key);
  Bytes bytes(AesCtr::kBytesMax, 1);
  const Bytes wanted = by_openssl(key, {1, 2, 3}, bytes);
  cipher.crypt({1, 2, 3}, bytes);
  EXPECT_TRUE(bytes == wanted);
  bytes.push_back(77);
  cipher.crypt({1, 2, 3}, bytes);
  EXPECT_EQ(bytes.back(), 77) << "no key stream twice";
}

TEST(AesCtr, ALaterKeyOfAnotherLengthLeavesNothingOfTheOld) {
  if (!AesCtr::usable()) GTEST_SKIP() << "this processor has no AES instructions";
  AesCtr cipher;
  cipher.set_key(Bytes(32, 1));
  cipher.set_key(Bytes(16, 2));
  Bytes bytes(100);
  cipher.crypt({5}, bytes);
  EXPECT_EQ(bytes, by_openssl(Bytes(16, 2), {5}, Bytes(100)));
}

}  // namespace
}  // namespace tandem::srtp
