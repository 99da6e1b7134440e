// The jitter buffer on a counted clock: order, wraps, losses, jumps, limits. Pace and delay:
// playout_test.cpp.
#include "core/jitter/jitter_buffer.hpp"

#include <gtest/gtest.h>

#include "tests/jitter/line.hpp"

namespace tandem::jitter {
namespace {

using testing::Line;
using testing::Sent;
using testing::steady;

struct Start {
  const char* name;
  std::uint16_t sequence;
  std::uint32_t timestamp;
};
constexpr Start kStarts[] = {{"from zero", 0, 0},
                             {"sequence wraps", 65530, 1000},
                             {"timestamp wraps", 100, 0xFFFFFFFFu - 800},
                             {"timestamp passes its half", 100, 0x7FFFFFFFu - 800},
                             {"both wrap", 65530, 0xFFFFFFFFu - 800}};

std::vector<std::uint32_t> timestamps(int n, std::uint32_t from) {
  std::vector<std::uint32_t> all;
  for (int i = 0; i < n; ++i) all.push_back(from + static_cast<std::uint32_t>(i) * 160);
  return all;
}

TEST(JitterBuffer, PlaysACleanStreamInOrderWithoutConcealment) {
  for (const Start& start : kStarts) {
    Line line;
    line.run(steady(50, start.sequence, start.timestamp), 1000);
    EXPECT_EQ(line.played(), timestamps(49, start.timestamp)) << start.name;
    EXPECT_EQ(line.count(Pull::lost), 0) << start.name;
    EXPECT_EQ(line.buffer.stats().lost, 0u) << start.name;
  }
}

TEST(JitterBuffer, PutsReorderedPacketsBackInOrder) {
  for (const Start& start : kStarts) {
    Line line({.min_delay = milliseconds(60)});
    auto packets = steady(50, start.sequence, start.timestamp);
    for (std::size_t i = 5; i + 1 < packets.size(); i += 7) std::swap(packets[i].at_ms, packets[i + 1].at_ms);
    line.run(packets, 900);
    const auto played = line.played();
    EXPECT_EQ(played, timestamps(static_cast<int>(played.size()), start.timestamp)) << start.name;
    EXPECT_EQ(line.count(Pull::lost), 0) << start.name;
    EXPECT_GT(line.buffer.stats().reordered, 3u) << start.name;
  }
}

TEST(JitterBuffer, ConcealsExactlyTheTimeOfALostPacket) {
  for (const Start& start : kStarts) {
    Line line({.min_delay = milliseconds(40)});
    auto packets = steady(50, start.sequence, start.timestamp);
    packets.erase(packets.begin() + 6);
    line.run(packets, 1000);
    std::uint32_t concealed = 0;
    for (const auto& h : line.heard)
      if (h.kind == Pull::lost) concealed += h.ticks;
    EXPECT_EQ(concealed, 160u) << start.name;
    EXPECT_EQ(line.buffer.stats().lost, 1u) << start.name;
    EXPECT_EQ(line.played().size(), 47u) << start.name;
  }
}

TEST(JitterBuffer, CountsDuplicatesWhetherWaitingOrPlayed) {
  Line line({.min_delay = milliseconds(40)});
  auto packets = steady(20);
  packets.push_back({.at_ms = 101, .sequence = 5, .timestamp = 800});    // waits still
  packets.push_back({.at_ms = 300, .sequence = 5, .timestamp = 800});    // played long ago
  packets.push_back({.at_ms = 381, .sequence = 19, .timestamp = 3040});  // the newest
  line.run(packets, 500);
  EXPECT_EQ(line.verdicts_of(Push::duplicate), 3);
  EXPECT_EQ(line.buffer.stats().duplicate, 3u);
  EXPECT_EQ(line.buffer.stats().late, 0u);
}

TEST(JitterBuffer, OffersTheNextPacketInPlaceOfTheLostOne) {
  for (const Start& start : kStarts) {
    Line line({.min_delay = milliseconds(40), .scaled = true});
    auto packets = steady(50, start.sequence, start.timestamp);
    packets.erase(packets.begin() + 20);
    packets.erase(packets.begin() + 30, packets.begin() + 32);
    line.run(packets, 1000);
    EXPECT_EQ(line.count(Pull::recover), 2) << start.name << ": the one lost alone, the second of two";
    EXPECT_EQ(line.count(Pull::lost), 1) << start.name;
    for (std::size_t i = 0; i + 1 < line.heard.size(); ++i)
      if (line.heard[i].kind == Pull::recover) {
        EXPECT_EQ(line.heard[i].ticks, 160u) << start.name;
        EXPECT_EQ(line.heard[i + 1].kind, Pull::packet) << start.name;
        EXPECT_EQ(line.heard[i + 1].timestamp, line.heard[i].timestamp + 160) << start.name;
      }
  }
}

TEST(JitterBuffer, WaitsForTheNextPacketWhereItRepeatsLostOnes) {
  Line line({.scaled = true});
  line.buffer.expect_redundancy(true);
  auto packets = steady(400);
  std::erase_if(packets, [](auto& packet) { return packet.sequence % 15 == 7; });
  line.run(packets, 7900);
  EXPECT_GE(line.buffer.target().count(), 24) << "one packet more than without loss";
}

TEST(JitterBuffer, DropsPacketOlderThanPlayout) {
  Line line;
  auto packets = steady(20);
  packets[5].at_ms = 250;
  line.run(packets, 500);
  EXPECT_EQ(line.verdicts_of(Push::late), 1);
  EXPECT_EQ(line.buffer.stats().lost, 1u);
}

TEST(JitterBuffer, KeepsPacketsOfOtherLengthsApart) {
  // 20 ms, then 60, then 10, in one stream.
  std::vector<Sent> packets;
  std::uint32_t timestamp = 0xFFFFFF00u;
  std::uint16_t sequence = 65533;
  std::int64_t at = 0;
  for (const std::uint32_t ms : {20u, 20u, 20u, 60u, 60u, 60u, 10u, 10u, 10u, 10u, 20u, 20u}) {
    at += ms;  // a packet leaves when its last sample was heard
    packets.push_back({.at_ms = at, .sequence = sequence++, .timestamp = timestamp, .ticks = ms * 8});
    timestamp += ms * 8;
  }
  Line line({.min_delay = milliseconds(60)}, 10);
  line.run(packets, 440);
  std::uint32_t expected = 0xFFFFFF00u;
  for (const auto& h : line.heard)
    if (h.kind == Pull::packet) {
      EXPECT_EQ(h.timestamp, expected);
      expected += h.ticks;
    }
  EXPECT_EQ(line.played().size(), packets.size());
  const auto last =
      std::find_if(line.heard.rbegin(), line.heard.rend(), [](auto& h) { return h.kind == Pull::packet; });
  EXPECT_TRUE(std::none_of(last, line.heard.rend(), [](auto& h) { return h.kind == Pull::lost; }));
}

TEST(JitterBuffer, HandsOutTheBytesThatCameIn) {
  PayloadPool pool(4);
  JitterBuffer buffer(pool, {});
  const std::vector<std::uint8_t> payload(1500, 0x5A);
  const Incoming packet{
      .sequence = 7, .timestamp = 9, .ssrc = 3, .payload_type = 96, .ticks = 160, .clock_rate = 8000};
  EXPECT_EQ(buffer.push(packet, payload, Line::at(0)), Push::accepted);
  const Pulled pulled = buffer.pull(Line::at(20), 160);
  ASSERT_EQ(pulled.kind, Pull::packet);
  EXPECT_TRUE(pulled.restarted);
  EXPECT_EQ(pulled.payload_type, 96);
  EXPECT_TRUE(std::equal(pulled.payload.begin(), pulled.payload.end(), payload.begin(), payload.end()));
}

TEST(JitterBuffer, BeginsAnewWithAnotherSsrc) {
  Line line;
  line.run(steady(20), 400);
  std::vector<Sent> other;
  for (int i = 0; i < 20; ++i)
    other.push_back({.at_ms = 400 + i * 20,
                     .sequence = static_cast<std::uint16_t>(40000 + i),
                     .timestamp = 77u + static_cast<std::uint32_t>(i) * 160,
                     .ssrc = 2});
  line.run(other, 800);
  EXPECT_EQ(line.verdicts_of(Push::restarted), 1);
  const auto first = std::find_if(line.heard.begin(), line.heard.end(),
                                  [](auto& h) { return h.kind == Pull::packet && h.timestamp == 77; });
  ASSERT_NE(first, line.heard.end());
  EXPECT_TRUE(first->restarted);
  EXPECT_LE(first->at_ms, 420);
  EXPECT_EQ(line.buffer.stats().restarts, 1u);
}

TEST(JitterBuffer, IsNotTornByTwoSourcesAtOnce) {
  Line line;
  line.run(steady(20), 400);
  std::vector<Sent> both;
  for (int i = 20; i < 60; ++i) {
    both.push_back({.at_ms = i * 20,
                    .sequence = static_cast<std::uint16_t>(i),
                    .timestamp = static_cast<std::uint32_t>(i) * 160});
    both.push_back(
        {.at_ms = i * 20 + 1, .sequence = static_cast<std::uint16_t>(i * 31), .timestamp = 5, .ssrc = 9});
  }
  line.run(both, 1200);
  EXPECT_LE(line.buffer.stats().restarts, 2u);
  EXPECT_GT(line.played().size(), 35u);
}

TEST(JitterBuffer, FollowsATimestampThatJumps) {
  for (const std::uint32_t jump : {1000000u, 0x80000000u, 0xFFF00000u /* back */}) {
    Line line;
    auto packets = steady(60);
    for (std::size_t i = 30; i < packets.size(); ++i) packets[i].timestamp += jump;
    line.run(packets, 1200);
    EXPECT_EQ(line.buffer.stats().restarts, 1u) << jump;
    EXPECT_GE(line.played().size(), 57u) << jump;
    EXPECT_LE(line.buffer.delay().count(), 24) << jump;
  }
}

TEST(JitterBuffer, TakesAJumpOfSequenceOnlyWithItsSuccessor) {
  Line line;
  auto packets = steady(60, 65500);
  packets.push_back({.at_ms = 205, .sequence = 30000, .timestamp = 1u << 30});  // one stray
  for (std::size_t i = 40; i < 60; ++i)
    packets[i].sequence = static_cast<std::uint16_t>(packets[i].sequence + 9000);
  line.run(packets, 1200);
  EXPECT_EQ(line.verdicts_of(Push::stray), 2) << "the stray, and the first after the jump";
  EXPECT_EQ(line.verdicts_of(Push::restarted), 1);
  EXPECT_GE(line.played().size(), 57u);
}

TEST(JitterBuffer, TakesASilentStretchForAPauseNotForLoss) {
  // DTX: the timestamp goes on, the sequence number does not.
  Line line({.min_delay = milliseconds(40)});
  auto packets = steady(10, 65530, 0xFFFFFFFFu - 320);
  auto more = steady(10, static_cast<std::uint16_t>(65530 + 10), 0xFFFFFFFFu - 320 + 40 * 160);
  for (auto& packet : more) packet.at_ms += 800;
  packets.insert(packets.end(), more.begin(), more.end());
  line.run(packets, 1100);
  EXPECT_EQ(line.buffer.stats().lost, 0u);
  EXPECT_EQ(line.buffer.stats().restarts, 0u);
  EXPECT_EQ(line.played().size(), 20u);
  const auto first = std::find_if(line.heard.begin(), line.heard.end(), [](auto& h) {
    return h.kind == Pull::packet && h.timestamp == 0xFFFFFFFFu - 320 + 6400;
  });
  ASSERT_NE(first, line.heard.end());
  EXPECT_NEAR(static_cast<double>(first->at_ms), 840, 20) << "in its own time";
}

TEST(JitterBuffer, ComesBackFromALongHold) {
  // The sender stops for a minute and then goes on as if no time had passed.
  Line line;
  line.run(steady(20), 400);
  auto more = steady(50, 20, 20 * 160);
  for (auto& packet : more) packet.at_ms += 60000;
  line.run(more, 61000);
  EXPECT_GE(line.played().size(), 67u);
  EXPECT_LE(line.buffer.delay().count(), 24);
  EXPECT_GT(line.count(Pull::waiting), 2000) << "it does not conceal a minute";
  EXPECT_LE(line.buffer.stats().concealed_ticks, 8000u);
}

TEST(JitterBuffer, KeepsTheNewestWhenNobodyPulls) {
  Line line;
  for (const auto& packet : steady(300, 65400)) (void)line.send(packet);
  EXPECT_EQ(line.buffer.size(), JitterBuffer::kMaxPackets);
  EXPECT_EQ(line.buffer.stats().full, 200u);
  EXPECT_EQ(line.pool.available(), 100u);
  const Pulled pulled = line.buffer.pull(Line::at(6000), 160);
  ASSERT_EQ(pulled.kind, Pull::packet);
  EXPECT_GE(pulled.timestamp, 298u * 160 - 320) << "what is stale is left out";
}

TEST(JitterBuffer, SurvivesAGapWiderThanItself) {
  Line line;
  auto packets = steady(400, 65400);
  packets.erase(packets.begin() + 20, packets.begin() + 220);
  packets.erase(packets.begin() + 22, packets.begin() + 23);
  line.run(packets, 8000);
  EXPECT_GE(line.played().size(), 190u);
  EXPECT_EQ(line.buffer.stats().lost + line.buffer.stats().played + line.buffer.size(), 400u);
}

TEST(JitterBuffer, RefusesWhatCannotBePlayed) {
  PayloadPool pool(8);
  JitterBuffer buffer(pool, {});
  const std::vector<std::uint8_t> big(1501), one(1);
  const Incoming good{.sequence = 1, .timestamp = 1, .ssrc = 1, .ticks = 160, .clock_rate = 8000};
  Incoming packet = good;
  EXPECT_EQ(buffer.push(good, {}, Line::at(0)), Push::malformed);
  EXPECT_EQ(buffer.push(good, big, Line::at(0)), Push::malformed);
  packet.ticks = 0;
  EXPECT_EQ(buffer.push(packet, one, Line::at(0)), Push::malformed);
  packet = good;
  packet.ticks = 70000;
  EXPECT_EQ(buffer.push(packet, one, Line::at(0)), Push::malformed);
  packet = good;
  packet.clock_rate = 0;
  EXPECT_EQ(buffer.push(packet, one, Line::at(0)), Push::malformed);
  EXPECT_EQ(buffer.stats().malformed, 5u);
  EXPECT_EQ(buffer.pull(Line::at(10), 160).kind, Pull::waiting);
  EXPECT_EQ(pool.available(), 8u);
}

TEST(JitterBuffer, DropsWhenThePoolIsEmptyAndGivesAllBack) {
  PayloadPool pool(3);
  {
    JitterBuffer buffer(pool, {});
    const std::uint8_t payload[160] = {};
    int taken = 0;
    for (std::uint16_t i = 0; i < 6; ++i)
      if (buffer.push({.sequence = i, .timestamp = i * 160u, .ssrc = 1, .ticks = 160, .clock_rate = 8000},
                      payload, Line::at(i * 20)) == Push::accepted)
        ++taken;
    EXPECT_EQ(taken, 3);
    EXPECT_EQ(buffer.stats().no_memory, 3u);
    EXPECT_EQ(pool.exhausted(), 3u);
    EXPECT_EQ(buffer.pull(Line::at(120), 160).kind, Pull::packet);
  }
  EXPECT_EQ(pool.available(), 3u);
}

TEST(PayloadPool, GivesEachBlockToOneHolder) {
  PayloadPool pool(5);
  std::vector<Block> taken;
  for (int i = 0; i < 5; ++i) {
    const Block block = pool.acquire();
    EXPECT_EQ(std::count(taken.begin(), taken.end(), block), 0);
    taken.push_back(block);
  }
  EXPECT_EQ(pool.acquire(), kNoBlock);
  pool.release(taken[2]);
  pool.release(kNoBlock);
  EXPECT_EQ(pool.available(), 1u);
  EXPECT_EQ(pool.acquire(), taken[2]);
}

}  // namespace
}  // namespace tandem::jitter
