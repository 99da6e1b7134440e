// The load generator's nouns, each by itself: figures, marks, networks, searches, reports.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>

#include "core/audio/wav_writer.hpp"
#include "core/codec/g711.hpp"
#include "core/load/bare_codec.hpp"
#include "core/load/bencode.hpp"
#include "core/load/histogram.hpp"
#include "core/load/impairment.hpp"
#include "core/load/md5.hpp"
#include "core/load/recorded.hpp"
#include "core/load/search.hpp"
#include "core/load/sip_driver.hpp"
#include "core/load/stamp.hpp"
#include "core/load/tune.hpp"
#include "core/loop/tick_timer.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::load {
namespace {

TEST(Histogram, PercentilesAreWithinThreePercent) {
  Histogram h;
  for (int i = 1; i <= 10'000; ++i) h.add(microseconds(i));
  EXPECT_NEAR(h.percentile_ms(0.5), 5, 0.16);
  EXPECT_NEAR(h.percentile_ms(0.99), 9.9, 0.3);
  EXPECT_DOUBLE_EQ(h.max_ms(), 10);
  EXPECT_NEAR(static_cast<double>(h.above(milliseconds(9))), 1000, 300);
  Histogram sum;
  sum.merge(h);
  sum.add(Nanos(-5));
  EXPECT_EQ(sum.count(), 10'001U);
  EXPECT_EQ(sum.below_zero(), 1U);
  EXPECT_EQ(Histogram().percentile_ms(0.5), 0);
}

TEST(Stamp, ComesBackWholeAndIsRefusedWhenDamaged) {
  std::array<std::uint8_t, kStampBytes> bytes{};
  write_stamp(bytes, {77, 0xfffffff0, TimePoint{}});
  write_stamp_time(bytes, TimePoint(Nanos(123456789)));
  const auto stamp = read_stamp(bytes);
  ASSERT_TRUE(stamp.has_value());
  EXPECT_EQ(stamp->singer, 77U);
  EXPECT_EQ(stamp->counter, 0xfffffff0U);
  EXPECT_EQ(stamp->sent, TimePoint(Nanos(123456789)));
  for (const std::size_t at : {0u, 5u, 9u, 21u}) {
    auto damaged = bytes;
    damaged[at] ^= 1;
    EXPECT_FALSE(read_stamp(damaged).has_value()) << at;
  }
  EXPECT_FALSE(read_stamp(std::span(bytes).first(23)).has_value());
}

// What a tune finds in a singer's sound after something was done to it.
SoundFigures listen(const std::function<void(std::vector<std::int16_t>&)>& change, std::int64_t behind,
                    std::optional<std::int64_t>& position) {
  const Melody melody;
  std::vector<std::int16_t> pcm(40'000);
  melody.sing(9, 16'000 - behind, 8000, pcm);
  change(pcm);
  Tune tune(melody, 9, {});
  SoundFigures figures;
  for (std::size_t at = 0; at + 160 <= pcm.size(); at += 160) {
    int searches = 1;
    tune.take(static_cast<std::int64_t>(at), std::span(pcm).subspan(at, 160),
              16'000 + static_cast<std::int64_t>(at) + 160, searches, figures);
  }
  position = tune.position(0);
  return figures;
}

TEST(Tune, FindsTheMelodyThroughGainNoiseAndBandLimits) {
  const std::vector<std::pair<const char*, std::function<void(std::vector<std::int16_t>&)>>> changes{
      {"nothing", [](auto&) {}},
      {"6 dB less",
       [](auto& pcm) {
         for (auto& v : pcm) v = static_cast<std::int16_t>(v / 2);
       }},
      {"turned over",
       [](auto& pcm) {
         for (auto& v : pcm) v = static_cast<std::int16_t>(-v);
       }},
      {"noise 15 dB below",
       [](auto& pcm) {
         std::uint64_t r = 1;
         for (auto& v : pcm)
           v = static_cast<std::int16_t>(v + static_cast<int>((r = mixed(r)) % 3000) - 1500);
       }},
      {"a low pass", [](auto& pcm) {
         double y = 0;
         for (auto& v : pcm) v = static_cast<std::int16_t>(y += 0.6 * (v - y));
       }}};
  for (const auto& [name, change] : changes) {
    std::optional<std::int64_t> position;
    const SoundFigures figures = listen(change, 777, position);
    ASSERT_TRUE(position.has_value()) << name;
    EXPECT_NEAR(static_cast<double>(*position), 16'000 - 777, std::string(name) == "turned over" ? 20 : 4)
        << name;
    EXPECT_EQ(figures.wrong, 0U) << name;
    EXPECT_EQ(figures.shifts, 0U) << name;
    EXPECT_GT(figures.good, 80U) << name;
  }
}

TEST(Tune, IsNotFooledByNoiseOrAnotherSinger) {
  std::optional<std::int64_t> position;
  listen([](auto& pcm) { Melody().sing(10, 16'000, 8000, pcm); }, 0, position);
  EXPECT_FALSE(position.has_value());
  listen(
      [](auto& pcm) {
        std::uint64_t r = 1;
        for (auto& v : pcm) v = static_cast<std::int16_t>((r = mixed(r)) % 16000 - 8000);
      },
      0, position);
  EXPECT_FALSE(position.has_value());
}

// Codecs that hurt single tones by themselves, but make no others of them.
TEST(Tune, WhereCodecsDamageTonesAStrangerIsKnownByItsOwnTone) {
  const Melody melody;
  constexpr std::size_t kFrom = 64 * kSymbolSamples;
  using Change = std::function<void(std::span<std::int16_t>)>;  // of the sound from kFrom on
  const auto sing = [&](std::uint32_t singer, std::int64_t from, std::span<std::int16_t> out) {
    melody.sing(singer, from * kSymbolSamples, 8000, out);
  };
  struct Row {
    const char* what;
    Change change;
    std::uint64_t wrong_min, wrong_max, shifts;
  };
  const std::vector<Row> rows{
      {"nothing", [](auto) {}, 0, 0, 0},
      {"a stranger for 200 ms", [&](auto x) { sing(10, 64, x.first(5 * kSymbolSamples)); }, 3, 5, 0},
      {"a stranger for 40 ms", [&](auto x) { sing(10, 64, x.first(kSymbolSamples)); }, 1, 1, 0},
      {"noise over four tones",
       [](auto x) {
         std::uint64_t r = 1;
         for (auto& v : x.first(4 * kSymbolSamples))
           v = static_cast<std::int16_t>((r = mixed(r)) % 12000 - 6000);
       },
       0, 0, 0},
      {"a tone that goes on, as concealment does", [&](auto x) { sing(9, 63, x.first(kSymbolSamples)); }, 0,
       0, 0},
      {"5 ms later from now on", [&](auto x) { std::copy_backward(x.begin(), x.end() - 40, x.end()); }, 0, 0,
       0},
      {"40 ms later from now on",
       [&](auto x) { std::copy_backward(x.begin(), x.end() - kSymbolSamples, x.end()); }, 0, 0, 1}};
  for (const char* codec : {"GSM", "AMR-WB"})
    for (const Row& row : rows) {
      std::vector<std::int16_t> pcm(40'000);
      melody.sing(9, 0, 8000, pcm);
      row.change(std::span(pcm).subspan(kFrom));
      Tune tune(melody, 9, {}, tolerance_of(codec));
      SoundFigures figures;
      for (std::size_t at = 0; at + 160 <= pcm.size(); at += 160) {
        int searches = 1;
        tune.take(static_cast<std::int64_t>(at), std::span(pcm).subspan(at, 160),
                  static_cast<std::int64_t>(at) + 160, searches, figures);
      }
      EXPECT_GE(figures.wrong, row.wrong_min) << codec << ": " << row.what;
      EXPECT_LE(figures.wrong, row.wrong_max) << codec << ": " << row.what;
      EXPECT_EQ(figures.shifts, row.shifts) << codec << ": " << row.what;
      EXPECT_EQ(figures.gaps, 0U) << codec << ": " << row.what;
    }
}

TEST(Outcome, ALegsScoreIsHeldAgainstWhatItsCodecsLeave) {
  for (const double score : {5.0, 8.0}) {
    LegRow row;
    row.figures.heard = true;
    row.figures.packets = 100;
    row.figures.snr_db_wanted = tolerance_of("PCMU").with(tolerance_of("GSM")).snr_db_min;
    row.figures.sound.levels = 100;
    row.figures.sound.snr_db_sum = 100 * score;
    Outcome outcome;
    add_leg(outcome, std::move(row), Part{});
    conclude(outcome, Profile{});
    EXPECT_EQ(outcome.findings.empty(), score > 6) << score;
    EXPECT_EQ(outcome.held(), score > 6);
  }
  EXPECT_LT(tolerance_of("PCMU").with(tolerance_of("opus")).snr_db_min, -99);
}

TEST(Outcome, ALegThatLivedTooShortToBeHeardHasNoMos) {
  Outcome outcome;
  const auto add = [&](bool heard, Nanos lived) {
    LegRow row;
    row.codec = row.heard_codec = "PCMU";
    row.figures.heard = heard;
    row.figures.packets = 10;
    row.figures.lived = lived;
    add_leg(outcome, std::move(row), Part{});
  };
  add(false, milliseconds(300));
  add(true, seconds(3));
  EXPECT_GT(outcome.mos_min, 4);
  EXPECT_EQ(outcome.rows[0].mos, 0);
  add(false, seconds(3));
  EXPECT_EQ(outcome.mos_min, 1);
}

// Speech-like: noise below 1 kHz in syllables.
std::vector<std::int16_t> babble(std::size_t samples) {
  std::vector<std::int16_t> pcm(samples);
  std::uint64_t r = 1;
  double low = 0, lower = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    low += 0.5 * (static_cast<double>((r = mixed(r)) % 16000) - 8000 - low);
    lower += 0.5 * (low - lower);
    pcm[i] = static_cast<std::int16_t>(lower * std::sin(static_cast<double>(i % 1600) * 3.1416 / 1600));
  }
  return pcm;
}

TEST(Tune, ScoresSpeechAgainstWhatWasRead) {
  Melody melody;
  EXPECT_FALSE(melody.give_speech(std::vector<std::int16_t>(100)));
  ASSERT_TRUE(melody.give_speech(babble(50'000)));
  const Talk talk{.speech = true};
  for (const int noise : {0, 300, 1500}) {
    std::vector<std::int16_t> pcm(120'000);
    melody.sing(9, 333, 8000, pcm, talk);
    std::uint64_t r = 1;
    double expected = 0, scored = 0;
    for (std::size_t at = 307; at + 320 <= pcm.size(); at += 320) {  // symbol by symbol
      double said = 1, added = 1;
      for (std::size_t i = at; i < at + 320; ++i) {
        const int n =
            noise == 0 ? 0 : static_cast<int>((r = mixed(r)) % static_cast<unsigned>(2 * noise)) - noise;
        said += 0.25 * pcm[i] * pcm[i];
        added += static_cast<double>(n) * n;
        pcm[i] = static_cast<std::int16_t>(pcm[i] / 2 + n);
      }
      if (said < 4 * 120 * 120 * 320) continue;  // pauses are not scored
      expected += std::clamp(10 * std::log10(said / added), -10.0, 40.0);
      ++scored;
    }
    Tune tune(melody, 9, talk, tolerance_of("opus"));
    SoundFigures figures;
    for (std::size_t at = 0; at + 160 <= pcm.size(); at += 160) {
      int searches = 1;
      tune.take(static_cast<std::int64_t>(at), std::span(pcm).subspan(at, 160),
                333 + static_cast<std::int64_t>(at) + 160, searches, figures);
    }
    ASSERT_EQ(tune.position(0), 333) << noise;
    EXPECT_GT(figures.symbols, 300U);
    EXPECT_EQ(figures.shifts + figures.gaps + figures.wrong, 0U) << noise;
    EXPECT_NEAR(figures.snr_db_sum / static_cast<double>(figures.levels), expected / scored, 2.5) << noise;
  }
}

TEST(Melody, IsTheSameAt8And16And48KHz) {
  const Melody melody;
  std::vector<std::int16_t> low(800), high(4800);
  melody.sing(5, 640, 8000, low);
  melody.sing(5, 3840, 48000, high);
  for (std::size_t i = 20; i < low.size(); ++i)
    ASSERT_NEAR(low[i], (high[i * 6 + 2] + high[i * 6 + 3]) / 2, 250) << i;
}

TEST(Impairment, LosesAndBurstsAndDelaysAsStated) {
  ImpairmentSpec spec;
  spec.loss_percent = 4;
  spec.burst_packets = 3;
  spec.jitter_ms = 10;
  Impairment network(spec, 7), again(spec, 7);
  unsigned lost = 0, bursts = 0;
  bool before = false;
  double delay = 0;
  constexpr unsigned kPackets = 200'000;
  for (unsigned i = 0; i < kPackets; ++i) {
    const Fate fate = network.next(milliseconds(20)), same = again.next(milliseconds(20));
    ASSERT_EQ(fate.lost, same.lost);
    ASSERT_EQ(fate.delay, same.delay);
    lost += fate.lost ? 1 : 0;
    bursts += fate.lost && !before ? 1 : 0;
    before = fate.lost;
    delay += std::chrono::duration<double, std::milli>(fate.delay).count();
  }
  EXPECT_NEAR(100.0 * lost / kPackets, 4, 0.4);
  EXPECT_NEAR(static_cast<double>(lost) / bursts, 3, 0.2);
  EXPECT_NEAR(delay / kPackets, 10, 0.3);
}

TEST(Impairment, ATraceIsFollowedAndABadOneIsNamedWithItsLine) {
  const testing::ScratchFolder scratch("trace");
  const std::string path = scratch.string() + "/trace.txt";
  std::ofstream(path) << "# a trace\n5\nlost\n 12.5\n";
  EXPECT_FALSE(load_trace(path));
  std::ofstream(path) << "# a trace\n5\nlost  # here\n12.5\n";
  const auto trace = load_trace(path);
  ASSERT_TRUE(trace) << trace.error().message;
  ImpairmentSpec spec;
  spec.trace = *trace;
  Impairment network(spec, 1);
  EXPECT_EQ(network.next(milliseconds(20)).delay, milliseconds(5));
  EXPECT_TRUE(network.next(milliseconds(20)).lost);
  EXPECT_EQ(network.next(milliseconds(20)).delay, microseconds(12'500));
  EXPECT_EQ(network.next(milliseconds(20)).delay, milliseconds(5));
  std::ofstream(path) << "5\nfive\n";
  const auto bad = load_trace(path);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find(":2: expected a delay"), std::string::npos) << bad.error().message;
  std::remove(path.c_str());
}

TEST(Search, FindsTheLargestLoadThatHolds) {
  for (const unsigned limit : {100U, 437U, 1999U, 2000U, 9000U}) {
    Search search({.from = 100, .to = 4000, .step = 0, .within_percent = 5});
    int runs = 0;
    while (const auto legs = search.next()) {
      search.judged(*legs, *legs <= limit);
      ASSERT_LT(++runs, 20);
    }
    EXPECT_LE(search.best(), std::min(limit, 4000U));
    EXPECT_GE(search.best(), std::min(limit, 4000U) * 0.94);
  }
  Search none({.from = 100, .to = 4000, .step = 0, .within_percent = 5});
  none.judged(*none.next(), false);
  EXPECT_FALSE(none.next().has_value());
  EXPECT_EQ(none.best(), 0U);
  Search ramp({.from = 100, .to = 1000, .step = 300, .within_percent = 5});
  std::vector<unsigned> tried;
  while (const auto legs = ramp.next()) {
    tried.push_back(*legs);
    ramp.judged(*legs, *legs < 800);
  }
  EXPECT_EQ(tried, (std::vector<unsigned>{100, 400, 700, 1000}));
  EXPECT_EQ(ramp.best(), 700U);
}

TEST(Bencode, WritesAndReadsAndRefusesWhatIsCutShort) {
  const std::string text = BencodeWriter()
                               .text("command", "offer")
                               .number("n", -3)
                               .list("l", {"a", "bc"})
                               .lists("codec", {{"mask", {"PCMU"}}})
                               .text("sdp", "v=0")
                               .done();
  EXPECT_EQ(text, "d7:command5:offer1:ni-3e1:ll1:a2:bce5:codecd4:maskl4:PCMUee3:sdp3:v=0e");
  const auto read = bencode_strings(text);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->at("sdp"), "v=0");
  EXPECT_EQ(read->size(), 2U);
  for (std::size_t n = 0; n < text.size(); ++n)
    EXPECT_FALSE(bencode_strings(std::string_view(text).substr(0, n)).has_value()) << n;
  EXPECT_FALSE(bencode_strings("d1:a99999999999:x").has_value());
  EXPECT_FALSE(bencode_strings("d1:a" + std::string(1000, 'l') + "e").has_value());
}

TEST(BareCodec, CostsSomethingEachWay) {
  const auto cost = bare_cost(*codec::pcmu(), 3, 20, milliseconds(1), Melody());
  ASSERT_TRUE(cost);
  EXPECT_GT(cost->encode_us, 0);
  EXPECT_GT(cost->decode_us, 0);
  EXPECT_LT(cost->encode_us, 100);
}

TEST(BareCodec, AsCallsItSleepsBetweenPacketsAndCountsNothingOfThat) {
  const TimePoint begun = loop::monotonic_now();
  const auto cost = bare_cost(*codec::pcmu(), 2, 20, milliseconds(40), Melody(), Pace::as_calls);
  ASSERT_TRUE(cost);
  EXPECT_GE(loop::monotonic_now() - begun, milliseconds(40));
  EXPECT_GT(cost->encode_us, 0);
  EXPECT_GT(cost->decode_us, 0);
  EXPECT_LT(cost->encode_us + cost->decode_us, 1000) << "4 of them fill 20 ms";
}

TEST(Recorded, TheSingerIsFoundAmongOthersAndDamageIsCounted) {
  const Melody melody;
  const std::vector<std::uint32_t> singers{38, 40, 42};
  std::vector<std::int16_t> pcm(60'000);
  melody.sing(40, 123'456, 8000, pcm);
  std::fill_n(pcm.begin(), 1'500, std::int16_t{0});
  auto voice = recorded_voice(melody, pcm, singers);
  ASSERT_TRUE(voice);
  EXPECT_EQ(voice->singer, 40U);
  EXPECT_NEAR(static_cast<double>(voice->first), 123'456 / 320 + 5, 2);
  EXPECT_GT(voice->symbols, 175U);
  EXPECT_LE(voice->symbols - voice->right, 1U);
  Melody().sing(38, 0, 8000, std::span(pcm).subspan(40'000, 3'200));
  voice = recorded_voice(melody, pcm, singers);
  ASSERT_TRUE(voice);
  EXPECT_EQ(voice->singer, 40U);
  EXPECT_NEAR(static_cast<double>(voice->symbols - voice->right), 10, 2);
}

TEST(Recorded, WhatWasPutInOrLeftOutIsASlipAndNoDamageOfWhatFollows) {
  const Melody melody;
  const std::vector<std::uint32_t> singers{38, 40, 42};
  for (const int moved : {-1900, -640, -160, 160, 400, 2200}) {
    std::vector<std::int16_t> pcm(60'000);
    const std::size_t half = 30'000;
    melody.sing(40, 0, 8000, std::span(pcm).first(half));
    melody.sing(40, static_cast<std::int64_t>(half) - moved, 8000, std::span(pcm).subspan(half));
    const auto voice = recorded_voice(melody, pcm, singers);
    ASSERT_TRUE(voice) << moved;
    EXPECT_EQ(voice->slips, 1U) << moved;
    EXPECT_EQ(voice->singer, 40U);
    EXPECT_LE(voice->symbols - voice->right, 3U + static_cast<unsigned>(std::max(0, -moved)) / 320) << moved;
    EXPECT_NEAR(voice->symbols, (60'000 - moved) / 320, 2) << moved;
  }
}

TEST(Recorded, NobodyIsFoundInStrangersNoiseAndSilence) {
  const Melody melody;
  const std::vector<std::uint32_t> singers{38, 40, 42};
  std::vector<std::int16_t> pcm(40'000);
  EXPECT_FALSE(recorded_voice(melody, pcm, singers));
  melody.sing(41, 0, 8000, pcm);
  EXPECT_FALSE(recorded_voice(melody, pcm, singers));
  std::uint64_t r = 1;
  for (auto& v : pcm) v = static_cast<std::int16_t>((r = mixed(r)) % 8000);
  EXPECT_FALSE(recorded_voice(melody, pcm, singers));
  EXPECT_FALSE(recorded_voice(melody, {}, singers));
}

TEST(Recorded, EachChannelOfAStereoFileIsSomebodys) {
  const testing::ScratchFolder scratch("recorded");
  const std::string folder = scratch.string();
  const Melody melody;
  const WallTime since{};
  std::vector<std::int16_t> one(40'000), other(40'000), both;
  melody.sing(40, 6400, 8000, one);
  melody.sing(41, 6720, 8000, other);
  for (std::size_t i = 0; i < one.size(); ++i) both.insert(both.end(), {one[i], other[i]});
  auto file = audio::WavWriter::open(folder + "/a.wav", 8000, 2);
  ASSERT_TRUE(file && file->write(both) && file->finish());
  for (const std::uint32_t second : {41U, 42U}) {
    Outcome outcome;
    outcome.rows.resize(2);
    outcome.rows[0].leg = 40;
    outcome.rows[1].leg = second;
    ASSERT_TRUE(check_recordings(outcome, folder, since));
    EXPECT_EQ(outcome.verdicts.back().held, second == 41) << outcome.verdicts.back().measured;
  }
}

TEST(Md5, GivesRfc1321sResults) {
  EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(md5_hex("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(SipDriver, AnswersRfc2617sChallengeAndReadsHostileMessages) {
  const std::string answer =
      digest_answer("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
                    {"Mufasa", "Circle Of Life"}, "GET", "/dir/index.html");
  EXPECT_NE(answer.find("response=\"670fd8c2df070c60b045671b8b24ff02\""), std::string::npos) << answer;
  EXPECT_EQ(digest_answer("Digest realm=\"x\", nonce=\"1\", algorithm=SHA-256", {}, "INVITE", "sip:x"), "");
  const std::string text =
      "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h;branch=1\r\nFrom: <sip:a@h>;tag=1\r\nt: <sip:b@h>;tag=2\r\ni: "
      "id\r\nCSeq: 2 INVITE\r\n"
      "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\nm: <sip:c@h>\r\n\r\nv=0\r\n";
  SipMessage message;
  ASSERT_TRUE(read_sip(text, message));
  EXPECT_EQ(message.status, 200);
  EXPECT_EQ(message.record_routes, (std::vector<std::string>{"<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"}));
  EXPECT_EQ(message.body, "v=0\r\n");
  for (std::size_t n = 0; n < text.size(); ++n) {
    SipMessage part;
    (void)read_sip(std::string_view(text).substr(0, n), part);
  }
}

}  // namespace
}  // namespace tandem::load
