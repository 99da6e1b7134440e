// SDES as the options ask, m= lines and attributes that are taken out, echoes, traffic that is dropped,
// parties that are named by their address.
#include "tests/anchor/relay_world.hpp"
#include "tests/anchor/world.hpp"

namespace tandem::anchor {
namespace {

constexpr const char* kKey = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
constexpr const char* kKey256 = "inline:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLg";

class EditsTest : public AnchorWorld {
 protected:
  static std::string secure_sdp(const std::string& lines, int port = 4000) {
    return audio_sdp("192.0.2.1", port, "0", lines, "RTP/SAVP");
  }
  static std::vector<sdp::CryptoLine> cryptos(const std::string& text) {
    return sdp::crypto_lines(sdp::parse(text)->media.at(0), {true, true, true}).lines;
  }
  static std::string suites_in(const std::string& text) {
    std::string out;
    for (const auto& line : cryptos(text)) out += (out.empty() ? "" : " ") + line.suite_name;
    return out;
  }
  // A offers with these lines; B takes the first that it is offered. What A is answered.
  std::string answered(const std::string& lines, const Options& options, const Options& of_answer = {}) {
    const auto offered = offer(secure_sdp(lines), options, "A", legs().empty() ? "" : "B");
    EXPECT_TRUE(offered) << offered.error().message;
    if (!offered) return "";
    sent_ = offered->sdp;
    sdp::CryptoLine mine = cryptos(sent_).at(0);
    mine.protection.key = srtp::Key::random(mine.protection.key.suite());
    const auto done = answer(secure_sdp("a=crypto:" + sdp::print_crypto(mine) + "\n", 5000), of_answer);
    EXPECT_TRUE(done) << done.error().message;
    return done ? done->sdp : "";
  }
  const std::string both_ = std::string("a=crypto:1 AES_CM_128_HMAC_SHA1_80 ") + kKey +
                            "\na=crypto:2 AES_256_CM_HMAC_SHA1_80 " + kKey256 + "\n";
  std::string sent_;
};

TEST_F(EditsTest, SuitesAreOfferedTakenAndOrderedAsAskedFor) {
  const struct {
    const char* what;
    std::vector<std::string> only, without, order, prefer;
    bool keep;
    const char* offered;   // begins with
    const char* answered;  // A's suite
  } table[] = {
      {"as it comes", {}, {}, {}, {}, false, "AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80"},
      {"nonew",
       {},
       {},
       {},
       {},
       true,
       "AES_CM_128_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_80",
       "AES_CM_128_HMAC_SHA1_80"},
      {"nonew stands above the lists",
       {"AEAD_AES_128_GCM"},
       {},
       {},
       {},
       true,
       "AES_CM_128_HMAC_SHA1_80 AES_256_CM_HMAC_SHA1_80",
       "AES_CM_128_HMAC_SHA1_80"},
      {"order",
       {},
       {},
       {"AES_192_CM_HMAC_SHA1_32", "AEAD_AES_128_GCM"},
       {},
       false,
       "AES_192_CM_HMAC_SHA1_32 AEAD_AES_128_GCM AEAD_AES_256_GCM",
       "AES_CM_128_HMAC_SHA1_80"},
      {"offerer_pref",
       {},
       {},
       {},
       {"AES_192_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"},
       false,
       "",
       "AES_256_CM_HMAC_SHA1_80"},
      {"no- is not taken either",
       {},
       {"AES_CM_128_HMAC_SHA1_80"},
       {},
       {},
       false,
       "AEAD_AES_256_GCM",
       "AES_256_CM_HMAC_SHA1_80"},
      {"only-: the first when nothing is left",
       {"AEAD_AES_128_GCM"},
       {},
       {},
       {},
       false,
       "AEAD_AES_128_GCM",
       "AES_CM_128_HMAC_SHA1_80"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    make();
    Options options;
    options.srtp_only = row.only, options.srtp_without = row.without, options.srtp_order = row.order;
    options.srtp_prefer = row.prefer, options.srtp_keep_offered = row.keep;
    const std::string got = answered(both_, options);
    EXPECT_EQ(suites_in(sent_).find(row.offered), 0U) << suites_in(sent_);
    EXPECT_EQ(suites_in(got), row.answered);
  }
}

TEST_F(EditsTest, OrderLeavesTheTagsAndKeysStayFromOfferToOffer) {
  Options options;
  (void)answered(both_, options);
  const auto before = cryptos(sent_);
  options.srtp_order = {"AES_CM_128_HMAC_SHA1_32"};
  options.srtp_without = {"AEAD_AES_128_GCM"};
  (void)answered(both_, options);
  const auto after = cryptos(sent_);
  ASSERT_EQ(after.size(), before.size() - 1);
  EXPECT_EQ(after[0].suite_name, "AES_CM_128_HMAC_SHA1_32");
  EXPECT_NE(after[0].tag, 1U);
  for (const auto& line : after)
    for (const auto& known : before)
      if (known.suite_name == line.suite_name) {
        EXPECT_TRUE(line.protection.key == known.protection.key);
      }
}

TEST_F(EditsTest, LinesAreWrittenWithPaddingAndLifetimeOnlyWhenAskedTo) {
  Options options;
  options.srtp_only = {"AES_256_CM_HMAC_SHA1_80"};
  std::string got = answered(both_, options);
  EXPECT_EQ(sent_.find("=\r\n"), std::string::npos);
  EXPECT_EQ(sent_.find("2^31"), std::string::npos);
  Options written;
  options.srtp_padded = options.srtp_lifetime = written.srtp_lifetime = true;
  got = answered(both_, options, written);
  EXPECT_NE(sent_.find("==|2^31\r\n"), std::string::npos) << sent_;
  EXPECT_NE(got.find("|2^31\r\n"), std::string::npos);
}

TEST_F(EditsTest, AnAnswerKeepsTheSuiteInForceWhenItIsStatic) {
  const std::string turned = std::string("a=crypto:1 AES_256_CM_HMAC_SHA1_80 ") + kKey256 +
                             "\na=crypto:2 AES_CM_128_HMAC_SHA1_80 " + kKey + "\n";
  EXPECT_EQ(suites_in(answered(both_, {})), "AES_CM_128_HMAC_SHA1_80");
  Options fixed;
  fixed.srtp_fixed = true;
  EXPECT_EQ(suites_in(answered(turned, {}, fixed)), "AES_CM_128_HMAC_SHA1_80");
  EXPECT_EQ(suites_in(answered(turned, {})), "AES_256_CM_HMAC_SHA1_80");
}

TEST_F(EditsTest, SessionParametersAreOfferedAndTakenOnlyWhenAllowed) {
  const std::string plain = std::string("a=crypto:1 AES_CM_128_HMAC_SHA1_80 ") + kKey + " UNENCRYPTED_SRTP\n";
  Options options;
  options.srtp_unencrypted = options.srtcp_unencrypted = true;
  options.srtp_only = {"AES_CM_128_HMAC_SHA1_80"};
  const std::string got = answered(plain, options);
  EXPECT_NE(sent_.find(" UNENCRYPTED_SRTP UNENCRYPTED_SRTCP\r\n"), std::string::npos) << sent_;
  EXPECT_NE(got.find(" UNENCRYPTED_SRTP\r\n"), std::string::npos) << got;
  EXPECT_FALSE(legs()[0]->config().srtp->receive.encrypt_rtp);
  make();
  Options plain_rtp;
  plain_rtp.transport = "RTP/AVP";
  EXPECT_FALSE(offer(secure_sdp(plain), plain_rtp));  // not taken where nobody allowed it
}

TEST_F(EditsTest, AnMLineThatIsRemovedIsRefusedInItsPlace) {
  Options options;
  options.media_remove = {"video"};
  const std::string video = "m=video 4002 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
  std::string both = audio_sdp("192.0.2.1", 4000, "0", "");
  both.insert(both.find("m=audio"), crlf(video));
  const auto offered = offer(both, options);
  ASSERT_TRUE(offered) << offered.error().message;
  EXPECT_EQ(offered->sdp.find("m=video"), std::string::npos);
  EXPECT_EQ(legs().size(), 2U);  // no ports for it
  const auto done = answer(audio_sdp("192.0.2.2", 5000, "0", ""));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_NE(done->sdp.find("m=video 0 RTP/AVP 96\r\nm=audio "), std::string::npos) << done->sdp;
  EXPECT_FALSE(answer(both));  // one more than it was offered
}

TEST_F(EditsTest, AttributesAreAddedTakenOutAndReplacedByNameOrValue) {
  using Act = AttributeEdit::Act;
  Options options;
  options.attributes = {{Act::add, "audio", "x-new:1", ""},
                        {Act::add, "audio", "x-new:1", ""},
                        {Act::remove, "audio", "fmtp:101", ""},
                        {Act::substitute, "audio", "rtpmap:101 telephone-event/8000", "y"},
                        {Act::add, "", "z", ""},
                        {Act::remove, "video", "rtcp", ""},
                        {Act::remove, "audio", "rtc", ""}};
  const auto offered = offer(audio_sdp("192.0.2.1", 4000), options);
  ASSERT_TRUE(offered);
  EXPECT_TRUE(has(offered->sdp, "a=x-new:1") && has(offered->sdp, "a=y") && has(offered->sdp, "a=z"));
  EXPECT_EQ(offered->sdp.find("x-new"), offered->sdp.rfind("x-new"));
  EXPECT_EQ(offered->sdp.find("fmtp"), std::string::npos);
  EXPECT_LT(offered->sdp.find("a=z"), offered->sdp.find("m=audio"));
  EXPECT_NE(offered->sdp.find("a=rtcp:"), std::string::npos);
}

TEST_F(EditsTest, APartyIsNamedByTheAddressOfItsMedia) {
  ASSERT_TRUE(offer(audio_sdp("192.0.2.1", 4000)));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000)));
  Selector who{"call", "", "", "", "", ""};
  who.address = "192.0.2.2";
  ASSERT_TRUE(anchors->block(who, Anchors::Block::media, true));
  EXPECT_TRUE(legs()[0]->config().receive);
  EXPECT_FALSE(legs()[1]->config().receive);
  who.address = "192.0.2.9";
  EXPECT_EQ(anchors->block(who, Anchors::Block::media, true).error().code, ErrorCode::not_found);
}

