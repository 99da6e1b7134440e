// Delay and pace of the jitter buffer: small on a clean line, as much as jitter needs, gone again after a
// stall. The bounds of the jitter rows are those of the smallest fixed delay with the same loss, found by
// measurement.
#include <gtest/gtest.h>

#include <random>

#include "tests/jitter/line.hpp"

namespace tandem::jitter {
namespace {

using testing::Line;
using testing::Sent;
using testing::steady;

// Milliseconds between the fastest arrival possible and play, for each packet played, by its timestamp.
std::vector<std::pair<std::int64_t, std::int64_t>> delays(const Line& line, std::uint32_t first) {
  std::vector<std::pair<std::int64_t, std::int64_t>> all;
  for (const auto& h : line.heard)
    if (h.kind == Pull::packet) all.emplace_back(h.at_ms, h.at_ms - (h.timestamp - first) / 8);
  return all;
}

double mean(const std::vector<std::pair<std::int64_t, std::int64_t>>& all) {
  double sum = 0;
  for (const auto& [at, delay] : all) sum += static_cast<double>(delay);
  return sum / static_cast<double>(all.size());
}

TEST(Playout, ACleanStreamWaitsNoLongerThanOneTick) {
  for (const int phase : {0, 1, 7, 15, 19}) {
    Line line;
    auto packets = steady(500, 65000, 0xFFFFF000u);
    for (auto& packet : packets) packet.at_ms += phase;
    line.run(packets, 10000);
    for (const auto& [at, delay] : delays(line, 0xFFFFF000u)) EXPECT_LE(delay - phase, 24) << phase;
    EXPECT_EQ(line.count(Pull::lost), 0) << phase;
  }
}

TEST(Playout, AFixedBufferKeepsItsDelay) {
  Line line({.min_delay = milliseconds(80), .fixed = true});
  std::mt19937 random(7);
  auto packets = steady(500);
  for (auto& packet : packets) packet.at_ms += random() % 60;
  line.run(packets, 9500);
  const auto all = delays(line, 0);
  EXPECT_EQ(line.count(Pull::lost), 0);
  for (const auto& [at, delay] : all) EXPECT_NEAR(static_cast<double>(delay), 90, 12);
}

struct Jitter {
  double mean_ms;
  double most_delay_ms, most_concealed;
};

TEST(Playout, WaitsAsLongAsJitterNeeds) {
  const Jitter rows[] = {{5, 45, 0.003}, {20, 115, 0.012}, {40, 190, 0.017}};
  for (const Jitter& row : rows) {
    std::mt19937 random(1);
    std::exponential_distribution<> jitter(1 / row.mean_ms);
    const int n = 6000;
    auto packets = steady(n, 60000, 0xFFFFF000u);
    for (auto& packet : packets) packet.at_ms += static_cast<std::int64_t>(jitter(random));
    Line line;
    line.run(packets, n * 20 - 500);
    EXPECT_LE(mean(delays(line, 0xFFFFF000u)), row.most_delay_ms) << row.mean_ms;
    EXPECT_LE(static_cast<double>(line.buffer.stats().concealed_ticks) / (160.0 * n), row.most_concealed)
        << row.mean_ms;
    EXPECT_LE(static_cast<double>(line.buffer.stats().left_out) / n, 0.01) << row.mean_ms;
  }
}

TEST(Playout, KeepsNoLagAfterAStall) {
  for (const int stall_ms : {60, 200, 500, 1500}) {
    auto packets = steady(700, 65500, 0xFFFFF000u);
    for (auto& packet : packets)
      if (packet.at_ms >= 4000 && packet.at_ms < 4000 + stall_ms) packet.at_ms = 4000 + stall_ms;
    Line line;
    line.run(packets, 14000);
    for (const auto& [at, delay] : delays(line, 0xFFFFF000u))
      if (at > 4000 + stall_ms + 4000) {
        EXPECT_LE(delay, 60) << stall_ms << " ms stall, at " << at;
      }
    EXPECT_EQ(line.heard.back().kind, Pull::packet) << stall_ms;
  }
}

TEST(Playout, KeepsNoLagAfterAStallAtTheVeryStart) {
  auto packets = steady(300);
  for (std::size_t i = 0; i < 20; ++i) packets[i].at_ms = 400;  // 20 packets at once, as after a slow answer
  Line line;
  line.run(packets, 6000);
  for (const auto& [at, delay] : delays(line, 0))
    if (at > 1500) {
      EXPECT_LE(delay, 44) << at;
    }
}

TEST(Playout, ShortensTheDelaySoonerWhenNobodySpeaks) {
  std::int64_t back[2] = {0, 0};
  for (const Quiet quiet : {Quiet::no, Quiet::yes}) {
    auto packets = steady(700);
    for (auto& packet : packets)
      if (packet.at_ms >= 4000 && packet.at_ms < 4200) packet.at_ms = 4200;
    Line line;
    line.run(packets, 14000, quiet);
    for (const auto& [at, delay] : delays(line, 0))
      if (delay > 44) back[quiet == Quiet::yes] = at;
  }
  EXPECT_GT(back[0], back[1]);
  EXPECT_LE(back[1], 6500);
}

TEST(Playout, FollowsAClockThatDrifts) {
  for (const double ppm : {200.0, -200.0}) {
    const int n = 30000;  // ten minutes: six frames too many or too few
    auto packets = steady(n, 1, 0xFFFF0000u);
    std::int64_t last = 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      packets[i].at_ms = static_cast<std::int64_t>(static_cast<double>(i) * 20 * (1 + ppm * 1e-6));
      last = packets[i].at_ms;
    }
    Line line;
    line.run(packets, last);
    EXPECT_LE(line.buffer.delay().count(), 50) << ppm;
    EXPECT_LE(line.buffer.stats().left_out, 9u) << ppm;
    EXPECT_LE(line.buffer.stats().concealed_ticks, 9u * 160) << ppm;
    EXPECT_GE(line.played().size(), static_cast<std::size_t>(n) - 20) << ppm;
  }
}

TEST(Playout, LeavesOutWhatIsBeyondItsMaximumAtOnce) {
  auto packets = steady(400);
  for (auto& packet : packets)
    if (packet.at_ms >= 4000 && packet.at_ms < 4600) packet.at_ms = 4600;
  Line line({.max_delay = milliseconds(120)});
  line.run(packets, 7900);
  EXPECT_LE(line.buffer.target().count(), 120);
  for (const auto& [at, delay] : delays(line, 0)) EXPECT_LE(delay, 140) << at;
}

TEST(Playout, PlaysOnWhenTheRouteBecomesLongerThanItsMaximum) {
  auto packets = steady(400);
  for (auto& packet : packets)
    if (packet.at_ms >= 4000) packet.at_ms += 400;
  Line line({.max_delay = milliseconds(120)});
  line.run(packets, 7900);
  EXPECT_LE(line.buffer.stats().concealed_ticks, 25u * 160) << "the 400 ms without packets, and little more";
  EXPECT_GE(line.played().size(), 365u);
}

// RFC 3389: a packet of comfort noise, then nothing until the next one or until somebody speaks.
TEST(Playout, AToldPauseIsNoLossHoweverLongItIs) {
  for (const std::uint32_t start : {0u, 0xFFFFFFFFu - 30000}) {
    Line line({.min_delay = milliseconds(40)});
    auto packets = steady(25, 65530, start);
    for (int i = 0; i < 3; ++i)  // at 500, 1000 and 3000 ms
      packets.push_back({.at_ms = i == 2 ? 3000 : 500 + 500 * i,
                         .sequence = static_cast<std::uint16_t>(65530 + 25 + i),
                         .timestamp = start + (i == 2 ? 24000u : 4000u + 4000u * static_cast<unsigned>(i)),
                         .ticks = 80,
                         .pauses = true});
    auto speech = steady(20, static_cast<std::uint16_t>(65530 + 28), start + 40000);
    for (auto& packet : speech) packet.at_ms += 5000;
    packets.insert(packets.end(), speech.begin(), speech.end());
    line.run(packets, 5600);
    EXPECT_EQ(line.count(Pull::lost), line.buffer.stats().dry) << "only the tail, after the last packet";
    int lost_before_the_end = 0, silence = 0;
    for (const auto& h : line.heard) {
      if (h.at_ms < 5400 && h.kind == Pull::lost) ++lost_before_the_end;
      if (h.kind == Pull::silence) silence += static_cast<int>(h.ticks);
    }
    EXPECT_EQ(lost_before_the_end, 0);
    EXPECT_NEAR(silence / 8, 4500, 60);
    EXPECT_EQ(line.played().size(), 48u);
    EXPECT_EQ(line.buffer.stats().lost, 0u);
  }
}

TEST(Playout, AnUpdateOfThePauseThatIsLostIsNotConcealed) {
  Line line({.min_delay = milliseconds(40)});
  auto packets = steady(10);
  packets.push_back({.at_ms = 200, .sequence = 10, .timestamp = 1600, .ticks = 80, .pauses = true});
  auto speech = steady(10, 12, 8000);  // 11 was lost
  for (auto& packet : speech) packet.at_ms += 1000;
  packets.insert(packets.end(), speech.begin(), speech.end());
  line.run(packets, 1200);
  EXPECT_EQ(line.count(Pull::lost), 0);
  EXPECT_EQ(line.buffer.stats().concealed_ticks, 0u);
}

TEST(DelayEstimator, CountsAStallAsOneEvent) {
  DelayEstimator estimator;
  std::int64_t now = 0;
  for (int i = 0; i < 200; ++i) estimator.add(0, now += 20000);
  EXPECT_EQ(estimator.target_us(), 4000);
  for (int i = 0; i < 20; ++i) estimator.add((20 - i) * 20000, i == 0 ? now += 400000 : now);
  for (int i = 0; i < 100; ++i) estimator.add(0, now += 20000);
  EXPECT_LE(estimator.target_us(), 8000);
}

// Where packets overtake each other, one percent of them is not worth more than 25 ms.
TEST(DelayEstimator, WaitsForOvertakenPacketsOnlyWhereItIsWorthIt) {
  std::int64_t targets[2] = {};
  for (const int every : {20, 500}) {
    DelayEstimator estimator;
    for (int i = 0; i < 2000; ++i) {
      const bool late = i % every == 7;
      estimator.add(late ? 90000 : 0, i * 20000 + (late ? 90000 : 0), late ? Overtaken::yes : Overtaken::no);
    }
    targets[every == 500] = estimator.target_us();
  }
  EXPECT_NEAR(static_cast<double>(targets[0]), 92000, 1) << "5 % of the packets are 90 ms late";
  EXPECT_EQ(targets[1], 4000) << "0.2 % are";
}

// 40 s of packets of 20 ms, of which one in `gaps_every` never comes; one in `late_every` is `late_ms` late
// and overtaken. In between all come `queue_ms` late at times, in order.
std::int64_t target_of(std::int64_t repeat_ms, int gaps_every, int late_every, int late_ms,
                       int queue_ms = 0) {
  DelayEstimator estimator;
  estimator.expect_repeat(repeat_ms * 1000);
  for (int i = 0; i < 2000; ++i) {
    if (gaps_every > 0 && i % gaps_every == 3) {
      estimator.gap();
      continue;
    }
    const bool late = late_every > 0 && i % late_every == 7;
    const int ms = late ? late_ms : i % 20 == 0 ? queue_ms : 0;
    estimator.add(ms * 1000, i * 20000 + ms * 1000, late ? Overtaken::yes : Overtaken::no);
  }
  return estimator.target_us() / 1000;
}

TEST(DelayEstimator, WaitsForTheNextPacketOnlyWhereItRepeatsEnoughLostOnes) {
  EXPECT_EQ(target_of(0, 100, 0, 0), 4) << "it repeats nothing";
  EXPECT_EQ(target_of(20, 0, 0, 0), 4) << "nothing is lost";
  EXPECT_EQ(target_of(20, 500, 0, 0), 4) << "0.2 % are";
  EXPECT_EQ(target_of(20, 100, 0, 0), 24) << "1 % are";
  EXPECT_EQ(target_of(60, 100, 0, 0), 4) << "60 ms would be too long for 1 %";
  EXPECT_EQ(target_of(60, 20, 0, 0), 64) << "but not for 5 %";
}

TEST(DelayEstimator, DoesNotWaitForTheNextPacketOnTopOfWhatIsWaitedAnyway) {
  EXPECT_EQ(target_of(0, 30, 0, 0, 50), 52);
  EXPECT_EQ(target_of(20, 30, 0, 0, 50), 52) << "most of the time it is there";
}

TEST(DelayEstimator, WaitsLessForALatePacketThatTheNextOneRepeats) {
  EXPECT_EQ(target_of(0, 0, 25, 90), 92);
  EXPECT_EQ(target_of(20, 0, 25, 90), 24);
}

TEST(DelayEstimator, APacketThatCameTooLateIsNoLostOne) {
  DelayEstimator estimator;
  estimator.expect_repeat(20000);
  for (int i = 0; i < 2000; ++i) {
    if (i % 30 == 3) estimator.gap();
    if (i % 30 == 4) estimator.gap_closed();
    estimator.add(0, i * 20000);
  }
  EXPECT_EQ(estimator.target_us(), 4000);
}

TEST(DelayEstimator, ExpectsTheFirstStallAgainForAWhile) {
  DelayEstimator estimator;
  std::int64_t now = 0;
  const auto run = [&](int packets) {
    for (int i = 0; i < packets; ++i) estimator.add(0, now += 20000);
  };
  run(150);
  estimator.add(120000, now += 120000);
  run(50);
  EXPECT_GE(estimator.target_us(), 120000) << "1 s later";
  run(75);
  EXPECT_EQ(estimator.target_us(), 4000);
}

}  // namespace
}  // namespace tandem::jitter
