// SRTP: the RFCs' vectors, every suite there and back, rollover, replay, and what a stranger may send.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/srtp/context.hpp"

// malloc itself is counted, not operator new alone: the libraries below are C.
namespace {
thread_local bool counting = false;
thread_local unsigned counted = 0;
}  // namespace
#ifndef __has_feature  // clang's word; g++ defines __SANITIZE_… instead
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !__has_feature(address_sanitizer) && \
    !__has_feature(thread_sanitizer)
#define TANDEM_COUNTS_MALLOC 1
extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* malloc(std::size_t bytes) {
  if (counting) ++counted;
  return __libc_malloc(bytes);
}
extern "C" void* calloc(std::size_t n, std::size_t bytes) {
  if (counting) ++counted;
  return __libc_calloc(n, bytes);
}
#else
#define TANDEM_COUNTS_MALLOC 0
#endif

namespace tandem::srtp {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes hex(std::string_view text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

Protection protection(Suite suite, std::string_view master) {
  const Bytes bytes = hex(master);
  auto key = Key::from_bytes(suite, bytes);
  EXPECT_TRUE(key.ok()) << key.error().message;
  return {std::move(*key)};
}

Bytes rtp_packet(std::uint16_t seq, std::uint32_t ssrc = 0xcafebabe, std::size_t payload = 160) {
  Bytes packet(12 + payload, 0xab);
  packet[0] = 0x80;
  packet[1] = 0;
  packet[2] = static_cast<std::uint8_t>(seq >> 8);
  packet[3] = static_cast<std::uint8_t>(seq);
  for (std::size_t i = 0; i < 4; ++i) packet[8 + i] = static_cast<std::uint8_t>(ssrc >> (24 - 8 * i));
  return packet;
}

Bytes rtcp_packet(std::uint32_t ssrc = 0xcafebabe) {
  Bytes packet(28, 0);
  packet[0] = 0x80;
  packet[1] = 200;
  packet[3] = 6;
  for (std::size_t i = 0; i < 4; ++i) packet[4 + i] = static_cast<std::uint8_t>(ssrc >> (24 - 8 * i));
  return packet;
}

Bytes protect(Sender& sender, Bytes packet) {
  const std::size_t bytes = packet.size();
  packet.resize(bytes + kTrailerBytesMax);
  packet.resize(sender.protect(packet, bytes));
  return packet;
}
Bytes protect_rtcp(Sender& sender, Bytes packet) {
  const std::size_t bytes = packet.size();
  packet.resize(bytes + kTrailerBytesMax);
  packet.resize(sender.protect_rtcp(packet, bytes));
  return packet;
}
Verdict open(Receiver& receiver, Bytes packet, Bytes* plain = nullptr) {
  std::span<std::uint8_t> view(packet);
  const Verdict verdict = receiver.unprotect(view);
  if (plain != nullptr && verdict == Verdict::ok) plain->assign(view.begin(), view.end());
  return verdict;
}
Verdict open_rtcp(Receiver& receiver, Bytes packet, Bytes* plain = nullptr) {
  std::span<std::uint8_t> view(packet);
  const Verdict verdict = receiver.unprotect_rtcp(view);
  if (plain != nullptr && verdict == Verdict::ok) plain->assign(view.begin(), view.end());
  return verdict;
}

struct Pair {
  std::unique_ptr<Sender> sender;
  std::unique_ptr<Receiver> receiver;
};
Pair make_pair_of(const Protection& with, std::uint32_t ssrc = 0xcafebabe) {
  auto sender = Sender::create(with, ssrc);
  auto receiver = Receiver::create(with);
  EXPECT_TRUE(sender.ok() && receiver.ok());
  return {std::move(*sender), std::move(*receiver)};
}

// The packet as RFC 3711 4 makes it, from session keys, by OpenSSL alone.
Bytes by_hand(const EVP_CIPHER* cipher, const Bytes& key, const Bytes& salt, const Bytes& auth_key,
              Bytes packet, std::size_t tag_bytes) {
  Bytes iv(16, 0);
  std::copy(salt.begin(), salt.end(), iv.begin());
  for (std::size_t i = 0; i < 4; ++i) iv[4 + i] ^= packet[8 + i];
  iv[12] ^= packet[2];
  iv[13] ^= packet[3];
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, cipher, nullptr, key.data(), iv.data());
  int done = 0;
  EVP_EncryptUpdate(context, &packet[12], &done, &packet[12], static_cast<int>(packet.size() - 12));
  EVP_CIPHER_CTX_free(context);
  Bytes authenticated = packet;
  authenticated.insert(authenticated.end(), 4, 0);  // rollover 0
  std::uint8_t tag[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  HMAC(EVP_sha1(), auth_key.data(), static_cast<int>(auth_key.size()), authenticated.data(),
       authenticated.size(), tag, &length);
  packet.insert(packet.end(), tag, tag + tag_bytes);
  return packet;
}

struct Vector {
  Suite suite;
  const char* master;
  const EVP_CIPHER* cipher;
  const char *key, *salt, *auth;
};

TEST(Srtp, DerivesTheSessionKeysOfTheRfcs) {
  const Vector vectors[] = {
      // RFC 3711 B.3
      {Suite::aes_cm_128_hmac_sha1_80, "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
       EVP_aes_128_ctr(), "c61e7a93744f39ee10734afe3ff7a087", "30cbbc08863d8c85d49db34a9ae1",
       "cebe321f6ff7716b6fd4ab49af256a156d38baa4"},
      // RFC 6188 7.2
      {Suite::aes_192_cm_hmac_sha1_80,
       "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1c8522f3acd4ce86d5add78edbb11", EVP_aes_192_ctr(),
       "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb", "2372b82d639b6d8503a47adc0a6c",
       "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb"},
      // RFC 6188 7.3
      {Suite::aes_256_cm_hmac_sha1_80,
       "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b63b04803de51ee7c96423ab5b78d2",
       EVP_aes_256_ctr(), "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
       "fa31791685ca444a9e07c6c64e93", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"},
  };
  for (const Vector& v : vectors) {
    const Pair pair = make_pair_of(protection(v.suite, v.master));
    const Bytes plain = rtp_packet(0x1234);
    EXPECT_EQ(protect(*pair.sender, plain),
              by_hand(v.cipher, hex(v.key), hex(v.salt), hex(v.auth), plain, facts(v.suite).tag_bytes))
        << facts(v.suite).name;
  }
}

// The reference packets of libsrtp's own tests.
TEST(Srtp, MakesTheReferencePacketOfAes128Gcm) {
  const Pair pair = make_pair_of(
      protection(Suite::aead_aes_128_gcm, "000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab"));
  const Bytes plain = hex("800f1234decafbadcafebabeabababababababababababababababab");
  const Bytes sealed =
      hex("800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392");
  EXPECT_EQ(protect(*pair.sender, plain), sealed);
  Bytes back;
  EXPECT_EQ(open(*pair.receiver, sealed, &back), Verdict::ok);
  EXPECT_EQ(back, plain);
  const Bytes report = hex("81c8000bcafebabeabababababababababababababababab");
  EXPECT_EQ(protect_rtcp(*pair.sender, report),
            hex("81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001"));
}

TEST(Srtp, EverySuiteGoesThereAndBackWithItsOwnTag) {
  for (const SuiteFacts& suite : suites()) {
    const Pair pair = make_pair_of({Key::random(suite.suite)});
    for (std::uint16_t seq = 100; seq < 130; ++seq) {
      const Bytes plain = rtp_packet(seq);
      const Bytes sealed = protect(*pair.sender, plain);
      ASSERT_EQ(sealed.size(), plain.size() + suite.tag_bytes) << suite.name;
      EXPECT_FALSE(std::equal(plain.begin() + 12, plain.end(), sealed.begin() + 12)) << suite.name;
      Bytes back;
      ASSERT_EQ(open(*pair.receiver, sealed, &back), Verdict::ok) << suite.name;
      EXPECT_EQ(back, plain);
    }
    const Bytes report = rtcp_packet();
    const Bytes sealed = protect_rtcp(*pair.sender, report);
    ASSERT_EQ(sealed.size(), report.size() + suite.rtcp_tag_bytes + 4) << suite.name;
    Bytes back;
    ASSERT_EQ(open_rtcp(*pair.receiver, sealed, &back), Verdict::ok) << suite.name;
    EXPECT_EQ(back, report);
    EXPECT_EQ(open_rtcp(*pair.receiver, sealed), Verdict::replayed);
  }
}

TEST(Srtp, LeavesOutEncryptionOnlyWhereAsked) {
  Protection clear{Key::random(Suite::aes_cm_128_hmac_sha1_80)};
  clear.encrypt_rtp = clear.encrypt_rtcp = false;
  const Pair pair = make_pair_of(clear);
  const Bytes plain = rtp_packet(7);
  Bytes sealed = protect(*pair.sender, plain);
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), sealed.begin()));
  EXPECT_EQ(sealed.size(), plain.size() + 10);
  EXPECT_EQ(open(*pair.receiver, sealed), Verdict::ok);
  Bytes report = protect_rtcp(*pair.sender, rtcp_packet());
  EXPECT_EQ(report[report.size() - 14] & 0x80, 0) << "the E bit";
  EXPECT_EQ(open_rtcp(*pair.receiver, report), Verdict::ok);

