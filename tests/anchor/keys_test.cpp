// What the far side hears of keys: DTMF-security in each mode, keys that switch it, keys that are told later.
// Phones on a network in memory, a counted clock; tones in the audio are found by a stand-in of the detector.
#include "core/audio/dtmf_tone.hpp"
#include "core/media/key_mask.hpp"
#include "tests/anchor/relay_world.hpp"

namespace tandem::anchor {
namespace {

// Whatever is loud is the key 5: told 40 ms after its begin and 20 ms after its end, as the real one does.
struct LoudIsAKey {
  std::uint32_t loud = 0, quiet = 0;
  bool sounds = false;
};

td_stage* create_loud(std::uint32_t, td_str) noexcept { return reinterpret_cast<td_stage*>(new LoudIsAKey); }
void destroy_loud(td_stage* stage) noexcept { delete reinterpret_cast<LoudIsAKey*>(stage); }
std::uint32_t process_loud(td_stage* stage, std::int16_t* pcm, std::uint32_t samples, td_stage_note* notes,
                           std::uint32_t) noexcept {
  auto& self = *reinterpret_cast<LoudIsAKey*>(stage);
  double energy = 0;
  for (std::uint32_t i = 0; i < samples; ++i) energy += std::abs(pcm[i]);
  const bool loud = energy / samples > 2000;
  self.loud = loud ? self.loud + samples : 0;
  self.quiet = loud ? 0 : self.quiet + samples;
  if (self.sounds ? self.quiet < 160 : self.loud < 320) return 0;
  notes[0] = {'5', -10, samples - 1, self.sounds ? 100U : 0U};
  self.sounds = !self.sounds;
  return 1;
}
const td_stage_type kLoud = {.size = sizeof(td_stage_type),
                             .name = "dtmf",
                             .latency_samples = 0,
                             .create = create_loud,
                             .destroy = destroy_loud,
                             .process = process_loud};

// How much of the sound is this frequency, 0 to 1.
double share_of(std::span<const std::int16_t> pcm, double hz) {
  double re = 0, im = 0, energy = 1;
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    const double t = 2 * std::numbers::pi * hz * static_cast<double>(i) / 8000;
    re += pcm[i] * std::cos(t), im += pcm[i] * std::sin(t), energy += double(pcm[i]) * pcm[i];
  }
  return 2 * (re * re + im * im) / (energy * static_cast<double>(pcm.size()));
}
double loudness(std::span<const std::int16_t> pcm) {
  double sum = 0;
  for (const std::int16_t sample : pcm) sum += std::abs(sample);
  return pcm.empty() ? 0 : sum / static_cast<double>(pcm.size());
}
int peak(std::span<const std::int16_t> pcm) {
  int most = 0;
  for (const std::int16_t sample : pcm) most = std::max(most, std::abs(int{sample}));
  return most;
}

class KeysTest : public RelayTest {
 protected:
  KeyOrder mode(KeyMode mode) const {
    KeyOrder order;
    order.mode = mode;
    return order;
  }
  Result<void> order(const KeyOrder& order, const char* tag = "A") {
    return anchors_->block_keys({"call", tag, "", "", "", ""}, true, order);
  }
  std::uint64_t decoded() { return engine_->media_loop(0).counters().decoded.get(); }
  static constexpr const char* kNoEvents = "RTP/AVP 0\r\n";
};

TEST_F(KeysTest, EachModeOfTelephoneEventsIsHeardAsItSaysAndTheRelayComesBack) {
  const struct {
    KeyMode mode;
    const char* keys;  // that B is told; "?": another one
    double hz;         // that B hears meanwhile, 0: silence, -1: nothing is sent
  } table[] = {{KeyMode::off, "5", -1},  {KeyMode::drop, "", -1},    {KeyMode::silence, "", 0},
               {KeyMode::tone, "", 650}, {KeyMode::random, "?", -1}, {KeyMode::zero, "0", -1},
               {KeyMode::digit, "7", -1}};
  for (const auto& row : table) {
    SCOPED_TRACE(static_cast<int>(row.mode));
    auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
    connect(a, b, kPlain, kPlain);
    KeyOrder asked = mode(row.mode);
    asked.digit = '7', asked.tones_hz = {650};
    ASSERT_TRUE(order(asked));
    advance(milliseconds(300));
    const std::uint64_t before = decoded();
    a.press('5', milliseconds(200));
    advance(milliseconds(60));  // the event's begin is there
    b.forget();
    advance(milliseconds(120));
    if (row.hz < 0) {
      EXPECT_EQ(b.got().size(), 0U);
      EXPECT_EQ(decoded(), before);
    } else {
      EXPECT_GE(b.got().size(), 5U);
      if (row.hz == 0) {
        EXPECT_LT(peak(b.heard()), 100);
      }
      if (row.hz > 0) {
        EXPECT_GT(share_of(b.heard(), row.hz), 0.9);
      }
    }
    advance(milliseconds(400));
    if (*row.keys == '?') {
      ASSERT_EQ(b.digits().size(), 1U);
      EXPECT_NE(b.digits(), "5");
    } else {
      EXPECT_EQ(b.digits(), row.keys);
    }
    EXPECT_EQ(events_.back().text, "5");  // and what was pressed is told
    const std::uint64_t then = decoded();
    b.forget();
    advance(milliseconds(300));
    EXPECT_EQ(decoded(), then);  // a relay again
    EXPECT_GE(b.got().size(), 14U);
    EXPECT_GT(loudness(b.heard()), 1000);
    anchors_->remove({"call", "", "", "", "", ""}, {}, [](const Result<CallReport>&) {});
    events_.clear();
    a.stop(), b.stop();
  }
}

TEST_F(KeysTest, AKeyForAPhoneWithoutEventsIsTheTonesOfTheOther) {
  const session::EngineTest::Party from = add(codec::pcmu()), to = add(codec::pcmu(), from.id);
  media::LegConfig config = config_for(*from.phone, codec::pcmu());
  config.keys.act = media::KeyAct::digit;
  ASSERT_TRUE(engine_->configure(from.id, config));
  config = config_for(*to.phone, codec::pcmu());
  config.event_send_type = config.event_receive_type = -1;
  ASSERT_TRUE(engine_->configure(to.id, config));
  ASSERT_TRUE(engine_->join(from.id, to.id));
  testing::MediaPhone& b = *to.phone;
  advance(milliseconds(300));
  from.phone->press('5', milliseconds(200));
  advance(milliseconds(220));
  b.forget();
  advance(milliseconds(200));
  double both = 0;
  for (std::size_t at = 0; at + 400 <= b.heard().size(); at += 80) {
    const std::span<const std::int16_t> piece(b.heard().data() + at, 400);
    both = std::max(both, share_of(piece, 941) + share_of(piece, 1336));
  }
  EXPECT_GT(both, 0.9);
  EXPECT_EQ(b.digits(), "");
}

TEST_F(KeysTest, TonesInTheAudioAreMaskedFromTheirVeryBeginAndSpeechIsNot) {
  make_engine(&kLoud);
  for (const KeyMode one : {KeyMode::silence, KeyMode::tone, KeyMode::zero}) {
    SCOPED_TRACE(static_cast<int>(one));
    anchors_ = std::make_unique<Anchors>(timers_, *engine_, Codecs{registry_, opaque_}, AnchorsConfig{},
                                         [this](const AnchorEvent& event) { events_.push_back(event); });
    engine_->set_listener(anchors_.get());
    auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
    connect(a, b, kNoEvents, kPlain);
    ASSERT_TRUE(order(mode(one)));
    std::vector<std::int16_t> said = session::sine(200, 600, 8000, 900);  // speech, quiet here
    audio::DtmfTone tone(8000);
    (void)tone.start('5', 200, 0);
    std::vector<std::int16_t> key(1600);
    (void)tone.fill(key);
    said.insert(said.end(), key.begin(), key.end());
    const auto more = session::sine(200, 600, 8000, 900);
    said.insert(said.end(), more.begin(), more.end());
    a.say(said);
    advance(milliseconds(1500));
    const std::span<const std::int16_t> heard = b.heard();
    double left = 0, masked = 0, speech = 0;
    for (std::size_t at = 0; at + 160 <= heard.size(); at += 80) {
      const auto piece = heard.subspan(at, 160);
      if (loudness(piece) < 50) continue;
      left = std::max(left, (share_of(piece, 770) + share_of(piece, 1336)) * loudness(piece));
      masked = std::max(
          masked, one == KeyMode::tone ? share_of(piece, 400) : share_of(piece, 941) + share_of(piece, 1336));
      speech += share_of(piece, 200) > 0.9 ? 1 : 0;
    }
    EXPECT_GT(speech, 80);
    if (one != KeyMode::zero) {
      EXPECT_LT(left, 100);
    }
    if (one != KeyMode::silence) {
      EXPECT_GT(masked, 0.9);
    }
    EXPECT_EQ(events_.back().text, "5");
    anchors_->remove({"call", "", "", "", "", ""}, {}, [](const Result<CallReport>&) {});
    a.stop(), b.stop();
    advance(milliseconds(20));
  }
}

TEST_F(KeysTest, TonesOfAPhoneWithoutEventsBecomeEventsForOneThatHasThemAndTheOtherWayRound) {
  make_engine(&kLoud);
  anchors_ = std::make_unique<Anchors>(timers_, *engine_, Codecs{registry_, opaque_}, AnchorsConfig{},
                                       [this](const AnchorEvent& event) { events_.push_back(event); });
  engine_->set_listener(anchors_.get());
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  Options options;
  options.codecs.transcode = {"telephone-event"};
  connect(a, b, kNoEvents, kPlain, options);
  audio::DtmfTone tone(8000);
  (void)tone.start('5', 200, 0);
  std::vector<std::int16_t> said(4800), quiet(8000);
  (void)tone.fill(std::span(said).subspan(1600, 1600));
  a.say(said);
  b.say(quiet);
  b.forget();
  advance(milliseconds(1000));
  EXPECT_EQ(b.digits(), "5");
  EXPECT_EQ(events_.back().text, "5");
  EXPECT_LT(peak(b.heard()), 100) << "the tone itself is not heard";
  a.forget();
  b.press('7', milliseconds(100));
  advance(milliseconds(500));
  double both = 0;
  for (std::size_t at = 0; at + 400 <= a.heard().size(); at += 80) {
    const std::span<const std::int16_t> piece(a.heard().data() + at, 400);
    both = std::max(both, share_of(piece, 852) + share_of(piece, 1209));
  }
  EXPECT_GT(both, 0.9) << "a phone without events hears tones";
}

TEST_F(KeysTest, TonesThatCannotBeFoundAreARefusalAndNotASilentPass) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kNoEvents, kPlain);
  const auto refused = order(mode(KeyMode::silence));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
}

