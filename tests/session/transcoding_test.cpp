// Two phones that speak differently: how late one hears the other, and that the way may change in mid-call.
#include "core/codec/l16.hpp"
#include "tests/session/engine_fixture.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;

// Sent and heard at the same tick of the counted clock, from the first packet on.
TEST_F(EngineTest, TranscodedSpeechIsHeardInTheTickInWhichItComes) {
  Party a = add(codec::pcmu());
  Party b = add(codec::pcma(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(200ms);
  b.phone->forget();
  const auto said = sine(1000, 200);
  a.phone->say(said);
  const TimePoint from = timers_.now();
  advance(100ms);
  ASSERT_FALSE(b.phone->got().empty());
  bool loud = false;
  for (const auto& packet : b.phone->got()) {
    std::vector<std::int16_t> pcm(packet.payload.size());
    codec::decode_alaw(packet.payload, pcm.data());
    if (loud || *std::max_element(pcm.begin(), pcm.end()) < 4000) continue;
    loud = true;
    EXPECT_LE(packet.at - from, 25ms) << "the packet that was due next, and no frame later";
  }
  EXPECT_TRUE(loud);
  EXPECT_GT(engine_->media_loop(0).counters().translated.get(), 10u);
  EXPECT_EQ(engine_->media_loop(0).counters().decoded.get(), 0u);
}

TEST_F(EngineTest, AStallOfTheSenderLeavesNoLagBehind) {
  Party a = add(codec::pcmu());
  Party b = add(codec::pcma(), a.id, 30);
  media::LegConfig config = config_for(*b.phone, codec::pcma());
  config.send_ptime_ms = 30;
  ASSERT_TRUE(engine_->configure(b.id, config).ok());
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(500ms);
  a.phone->stop();
  advance(700ms);
  a.phone->start();
  advance(500ms);
  b.phone->forget();
  a.phone->say(sine(1000, 200));
  const TimePoint from = timers_.now();
  advance(100ms);
  for (const auto& packet : b.phone->got()) {
    std::vector<std::int16_t> pcm(packet.payload.size());
    codec::decode_alaw(packet.payload, pcm.data());
    if (*std::max_element(pcm.begin(), pcm.end()) < 4000) continue;
    EXPECT_LE(packet.at - from, 45ms) << "a packet of 20 ms that was due, filled up to 30 by the next";
    return;
  }
  FAIL() << "nothing was heard";
}

TEST_F(EngineTest, ATranscodedCallIsRecordedAndPromptedAndGoesOnAsBefore) {
  Party a = add(codec::pcmu());
  Party b = add(codec::pcma(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(300ms);
  b.phone->forget();
  const auto& counters = engine_->media_loop(0).counters();
  const std::uint64_t direct = counters.translated.get();
  EXPECT_GT(direct, 0u);
  const auto recording = engine_->record({.leg = a.id, .path = (dir_ / "r.wav").string()});
  ASSERT_TRUE(recording.ok());
  advance(300ms);
  const std::uint64_t while_recorded = counters.translated.get();
  EXPECT_LE(while_recorded, direct + 4) << "the recorder needs the sound: the tick mixes";
  const auto first = noise(300, 21);
  a.phone->say(first);
  advance(600ms);
  EXPECT_GT(find_in(b.phone->heard(), first).first, 0.98);
  engine_->stop_recording(*recording);
  advance(100ms);
  const auto second = noise(300, 22);
  a.phone->say(second);
  advance(600ms);
  EXPECT_GT(find_in(b.phone->heard(), second).first, 0.98);
  EXPECT_GT(counters.translated.get(), while_recorded + 20);
  const auto& got = b.phone->got();
  for (std::size_t i = 1; i < got.size(); ++i) {
    EXPECT_EQ(got[i].header.ssrc, got[0].header.ssrc);
    EXPECT_EQ(got[i].header.seq - got[i - 1].header.seq, 1) << "packet " << i;
    EXPECT_GT(got[i].header.time - got[i - 1].header.time, 0) << "packet " << i;
  }
}

TEST_F(EngineTest, TheCodecMayChangeInARunningCall) {
  Party a = add(codec::pcmu());
  Party b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(300ms);
  EXPECT_EQ(stats(a.id).mode, "relay");
  media::LegConfig config = config_for(*b.phone, codec::pcma());
  config.payloads.front().send_type = config.payloads.front().receive_type = 8;
  ASSERT_TRUE(engine_->configure(b.id, config).ok());
  advance(100ms);
  EXPECT_EQ(stats(a.id).mode, "transcode");
  b.phone->forget();
  const auto said = noise(300, 23);
  a.phone->say(said);
  advance(600ms);
  std::vector<std::int16_t> heard;
  for (const auto& packet : b.phone->got()) {
    EXPECT_EQ(packet.header.payload_type, 8);
    std::vector<std::int16_t> pcm(packet.payload.size());
    codec::decode_alaw(packet.payload, pcm.data());
    heard.insert(heard.end(), pcm.begin(), pcm.end());
  }
  EXPECT_GT(find_in(heard, said).first, 0.99);
  ASSERT_TRUE(engine_->configure(b.id, config_for(*b.phone, codec::pcmu())).ok());
  advance(100ms);
  EXPECT_EQ(stats(a.id).mode, "relay");
}

TEST_F(EngineTest, KeysPressedInATranscodedCallArriveOnce) {
  Party a = add(codec::pcmu());
  Party b = add(codec::pcma(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(300ms);
  a.phone->press('5');
  advance(700ms);
  EXPECT_EQ(b.phone->digits(), "5");
  const auto said = noise(300, 24);
  b.phone->forget();
  a.phone->say(said);
  advance(600ms);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.98);
}

}  // namespace
}  // namespace tandem::session
