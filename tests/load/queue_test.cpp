// Calls that wait in a queue: what the phone that waits hears, its stream that goes on, and the judgement.
#include <gtest/gtest.h>

#include <array>

#include "core/codec/g711.hpp"
#include "core/load/outcome.hpp"
#include "core/load/phone.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::load {
namespace {

PhoneSpec waiting_spec(std::uint32_t leg, Marks says) {
  PhoneSpec spec;
  spec.leg = leg;
  spec.codec = codec::pcmu();
  spec.payload_type = 0;
  spec.hears = kPromptSinger;
  spec.says = says;
  spec.expects = Marks::any;
  return spec;
}

PhonePtr phone_of(const PhoneSpec& spec, const Melody& melody) {
  auto phones = make_phones(std::span(&spec, 1), melody, TimePoint{});
  EXPECT_TRUE(phones.ok());
  return std::move(phones->front());
}

struct WaitingPhone : ::testing::Test {
  // The server plays what `from` says for so long.
  void plays(Voice& from, milliseconds span) {
    std::array<std::uint8_t, rtp::kPacketBytesMax> packet;
    for (milliseconds t{0}; t < span; t += milliseconds(20)) {
      now += milliseconds(20);
      const auto made = from.next(packet);
      if (made.bytes > 0) phone->ear->take(std::span(packet).first(made.bytes), now, searches, tally);
    }
  }
  // The same stream falls silent, or sounds again.
  PhonePtr goes_on(const Phone& before, Marks says) {
    PhoneSpec spec = waiting_spec(1, says);
    spec.goes_on = before.voice->place();
    return phone_of(spec, melody);
  }
  const Melody melody;
  PhonePtr phone = phone_of(waiting_spec(2, Marks::audio), melody);
  PhonePtr music = phone_of(waiting_spec(1, Marks::audio), melody);
  TimePoint now{};
  int searches = 10;
  Tally tally;
};

TEST_F(WaitingPhone, WholeMusicIsWhole) {
  plays(*music->voice, seconds(5));
  const LegFigures f = phone->ear->figures(now);
  EXPECT_TRUE(f.heard);
  EXPECT_LT(f.quiet_max, milliseconds(200));
  EXPECT_LT(f.silent_max, milliseconds(100));
  EXPECT_EQ(f.lost, 0U);
  EXPECT_GT(f.sounded, seconds(4));
}

TEST_F(WaitingPhone, AHoleInTheMusicIsFoundThoughPacketsCome) {
  plays(*music->voice, seconds(2));
  const PhonePtr silence = goes_on(*music, Marks::none);
  plays(*silence->voice, milliseconds(2600));
  const PhonePtr again = goes_on(*silence, Marks::audio);
  plays(*again->voice, seconds(1));
  const LegFigures f = phone->ear->figures(now);
  EXPECT_GE(f.quiet_max, milliseconds(2500));
  EXPECT_LT(f.silent_max, milliseconds(100));
  EXPECT_EQ(f.lost, 0U) << "a stream that goes on has no hole in its numbers";
  EXPECT_EQ(f.restarts, 0U);
}

TEST_F(WaitingPhone, SilenceIsNoMusic) {
  const PhonePtr silence = goes_on(*music, Marks::none);
  plays(*silence->voice, seconds(3));
  const LegFigures f = phone->ear->figures(now);
  EXPECT_FALSE(f.heard);
  EXPECT_GE(f.quiet_max, milliseconds(2900));
}

TEST(QueueOutcome, WhoIsServedOutOfTurnOrHearsNoMusicFailsTheRun) {
  Profile profile;
  profile.objective.p99_wait_s = 5;
  const auto judged = [&](auto change) {
    Outcome o;
    o.measured_legs = 2;
    o.expected = 100;
    o.queue.joined = o.queue.served = o.queue.waiters = 10;
    for (int i = 0; i < 10; ++i) o.queue.wait.add(seconds(4));
    change(o);
    conclude(o, profile);
    return o.held();
  };
  EXPECT_TRUE(judged([](Outcome&) {}));
  EXPECT_FALSE(judged([](Outcome& o) { o.queue.out_of_turn = 1; }));
  EXPECT_FALSE(judged([](Outcome& o) { o.queue.hurt = 1; }));
  EXPECT_FALSE(judged([](Outcome& o) { o.queue.served = 0; }));
  EXPECT_FALSE(judged([](Outcome& o) { o.queue.wait.add(seconds(60)); }));
  Outcome busy;
  busy.queue.agents = 2;
  busy.queue.talk_s = 15;
  busy.seconds = 10;
  EXPECT_DOUBLE_EQ(busy.agents_busy_percent(), 75);
}

}  // namespace
}  // namespace tandem::load
