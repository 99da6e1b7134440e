// a=crypto: read, chosen, answered, kept over re-offers; what cannot be used is passed over; no key is ever
// shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "core/sdp/crypto.hpp"
#include "core/sdp/negotiate.hpp"
#include "tests/sdp/parties.hpp"

namespace tandem::sdp {
namespace {

using srtp::Suite;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";     // 30 bytes
constexpr const char* kGcmKey = "AAECAwQFBgcICQoLDA0OD6ChoqOkpaanqKmqqw==";  // 28
constexpr const char* kKey256 = "8PBJFLUT8nY6Gx+hMPEOKZj29uQ+QwnR5iKg4zK58bY7BIA95R7nyWQjq1t40g==";  // 46

std::string line(const std::string& tag, const std::string& suite, const std::string& key) {
  return "a=crypto:" + tag + " " + suite + " inline:" + key + "\n";
}

// So many keys in one line's words, each with a name.
std::string many_keys(int count) {
  std::string out;
  for (int i = 1; i <= count; ++i)
    out += (i == 1 ? "inline:" : ";inline:") + std::string(kKey) + "|" + std::to_string(i) + ":4";
  return out;
}

TEST(Crypto, ALineMayHaveSeveralKeysWhichTheirNamesTellApart) {
  const std::string text = "1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey) +
                           "|2^20|1:4;inline:" + std::string(kKey) + "|258:4";
  const auto line = parse_crypto(text + " UNENCRYPTED_SRTCP");
  ASSERT_TRUE(line.ok()) << line.error().message;
  EXPECT_EQ(line->protection.mki, std::string("\0\0\0\1", 4));
  ASSERT_EQ(line->protection.others.size(), 1U);
  EXPECT_EQ(line->protection.others[0].mki, std::string("\0\0\1\2", 4));
  EXPECT_FALSE(line->protection.encrypt_rtcp);
  const auto again = parse_crypto(print_crypto(*line));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->protection, line->protection);
  const srtp::Suite suite = line->protection.key.suite();
  const auto ours = answer_line(*line, make_crypto_lines({&suite, 1}));
  ASSERT_TRUE(ours);
  EXPECT_TRUE(ours->protection.others.empty());
  EXPECT_EQ(ours->protection.mki, line->protection.mki);
  EXPECT_TRUE(parse_crypto("1 AES_CM_128_HMAC_SHA1_80 " + many_keys(16)).ok());
}

TEST(Crypto, ReadsWhatPhonesSend) {
  struct Row {
    std::string value;
    std::uint32_t tag;
    Suite suite;
    std::uint64_t lifetime;
  };
  const Row rows[] = {
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey), 1, Suite::aes_cm_128_hmac_sha1_80, 0},
      {"1 AES_CM_128_HMAC_SHA1_32 inline:" + std::string(kKey) + "|2^20", 1, Suite::aes_cm_128_hmac_sha1_32,
       1 << 20},
      {"999999999 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey) + "|1048576", 999999999,
       Suite::aes_cm_128_hmac_sha1_80, 1 << 20},
      {"2 AEAD_AES_128_GCM inline:" + std::string(kGcmKey), 2, Suite::aead_aes_128_gcm, 0},
      {"3 AES_256_CM_HMAC_SHA1_80 inline:" + std::string(kKey256), 3, Suite::aes_256_cm_hmac_sha1_80, 0},
      {"3 AES_CM_256_HMAC_SHA1_80 inline:" + std::string(kKey256), 3, Suite::aes_256_cm_hmac_sha1_80, 0},
      {"4 AEAD_AES_128_GCM  inline:AAECAwQFBgcICQoLDA0OD6ChoqOkpaanqKmqqw WSH=64 -X", 4,
       Suite::aead_aes_128_gcm, 0},
  };
  for (const Row& row : rows) {
    const auto read = parse_crypto(row.value);
    ASSERT_TRUE(read.ok()) << row.value << ": " << read.error().message;
    EXPECT_EQ(read->tag, row.tag);
    EXPECT_EQ(read->protection.key.suite(), row.suite);
    EXPECT_EQ(read->lifetime, row.lifetime);
    const auto again = parse_crypto(print_crypto(*read));
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again->protection == read->protection);
  }
}

