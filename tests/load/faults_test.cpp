// Planted faults: each must be found, each time, on the right legs, and nothing else may be found.
#include <gtest/gtest.h>

#include <cmath>

#include "core/codec/g711.hpp"
#include "core/load/stamp.hpp"
#include "core/load/swap_found.hpp"
#include "tests/load/hall.hpp"

namespace tandem::load::test {
namespace {

bool is_audio(const Passing& passing) { return (passing.bytes[1] & 0x7f) != 101; }

std::string all(const Outcome& outcome) {
  std::string out;
  for (const std::string& one : outcome.findings) out += one + "\n";
  return out;
}

class Marked : public testing::TestWithParam<Marks> {};
INSTANTIATE_TEST_SUITE_P(Faults, Marked, testing::Values(Marks::payload, Marks::audio),
                         [](const auto& one) { return one.param == Marks::payload ? "relay" : "transcode"; });

TEST_P(Marked, AServerWithoutFaultIsFoundWithoutFault) {
  Hall hall(20, GetParam(),
            [](PhoneSpec& spec) { spec.digit_every = milliseconds(GetParam() == Marks::payload ? 900 : 0); });
  hall.begin();
  hall.run(seconds(6));
  const Outcome outcome = hall.outcome();
  EXPECT_EQ(outcome.findings.size(), 0U) << all(outcome);
  EXPECT_TRUE(outcome.held());
  EXPECT_EQ(outcome.measured_legs, 40U);
  EXPECT_NEAR(outcome.total.delay.percentile_ms(0.5), 0.3, 0.1);
  EXPECT_EQ(outcome.digits_right > 0, GetParam() == Marks::payload);
  EXPECT_GT(outcome.mos_min, 4.3);
}

TEST_P(Marked, OnePacketInTenThousandIsMissedWhereverItIsLost) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Hall hall(10, GetParam());
    hall.begin();
    std::uint64_t seen = 0, dropped = 0;
    unsigned hurt = 0;
    hall.wire.fault = [&](Passing& passing, TimePoint) {
      if (!is_audio(passing) || ++seen % 10'000 != 1000 * seed) return;
      passing.lost = true;
      ++dropped;
      hurt = passing.to;
    };
    hall.run(seconds(10));
    const auto figures = hall.end();
    ASSERT_EQ(dropped, 1U);
    for (unsigned leg = 0; leg < figures.size(); ++leg)
      EXPECT_EQ(figures[leg].lost, leg == hurt ? 1U : 0U) << leg;
  }
}

TEST_P(Marked, ALegSwappedWithAnotherFor200MsIsFoundOnBoth) {
  Hall hall(10, GetParam());
  hall.begin();
  hall.run(milliseconds(1500));
  const TimePoint from = hall.wire.clock;
  hall.wire.fault = [from](Passing& passing, TimePoint now) {
    if (now - from >= milliseconds(200) || !is_audio(passing)) return;
    if (passing.to == 4 || passing.to == 8) {
      passing.to ^= 4U ^ 8U;
      passing.from_port = HallWire::port_of(passing.to).port();
    }
  };
  hall.run(seconds(3));
  const Outcome outcome = hall.outcome();
  for (const LegRow& row : outcome.rows) {
    const std::uint64_t wrong = row.figures.wrong + row.figures.sound.wrong;
    if (row.leg == 4 || row.leg == 8) {
      EXPECT_GE(wrong, 3U) << row.leg;
    } else {
      EXPECT_EQ(wrong, 0U) << row.leg;
    }
  }
  EXPECT_FALSE(outcome.held());
}

TEST_P(Marked, FortyMillisecondsMoreDelayAreMeasured) {
  Hall hall(10, GetParam());
  hall.begin();
  hall.run(seconds(2));
  const TimePoint from = hall.wire.clock;
  hall.wire.fault = [from](Passing& passing, TimePoint now) {
    if (passing.to == 6 && now >= from) passing.delay += milliseconds(40);
  };
  hall.run(seconds(3));
  const Outcome outcome = hall.outcome();
  for (const LegRow& row : outcome.rows)
    EXPECT_NEAR(row.figures.delay_shift_ms, row.leg == 6 ? 40 : 0, 1) << row.leg;
  EXPECT_NE(all(outcome).find("leg 6 (calls): delay changed by 40 ms"), std::string::npos) << all(outcome);
}

// The same 40 ms inside of the sound: a server that plays old sound at the right times.
TEST(Faults, SoundThatIsFortyMillisecondsOlderIsFoundByTheSoundItself) {
  Hall hall(2, Marks::audio);
  hall.begin();
  std::vector<std::uint8_t> held[2];
  const TimePoint from = hall.wire.clock + seconds(1);
  hall.wire.fault = [&](Passing& passing, TimePoint now) {
    if (passing.to != 1 || now < from) return;
    std::vector<std::uint8_t> payload(passing.bytes.begin() + 12, passing.bytes.end());
    std::swap(payload, held[0]);
    std::swap(payload, held[1]);
    if (payload.empty()) payload.assign(160, 0xd5);
    std::copy(payload.begin(), payload.end(), passing.bytes.begin() + 12);
  };
  hall.run(seconds(4));
  const auto figures = hall.end();
  EXPECT_EQ(figures[1].sound.shifts, 1U);
  EXPECT_NEAR(figures[1].sound.shift_ms_max, 40, 0.2);
  EXPECT_NEAR(figures[1].delay_shift_ms, 40, 1);
  EXPECT_EQ(figures[0].sound.shifts, 0U);
  EXPECT_EQ(figures[1].sound.wrong, 0U) << "an older sound of the right one is not somebody else's";
}

TEST_P(Marked, AClickOfThreeSamplesIsHeard) {
  Hall hall(10, GetParam());
  hall.begin();
  unsigned passed = 0;
  hall.wire.fault = [&](Passing& passing, TimePoint) {
    if (passing.to == 5 && ++passed == 50) std::fill_n(passing.bytes.begin() + 90, 3, std::uint8_t{0x80});
  };
  hall.run(seconds(3));
  const auto figures = hall.end();
  for (unsigned leg = 0; leg < figures.size(); ++leg)
    EXPECT_EQ(figures[leg].sound.clicks, leg == 5 ? 1U : 0U) << leg;
}

TEST_P(Marked, AWrongKeyIsFound) {
  Hall hall(4, GetParam(), [](PhoneSpec& spec) { spec.digit_every = milliseconds(500); });
  hall.begin();
  int changing = -1;
  hall.wire.fault = [&](Passing& passing, TimePoint) {
    if (is_audio(passing) || passing.to != 3 || changing == -2) return;
    if (changing < 0) changing = passing.bytes[12];
    if (passing.bytes[12] != changing) {
      changing = -2;
      return;
    }
    passing.bytes[12] = static_cast<std::uint8_t>((changing + 5) % 10);
  };
  hall.run(seconds(5));
  const auto figures = hall.end();
  for (unsigned leg = 0; leg < figures.size(); ++leg) {
    EXPECT_EQ(figures[leg].digits_wrong, leg == 3 ? 1U : 0U) << leg;
    EXPECT_GE(figures[leg].digits_right, 8U) << leg;
  }
}

TEST_P(Marked, AClockOff100PpmIsFoundThroughJitter) {
  for (const double ppm : {100.0, -100.0}) {
    Hall hall(3, GetParam());
    const TimePoint from = hall.wire.clock;
    std::uint64_t random = 1;
    hall.wire.fault = [&](Passing& passing, TimePoint now) {
      random = mixed(random);
      passing.delay = milliseconds(20) + microseconds(random % 600);
      if (passing.to == 2)
        passing.delay +=
            Nanos(static_cast<std::int64_t>(static_cast<double>((now - from).count()) * ppm / 1e6));
    };
    hall.begin();
    hall.run(seconds(10));
    const Outcome outcome = hall.outcome();
    EXPECT_EQ(outcome.drifting_legs, 1U) << all(outcome);
    EXPECT_NEAR(outcome.rows[2].figures.drift_ppm, ppm, 15);
    EXPECT_NEAR(outcome.rows[3].figures.drift_ppm, 0, 15);
  }
}

TEST(Faults, PacketsFromAnotherPortAreSaidAndStillVerified) {
  Hall hall(3, Marks::payload);
  hall.begin();
  hall.wire.fault = [](Passing& passing, TimePoint) {
    if (passing.to == 2) passing.from_port = 55555;
  };
  hall.run(seconds(2));
  const auto figures = hall.end();
  EXPECT_NEAR(static_cast<double>(figures[2].other_port), 100, 2);
  EXPECT_EQ(figures[2].lost, 0U);
  EXPECT_EQ(figures[3].other_port, 0U);
}

TEST_P(Marked, AServerThatStopsInMidRunIsSilentAndLosesAllSince) {
  Hall hall(3, GetParam());
  hall.begin();
  hall.run(seconds(1));
  hall.wire.fault = [](Passing& passing, TimePoint) { passing.lost = passing.to < 2; };
  hall.run(seconds(4));
  const Outcome outcome = hall.outcome();
  EXPECT_EQ(outcome.silent_legs, 2U) << all(outcome);
  EXPECT_FALSE(outcome.held());
  if (GetParam() == Marks::payload) {
    EXPECT_NEAR(static_cast<double>(outcome.rows[0].figures.lost), 200, 2);
  }
}

TEST(Faults, AFloodIsCountedAndDoesNotKeepPhonesFromSpeaking) {
  Hall hall(2, Marks::payload);
  hall.begin();
  hall.wire.fault = [](Passing& passing, TimePoint) {
    if (passing.to == 1) passing.copies = 2000;
  };
  hall.run(milliseconds(500));
  hall.wire.fault = nullptr;
  hall.run(seconds(1));
  const auto figures = hall.end();
  EXPECT_GT(figures[1].duplicates, 40'000U);
  EXPECT_EQ(figures[0].lost, 0U);
  EXPECT_LT(hall.tally.own_lateness.percentile_ms(0.99), 1);
}

TEST(Faults, WhatIsDroppedOnPurposeIsNotTheServersLoss) {
  Hall hall(5, Marks::payload, [](PhoneSpec& spec) {
    spec.impairment.loss_percent = 5;
    spec.impairment.burst_packets = 3;
    spec.impairment.jitter_ms = 4;
    spec.impairment.duplicate_percent = 1;
  });
  hall.begin();
  unsigned dropped = 0;
  hall.wire.fault = [&](Passing& passing, TimePoint) {
    if (passing.to == 0 && dropped < 2 && is_audio(passing)) {
      passing.lost = true;
      ++dropped;
    }
  };
  hall.run(seconds(8));
  const auto figures = hall.end();
  EXPECT_EQ(figures[0].lost, 2U);
  for (unsigned leg = 1; leg < figures.size(); ++leg) EXPECT_EQ(figures[leg].lost, 0U) << leg;
}

TEST(Faults, SealedPacketsAreVerifiedAndWhatDoesNotOpenIsCounted) {
  const auto key = [](std::uint32_t leg) {
    const std::vector<std::uint8_t> bytes(30, static_cast<std::uint8_t>(leg + 1));
    return *srtp::Key::from_bytes(srtp::Suite::aes_cm_128_hmac_sha1_80, bytes);
  };
  Hall hall(2, Marks::payload, [&](PhoneSpec& spec) {
    spec.key = key(spec.leg);
    spec.peer_key = key(spec.leg ^ 1U);
  });
  hall.begin();
  unsigned passed = 0;
  bool sealed = true;
  const auto bare = 12 + 160;  // header and payload of 20 ms
  hall.wire.fault = [&](Passing& passing, TimePoint) {
    sealed = sealed && passing.bytes.size() == bare + 10 && !read_stamp(std::span(passing.bytes).subspan(12));
    if (passing.to != 1) return;
    ++passed;
    if (passed == 20) passing.bytes[40] ^= 1;
    if (passed == 30) passing.copies = 2;
  };
  hall.run(seconds(2));
  const auto figures = hall.end();
  EXPECT_TRUE(sealed) << "a packet left in the clear";
  EXPECT_EQ(figures[1].malformed, 1U);
  EXPECT_EQ(figures[1].duplicates, 1U);
  EXPECT_EQ(figures[1].lost, 1U);
  for (const unsigned leg : {0U, 2U, 3U}) {
    EXPECT_TRUE(figures[leg].heard) << leg;
    EXPECT_EQ(figures[leg].lost + figures[leg].wrong + figures[leg].malformed, 0U) << leg;
  }
}

TEST(Faults, SrtpWithoutTheServersKeyIsNoCall) {
  PhoneSpec spec;
  spec.codec = codec::pcmu();
  spec.key = srtp::Key::random(srtp::Suite::aes_cm_128_hmac_sha1_80);
  const auto party = make_phones(std::span(&spec, 1), Melody(), TimePoint(seconds(1)));
  ASSERT_FALSE(party);
  EXPECT_NE(party.error().message.find("no a=crypto"), std::string::npos) << party.error().message;
}

TEST(Faults, AHoleOf60MsInTheSoundIsAGap) {
  Hall hall(2, Marks::audio);
  hall.begin();
  hall.run(seconds(1));
  unsigned passed = 0;
  hall.wire.fault = [&](Passing& passing, TimePoint) {
    if (passing.to == 1 && ++passed >= 10 && passed < 13)
      std::fill(passing.bytes.begin() + 12, passing.bytes.end(), std::uint8_t{0xd5});
  };
  hall.run(seconds(2));
  const auto figures = hall.end();
  // The same of each second: what is drawn over time.
  EXPECT_EQ(hall.tally.gaps, 1U);
  EXPECT_EQ(hall.tally.gap_ms, figures[1].sound.gap_ms);
  EXPECT_GT(hall.tally.symbols, 4U * 25);
  EXPECT_NEAR(hall.tally.level_db_sum / static_cast<double>(hall.tally.levels), 0, 0.5);
  EXPECT_EQ(figures[1].sound.gaps, 1U);
  EXPECT_NEAR(static_cast<double>(figures[1].sound.gap_ms), 60, 10);
  EXPECT_EQ(figures[0].sound.gaps, 0U);
}

// Through G.711; the other codecs are plugins: tandem bench --swaps-found.
TEST(SwapFound, ThroughG711EverySwapOf40MsAndNothingWhereNoneIs) {
  const Melody melody;
  for (const td_codec* codec : {codec::pcmu(), codec::pcma()}) {
    const auto rows = swaps_found(*codec, melody, 10);
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->front().hurt, 0U) << swaps_line(*codec, *rows);
    EXPECT_LE(smallest_swap(*rows, &SwapFound::told), 200U) << swaps_line(*codec, *rows);
    EXPECT_GT(smallest_swap(*rows, &SwapFound::told), 0U);
  }
  const std::vector<SwapFound> none{{0, 4, 0, 0}, {40, 4, 4, 4}, {80, 4, 3, 4}, {120, 4, 4, 4}};
  EXPECT_EQ(smallest_swap(none, &SwapFound::told), 120U);
  EXPECT_EQ(smallest_swap(none, &SwapFound::hurt), 40U);
  EXPECT_EQ(smallest_swap({{0, 4, 0, 0}, {40, 4, 3, 3}}, &SwapFound::told), 0U);
}

}  // namespace
}  // namespace tandem::load::test
