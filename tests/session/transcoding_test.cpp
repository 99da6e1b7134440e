// Two phones that speak differently: how late one hears the other, and that the way may change in mid-call.
#include <cstring>
#include <fstream>

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
  const auto recording = engine_->record({.leg = a.id, .path = (folder_.path() / "r.wav").string()});
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

// ---- comfort noise (RFC 3389)

// What a phone sends that is not sound: numbers behind those of its speech are the test's business.
std::vector<std::uint8_t> noise_packet(std::uint16_t seq, std::uint32_t time, std::uint32_t ssrc,
                                       std::uint8_t level = 40) {
  std::vector<std::uint8_t> bytes(rtp::kHeaderBytes);
  rtp::write_header(bytes, {false, 13, rtp::SeqNum(seq), rtp::RtpTime(time), rtp::Ssrc(ssrc)});
  bytes.push_back(level);
  return bytes;
}

double loudness(const std::vector<std::int16_t>& pcm, std::size_t from, std::size_t n) {
  double sum = 0;
  for (std::size_t i = from; i < from + n && i < pcm.size(); ++i) sum += double(pcm[i]) * pcm[i];
  return 10 * std::log10(std::max(sum / double(n), 1e-9) / (32768.0 * 32768.0));
}

class NoiseTest : public EngineTest {
 protected:
  media::LegConfig noisy(const Party& party, const td_codec* codec) {
    media::LegConfig config = config_for(*party.phone, codec);
    config.noise.push_back({13, 13, codec->clock_rate});
    return config;
  }
  // The phone falls silent, as one with voice activity detection does.
  void fall_silent(Party& party) {
    party.phone->stop();
    rtp::Packet last;
    ASSERT_EQ(rtp::parse(party.phone->last_sent(), last), rtp::ParseVerdict::ok);
    party.phone->send_raw(timers_.now(),
                          noise_packet(last.header.seq.next().value(), last.header.time.plus(160).value(),
                                       last.header.ssrc.value()));
  }
};

TEST_F(NoiseTest, ARelayPassesItOnUnderThePeersNumber) {
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->configure(a.id, noisy(a, codec::pcmu())).ok());
  ASSERT_TRUE(engine_->configure(b.id, noisy(b, codec::pcmu())).ok());
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(300ms);
  EXPECT_EQ(stats(a.id).mode, "relay");
  b.phone->forget();
  fall_silent(a);
  advance(500ms);
  const auto& got = b.phone->got();
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back().header.payload_type, 13);
  EXPECT_EQ(got.back().payload, std::vector<std::uint8_t>{40});
  EXPECT_EQ(stats(a.id).unknown_payload, 0u);
}

TEST_F(NoiseTest, WhoTookNoneHearsTheNoiseItselfAndNoSeam) {
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->configure(a.id, noisy(a, codec::pcmu())).ok());
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(300ms);
  b.phone->forget();
  fall_silent(a);
  advance(1000ms);
  const auto& got = b.phone->got();
  EXPECT_NEAR(double(got.size()), 50, 3);
  for (std::size_t i = 1; i < got.size(); ++i) {
    EXPECT_EQ(got[i].header.payload_type, 0);
    EXPECT_EQ(got[i].header.seq - got[i - 1].header.seq, 1);
    EXPECT_EQ(got[i].header.time - got[i - 1].header.time, 160);
  }
  EXPECT_NEAR(loudness(b.phone->heard(), 1600, 4800), -40, 1.5);
}

TEST_F(NoiseTest, ARecordingHasTheNoiseAndTheFiguresHaveNoLoss) {
  Party a = add(codec::pcmu());
  ASSERT_TRUE(engine_->configure(a.id, noisy(a, codec::pcmu())).ok());
  const auto recording =
      engine_->record({.leg = a.id, .path = (folder_.path() / "n.wav").string(), .heard_too = false});
  ASSERT_TRUE(recording.ok());
  a.phone->say(sine(400, 400));
  advance(400ms);
  const std::uint64_t concealed = engine_->media_loop(0).counters().concealed.get();
  fall_silent(a);
  advance(3000ms);
  EXPECT_EQ(engine_->media_loop(0).counters().concealed.get(), concealed);
  EXPECT_EQ(stats(a.id).received.lost, 0u);
  engine_->stop_recording(*recording);
  advance(100ms);
  ASSERT_EQ(listener_.recorded.size(), 1u);
  std::ifstream file(folder_.path() / "n.wav", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::int16_t> pcm((bytes.size() - 44) / 2);
  std::memcpy(pcm.data(), bytes.data() + bytes.size() - pcm.size() * 2, pcm.size() * 2);
  ASSERT_GT(pcm.size(), 8000u * 3);
  EXPECT_NEAR(loudness(pcm, 8000, 16000), -40, 1.5);
}

TEST_F(NoiseTest, SilenceOfOursIsDescribedWhereThatIsSwitchedOn) {
  Party a = add(codec::pcmu());
  media::LegConfig config = noisy(a, codec::pcmu());
  config.suppress_silence = true;
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  advance(1000ms);
  a.phone->forget();
  advance(4000ms);
  EXPECT_LE(a.phone->got().size(), 6u) << "one description a second";
  ASSERT_GE(a.phone->got().size(), 3u);
  for (const auto& got : a.phone->got()) EXPECT_EQ(got.header.payload_type, 13);
  a.phone->forget();
  const std::string wav = write_wav("said.wav", sine(600, 300));
  (void)play(a.id, {.files = {wav}});
  advance(400ms);
  const auto& got = a.phone->got();
  const auto speech =
      std::find_if(got.begin(), got.end(), [](const auto& one) { return one.header.payload_type == 0; });
  ASSERT_NE(speech, got.end());
  EXPECT_TRUE(speech->header.marker);
  EXPECT_GE(
      std::count_if(got.begin(), got.end(), [](const auto& one) { return one.header.payload_type == 0; }),
      14);
}

TEST_F(EngineTest, AKeyOfAnotherClockIsAsLongAsItWas) {
  Party a = add(codec::pcmu());
  media::LegConfig config = config_for(*a.phone, codec::pcmu());
  config.event_receive_type = 100;
  config.other_events = {{101, 101, 48000}};
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  advance(100ms);
  a.phone->press('7', 600ms);  // by the clock of 8000: 4,800 ticks are 100 ms at 48000
  advance(1500ms);
  ASSERT_EQ(listener_.keys(a.id), "7");
  EXPECT_NEAR(double(listener_.digits.back().duration.count()), 100, 5);
}

}  // namespace
}  // namespace tandem::session