  Protection bare{Key::random(Suite::aes_cm_128_hmac_sha1_80)};
  bare.authenticate_rtp = false;
  const Pair without = make_pair_of(bare);
  sealed = protect(*without.sender, plain);
  EXPECT_EQ(sealed.size(), plain.size());
  Bytes back;
  EXPECT_EQ(open(*without.receiver, sealed, &back), Verdict::ok);
  EXPECT_EQ(back, plain);

  Protection impossible{Key::random(Suite::aead_aes_128_gcm)};
  impossible.encrypt_rtp = false;
  EXPECT_FALSE(Sender::create(impossible, 1).ok());
}

// ---- rollover

class SrtpRollover : public ::testing::TestWithParam<Suite> {};
INSTANTIATE_TEST_SUITE_P(EverySuite, SrtpRollover,
                         ::testing::Values(Suite::aes_cm_128_hmac_sha1_80, Suite::aes_cm_128_hmac_sha1_32,
                                           Suite::aes_192_cm_hmac_sha1_80, Suite::aes_192_cm_hmac_sha1_32,
                                           Suite::aes_256_cm_hmac_sha1_80, Suite::aes_256_cm_hmac_sha1_32,
                                           Suite::aead_aes_128_gcm, Suite::aead_aes_256_gcm));

TEST_P(SrtpRollover, IsCountedAtEveryWrap) {
  const Pair pair = make_pair_of({Key::random(GetParam())});
  for (std::uint32_t i = 30000; i < 30000 + 3 * 65536; ++i) {
    if (i % 65536 > 20 && i % 65536 < 65516 && i % 1000 != 0) {  // every thousandth, and all around the wrap
      continue;
    }
    ASSERT_EQ(open(*pair.receiver, protect(*pair.sender, rtp_packet(static_cast<std::uint16_t>(i)))),
              Verdict::ok)
        << i;
  }
}

