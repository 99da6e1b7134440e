// The detector: every digit at every rate, soft and loud, short and long, in noise; nothing in speech.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "core/audio/dtmf_tone.hpp"
#include "core/audio/sound_file.hpp"
#include "core/graph/stage.hpp"
#include "tandem/abi.h"
#include "tandem/stage.h"

extern "C" const td_plugin* tandem_plugin_dtmf(void);

namespace tandem {
namespace {

using Pcm = std::vector<std::int16_t>;
constexpr std::string_view kDigits = "1234567890*#ABCD";

const td_stage_type* dtmf() {
  return static_cast<const td_stage_type*>(tandem_plugin_dtmf()->interface(TD_STAGE_ID, 0));
}

struct Heard {
  std::string begun, ended;
  std::vector<td_stage_note> notes;  // at_sample from the beginning of all
};

Heard listen(Pcm pcm, std::uint32_t rate, std::size_t frame, const char* options = "{}") {
  auto stage = graph::PluginStage::create(dtmf(), rate, options);
  EXPECT_TRUE(stage);
  Heard heard;
  const Pcm before = pcm;
  pcm.resize((pcm.size() + frame - 1) / frame * frame);
  for (std::size_t i = 0; stage && i < pcm.size(); i += frame) {
    graph::Frame part;
    part.clear(rate, frame);
    std::copy_n(pcm.begin() + static_cast<std::ptrdiff_t>(i), frame, part.storage.begin());
    graph::Notes notes;
    (*stage)->process(part, notes);
    EXPECT_TRUE(
        std::equal(part.pcm().begin(), part.pcm().end(), pcm.begin() + static_cast<std::ptrdiff_t>(i)))
        << "it only listens";
    for (const auto& note : notes.all()) {
      (note.note.length_ms == 0 ? heard.begun : heard.ended) += static_cast<char>(note.note.kind);
      heard.notes.push_back(note.note);
      heard.notes.back().at_sample += static_cast<std::uint32_t>(i);
    }
  }
  return heard;
}

Pcm keys(std::string_view digits, std::uint32_t rate, unsigned tone_ms, unsigned gap_ms, int level) {
  Pcm all(rate / 20);
  audio::DtmfTone tone(rate);
  for (const char digit : digits) {
    EXPECT_TRUE(tone.start(digit, tone_ms, gap_ms, level));
    Pcm part((tone_ms + gap_ms) * rate / 1000);
    EXPECT_EQ(tone.fill(part), part.size());
    all.insert(all.end(), part.begin(), part.end());
  }
  all.resize(all.size() + rate / 20);
  return all;
}

void add_noise(Pcm& pcm, double rms) {
  std::mt19937 random(1);
  std::normal_distribution<> noise(0, rms);
  for (auto& s : pcm) s = static_cast<std::int16_t>(std::clamp(s + noise(random), -32768.0, 32767.0));
}

TEST(Dtmf, HearsEveryDigitAtEveryRateAndFrame) {
  for (const std::uint32_t rate : {8000u, 16000u, 24000u, 32000u, 48000u})
    for (const unsigned frame_ms : {10u, 20u, 60u}) {
      const Heard heard = listen(keys(kDigits, rate, 80, 80, -9), rate, rate / 1000 * frame_ms);
      EXPECT_EQ(heard.begun, kDigits) << rate << " by " << frame_ms;
      EXPECT_EQ(heard.ended, kDigits) << rate << " by " << frame_ms;
    }
}

TEST(Dtmf, HearsSoftAndLoudShortAndLong) {
  struct Row {
    unsigned tone_ms, gap_ms;
    int level;
  };
  const Row rows[] = {{50, 50, -9},   {50, 50, -25},  {80, 60, -36},
                      {100, 100, -6}, {500, 50, -20}, {2000, 100, -12}};
  for (const Row& row : rows) {
    const Heard heard = listen(keys(kDigits, 8000, row.tone_ms, row.gap_ms, row.level), 8000, 160);
    EXPECT_EQ(heard.ended, kDigits) << row.tone_ms << " ms at " << row.level;
  }
}

TEST(Dtmf, SaysHowLongAndHowLoud) {
  for (const unsigned ms : {60u, 100u, 400u}) {
    const Heard heard = listen(keys("5", 8000, ms, 100, -15), 8000, 160);
    ASSERT_EQ(heard.notes.size(), 2u);
    EXPECT_NEAR(heard.notes[1].length_ms, ms, 26);
    EXPECT_NEAR(heard.notes[0].value, -11, 4) << "two tones, of -15 and -13";
    EXPECT_NEAR(heard.notes[0].at_sample, 400 + 200, 210) << "within 52 ms of its beginning";
    EXPECT_GT(heard.notes[1].at_sample, heard.notes[0].at_sample);
  }
}

TEST(Dtmf, HearsThroughNoise) {
  for (const double rms : {50.0, 200.0, 500.0}) {  // tones of -9 dBm0 have an amplitude of 8,100
    Pcm pcm = keys(kDigits, 8000, 100, 100, -9);
    add_noise(pcm, rms);
    EXPECT_EQ(listen(pcm, 8000, 160).ended, kDigits) << rms;
  }
}

TEST(Dtmf, HearsNothingInNoiseSilenceAndSingleTones) {
  Pcm noise(80000);
  add_noise(noise, 4000);
  EXPECT_EQ(listen(noise, 8000, 160).begun, "");
  EXPECT_EQ(listen(Pcm(80000), 8000, 160).begun, "");
  for (const double hz : {350.0, 440.0, 697.0, 941.0, 1209.0, 1633.0, 2000.0}) {
    Pcm pcm(8000);
    for (std::size_t i = 0; i < pcm.size(); ++i)
      pcm[i] = static_cast<std::int16_t>(8000 *
                                         std::sin(2 * 3.14159265358979 * hz * static_cast<double>(i) / 8000));
    EXPECT_EQ(listen(pcm, 8000, 160).begun, "") << hz;
  }
}

TEST(Dtmf, TakesNoVoiceForADigit) {
  const std::filesystem::path folder = "/usr/share/asterisk/sounds";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "needs Debian's asterisk-core-sounds-en-wav";
  std::size_t files = 0;
  std::string wrong;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".wav") continue;
    const auto sound = audio::read_sound(entry.path().string(), 8000);
    if (!sound) continue;
    ++files;
    if (const Heard heard = listen(sound->pcm, 8000, 160); !heard.begun.empty())
      wrong += entry.path().filename().string() + ":" + heard.begun + " ";
  }
  EXPECT_GT(files, 100u);
  EXPECT_EQ(wrong, "");
}

