// SRTP through the engine: on one side or both, relayed and transcoded; what is not the peer's never passes.
#include "tests/session/engine_fixture.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;
using srtp::Suite;

class SrtpEngineTest : public EngineTest {
 protected:
  // Both say something; true when both heard it.
  bool talk(const Party& a, const Party& b) {
    a.phone->forget();
    b.phone->forget();
    const auto from_a = noise(400, ++seed_), from_b = noise(400, ++seed_);
    a.phone->say(from_a);
    b.phone->say(from_b);
    advance(900ms);
    return find_in(b.phone->heard(), from_a).first > 0.95 && find_in(a.phone->heard(), from_b).first > 0.95;
  }
  const media::LoopCounters& counters() { return engine_->media_loop(0).counters(); }
  unsigned seed_ = 0;
};

TEST_F(SrtpEngineTest, EverySuiteTalksToPlainRtpByRelay) {
  for (const srtp::SuiteFacts& suite : srtp::suites()) {
    Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);
    secure(a, codec::pcmu(), suite.suite);
    ASSERT_TRUE(engine_->join(a.id, b.id).ok());
    advance(100ms);
    EXPECT_TRUE(talk(a, b)) << suite.name;
    EXPECT_EQ(stats(a.id).mode, "relay");
    EXPECT_EQ(stats(a.id).srtp, suite.name);
    EXPECT_EQ(stats(b.id).srtp, "");
    EXPECT_EQ(a.phone->unopened(), 0u);
    engine_->close(a.id);
    engine_->close(b.id);
  }
  EXPECT_EQ(counters().srtp_not_sent.get(), 0u);
}

TEST_F(SrtpEngineTest, TwoSuitesMeetByRelayAndByTranscoding) {
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id), c = add(codec::pcma(), a.id);
  secure(a, codec::pcmu(), Suite::aes_cm_128_hmac_sha1_32);
  secure(b, codec::pcmu(), Suite::aead_aes_256_gcm);
  secure(c, codec::pcma(), Suite::aes_192_cm_hmac_sha1_80);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(100ms);
  EXPECT_TRUE(talk(a, b));
  EXPECT_EQ(stats(a.id).mode, "relay");
  ASSERT_TRUE(engine_->join(a.id, c.id).ok());
  advance(200ms);
  EXPECT_TRUE(talk(a, c));
  EXPECT_EQ(stats(a.id).mode, "transcode");
  EXPECT_EQ(counters().srtp_not_sent.get() + counters().srtp_forged.get(), 0u);
}

TEST_F(SrtpEngineTest, RtcpIsSealedToo) {
  Party a = add(codec::pcmu());
  media::LegConfig config = config_for(*a.phone, codec::pcmu());
  config.rtcp_mux = true;  // so that the phone gets it
  const Suite suite = Suite::aes_cm_128_hmac_sha1_32;
  config.srtp = media::SrtpConfig{{srtp::Key::random(suite)}, {srtp::Key::random(suite)}};
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  a.phone->secure(config.srtp->receive, config.srtp->send);
  advance(15s);
  EXPECT_GT(a.phone->rtcp_packets(), 1u);
  EXPECT_EQ(a.phone->unopened(), 0u);
}

TEST_F(SrtpEngineTest, PlainRtpOnASecuredLegNeverPasses) {
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);
  secure(a, codec::pcmu(), Suite::aes_cm_128_hmac_sha1_80);
  a.phone->unsecure();
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(100ms);
  b.phone->forget();
  const auto loud = noise(400, 1);
  a.phone->say(loud);
  advance(900ms);
  EXPECT_LT(find_in(b.phone->heard(), loud).first, 0.3);
  EXPECT_GT(stats(a.id).srtp_forged, 40u);
  EXPECT_EQ(stats(a.id).received.packets, 0u);
  EXPECT_EQ(counters().srtp_forged.get(), stats(a.id).srtp_forged);
}

TEST_F(SrtpEngineTest, AReplayIsCountedAndNotHeardTwice) {
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);
  secure(a, codec::pcmu(), Suite::aes_cm_128_hmac_sha1_80);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(200ms);
  const std::uint64_t before = counters().relayed.get();
  a.phone->stop();
  const std::vector<std::uint8_t> captured = a.phone->last_sent();
  for (int i = 0; i < 20; ++i) a.phone->send_raw(timers_.now(), captured);
  advance(100ms);
  EXPECT_EQ(stats(a.id).srtp_replayed, 20u);
  EXPECT_LE(counters().relayed.get() - before, 8u) << "b's own packets at most";
}

TEST_F(SrtpEngineTest, TheSameKeysAgainKeepTheRolloverAndNewOnesTakeOver) {
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);
  const media::SrtpConfig keys = secure(a, codec::pcmu(), Suite::aes_cm_128_hmac_sha1_80);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(2000ms);  // the phone's sequence wraps after 36 packets
  media::LegConfig config = config_for(*a.phone, codec::pcmu());
  config.srtp = keys;
  ASSERT_TRUE(engine_->configure(a.id, config).ok());  // a re-INVITE that changes nothing
  EXPECT_TRUE(talk(a, b));
  EXPECT_EQ(stats(a.id).srtp_forged, 0u);

  config.srtp->receive = {
      srtp::Key::random(Suite::aes_cm_128_hmac_sha1_80)};  // the peer's new key, ours the same
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  const auto secret = noise(300, 77);
  a.phone->say(secret);
  b.phone->forget();
  advance(600ms);
  EXPECT_LT(find_in(b.phone->heard(), secret).first, 0.3) << "the old key still opens";

  ASSERT_TRUE(engine_->configure(a.id, config_for(*a.phone, codec::pcmu())).ok());  // and back to plain RTP
  a.phone->unsecure();
  EXPECT_TRUE(talk(a, b));
}

TEST_F(SrtpEngineTest, ANewSourceOfThePeerIsTakenWithoutAGap) {
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);
  const media::SrtpConfig keys = secure(a, codec::pcmu(), Suite::aead_aes_128_gcm);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(1500ms);
  a.phone->restart_stream(0x5555);
  a.phone->secure(keys.receive, keys.send);
  advance(100ms);
  EXPECT_TRUE(talk(a, b));
  EXPECT_EQ(stats(a.id).srtp_forged, 0u);
}

}  // namespace
}  // namespace tandem::session