TEST_P(SrtpRollover, HoldsWithLossAndDisorderAroundTheWrap) {
  const Pair pair = make_pair_of({Key::random(GetParam())});
  std::vector<Bytes> sealed;
  for (std::uint32_t i = 65500; i < 65600; ++i)
    sealed.push_back(protect(*pair.sender, rtp_packet(static_cast<std::uint16_t>(i))));
  ASSERT_EQ(open(*pair.receiver, sealed[0]), Verdict::ok);
  // 65501 to 65540 are lost but for one that comes late, from before the wrap.
  ASSERT_EQ(open(*pair.receiver, sealed[41]), Verdict::ok);
  EXPECT_EQ(open(*pair.receiver, sealed[30]), Verdict::ok);
  EXPECT_EQ(open(*pair.receiver, sealed[30]), Verdict::replayed);
  EXPECT_EQ(open(*pair.receiver, sealed[40]), Verdict::ok);
  for (std::size_t i = 42; i < sealed.size(); ++i)
    EXPECT_EQ(open(*pair.receiver, sealed[i]), Verdict::ok) << i;
}

TEST_P(SrtpRollover, HoldsWhenTheSequenceJumpsAheadAndOverTheWrap) {
  const Pair pair = make_pair_of({Key::random(GetParam())});
  for (const std::uint16_t seq : std::initializer_list<std::uint16_t>{10, 32000, 64000, 20000, 52000, 5000})
    EXPECT_EQ(open(*pair.receiver, protect(*pair.sender, rtp_packet(seq))), Verdict::ok) << seq;
}

