// Whole media paths through the engine: what a phone says is what another hears, a file, a digit.
#include "tests/session/engine_fixture.hpp"

#include "core/audio/sound_file.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;
const td_codec* pcmu() { return codec::pcmu(); }
const td_codec* pcma() { return codec::pcma(); }

TEST_F(EngineTest, PlaysAPromptToThePhoneSampleBySample) {
  const auto pcm = noise(500, 1);
  Party a = add(pcmu());
  advance(100ms);
  ASSERT_NE(play(a.id, {.files = {write_wav("p.wav", pcm)}}), 0u) << play_error_;
  a.phone->forget();
  advance(700ms);
  ASSERT_EQ(listener_.played.size(), 1u);
  EXPECT_EQ(listener_.played[0].second, PlayEnd::done);
  std::vector<std::uint8_t> bytes(pcm.size());
  codec::encode_ulaw(pcm, bytes.data());
  std::vector<std::uint8_t> got;
  for (const auto& packet : a.phone->got())
    got.insert(got.end(), packet.payload.begin(), packet.payload.end());
  EXPECT_NE(std::search(got.begin(), got.end(), bytes.begin(), bytes.end()), got.end())
      << "the prompt was not heard whole";
}

TEST_F(EngineTest, SendsFiftyPacketsASecondWithoutGapInSequenceAndTime) {
  Party a = add(pcmu());
  advance(2000ms);
  const auto& got = a.phone->got();
  ASSERT_NEAR(double(got.size()), 100, 2);
  for (std::size_t i = 1; i < got.size(); ++i) {
    EXPECT_EQ(got[i].header.seq - got[i - 1].header.seq, 1);
    EXPECT_EQ(got[i].header.time - got[i - 1].header.time, 160);
    EXPECT_EQ(got[i].at - got[i - 1].at, 20ms);
  }
}

TEST_F(EngineTest, RelaysTheSameCodecByteByByte) {
  Party a = add(pcmu());
  Party b = add(pcmu(), a.id);
  advance(50ms);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  const auto said = noise(400, 2);
  a.phone->say(said);
  advance(600ms);
  EXPECT_EQ(stats(a.id).mode, "relay");
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.999);
  EXPECT_EQ(engine_->media_loop(0).counters().decoded.get(), 0u) << "a relay decodes nothing";
}