TEST_F(KeysTest, AllSoundOfAPartyWaitsAsLongAsItsDelayBuffer) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  KeyOrder asked = mode(KeyMode::silence);
  asked.hold = milliseconds(400);
  ASSERT_TRUE(order(asked));
  advance(milliseconds(300));
  b.forget();
  a.say(session::noise(1000, 9));
  advance(milliseconds(1500));
  const auto [likeness, at] = session::find_in(b.heard(), beginning(9));
  EXPECT_GT(likeness, 0.97);
  EXPECT_NEAR(static_cast<double>(at) / 8, 450, 60);
  asked.hold = milliseconds(0);
  ASSERT_TRUE(order(asked));
  advance(milliseconds(100));
  const std::uint64_t then = decoded();
  advance(milliseconds(200));
  EXPECT_EQ(decoded(), then);
}

TEST_F(KeysTest, KeysThatAreDelayedComeLaterAndAsWhatIsInForceThen) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  KeyOrder asked = mode(KeyMode::off);
  asked.delay = milliseconds(1000);
  ASSERT_TRUE(order(asked));
  advance(milliseconds(200));
  a.press('4');
  advance(milliseconds(800));
  EXPECT_EQ(b.digits(), "");
  advance(milliseconds(600));
  EXPECT_EQ(b.digits(), "4");
  a.press('6');
  advance(milliseconds(400));
  ASSERT_TRUE(anchors_->block_keys({"call", "", "", "", "", ""}, true, mode(KeyMode::drop)));
  advance(milliseconds(1500));
  EXPECT_EQ(b.digits(), "4");
}