TEST_P(SrtpRollover, BeginsAnewWithANewSource) {
  const Protection with{Key::random(GetParam())};
  auto receiver = std::move(*Receiver::create(with));
  auto first = std::move(*Sender::create(with, 1)), second = std::move(*Sender::create(with, 2));
  for (std::uint32_t i = 65530; i < 65545; ++i)
    ASSERT_EQ(open(*receiver, protect(*first, rtp_packet(static_cast<std::uint16_t>(i), 1))), Verdict::ok);
  for (std::uint32_t i = 65530; i < 65545; ++i)
    ASSERT_EQ(open(*receiver, protect(*second, rtp_packet(static_cast<std::uint16_t>(i), 2))), Verdict::ok)
        << i;
  EXPECT_EQ(open(*receiver, protect(*first, rtp_packet(20, 1))), Verdict::ok) << "and the first one goes on";
}

// ---- bad input

TEST(Srtp, RefusesReplaysAndCountsThemApartFromForgeries) {
  const Pair pair = make_pair_of({Key::random(Suite::aes_cm_128_hmac_sha1_80)});
  std::vector<Bytes> sealed;
  for (std::uint16_t i = 0; i < 300; ++i) sealed.push_back(protect(*pair.sender, rtp_packet(i)));
  for (const Bytes& packet : sealed) ASSERT_EQ(open(*pair.receiver, packet), Verdict::ok);
  for (const std::size_t i : {299u, 250u, 172u})
    EXPECT_EQ(open(*pair.receiver, sealed[i]), Verdict::replayed) << i;
  EXPECT_EQ(open(*pair.receiver, sealed[3]), Verdict::replayed) << "older than the window";
}

// RFC 3711 3.1: MKI between payload and tag (CM), behind the tag (AEAD, RFC 7714 8.2).
TEST(Srtp, CarriesTheNameOfItsKeyInEveryPacket) {
  for (const SuiteFacts& suite : suites()) {
    Protection with{Key::random(suite.suite)};
    with.mki = std::string("\0\0\1\7", 4);
    Pair pair = make_pair_of(with);
    const Bytes plain = rtp_packet(9), report = rtcp_packet();
    const Bytes sealed = protect(*pair.sender, plain);
    EXPECT_EQ(sealed.size(), plain.size() + suite.tag_bytes + 4) << suite.name;
    const std::string text(sealed.begin(), sealed.end());
    EXPECT_NE(text.find(with.mki, plain.size()), std::string::npos) << suite.name;
    Bytes back;
    EXPECT_EQ(open(*pair.receiver, sealed, &back), Verdict::ok) << suite.name;
    EXPECT_EQ(back, plain) << suite.name;
    EXPECT_EQ(open_rtcp(*pair.receiver, protect_rtcp(*pair.sender, report), &back), Verdict::ok)
        << suite.name;
    EXPECT_EQ(back, report) << suite.name;
    Protection other = with;
    other.mki[3] = 8;
    Pair stranger = make_pair_of(other);
    EXPECT_EQ(open(*stranger.receiver, sealed), Verdict::forged) << suite.name << ": a key of another name";
    for (std::size_t n = 0; n < sealed.size(); ++n)
      EXPECT_NE(
          open(*stranger.receiver, Bytes(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(n))),
          Verdict::ok);
  }
  Protection longest{Key::random(Suite::aead_aes_256_gcm)};
  longest.mki.assign(kMkiBytesMax, 'x');
  Pair pair = make_pair_of(longest);
  EXPECT_EQ(open(*pair.receiver, protect(*pair.sender, rtp_packet(1))), Verdict::ok);
  longest.mki += 'x';
  EXPECT_FALSE(Sender::create(longest, 1).ok());
}