TEST(Crypto, SaysWhyALineCannotBeUsedAndQuotesNoKey) {
  struct Row {
    std::string value;
    ErrorCode code;
    const char* why;
  };
  const std::string key = kKey;
  const Row rows[] = {
      {"", ErrorCode::invalid, "tag"},
      {"-1 AES_CM_128_HMAC_SHA1_80 inline:" + key, ErrorCode::invalid, "tag"},
      {"1000000000 AES_CM_128_HMAC_SHA1_80 inline:" + key, ErrorCode::invalid, "tag"},
      {"-1 AES_CM_128_HMAC_SHA1_80 inline:" + key, ErrorCode::invalid, "tag"},
      {"1", ErrorCode::invalid, "suite"},
      {"1 F8_128_HMAC_SHA1_80 inline:" + key, ErrorCode::unsupported, "F8_128"},
      {"1 AES_CM_128_HMAC_SHA1_80", ErrorCode::invalid, "inline"},
      {"1 AES_CM_128_HMAC_SHA1_80 " + key, ErrorCode::invalid, "inline"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key.substr(1), ErrorCode::invalid, "40"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "A", ErrorCode::invalid, "40"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:*" + key.substr(1), ErrorCode::invalid, "base64"},
      {"1 AEAD_AES_256_GCM inline:" + key, ErrorCode::invalid, "59"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|1:0", ErrorCode::invalid, "MKI"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:129", ErrorCode::invalid, "MKI"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|256:1", ErrorCode::invalid, "MKI"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|x:4", ErrorCode::invalid, "MKI"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:", ErrorCode::invalid, "MKI"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + ";inline:" + key, ErrorCode::invalid, "several"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:4;inline:" + key + "|1:4", ErrorCode::invalid,
       "several"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:4;inline:" + key + "|2:2", ErrorCode::invalid,
       "several"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:4;", ErrorCode::invalid, "inline"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:4;inline:" + key.substr(1) + "|2:4",
       ErrorCode::invalid, "40"},
      {"1 AES_CM_128_HMAC_SHA1_80 " + many_keys(17), ErrorCode::unsupported, "16"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^49", ErrorCode::invalid, "lifetime"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|0", ErrorCode::invalid, "lifetime"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|", ErrorCode::invalid, "MKI"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + " KDR=1", ErrorCode::unsupported, "KDR"},
      {"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + " FEC_ORDER=FEC_SRTP", ErrorCode::unsupported,
       "FEC_ORDER"},
      {"1 AEAD_AES_128_GCM inline:" + std::string(kGcmKey) + " UNENCRYPTED_SRTP", ErrorCode::unsupported,
       "AEAD"},
  };
  for (const Row& row : rows) {
    const auto read = parse_crypto(row.value);
    ASSERT_FALSE(read.ok()) << row.value;
    EXPECT_EQ(read.error().code, row.code) << row.value;
    EXPECT_THAT(read.error().message, HasSubstr(row.why)) << row.value;
    EXPECT_THAT(read.error().message, Not(HasSubstr(key.substr(2, 12)))) << row.value;
  }
}

TEST(Crypto, AKeysNameIsReadAnsweredAndPrinted) {
  const std::string key = kKey;
  const auto read = parse_crypto("1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|66051:4");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->protection.mki, std::string("\0\1\2\3", 4));
  EXPECT_EQ(read->lifetime, 1u << 20);
  EXPECT_THAT(print_crypto(*read), HasSubstr("|66051:4"));
  const auto ours = make_crypto_lines(std::array{Suite::aes_cm_128_hmac_sha1_80});
  const auto answer = answer_line(*read, ours);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->protection.mki, read->protection.mki) << "both sides name their keys, or none does";
  EXPECT_FALSE(answer->protection.key == read->protection.key);
  const auto longest = parse_crypto("1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:128");
  ASSERT_TRUE(longest.ok());
  EXPECT_EQ(longest->protection.mki.size(), 128u);
  EXPECT_EQ(longest->protection.mki.back(), 1);
}