class EchoTest : public RelayTest {
 protected:
  double likeness(testing::MediaPhone& phone, std::uint32_t seed) {
    return session::find_in(phone.heard(), beginning(seed)).first;
  }
};

TEST_F(EchoTest, WhoIsToHearHimselfDoesAndTheOthersHearNothing) {
  const struct {
    Echo echo;
    bool offerer, answerer;
  } table[] = {{Echo::nobody, false, false},
               {Echo::receiver, false, true},
               {Echo::sender, true, false},
               {Echo::both, true, true}};
  for (const auto& row : table) {
    SCOPED_TRACE(static_cast<int>(row.echo));
    auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
    Options options;
    options.echo = row.echo;
    connect(a, b, kPlain, kPlain, options);
    advance(milliseconds(800));
    EXPECT_EQ(likeness(a, 1) > 0.99, row.offerer);
    EXPECT_EQ(likeness(b, 2) > 0.99, row.answerer);
    EXPECT_LT(likeness(a, 2), 0.5);
    EXPECT_LT(likeness(b, 1), 0.5);
    b.forget();
    ASSERT_TRUE(anchors_->offer({"call", "A", "B", "", "", ""}, sdp(a, kPlain), {}));  // anew, without
    ASSERT_TRUE(anchors_->answer({"call", "A", "B", "", "", ""}, sdp(b, kPlain), {}));
    a.forget();
    a.say(session::noise(3000, 1)), b.say(session::noise(3000, 2));
    advance(milliseconds(800));
    EXPECT_GT(likeness(b, 1), 0.99);
    EXPECT_GT(likeness(a, 2), 0.99);
    anchors_->remove({"call", "", "", "", "", ""}, {}, [](const Result<CallReport>&) {});
    a.stop(), b.stop();
  }
}