TEST_F(KeysTest, ATriggerSwitchesTheModeAndItsEndSwitchesBack) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  KeyOrder asked;
  asked.trigger = "*1", asked.trigger_end = "#", asked.trigger_mode = KeyMode::zero;
  ASSERT_TRUE(order(asked));
  advance(milliseconds(100));
  const auto press = [&](std::string_view keys) {
    for (const char key : keys) a.press(key), advance(milliseconds(400));
  };
  press("1*1");
  EXPECT_EQ(b.digits(), "1*1");
  press("42#");
  EXPECT_EQ(b.digits(), "1*1000");
  press("9*17");
  EXPECT_EQ(b.digits(), "1*10009*17");  // once only
  asked.trigger_end.clear(), asked.trigger_digits = 2;
  ASSERT_TRUE(order(asked));
  press("*1234");
  EXPECT_EQ(b.digits(), "1*10009*17*1004");
  asked.trigger_digits = 0, asked.trigger_time = milliseconds(1000);
  ASSERT_TRUE(order(asked));
  press("*12");
  advance(milliseconds(1000));
  press("3");
  EXPECT_EQ(b.digits(), "1*10009*17*1004*103");
}

TEST_F(KeysTest, TheCallsModeStandsAboveThatOfAPartyUntilItIsTakenBack) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  const Selector call{"call", "", "", "", "", ""};
  ASSERT_TRUE(order(mode(KeyMode::zero)));
  ASSERT_TRUE(anchors_->block(call, Anchors::Block::digits, true));
  advance(milliseconds(100));
  a.press('5'), advance(milliseconds(400));
  EXPECT_EQ(b.digits(), "");
  ASSERT_TRUE(anchors_->block(call, Anchors::Block::digits, false));
  a.press('5'), advance(milliseconds(400));
  EXPECT_EQ(b.digits(), "0");
  b.press('5'), advance(milliseconds(400));
  EXPECT_EQ(a.digits(), "5");
  ASSERT_TRUE(anchors_->block(call, Anchors::Block::digits, false, Anchors::Everybody::yes));
  a.press('5'), advance(milliseconds(400));
  EXPECT_EQ(b.digits(), "05");
}