// RFC 3711 8.1: the packet says which of the keys it is; what belongs to the stream goes on from key to key.
TEST(Srtp, TakesAnyOfSeveralKeysAndKeepsRolloverAndReplayFromOneToTheNext) {
  for (const SuiteFacts& suite : suites()) {
    Protection one{Key::random(suite.suite)}, two{Key::random(suite.suite)};
    one.mki = std::string("\0\1", 2);
    two.mki = std::string("\0\2", 2);
    Protection both = one;
    both.others.push_back({two.key, two.mki});
    auto receiver = std::move(*Receiver::create(both));
    auto first = std::move(*Sender::create(one, 0xcafebabe)),
         second = std::move(*Sender::create(two, 0xcafebabe));
    const Bytes plain = rtp_packet(9), report = rtcp_packet();
    Bytes back;
    for (Sender* sender : {first.get(), second.get()}) {
      const auto seq = static_cast<std::uint16_t>(sender == first.get() ? 9 : 10);
      EXPECT_EQ(open(*receiver, protect(*sender, rtp_packet(seq)), &back), Verdict::ok) << suite.name;
      EXPECT_EQ(back, rtp_packet(seq)) << suite.name;
      const Bytes sealed = protect_rtcp(*sender, report);
      EXPECT_EQ(open_rtcp(*receiver, sealed, &back), Verdict::ok) << suite.name;
      EXPECT_EQ(back, report) << suite.name;
      EXPECT_EQ(open_rtcp(*receiver, sealed), Verdict::replayed) << suite.name;
    }
    EXPECT_EQ(open(*receiver, protect(*second, rtp_packet(9))), Verdict::replayed) << "under the other key";
    Protection stranger = two;
    stranger.mki[1] = 3;
    auto third = std::move(*Sender::create(stranger, 0xcafebabe));
    EXPECT_EQ(open(*receiver, protect(*third, rtp_packet(11))), Verdict::forged) << suite.name;
    EXPECT_EQ(open_rtcp(*receiver, protect_rtcp(*third, report)), Verdict::forged) << suite.name;
    const Bytes sealed = protect(*first, rtp_packet(12));
    for (std::size_t n = 0; n < sealed.size(); ++n)
      EXPECT_NE(open(*receiver, Bytes(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(n))),
                Verdict::ok);
  }
}

TEST(Srtp, AKeyThatComesAfterTheSequenceHasWrappedKnowsTheRollover) {
  Protection one{Key::random(Suite::aes_cm_128_hmac_sha1_32)},
      two{Key::random(Suite::aes_cm_128_hmac_sha1_32)};
  one.mki = "a";
  two.mki = "b";
  Protection both = one;
  both.others.push_back({two.key, two.mki});
  auto receiver = std::move(*Receiver::create(both));
  auto first = std::move(*Sender::create(one, 0xcafebabe)),
       second = std::move(*Sender::create(two, 0xcafebabe));
  Bytes last;
  for (std::uint32_t i = 0; i < 65'600; ++i) {
    ASSERT_EQ(open(*receiver, protect(*first, rtp_packet(static_cast<std::uint16_t>(i)))), Verdict::ok) << i;
    last = protect(*second, rtp_packet(static_cast<std::uint16_t>(i + 1)));
  }
  EXPECT_EQ(open(*receiver, last), Verdict::ok);
}

