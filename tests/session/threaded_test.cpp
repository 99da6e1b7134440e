// The engine with its real threads and sockets on loopback: what the race detector looks at. Uses real time,
// a second of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "core/codec/g711.hpp"
#include "core/loop/packet_io.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/session/engine.hpp"
#include "core/session/forwarding_pace.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;

class RealClock final : public Timers {
 public:
  TimePoint now() const override { return loop::monotonic_now(); }
  WallTime wall_now() const override {
    return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  }
  TimerId after(Nanos, std::function<void()>) override { return 1; }
  void cancel(TimerId) override {}
};

struct Counts final : MediaListener {
  unsigned digits = 0, played = 0, recorded = 0, started = 0;
  void on_digit_received(const DigitEvent&) override { ++digits; }
  void on_digits_sent(MediaId) override {}
  void on_playback_finished(PlaybackId, MediaId, PlayEnd, milliseconds) override { ++played; }
  void on_recording_finished(RecordingId, MediaId, RecordEnd, const std::string&, milliseconds,
                             const std::string&) override {
    ++recorded;
  }
  void on_media_started(MediaId) override { ++started; }
  void on_media_timed_out(MediaId) override {}
};

media::LegConfig towards(const Address& peer) {
  media::LegConfig config;
  config.remote_rtp = peer;
  config.rtcp_mux = true;
  config.payloads.push_back({codec::pcmu(), 0, 0, "", ""});
  config.event_receive_type = config.event_send_type = 101;
  return config;
}

// Legs are joined, played to, recorded and closed while both loops run; legs are each other's phones.
class MediaEngineThreads : public ::testing::TestWithParam<loop::PacketBackend> {};
INSTANTIATE_TEST_SUITE_P(BothBackends, MediaEngineThreads,
                         ::testing::Values(loop::PacketBackend::sockets, loop::PacketBackend::shared),
                         [](const auto& param) {
                           return param.param == loop::PacketBackend::shared ? "Shared" : "Sockets";
                         });

TEST_P(MediaEngineThreads, LegsComeAndGoWhileMediaRuns) {
  const tandem::testing::ScratchFolder folder("threads");
  RealClock clock;
  auto packets = loop::PacketIo::open(GetParam(), 2, 1024);
  if (!packets) GTEST_SKIP() << packets.error().message;
  Counts counts;
  std::atomic<unsigned> wakes{0};
  {
    EngineConfig config;
    config.port_min = 31000;
    config.port_max = 31999;
    config.loops = 2;
    config.realtime = false;
    MediaEngine engine(
        config, clock,
        [](std::function<void()> work, std::function<void()> done) {
          work();
          done();
          return true;
        },
        [&] { wakes.fetch_add(1); }, (*packets)->binder(), [&] { return (*packets)->take(); }, nullptr);
    engine.set_listener(&counts);
    engine.start();
    unsigned answered = 0;
    for (int round = 0; round < 20; ++round) {
      std::vector<Opened> legs;
      for (int i = 0; i < 8; ++i) {
        auto opened =
            engine.open({.family = Family::v4, .near = i % 2 == 1 ? legs.back().id : 0, .local_host = ""});
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        legs.push_back(*opened);
      }
      // Leg i talks to leg i ^ 4: each is the other's phone.
      for (std::size_t i = 0; i < 8; ++i)
        ASSERT_TRUE(engine.configure(legs[i].id, towards(legs[i ^ 4].rtp)).ok());
      ASSERT_TRUE(engine.join(legs[0].id, legs[1].id).ok());
      engine.play(legs[2].id, {.files = {}, .tone = Tone::dial},
                  [](Result<Playing> started) { EXPECT_TRUE(started.ok()); });
      ASSERT_TRUE(engine.send_digits(legs[3].id, "5", 60ms, 40ms).ok());
      ASSERT_TRUE(engine
                      .record({.leg = legs[6].id,
                               .path = (folder.path() / (std::to_string(round) + ".wav")).string()})
                      .ok());
      ASSERT_TRUE(engine.join(legs[5].id, legs[7].id).ok()) << "of two loops";
      ASSERT_TRUE(engine.listen(legs[4].id, legs[6].id).ok());
      ASSERT_TRUE(engine.stream({.leg = legs[2].id, .to = legs[0].rtp, .rate = 16000, .preamble = "x"}).ok())
          << "nobody listens there";
      for (int step = 0; step < 6; ++step) {
        std::this_thread::sleep_for(10ms);
        engine.pump();
        engine.query(legs[static_cast<std::size_t>(step)].id, [&](const LegStats&) { ++answered; });
      }
      engine.split(legs[0].id);
      for (const Opened& leg : legs) engine.close(leg.id);
    }
    engine.stop();
    EXPECT_EQ(answered, 120u);
    EXPECT_EQ(counts.recorded, 20u);
    EXPECT_GT(counts.started, 100u);
    EXPECT_EQ(counts.played, 20u);
    EXPECT_EQ(engine.counters().legs, 0u);
  }
  EXPECT_GT(wakes.load(), 0u);
}

TEST(ForwardingPace, LeavesAtOnceWhenBusyAndReturnsWhenQuiet) {
  ForwardingPace pace;
  TimePoint now = TimePoint(seconds(100));
  const auto run = [&](seconds length, Nanos work) {  // turns of 5 ms, `work` of it busy
    for (const TimePoint end = now + length; now < end; now += milliseconds(5)) pace.note(now, now + work);
  };
  run(seconds(3), microseconds(2800));  // 56 %
  EXPECT_TRUE(pace.at_once());
  run(seconds(3), microseconds(3200));  // 64 %
  EXPECT_FALSE(pace.at_once());
  run(seconds(3), microseconds(2000));  // the same work on the tick: 40 %
  EXPECT_FALSE(pace.at_once()) << "no swinging";
  run(seconds(3), microseconds(1000));  // 20 %
  EXPECT_TRUE(pace.at_once());
}

}  // namespace
}  // namespace tandem::session