TEST(Crypto, WithoutEncryptionIsForWhoAllowsItOnly) {
  const Description d =
      offer_of("m=audio 4000 RTP/SAVP 0\n" +
               line("1", "AES_CM_128_HMAC_SHA1_80", std::string(kKey) + " UNENCRYPTED_SRTCP") +
               line("2", "AES_CM_128_HMAC_SHA1_80", std::string(kKey) + " UNAUTHENTICATED_SRTP"));
  EXPECT_TRUE(crypto_lines(d.media[0]).lines.empty());
  EXPECT_THAT(crypto_lines(d.media[0]).problem, HasSubstr("without encryption"));
  const CryptoRead read = crypto_lines(d.media[0], {.unencrypted_srtcp = true});
  ASSERT_EQ(read.lines.size(), 1u);
  EXPECT_TRUE(read.lines[0].protection.encrypt_rtp);
  EXPECT_FALSE(read.lines[0].protection.encrypt_rtcp);
  const Suite suites[] = {Suite::aes_cm_128_hmac_sha1_80};
  const auto ours = make_crypto_lines(suites);
  const auto answer = answer_line(read.lines[0], ours);
  ASSERT_TRUE(answer.has_value());
  EXPECT_THAT(print_crypto(*answer), HasSubstr(" UNENCRYPTED_SRTCP"))
      << "the answer repeats what was negotiated";
}

TEST(Crypto, EveryKeyThatIsMadeIsAnotherOne) {
  std::vector<Suite> suites(20, Suite::aead_aes_256_gcm);
  std::set<std::string> keys;
  for (const CryptoLine& made : make_crypto_lines(suites)) keys.insert(made.protection.key.to_base64());
  EXPECT_EQ(keys.size(), 20u);
}

TEST(Crypto, IsNotShownWhereAnSdpIsShown) {
  const std::string sdp = "v=0\r\nk=base64:c2VjcmV0\r\nm=audio 1 RTP/SAVP 0\r\n" +
                          ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey) + "\r\n") +
                          "A=Crypto:secretsecret\r\na=CRYPTO:1 XYZ inline:secret\na=rtpmap:0 PCMU/8000";
  const std::string shown = without_keys(sdp);
  EXPECT_THAT(shown, HasSubstr("a=crypto:1 AES_CM_128_HMAC_SHA1_80 …\r\n"));
  EXPECT_THAT(shown, HasSubstr("a=rtpmap:0 PCMU/8000"));
  EXPECT_THAT(shown, Not(HasSubstr("WVNf")));
  EXPECT_THAT(shown, Not(HasSubstr("inline:secret")));
  EXPECT_THAT(shown, Not(HasSubstr("c2VjcmV0")));
  EXPECT_EQ(without_keys(""), "");
}

// ---- offer and answer

Local secured(SrtpPolicy policy) {
  Local local = local_of({pcmu()});
  local.srtp.policy = policy;
  std::vector<Suite> suites;
  for (const srtp::SuiteFacts& one : srtp::suites()) suites.push_back(one.suite);
  local.srtp.lines = make_crypto_lines(suites);
  return local;
}

const std::string kSavp = "m=audio 4000 RTP/SAVP 0\n";
const std::string kAvp = "m=audio 4000 RTP/AVP 0\n";