TEST_F(EchoTest, DroppedTrafficPassesAgainWhenItIsNotDroppedAnyMore) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  Options options;
  options.drop = true;
  connect(a, b, kPlain, kPlain, options);
  advance(milliseconds(500));
  EXPECT_EQ(a.got().size() + b.got().size(), 0U);
  options.drop = false;
  connect(a, b, kPlain, kPlain, options);
  advance(milliseconds(500));
  EXPECT_GT(b.got().size(), 20U);
}

TEST_F(EchoTest, SrtpWithoutEncryptionOrTagsIsHeardWhereItWasAgreedOn) {
  for (const int which : {0, 1, 2}) {
    SCOPED_TRACE(which);
    auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
    Options options;
    options.transport = "RTP/SAVP";
    options.srtp_unencrypted = which != 1, options.srtp_unauthenticated = which != 0;
    options.srtp_only = {"AES_CM_128_HMAC_SHA1_80"};
    const auto offered = anchors_->offer({"call", "A", "", "", "", ""}, sdp(a, kPlain), options);
    ASSERT_TRUE(offered) << offered.error().message;
    const auto lines = sdp::crypto_lines(sdp::parse(offered->sdp)->media[0], {true, true, true}).lines;
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].protection.encrypt_rtp, which == 1);
    EXPECT_EQ(lines[0].protection.authenticate_rtp, which == 0);
    sdp::CryptoLine answer = lines[0];
    answer.protection.key = srtp::Key::random(srtp::Suite::aes_cm_128_hmac_sha1_80);
    b.set_remote(address_in(offered->sdp));
    const auto answered =
        anchors_->answer({"call", "A", "B", "", "", ""},
                         sdp(b, "RTP/SAVP 0\r\na=crypto:" + sdp::print_crypto(answer) + "\r\n"), {});
    ASSERT_TRUE(answered) << answered.error().message;
    a.set_remote(address_in(answered->sdp));
    b.secure(answer.protection, lines[0].protection);
    a.say(session::noise(1000, 1)), b.say(session::noise(1000, 2));
    a.start(), b.start();
    advance(milliseconds(600));
    EXPECT_GT(likeness(b, 1), 0.99);
    EXPECT_GT(likeness(a, 2), 0.99);
    EXPECT_EQ(b.unopened(), 0U);
    EXPECT_EQ(engine_->media_loop(0).counters().srtp_forged.get(), 0U);
    anchors_->remove({"call", "", "", "", "", ""}, {}, [](const Result<CallReport>&) {});
    a.stop(), b.stop();
  }
}

}  // namespace
}  // namespace tandem::anchor