TEST(Srtp, SeveralKeysWithoutNamesOfOneLengthAreRefused) {
  Protection with{Key::random(Suite::aes_cm_128_hmac_sha1_80)};
  const auto refused = [&] { return !Receiver::create(with).ok(); };
  with.others.push_back({Key::random(Suite::aes_cm_128_hmac_sha1_80), ""});
  EXPECT_TRUE(refused());
  with.mki = "ab";
  EXPECT_TRUE(refused());
  with.others[0].mki = "cd";
  EXPECT_FALSE(refused());
  with.others.push_back({Key::random(Suite::aead_aes_128_gcm), "ef"});
  EXPECT_TRUE(refused());
  with.others.assign(kKeysMax, with.others[0]);
  EXPECT_TRUE(refused());
}

TEST(Srtp, RefusesWhatAnotherKeyMade) {
  for (const SuiteFacts& suite : suites()) {
    const Pair pair = make_pair_of({Key::random(suite.suite)});
    auto stranger = std::move(*Sender::create({Key::random(suite.suite)}, 0xcafebabe));
    EXPECT_EQ(open(*pair.receiver, protect(*stranger, rtp_packet(5))), Verdict::forged) << suite.name;
    EXPECT_EQ(open_rtcp(*pair.receiver, protect_rtcp(*stranger, rtcp_packet())), Verdict::forged)
        << suite.name;
    EXPECT_EQ(open(*pair.receiver, rtp_packet(5)), Verdict::forged) << "plain RTP, " << suite.name;
    EXPECT_EQ(open(*pair.receiver, protect(*pair.sender, rtp_packet(5))), Verdict::ok) << "it spoils nothing";
  }
}

TEST(Srtp, RefusesEveryChangedByteAndEveryCut) {
  for (const SuiteFacts& suite : suites()) {
    const Pair pair = make_pair_of({Key::random(suite.suite)});
    const Bytes sealed = protect(*pair.sender, rtp_packet(1000, 0xcafebabe, 20));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Bytes changed = sealed;
      changed[i] ^= 0x01;
      EXPECT_NE(open(*pair.receiver, changed), Verdict::ok) << suite.name << " byte " << i;
    }
    for (std::size_t length = 0; length < sealed.size(); ++length)
      EXPECT_NE(
          open(*pair.receiver, Bytes(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(length))),
          Verdict::ok)
          << suite.name << " cut to " << length;
    EXPECT_EQ(open(*pair.receiver, sealed), Verdict::ok);
    const Bytes report = protect_rtcp(*pair.sender, rtcp_packet());
    for (std::size_t length = 0; length < report.size(); ++length)
      EXPECT_NE(open_rtcp(*pair.receiver,
                          Bytes(report.begin(), report.begin() + static_cast<std::ptrdiff_t>(length))),
                Verdict::ok);
  }
}

TEST(Srtp, TakesSixtyFourSourcesAndNoMore) {
  const Protection with{Key::random(Suite::aes_cm_128_hmac_sha1_80)};
  auto receiver = std::move(*Receiver::create(with));
  for (std::uint32_t ssrc = 1; ssrc <= Receiver::kSourcesMax; ++ssrc) {
    auto sender = std::move(*Sender::create(with, ssrc));
    ASSERT_EQ(open(*receiver, protect(*sender, rtp_packet(1, ssrc))), Verdict::ok);
  }
  auto more = std::move(*Sender::create(with, 1000));
  EXPECT_EQ(open(*receiver, protect(*more, rtp_packet(1, 1000))), Verdict::too_many);
  auto known = std::move(*Sender::create(with, 7));
  EXPECT_EQ(open(*receiver, protect(*known, rtp_packet(2, 7))), Verdict::ok);
}

TEST(Srtp, SendsNoNumberTwiceAndNoOtherSource) {
  const Pair pair = make_pair_of({Key::random(Suite::aes_cm_128_hmac_sha1_80)});
  EXPECT_FALSE(protect(*pair.sender, rtp_packet(1)).empty());
  EXPECT_TRUE(protect(*pair.sender, rtp_packet(1)).empty()) << "the same key stream twice";
  EXPECT_TRUE(protect(*pair.sender, rtp_packet(2, 99)).empty());
  Bytes tight = rtp_packet(3);
  EXPECT_EQ(pair.sender->protect(tight, tight.size()), 0u) << "no room for the tag";
}

