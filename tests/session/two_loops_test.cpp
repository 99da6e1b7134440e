// Legs of two media loops that hear each other: as listeners, and joined.
#include "tests/session/engine_fixture.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;

class TwoLoopsTest : public EngineTest {
 protected:
  TwoLoopsTest() {
    make_engine(nullptr, 2);
    a = add(codec::pcmu());
    b = add(codec::pcmu());
    advance(20ms);
    EXPECT_EQ(legs_of(0), 1U);
    EXPECT_EQ(legs_of(1), 1U) << "the least loaded loop takes the second one";
  }
  std::uint32_t legs_of(std::size_t loop) const {
    return engine_->media_loop(loop).counters().legs.load(std::memory_order_relaxed);
  }
  std::uint64_t decoded() const {
    return engine_->media_loop(0).counters().decoded.get() + engine_->media_loop(1).counters().decoded.get();
  }
  Party a, b;
};

TEST_F(TwoLoopsTest, JoinedLegsHearEachOtherByteForByteAndNothingIsDecoded) {
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  const std::uint64_t before = decoded();
  const auto said_a = noise(400, 2), said_b = noise(400, 3);
  a.phone->say(said_a);
  b.phone->say(said_b);
  advance(700ms);
  EXPECT_GT(find_in(b.phone->heard(), said_a).first, 0.999);
  EXPECT_GT(find_in(a.phone->heard(), said_b).first, 0.999);
  EXPECT_EQ(decoded(), before);
  EXPECT_EQ(stats(a.id).mode, "relay");
  EXPECT_EQ(stats(b.id).mode, "relay");
  const auto& got = b.phone->got();
  for (std::size_t i = got.size() - 20; i < got.size(); ++i)
    EXPECT_EQ(got[i].header.seq - got[i - 1].header.seq, 1);
  a.phone->press('5');
  advance(400ms);
  EXPECT_EQ(b.phone->digits(), "5");
  media::LegConfig kept_back = config_for(*a.phone, codec::pcmu());
  kept_back.keys.act = media::KeyAct::drop;
  ASSERT_TRUE(engine_->configure(a.id, kept_back).ok());
  a.phone->press('6');
  advance(400ms);
  EXPECT_EQ(b.phone->digits(), "5");
  engine_->split(b.id);
  EXPECT_EQ(engine_->counters().feeds, 0U);
  advance(100ms);
  b.phone->forget();
  a.phone->say(said_a);
  advance(500ms);
  EXPECT_LT(find_in(b.phone->heard(), said_a).first, 0.3);
}

TEST_F(TwoLoopsTest, AnotherCodecIsTranscodedAndTakesTheOldOnesPlaceInMidCall) {
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(100ms);
  Party c = add(codec::pcma(), b.id);
  EXPECT_EQ(legs_of(0), 1U);
  ASSERT_TRUE(engine_->join(a.id, c.id).ok()) << "the old pair is left";
  EXPECT_EQ(engine_->counters().feeds, 2U);
  const auto said = noise(400, 2);
  a.phone->say(said);
  advance(700ms);
  EXPECT_GT(find_in(c.phone->heard(), said).first, 0.98);
  EXPECT_EQ(stats(c.id).mode, "transcode");
  ASSERT_TRUE(engine_->configure(c.id, config_for(*c.phone, codec::pcmu())).ok());
  advance(100ms);
  EXPECT_EQ(stats(c.id).mode, "relay");
  engine_->close(a.id);
  EXPECT_EQ(engine_->counters().feeds, 0U);
  advance(50ms);
  ASSERT_TRUE(engine_->join(b.id, c.id).ok()) << "these two share a loop";
  EXPECT_EQ(engine_->counters().feeds, 0U);
  advance(50ms);
}

TEST_F(TwoLoopsTest, TalkersOfBothLoopsAreMixedAtOneListenerAndARecordingHasBothSides) {
  Party c = add(codec::pcmu(), b.id);
  ASSERT_TRUE(engine_->listen(a.id, c.id).ok());
  ASSERT_TRUE(engine_->listen(b.id, c.id).ok());
  EXPECT_EQ(engine_->listen(a.id, c.id).error().code, ErrorCode::conflict);
  const auto said_a = noise(500, 2), said_b = noise(500, 3);
  a.phone->say(said_a);
  b.phone->say(said_b);
  advance(900ms);
  EXPECT_GT(find_in(c.phone->heard(), said_a).first, 0.6);
  EXPECT_GT(find_in(c.phone->heard(), said_b).first, 0.6);
  engine_->close(c.id);
  advance(50ms);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  ASSERT_TRUE(
      engine_->record({.leg = b.id, .path = (folder_.path() / "r.wav").string(), .stereo = true}).ok());
  a.phone->say(said_a);
  advance(900ms);
  EXPECT_GT(find_in(b.phone->heard(), said_a).first, 0.97) << "on the tick, for the recording";
}

TEST_F(TwoLoopsTest, KeysAreMadeAnewWhereTheirPacketsDoNotGoOn) {
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  ASSERT_TRUE(engine_->record({.leg = b.id, .path = (folder_.path() / "k.wav").string()}).ok());
  advance(100ms);
  a.phone->press('5');
  advance(600ms);
  EXPECT_EQ(b.phone->digits(), "5") << "b is mixed, for its recording";
  media::LegConfig without = config_for(*b.phone, codec::pcmu());
  without.event_receive_type = without.event_send_type = -1;
  ASSERT_TRUE(engine_->configure(b.id, without).ok());
  advance(100ms);
  b.phone->forget();
  a.phone->press('1');
  advance(600ms);
  EXPECT_EQ(b.phone->digits(), "5");
  std::vector<std::int16_t> key = sine(697, 60);
  const auto high = sine(1209, 60);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::int16_t>((key[i] + high[i]) / 2);
  EXPECT_GT(find_in(b.phone->heard(), key).first, 0.7) << "as a tone, to who takes no events";
}

TEST_F(TwoLoopsTest, DatagramsThatAreNotOursToReadCrossAsWell) {
  for (Party* party : {&a, &b}) {
    media::LegConfig config = config_for(*party->phone, codec::pcmu());
    config.opaque = true;
    ASSERT_TRUE(engine_->configure(party->id, config).ok());
  }
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(100ms);
  const auto said = noise(400, 2);
  a.phone->say(said);
  advance(700ms);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.999);
  EXPECT_EQ(engine_->counters().packets_not_crossed, 0U);
}

}  // namespace
}  // namespace tandem::session