TEST(CryptoAnswer, FollowsThePolicy) {
  const std::string good = line("7", "AES_CM_128_HMAC_SHA1_80", kKey);
  const std::string bad = line("1", "AES_CM_128_HMAC_SHA1_80",
                               std::string(kKey) + "|2^20|1:4;inline:" + std::string(kKey) + "|1:4");
  struct Row {
    const char* name;
    SrtpPolicy policy;
    std::string offer;
    int outcome;  // 488, 1: SRTP, 0: RTP
    const char* why;
  };
  const Row rows[] = {
      {"SAVP, off", SrtpPolicy::off, kSavp + good, 488, "SRTP is off here"},
      {"SAVP, accept", SrtpPolicy::accept, kSavp + good, 1, ""},
      {"SAVPF", SrtpPolicy::accept, "m=audio 4000 RTP/SAVPF 0\n" + good, 1, ""},
      {"SAVP without a=crypto", SrtpPolicy::accept, kSavp, 488, "saw none"},
      {"SAVP with several keys of one name", SrtpPolicy::optional, kSavp + bad, 488, "several"},
      {"the second line, when the first cannot be used", SrtpPolicy::required, kSavp + bad + good, 1, ""},
      {"AVP, off", SrtpPolicy::off, kAvp + good, 0, ""},
      {"AVP with a=crypto, accept", SrtpPolicy::accept, kAvp + good, 1, ""},
      {"AVP with what cannot be used", SrtpPolicy::optional, kAvp + bad, 0, ""},
      {"AVP, optional", SrtpPolicy::optional, kAvp, 0, ""},
      {"AVP, required", SrtpPolicy::required, kAvp, 488, "SRTP is required here"},
      {"AVP with a=crypto, required", SrtpPolicy::required, kAvp + good, 1, ""},
      {"DTLS", SrtpPolicy::required, "m=audio 4000 UDP/TLS/RTP/SAVPF 0\n", 488, "not spoken"},
  };
  for (const Row& row : rows) {
    const Local local = secured(row.policy);
    const auto made = answer(local, offer_of(row.offer), {.id = 1});
    if (row.outcome == 488) {
      ASSERT_FALSE(made.ok()) << row.name;
      EXPECT_EQ(sip_code(made.error()), 488) << row.name;
      EXPECT_THAT(made.error().message, HasSubstr(row.why)) << row.name;
      continue;
    }
    ASSERT_TRUE(made.ok()) << row.name << ": " << made.error().message;
    EXPECT_EQ(made->negotiated.srtp.has_value(), row.outcome == 1) << row.name;
    const std::string text = print(made->description);
    if (row.outcome == 0) {
      EXPECT_THAT(text, Not(HasSubstr("crypto"))) << row.name;
      continue;
    }
    const CryptoRead ours = crypto_lines(made->description.media[0]);
    ASSERT_EQ(ours.lines.size(), 1u) << row.name;
    EXPECT_EQ(ours.lines[0].tag, 7u) << "the offer's tag";
    EXPECT_TRUE(ours.lines[0].protection == made->negotiated.srtp->send);
    EXPECT_EQ(made->negotiated.srtp->receive.key.to_base64(), kKey);
    EXPECT_EQ(made->description.media[0].proto, offer_of(row.offer).media[0].proto);
  }
}

TEST(CryptoAnswer, TakesTheirFirstOrOursAndRepeatsTheNameAsWritten) {
  const std::string lines = line("1", "AES_CM_128_HMAC_SHA1_32", kKey) +
                            line("2", "aead_aes_128_gcm", kGcmKey) +
                            line("3", "AES_CM_256_HMAC_SHA1_80", kKey256);
  Local local = secured(SrtpPolicy::accept);
  EXPECT_EQ(answered(local, offer_of(kSavp + lines)).negotiated.srtp->tag, 1u);
  local.srtp.preference = Preference::ours;
  const Answer strongest = answered(local, offer_of(kSavp + lines));
  EXPECT_EQ(strongest.negotiated.srtp->tag, 2u);
  EXPECT_THAT(print(strongest.description), HasSubstr("a=crypto:2 aead_aes_128_gcm inline:"));
  std::erase_if(local.srtp.lines, [](const CryptoLine& l) {
    return l.protection.key.suite() != Suite::aes_256_cm_hmac_sha1_80;
  });
  const Answer only = answered(local, offer_of(kSavp + lines));
  EXPECT_THAT(print(only.description), HasSubstr("a=crypto:3 AES_CM_256_HMAC_SHA1_80 inline:"));
  local.srtp.lines.clear();
  EXPECT_FALSE(answer(local, offer_of(kSavp + lines), {.id = 1}).ok());
}