TEST(Srtp, AllocatesForTheFirstPacketOfASourceAndNeverAgain) {
  if (TANDEM_COUNTS_MALLOC == 0) GTEST_SKIP() << "a sanitizer has malloc";
  for (const SuiteFacts& suite : suites()) {
    const Pair pair = make_pair_of({Key::random(suite.suite)});
    const auto there_and_back = [&](std::uint16_t seq) {
      Bytes packet = rtp_packet(seq), report = rtcp_packet();
      packet.resize(packet.size() + kTrailerBytesMax);
      report.resize(report.size() + kTrailerBytesMax);
      counting = true;
      counted = 0;
      std::span<std::uint8_t> rtp(packet.data(),
                                  pair.sender->protect(packet, packet.size() - kTrailerBytesMax));
      std::span<std::uint8_t> rtcp(report.data(),
                                   pair.sender->protect_rtcp(report, report.size() - kTrailerBytesMax));
      const unsigned sending = counted;
      const bool good =
          pair.receiver->unprotect(rtp) == Verdict::ok && pair.receiver->unprotect_rtcp(rtcp) == Verdict::ok;
      counting = false;
      EXPECT_TRUE(good);
      EXPECT_EQ(sending, 0u) << suite.name;
      return counted - sending;
    };
    EXPECT_LE(there_and_back(65000), 8u) << suite.name;
    for (std::uint32_t seq = 65001; seq < 66000; ++seq)
      ASSERT_EQ(there_and_back(static_cast<std::uint16_t>(seq)), 0u) << suite.name << seq;
  }
}

// ---- keys

TEST(SrtpKey, IsReadFromBase64OfItsExactLengthOnly) {
  const auto read =
      Key::from_base64(Suite::aes_cm_128_hmac_sha1_80, "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(std::memcmp(read->bytes().data(), "YS___semctl () {\t220;}\n}\nunles", 30), 0);  // RFC 4568 6.1
  EXPECT_EQ(read->to_base64(), "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz");
  for (const SuiteFacts& suite : suites()) {
    const Key made = Key::random(suite.suite);
    std::string text = made.to_base64();
    EXPECT_EQ(text.size() % 4, 0u);
    auto back = Key::from_base64(suite.suite, text);
    ASSERT_TRUE(back.ok()) << suite.name;
    EXPECT_TRUE(*back == made);
    while (text.ends_with('=')) text.pop_back();
    EXPECT_TRUE(Key::from_base64(suite.suite, text).ok()) << "without padding";
    EXPECT_FALSE(Key::from_base64(suite.suite, text + "A").ok());
    EXPECT_FALSE(Key::from_base64(suite.suite, text.substr(1)).ok());
    text[3] = '*';
    const auto bad = Key::from_base64(suite.suite, text);
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().message.find(text.substr(4, 6)), std::string::npos) << "an error tells no key";
  }
  EXPECT_FALSE(Key::from_base64(Suite::aead_aes_128_gcm, "").ok());
}

TEST(SrtpKey, IsAnotherOneEveryTime) {
  EXPECT_FALSE(Key::random(Suite::aead_aes_256_gcm) == Key::random(Suite::aead_aes_256_gcm));
}

TEST(SrtpSuite, IsFoundByItsNamesInAnyCase) {
  for (const SuiteFacts& suite : suites()) EXPECT_EQ(suite_named(suite.name), suite.suite);
  EXPECT_EQ(suite_named("aes_cm_128_hmac_sha1_80"), Suite::aes_cm_128_hmac_sha1_80);
  EXPECT_EQ(suite_named("AES_CM_256_HMAC_SHA1_80"), Suite::aes_256_cm_hmac_sha1_80);
  EXPECT_EQ(suite_named("F8_128_HMAC_SHA1_80"), std::nullopt);
}

}  // namespace
}  // namespace tandem::srtp