TEST_F(EngineTest, TranscodesBetweenTheLaws) {
  Party a = add(pcmu());
  Party b = add(pcma(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(200ms);
  const auto from_a = noise(400, 3);
  const auto from_b = noise(400, 4);
  a.phone->say(from_a);
  b.phone->say(from_b);
  advance(700ms);
  EXPECT_EQ(stats(a.id).mode, "transcode");
  EXPECT_GT(find_in(b.phone->heard(), from_a).first, 0.99);
  EXPECT_GT(find_in(a.phone->heard(), from_b).first, 0.99);
}

TEST_F(EngineTest, APromptInARelayedCallIsHeardToItsLastSample) {
  for (const unsigned ptime_ms : {20U, 40U}) {
    Party a = add(pcmu());
    Party b = add(pcmu(), a.id);
    media::LegConfig config = config_for(*a.phone, pcmu());
    config.send_ptime_ms = ptime_ms;
    ASSERT_TRUE(engine_->configure(a.id, config).ok());
    ASSERT_TRUE(engine_->join(a.id, b.id).ok());
    advance(100ms);
    const auto prompt = noise(100, 5);
    ASSERT_NE(play(a.id, {.files = {write_wav(std::to_string(ptime_ms) + ".wav", prompt)}}), 0u);
    advance(300ms);
    EXPECT_EQ(stats(b.id).mode, "relay");
    std::vector<std::uint8_t> bytes(prompt.size()), got;
    codec::encode_ulaw(prompt, bytes.data());
    for (const auto& packet : a.phone->got())
      got.insert(got.end(), packet.payload.begin(), packet.payload.end());
    EXPECT_NE(std::search(got.begin(), got.end(), bytes.begin(), bytes.end()), got.end()) << ptime_ms;
  }
}

TEST_F(EngineTest, KeepsSequenceAndTimeOverSwitchesBetweenPromptAndRelay) {
  Party a = add(pcmu());
  Party b = add(pcmu(), a.id);
  advance(300ms);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(300ms);
  ASSERT_NE(play(a.id, {.files = {write_wav("p.wav", noise(200, 5))}}), 0u);
  advance(400ms);
  engine_->split(a.id);
  advance(300ms);
  const auto& got = a.phone->got();
  for (std::size_t i = 1; i < got.size(); ++i) {
    EXPECT_EQ(got[i].header.ssrc, got[0].header.ssrc);
    EXPECT_EQ(got[i].header.seq - got[i - 1].header.seq, 1) << "packet " << i;
    EXPECT_GT(got[i].header.time - got[i - 1].header.time, 0) << "packet " << i;
  }
  EXPECT_GT(got.size(), 60u);
}

TEST_F(EngineTest, EchoesALegJoinedWithItself) {
  Party a = add(pcmu());
  ASSERT_TRUE(engine_->join(a.id, a.id).ok());
  advance(50ms);
  const auto said = noise(300, 6);
  a.phone->say(said);
  advance(500ms);
  EXPECT_GT(find_in(a.phone->heard(), said).first, 0.999);
}

struct PtimeCase {
  unsigned in_ms, out_ms;
};
class EnginePtime : public EngineTest, public ::testing::WithParamInterface<PtimeCase> {};

TEST_P(EnginePtime, CarriesSpeechWithEachPacketTime) {
  Party a = add(pcmu(), 0, GetParam().in_ms);
  Party b = add(pcma(), a.id, GetParam().in_ms);
  media::LegConfig config = config_for(*b.phone, pcma());
  config.send_ptime_ms = GetParam().out_ms;
  ASSERT_TRUE(engine_->configure(b.id, config).ok());
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(300ms);
  const auto said = noise(400, 7);
  a.phone->say(said);
  b.phone->forget();
  advance(1000ms);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.98);
  for (const auto& packet : b.phone->got()) EXPECT_EQ(packet.payload.size(), 8u * GetParam().out_ms);
  EXPECT_NEAR(double(b.phone->got().size()), 1000.0 / GetParam().out_ms, 2);
}

INSTANTIATE_TEST_SUITE_P(AllPtimes, EnginePtime,
                         ::testing::Values(PtimeCase{20, 20}, PtimeCase{10, 20}, PtimeCase{20, 10},
                                           PtimeCase{30, 20}, PtimeCase{20, 30}, PtimeCase{40, 60},
                                           PtimeCase{60, 40}, PtimeCase{60, 10}, PtimeCase{10, 60},
                                           PtimeCase{50, 50}));

TEST_F(EngineTest, SurvivesANewSsrcAndPtimeInMidStream) {
  Party a = add(pcmu());
  Party b = add(pcma(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(500ms);
  a.phone->restart_stream(0xabcdef01);
  a.phone->set_ptime(30);
  advance(300ms);
  const auto said = noise(300, 8);
  a.phone->say(said);
  advance(700ms);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.98);
}

TEST_F(EngineTest, HearsKeysAsEventsOnceEach) {
  Party a = add(pcmu());
  advance(100ms);
  for (const char key : std::string("1199*#0")) a.phone->press(key);
  advance(3000ms);
  EXPECT_EQ(listener_.keys(a.id), "1199*#0");
}

TEST_F(EngineTest, SendsKeysAsEvents) {
  Party a = add(pcmu());
  advance(100ms);
  ASSERT_TRUE(engine_->send_digits(a.id, "12w#d", 100ms, 70ms).ok());
  advance(2500ms);
  EXPECT_EQ(a.phone->digits(), "12#D");
  EXPECT_EQ(listener_.digits_sent, 1u);
  EXPECT_FALSE(engine_->send_digits(a.id, "12x", 100ms, 70ms).ok());
}

TEST_F(EngineTest, IsARelayAgainWhenTheKeysAreSent) {
  Party a = add(pcmu());
  Party b = add(pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(100ms);
  ASSERT_TRUE(engine_->send_digits(b.id, "12", 100ms, 70ms).ok());
  advance(150ms);
  EXPECT_EQ(stats(a.id).mode, "transcode");
  media::LegConfig blocked = config_for(*a.phone, pcmu());
  blocked.receive = false;
  ASSERT_TRUE(engine_->configure(a.id, blocked).ok());
  advance(500ms);
  EXPECT_EQ(b.phone->digits(), "12");
  EXPECT_EQ(stats(a.id).mode, "relay");
  b.phone->forget();
  advance(500ms);
  EXPECT_TRUE(b.phone->got().empty()) << "nothing is sent in place of what is blocked";
}

TEST_F(EngineTest, PassesKeysOnWhileRelayingAndWhileTranscoding) {
  for (const td_codec* other : {pcmu(), pcma()}) {
    Party a = add(pcmu());
    Party b = add(other, a.id);
    ASSERT_TRUE(engine_->join(a.id, b.id).ok());
    advance(100ms);
    a.phone->press('7');
    a.phone->press('7');
    advance(1500ms);
    EXPECT_EQ(b.phone->digits(), "77") << other->name;
    EXPECT_EQ(listener_.keys(a.id), "77") << other->name;
  }
}

TEST_F(EngineTest, RecordsWhatALegSaysAndHearsOnOneClock) {
  Party a = add(pcmu());
  advance(100ms);
  auto recording =
      engine_->record({.leg = a.id, .path = (folder_.path() / "r.wav").string(), .stereo = true});
  ASSERT_TRUE(recording.ok());
  const auto prompt = noise(400, 9);
  ASSERT_NE(play(a.id, {.files = {write_wav("p.wav", prompt)}}), 0u);
  const auto said = noise(400, 10);
  a.phone->say(said);
  advance(600ms);
  a.phone->stop();  // packets missing: silence goes on being written
  advance(400ms);
  engine_->stop_recording(*recording);
  advance(50ms);
  ASSERT_EQ(listener_.recorded.size(), 1u);
  EXPECT_EQ(listener_.recorded[0].end, RecordEnd::stopped);
  EXPECT_NEAR(double(listener_.recorded[0].length.count()), 1000, 25);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "r.wav.part"));
  // Mono of both: the said and the heard one are found at nearly the same place.
  auto mono = audio::read_sound((folder_.path() / "r.wav").string(), 8000);
  ASSERT_TRUE(mono.ok()) << mono.error().message;
  const auto [c1, at1] = find_in(mono->pcm, said);
  const auto [c2, at2] = find_in(mono->pcm, prompt);
  EXPECT_GT(c1, 0.6);
  EXPECT_GT(c2, 0.6);
  EXPECT_LT(std::abs(double(at1) - double(at2)), 8 * 60);
}

TEST_F(EngineTest, EndsARecordingAtItsLimitAndAtSilence) {
  Party a = add(pcmu());
  advance(100ms);
  ASSERT_TRUE(
      engine_
          ->record(
              {.leg = a.id, .path = (folder_.path() / "l.wav").string(), .heard_too = false, .limit = 300ms})
          .ok());
  ASSERT_TRUE(engine_
                  ->record({.leg = a.id,
                            .path = (folder_.path() / "s.wav").string(),
                            .heard_too = false,
                            .silence_end = 500ms})
                  .ok());
  a.phone->say(noise(400, 11));
  advance(2000ms);
  ASSERT_EQ(listener_.recorded.size(), 2u);
  EXPECT_EQ(listener_.recorded[0].end, RecordEnd::limit);
  EXPECT_EQ(listener_.recorded[0].length, 300ms);
  EXPECT_EQ(listener_.recorded[1].end, RecordEnd::silence);
  EXPECT_NEAR(double(listener_.recorded[1].length.count()), 950, 100);
}

TEST_F(EngineTest, PausedRecordingHoldsSilenceForThatTime) {
  Party a = add(pcmu());
  advance(100ms);
  auto recording =
      engine_->record({.leg = a.id, .path = (folder_.path() / "r.wav").string(), .heard_too = false});
  ASSERT_TRUE(recording.ok());
  a.phone->say(sine(700, 3000));
  advance(300ms);
  engine_->pause_recording(*recording);
  advance(300ms);
  engine_->resume_recording(*recording);
  advance(300ms);
  engine_->stop_recording(*recording);
  advance(50ms);
  auto sound = audio::read_sound((folder_.path() / "r.wav").string(), 8000);
  ASSERT_TRUE(sound.ok());
  const auto power = [&](unsigned from_ms, unsigned to_ms) {
    double sum = 0;
    for (std::size_t i = from_ms * 8; i < to_ms * 8; ++i) sum += std::abs(double(sound->pcm[i]));
    return sum / ((to_ms - from_ms) * 8);
  };
  EXPECT_GT(power(150, 250), 1000);
  EXPECT_LT(power(350, 550), 1);
  EXPECT_GT(power(700, 850), 1000);
}

TEST_F(EngineTest, ARecordingThatCannotBeWrittenEndsWithAnErrorAndTheCallGoesOn) {
  Party a = add(pcmu());
  advance(100ms);
  ASSERT_TRUE(engine_->record({.leg = a.id, .path = "/proc/nowhere/r.wav"}).ok());
  advance(100ms);
  ASSERT_EQ(listener_.recorded.size(), 1u);
  EXPECT_NE(listener_.recorded[0].error, "");
  a.phone->forget();
  advance(200ms);
  EXPECT_NEAR(double(a.phone->got().size()), 10, 1);
}

TEST_F(EngineTest, StrangersCannotBeHeardAndAreCounted) {
  Party a = add(pcmu());
  Party b = add(pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(6000ms);  // past the learning window
  testing::MediaPhone stranger(network_, *Address::parse("127.0.0.9", 41000), pcmu());
  stranger.set_remote(a.tandem);
  stranger.say(sine(1000, 5000));
  stranger.start();
  b.phone->forget();
  const auto said = noise(400, 12);
  a.phone->say(said);
  for (int i = 0; i < 200; ++i) {
    stranger.step(timers_.now());
    advance(5ms);
  }
  EXPECT_GT(stats(a.id).from_strangers, 40u);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.999);
}

TEST_F(EngineTest, HostilePacketsAreCountedAndHarmNothing) {
  Party a = add(pcmu());
  Party b = add(pcma(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(200ms);
  const std::vector<std::vector<std::uint8_t>> hostile = {
      {},
      {0x80},
      std::vector<std::uint8_t>(11, 0x80),
      std::vector<std::uint8_t>(200, 0xff),
      {0x8f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1},                    // 15 CSRCs that are not there
      {0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff},  // an extension far beyond the packet
      {0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff},              // padding longer than the packet
      {0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3},          // a type never negotiated
      {0x80, 200, 0xff, 0xff, 1, 2, 3, 4},                        // RTCP with a wrong length
      {0x40, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1},                 // version 1
  };
  for (int round = 0; round < 20; ++round) {
    for (const auto& bytes : hostile) a.phone->send_raw(timers_.now(), bytes);
    advance(20ms);
  }
  const auto said = noise(300, 13);
  a.phone->say(said);
  advance(500ms);
  const LegStats figures = stats(a.id);
  EXPECT_GT(figures.malformed, 100u);
  EXPECT_EQ(figures.unknown_payload, 20u);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.98);
}

TEST_F(EngineTest, TellsWhenNothingMoreIsReceived) {
  Party a = add(pcmu());
  media::LegConfig config = config_for(*a.phone, pcmu());
  config.inactivity_timeout = seconds(3);
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  advance(4000ms);
  EXPECT_EQ(listener_.timed_out, 0u);
  EXPECT_EQ(listener_.started, 1u);
  a.phone->stop();
  advance(2900ms);
  EXPECT_EQ(listener_.timed_out, 0u);
  advance(300ms);
  EXPECT_EQ(listener_.timed_out, 1u);
  advance(9000ms);
  EXPECT_EQ(listener_.timed_out, 1u) << "told once";
}

TEST_F(EngineTest, HeldLegIsSentNothingAndDoesNotTimeOut) {
  Party a = add(pcmu());
  advance(100ms);
  media::LegConfig config = config_for(*a.phone, pcmu());
  config.send = false;
  config.inactivity_timeout = seconds(2);
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  advance(20ms);
  a.phone->forget();
  a.phone->stop();
  advance(3000ms);
  EXPECT_TRUE(a.phone->got().empty());
  EXPECT_EQ(listener_.timed_out, 0u);
  config.send = true;
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  advance(200ms);
  EXPECT_NEAR(double(a.phone->got().size()), 10, 1);
}

TEST_F(EngineTest, ReportsBothDirectionsWithRtcp) {
  Party a = add(pcmu());
  advance(12000ms);
  const LegStats figures = stats(a.id);
  EXPECT_EQ(figures.received.codec, "PCMU");
  EXPECT_NEAR(double(figures.received.packets), 600, 5);
  EXPECT_EQ(figures.received.lost, 0u);
  EXPECT_NEAR(double(figures.sent.packets), 600, 5);
  EXPECT_GT(figures.mos_received, 4.2);
}

TEST_F(EngineTest, RefusesWhatCannotBePlayedWithAReason) {
  Party a = add(pcmu());
  EXPECT_EQ(play(a.id, {.files = {(folder_.path() / "none.wav").string()}}), 0u);
  EXPECT_NE(play_error_.find("none.wav"), std::string::npos) << play_error_;
  std::ofstream(folder_.path() / "text.wav") << "this is no WAV file";
  EXPECT_EQ(play(a.id, {.files = {(folder_.path() / "text.wav").string()}}), 0u);
  EXPECT_NE(play_error_, "");
  auto opened = engine_->open({});
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(play(opened->id, {.files = {}, .tone = Tone::busy}), 0u) << "no media was agreed yet";
}

TEST_F(EngineTest, OpensAreRefusedWithTheLimitNamedWhenPortsRunOut) {
  engine_.reset();
  EngineConfig config;
  config.port_min = 30000;
  config.port_max = 30009;
  engine_ = std::make_unique<MediaEngine>(
      config, timers_, [](auto, auto) { return false; }, [] {}, network_,
      [this] { return std::make_unique<loop::MemoryIo>(network_); }, nullptr);
  std::vector<MediaId> open;
  for (int i = 0; i < 5; ++i) {
    auto opened = engine_->open({});
    ASSERT_TRUE(opened.ok());
    open.push_back(opened->id);
  }
  auto refused = engine_->open({});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted);
  engine_->close(open[0]);
  engine_->tick(timers_.now());
  timers_.advance(10s);
  EXPECT_TRUE(engine_->open({}).ok());
}

TEST_F(EngineTest, ClosingOneOfAPairLeavesTheOtherAlive) {
  Party a = add(pcmu());
  Party b = add(pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  advance(200ms);
  engine_->close(a.id);
  b.phone->forget();
  advance(200ms);
  EXPECT_NEAR(double(b.phone->got().size()), 10, 1);
  EXPECT_NE(play(b.id, {.files = {}, .tone = Tone::busy}), 0u);
  advance(100ms);
}

}  // namespace
}  // namespace tandem::session