TEST(CryptoOffer, FollowsThePolicy) {
  for (const SrtpPolicy policy :
       {SrtpPolicy::off, SrtpPolicy::accept, SrtpPolicy::optional, SrtpPolicy::required}) {
    const Description offer = make_offer(secured(policy), {.id = 1});
    const bool offered = policy == SrtpPolicy::optional || policy == SrtpPolicy::required;
    EXPECT_EQ(offer.media[0].proto, policy == SrtpPolicy::required ? "RTP/SAVP" : "RTP/AVP");
    EXPECT_EQ(crypto_lines(offer.media[0]).lines.size(), offered ? kCryptoLinesOffered : 0u);
  }
}

TEST(CryptoOffer, IsConcludedByTheTagOfTheAnswer) {
  struct Row {
    const char* name;
    SrtpPolicy policy;
    std::string answer;
    int outcome;  // 1: SRTP, 0: RTP, -1: refused
  };
  const std::string good = line("4", "AES_CM_128_HMAC_SHA1_80", kKey);
  const Row rows[] = {
      {"SAVP, required", SrtpPolicy::required, kSavp + good, 1},
      {"AVP, required", SrtpPolicy::required, kAvp, -1},
      {"AVP with a=crypto, optional", SrtpPolicy::optional, kAvp + good, 1},
      {"AVP without, optional", SrtpPolicy::optional, kAvp, 0},
      {"another tag", SrtpPolicy::optional, kAvp + line("1", "AES_CM_128_HMAC_SHA1_80", kKey), -1},
      {"a tag never offered", SrtpPolicy::required, kSavp + line("9", "AES_CM_128_HMAC_SHA1_80", kKey), -1},
      {"no usable line", SrtpPolicy::required, kSavp + line("4", "AES_CM_128_HMAC_SHA1_80", "short"), -1},
      {"SAVP that was not offered", SrtpPolicy::accept, kSavp + good, -1},
      {"a=crypto that was not offered", SrtpPolicy::accept, kAvp + good, 0},
  };
  for (const Row& row : rows) {
    const Local local = secured(row.policy);
    const Description offer = make_offer(local, {.id = 1});
    const auto n = conclude(local, offer, offer_of(row.answer));
    ASSERT_EQ(n.ok(), row.outcome >= 0) << row.name << (n ? "" : n.error().message);
    if (!n) continue;
    ASSERT_EQ(n->srtp.has_value(), row.outcome == 1) << row.name;
    if (!n->srtp) continue;
    EXPECT_TRUE(n->srtp->send == local.srtp.lines[3].protection) << row.name;
    EXPECT_EQ(n->srtp->receive.key.to_base64(), kKey);
  }
}

TEST(CryptoOffer, KeepsWhatWasAgreedInAReOffer) {
  Local local = secured(SrtpPolicy::required);
  SessionState state{.id = 1};
  const Description first = make_offer(local, state);
  remember(state, first);
  const Negotiated n = concluded(local, first, offer_of(kSavp + line("4", "AES_CM_128_HMAC_SHA1_80", kKey)));
  local.srtp.agreed = CryptoLine{n.srtp->tag, "AES_CM_128_HMAC_SHA1_80", n.srtp->send, 0};
  local.srtp.settled = true;
  local.direction = Direction::sendonly;
  const Description again = make_offer(local, state);
  EXPECT_EQ(again.media[0].proto, "RTP/SAVP");
  const CryptoRead read = crypto_lines(again.media[0]);
  ASSERT_EQ(read.lines.size(), 1u);
  EXPECT_TRUE(read.lines[0].protection == n.srtp->send) << "the same key";
  EXPECT_EQ(read.lines[0].tag, 4u);
  const Negotiated held =
      concluded(local, again, offer_of(kSavp + line("4", "AES_CM_128_HMAC_SHA1_80", kKey) + "a=recvonly\n"));
  EXPECT_TRUE(held.srtp == n.srtp);
  // Optional, and the peer had none: it is not asked again in mid-call.
  Local plain = secured(SrtpPolicy::optional);
  plain.srtp.settled = true;
  EXPECT_FALSE(has_crypto(make_offer(plain, {.id = 2}).media[0]));
}

}  // namespace
}  // namespace tandem::sdp