TEST(KeyMask, AnythingInAnyOrderStaysWithinItsBounds) {
  media::KeyPolicy policy;
  policy.act = media::KeyAct::random, policy.delay = milliseconds(100);
  auto made = media::KeyMask::create(policy, 8000, nullptr, 7);
  ASSERT_TRUE(made);
  media::KeyMask& mask = **made;
  std::array<std::int16_t, 160> frame{};
  std::uint32_t x = 1;
  for (int i = 0; i < 20'000; ++i) {
    x = x * 1664525U + 1013904223U;
    const auto digit = static_cast<char>('0' + (x >> 8U) % 10);
    if ((x >> 28U) == 0) mask.on_event_begun(digit, true);
    if ((x >> 28U) == 1) mask.on_event_ended(milliseconds((x >> 4U) % 500));
    if ((x >> 28U) <= 3) mask.on_tone_begun(digit, x % 160);
    if ((x >> 28U) == 4) mask.on_tone_ended(x % 160);
    if ((x >> 28U) == 0) {
      EXPECT_NE(mask.told(digit), digit);
    }
    mask.run(frame);
    (void)mask.settled();
  }
  policy.delay = milliseconds(6000);
  EXPECT_FALSE(media::KeyMask::create(policy, 8000, nullptr, 7));
}

}  // namespace
}  // namespace tandem::anchor
