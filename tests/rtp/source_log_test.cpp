#include "core/rtp/source_log.hpp"

#include <gtest/gtest.h>

namespace tandem::rtp {
namespace {

RxStats totals(std::uint64_t packets, std::uint64_t lost) {
  RxStats stats;
  stats.packets = packets;
  stats.bytes = packets * 160;
  stats.lost = lost;
  return stats;
}

TEST(SourceLog, IntervalsGiveAverageWorstAndBestOfEachSource) {
  SourceLog log;
  const SourceLog::Conditions calm{.jitter_ms = 2, .round_trip_ms = 20, .buffer_ms = 0, .impairment = {}};
  const TimePoint begin{};
  log.begin(7, totals(0, 0));
  log.sample(totals(250, 0), calm, begin + seconds(5));
  log.sample(totals(475, 25), {.jitter_ms = 8, .round_trip_ms = 40, .buffer_ms = 0, .impairment = {}},
             begin + seconds(10));
  log.sample(totals(475, 25), calm, begin + seconds(15));  // nothing came: no interval
  log.begin(7, totals(475, 25));                           // the same one: a restart of its sequence
  log.begin(9, totals(500, 25));
  log.sample(totals(750, 25), calm, begin + seconds(20));
  std::array<SourceLog::Source, SourceLog::kSources> out;
  ASSERT_EQ(log.read(totals(760, 26), out), 2U);
  EXPECT_EQ(out[0].ssrc, 9U);
  EXPECT_EQ(out[0].packets, 260U);
  EXPECT_EQ(out[0].lost, 1U);
  EXPECT_EQ(out[0].samples, 1U);
  EXPECT_EQ(out[1].ssrc, 7U);
  EXPECT_EQ(out[1].packets, 500U);
  EXPECT_EQ(out[1].bytes, 80'000U);
  EXPECT_EQ(out[1].samples, 2U);
  EXPECT_NEAR(out[1].average().loss_percent, 5, 0.01);
  EXPECT_NEAR(out[1].average().jitter_ms, 5, 0.01);
  EXPECT_NEAR(out[1].average().round_trip_ms, 30, 0.01);
  EXPECT_NEAR(out[1].lowest.loss_percent, 10, 0.01);
  EXPECT_EQ(out[1].lowest.at, begin + seconds(10));
  EXPECT_EQ(out[1].highest.at, begin + seconds(5));
  EXPECT_GT(out[1].highest.mos, 4.2);
  EXPECT_LT(out[1].lowest.mos, 4.0);
  EXPECT_LT(out[1].average().mos, out[1].highest.mos);
}

TEST(SourceLog, OnlyTheNewestSourcesAreKept) {
  SourceLog log;
  std::array<SourceLog::Source, SourceLog::kSources> out;
  EXPECT_EQ(log.read(totals(0, 0), out), 0U);
  log.sample(totals(10, 0), {}, TimePoint{});
  for (std::uint32_t i = 1; i <= 10; ++i) log.begin(i, totals(i * 10, 0));
  ASSERT_EQ(log.read(totals(200, 0), out), SourceLog::kSources);
  EXPECT_EQ(out[0].ssrc, 10U);
  EXPECT_EQ(out[3].ssrc, 7U);
  EXPECT_EQ(out[3].packets, 10U);
  EXPECT_EQ(log.forgotten(), 6U);
}

}  // namespace
}  // namespace tandem::rtp