TEST(Dtmf, RefusesOtherRatesAndBadOptions) {
  EXPECT_FALSE(graph::PluginStage::create(dtmf(), 44100, "{}"));
  EXPECT_FALSE(graph::PluginStage::create(dtmf(), 0, "{}"));
  for (const char* bad :
       {"[", "[]", R"({"twist_db":99})", R"({"threshold_dbm0":"x"})", R"({"filter_dialtone":1})"})
    EXPECT_FALSE(graph::PluginStage::create(dtmf(), 8000, bad)) << bad;
  EXPECT_TRUE(graph::PluginStage::create(dtmf(), 8000, ""));
  const Heard heard = listen(keys("1", 8000, 100, 100, -30), 8000, 160, R"({"threshold_dbm0":-20})");
  EXPECT_EQ(heard.begun, "") << "softer than asked for";
}

TEST(Dtmf, TellsNoMoreThanThereIsRoomFor) {
  td_stage* stage = dtmf()->create(8000, {nullptr, 0});
  ASSERT_NE(stage, nullptr);
  Pcm pcm = keys("123456", 8000, 60, 60, -9);
  td_stage_note note{};
  EXPECT_EQ(dtmf()->process(stage, pcm.data(), static_cast<std::uint32_t>(pcm.size()), &note, 1), 1u);
  EXPECT_EQ(note.kind, '1');
  EXPECT_EQ(dtmf()->process(stage, pcm.data(), static_cast<std::uint32_t>(pcm.size()), nullptr, 0), 0u);
  dtmf()->destroy(stage);
}

}  // namespace
}  // namespace tandem
