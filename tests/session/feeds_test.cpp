// Legs that hear others beside the pair they are in: copied packet by packet, transcoded, mixed.
#include "tests/session/engine_fixture.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;
const td_codec* ulaw() { return codec::pcmu(); }
const td_codec* alaw() { return codec::pcma(); }

class FeedsTest : public EngineTest {
 protected:
  // A and B joined, and C, who says nothing.
  FeedsTest() : a(add(ulaw())), b(add(ulaw(), a.id)) {
    EXPECT_TRUE(engine_->join(a.id, b.id).ok());
    advance(50ms);
  }
  Party listener(const td_codec* codec) {
    Party c = add(codec, a.id);
    c.phone->stop();
    return c;
  }
  media::LoopCounters const& counters() const { return engine_->media_loop(0).counters(); }
  Party a, b;
};

TEST_F(FeedsTest, AThirdHearsACopyByteForByteAndThePairStaysARelay) {
  Party c = listener(ulaw());
  const auto feed = engine_->listen(a.id, c.id);
  ASSERT_TRUE(feed.ok()) << feed.error().message;
  advance(50ms);
  c.phone->forget();
  const auto said = noise(400, 2);
  a.phone->say(said);
  b.phone->say(noise(400, 3));
  const std::uint64_t decoded = counters().decoded.get(), encoded = counters().encoded.get();
  advance(600ms);
  EXPECT_GT(find_in(c.phone->heard(), said).first, 0.999);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.999);
  EXPECT_EQ(counters().decoded.get(), decoded);
  EXPECT_EQ(counters().encoded.get(), encoded);
  EXPECT_EQ(stats(a.id).mode, "relay");
  EXPECT_EQ(stats(c.id).mode, "relay");
  const auto& got = c.phone->got();
  for (std::size_t i = 1; i < got.size(); ++i) EXPECT_EQ(got[i].header.seq - got[i - 1].header.seq, 1);
  engine_->unlisten(*feed);
  EXPECT_EQ(engine_->counters().feeds, 0U);
  advance(100ms);
  c.phone->forget();
  a.phone->say(said);
  advance(500ms);
  EXPECT_LT(find_in(c.phone->heard(), said).first, 0.3);
}

TEST_F(FeedsTest, AnotherCodecIsTranscodedAsItComes) {
  Party c = listener(alaw());
  ASSERT_TRUE(engine_->listen(a.id, c.id).ok());
  const auto said = noise(400, 2);
  a.phone->say(said);
  advance(700ms);
  EXPECT_GT(find_in(c.phone->heard(), said).first, 0.99);
  EXPECT_EQ(stats(a.id).mode, "relay") << "the pair is not touched";
  EXPECT_EQ(stats(c.id).mode, "transcode");
}

TEST_F(FeedsTest, TwoTalkersAreMixedAtOneListener) {
  Party c = listener(ulaw());
  ASSERT_TRUE(engine_->listen(a.id, c.id).ok());
  ASSERT_TRUE(engine_->listen(b.id, c.id).ok());
  const auto said_a = noise(500, 2), said_b = noise(500, 3);
  a.phone->say(said_a);
  b.phone->say(said_b);
  advance(900ms);
  EXPECT_GT(find_in(c.phone->heard(), said_a).first, 0.6);
  EXPECT_GT(find_in(c.phone->heard(), said_b).first, 0.6);
  EXPECT_EQ(stats(a.id).mode, "relay");
  EXPECT_GT(find_in(b.phone->heard(), said_a).first, 0.999);
}

TEST_F(FeedsTest, WhatIsInjectedIsMixedIntoThePairAndGoesOutOfItAgain) {
  Party c = add(ulaw(), a.id);
  const auto feed = engine_->listen(c.id, b.id);
  ASSERT_TRUE(feed.ok());
  advance(100ms);
  const auto said_a = noise(500, 2), said_c = noise(500, 3);
  a.phone->say(said_a);
  c.phone->say(said_c);
  advance(900ms);
  EXPECT_GT(find_in(b.phone->heard(), said_a).first, 0.6);
  EXPECT_GT(find_in(b.phone->heard(), said_c).first, 0.6);
  EXPECT_LT(find_in(a.phone->heard(), said_c).first, 0.3);
  EXPECT_EQ(stats(b.id).mode, "relay") << "the other way is forwarded as before";
  engine_->unlisten(*feed);
  advance(100ms);
  EXPECT_EQ(stats(a.id).mode, "relay");
}

TEST_F(FeedsTest, APromptToAListenerIsMixedWithWhatItHears) {
  Party c = listener(ulaw());
  ASSERT_TRUE(engine_->listen(a.id, c.id).ok());
  const auto prompt = noise(400, 7), said = noise(800, 2);
  advance(100ms);
  a.phone->say(said);
  ASSERT_NE(play(c.id, {.files = {write_wav("p.wav", prompt)}}), 0u) << play_error_;
  advance(1000ms);
  EXPECT_GT(find_in(c.phone->heard(), prompt).first, 0.6);
  advance(100ms);
  c.phone->forget();
  a.phone->say(said);
  advance(500ms);
  EXPECT_EQ(stats(c.id).mode, "relay") << "after the prompt it is copied again";
}

TEST_F(FeedsTest, ItGoesOnWhenTheTalkerChangesItsCodecAndEndsWithEitherLeg) {
  Party c = listener(ulaw()), d = listener(ulaw());
  ASSERT_TRUE(engine_->listen(a.id, c.id).ok());
  ASSERT_TRUE(engine_->listen(b.id, c.id).ok());
  ASSERT_TRUE(engine_->listen(b.id, d.id).ok());
  advance(50ms);
  ASSERT_TRUE(engine_->configure(a.id, config_for(*a.phone, alaw())).ok());
  advance(50ms);
  EXPECT_EQ(engine_->counters().feeds, 3U);
  engine_->close(d.id);
  EXPECT_EQ(engine_->counters().feeds, 2U);
  advance(50ms);
  engine_->close(b.id);
  engine_->close(a.id);
  EXPECT_EQ(engine_->counters().feeds, 0U);
  advance(50ms);
}

TEST_F(FeedsTest, KeysAreHeardByAListenerAndTheNumberOfListenersIsLimited) {
  Party c = listener(ulaw());
  ASSERT_TRUE(engine_->listen(a.id, c.id).ok());
  EXPECT_EQ(engine_->listen(a.id, c.id).error().code, ErrorCode::conflict);
  EXPECT_EQ(engine_->listen(a.id, 999).error().code, ErrorCode::not_found);
  advance(100ms);
  a.phone->press('7');
  advance(300ms);
  EXPECT_EQ(c.phone->digits(), "7");
  for (std::size_t i = 1; i < media::Leg::kFeedsMax; ++i)
    ASSERT_TRUE(engine_->listen(a.id, listener(ulaw()).id).ok());
  EXPECT_EQ(engine_->listen(a.id, listener(ulaw()).id).error().code, ErrorCode::exhausted);
  EXPECT_EQ(engine_->counters().feeds_refused, 1U);
  advance(100ms);
}

}  // namespace
}  // namespace tandem::session
