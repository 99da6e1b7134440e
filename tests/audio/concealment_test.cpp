// Concealment on a periodic signal, where what was lost is known.
#include "core/audio/concealment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/audio/stereo_concealment.hpp"
#include "tests/audio/signal.hpp"

namespace tandem::audio {
namespace {

using namespace testing;

// Plays `pcm` in frames of `frame`, losing those numbers; returns what is heard.
Pcm with_losses(const Pcm& pcm, unsigned rate, std::size_t frame, std::initializer_list<std::size_t> lost) {
  Concealment concealment(rate);
  Pcm heard = pcm;
  for (std::size_t i = 0; (i + 1) * frame <= heard.size(); ++i) {
    const std::span<std::int16_t> part(heard.data() + i * frame, frame);
    if (std::find(lost.begin(), lost.end(), i) != lost.end())
      concealment.conceal(part);
    else
      concealment.good(part);
  }
  return heard;
}

TEST(Concealment, LeavesGoodAudioAsItIs) {
  const Pcm pcm = voiced(8000, 1600);
  EXPECT_EQ(with_losses(pcm, 8000, 160, {}), pcm);
}

TEST(Concealment, ContinuesAVoiceThroughALostFrame) {
  for (const unsigned rate : {8000u, 16000u}) {
    const Pcm pcm = voiced(rate, rate);
    const std::size_t frame = rate / 50;
    const Pcm heard = with_losses(pcm, rate, frame, {20});
    const std::span<const std::int16_t> was(pcm.data() + 20 * frame, frame),
        made(heard.data() + 20 * frame, frame);
    EXPECT_GT(snr(was, made), 10) << rate << ": the same wave in the same phase";
    EXPECT_GT(power(made), power(was) * 0.4) << rate;
  }
}

TEST(Concealment, MakesNoClick) {
  for (const std::size_t frame : {std::size_t{80}, std::size_t{160}, std::size_t{240}}) {
    const Pcm pcm = voiced(8000, 8000);
    const Pcm heard = with_losses(pcm, 8000, frame, {10, 15, 16, 20, 21, 22});
    EXPECT_LE(greatest_step(heard), greatest_step(pcm) * 5 / 4) << frame;
  }
}

TEST(Concealment, FadesToSilenceWithin100Ms) {
  const Pcm heard = with_losses(voiced(8000, 8000), 8000, 160, {20, 21, 22, 23, 24, 25, 26});
  double last = power({heard.data() + 19 * 160, 160});
  for (std::size_t i = 21; i < 25; ++i) {
    const double now = power({heard.data() + i * 160, 160});
    EXPECT_LT(now, last) << i;
    last = now;
  }
  EXPECT_EQ(power({heard.data() + 25 * 160, 320}), 0) << "silent from 100 ms on";
  EXPECT_GT(power({heard.data() + 28 * 160, 160}), power({heard.data() + 10 * 160, 160}) / 2) << "and back";
}

TEST(Concealment, LetsAVoiceFadeThatWasFading) {
  const Pcm steady = voiced(8000, 3360);
  Pcm fading = steady;  // 6 dB softer every 10 ms at its end
  for (std::size_t i = 3040; i < 3200; ++i)
    fading[i] = static_cast<std::int16_t>(fading[i] * std::pow(0.5, static_cast<double>(i - 3040) / 80));
  const auto goes_on = [](const Pcm& pcm) {
    const Pcm heard = with_losses(pcm, 8000, 160, {20});
    return power({heard.data() + 3200, 160}) / power({heard.data() + 3120, 80});
  };
  EXPECT_GT(goes_on(steady), 0.4);
  EXPECT_LT(goes_on(fading), 0.5 * goes_on(steady));
}

TEST(Concealment, IsSilentBeforeAnythingWasHeard) {
  Concealment concealment(8000);
  Pcm out(160, 77);
  concealment.conceal(out);
  EXPECT_EQ(power(out), 0);
}

TEST(Concealment, OverlapsASplice) {
  const Pcm pcm = voiced(8000, 4000);
  Concealment concealment(8000);
  Pcm before(pcm.begin(), pcm.begin() + 1600);
  Pcm after(pcm.begin() + 1600 + 197, pcm.begin() + 1600 + 197 + 160);  // 197 samples left out: out of phase
  concealment.good(before);
  concealment.splice();
  concealment.good(after);
  Pcm joined = before;
  joined.insert(joined.end(), after.begin(), after.end());
  EXPECT_LE(greatest_step({joined.data() + 1500, 260}), greatest_step(pcm) * 5 / 4);
}

TEST(Concealment, MovesTheGoodFrameIntoPhase) {
  const Pcm pcm = voiced(8000, 4000);  // a period of 64 samples
  for (const std::size_t off : {std::size_t{0}, std::size_t{10}, std::size_t{30}, std::size_t{50}}) {
    Concealment concealment(8000);
    Pcm before(pcm.begin(), pcm.begin() + 1600), made(160), after(160 + 160);
    std::copy_n(pcm.begin() + 1760 + static_cast<std::ptrdiff_t>(off), 160, after.begin());
    concealment.good(before);
    concealment.conceal(made);
    EXPECT_TRUE(concealment.making());
    const std::size_t n = concealment.good(after, 160, {.shorter = 60, .longer = 60});
    EXPECT_EQ((n + 640 - 160 - off) % 64, 0u) << off << ": whole periods from where it was";
    EXPECT_FALSE(concealment.making());
  }
}

// A voice that is nearer to the left: the right hears it later and softer.
Pcm from_the_left(unsigned rate, std::size_t samples, std::size_t later, int share) {
  const Pcm voice = voiced(rate, samples + later);
  Pcm both(2 * samples);
  for (std::size_t i = 0; i < samples; ++i) {
    both[2 * i] = voice[i + later];
    both[2 * i + 1] = static_cast<std::int16_t>(share == 0 ? 0 : voice[i] / share);
  }
  return both;
}

TEST(StereoConcealment, ContinuesBothChannelsInStep) {
  for (const unsigned rate : {8000u, 16000u, 24000u})
    for (const bool turned : {false, true}) {
      Pcm pcm = from_the_left(rate, rate, rate / 2000, 3);
      if (turned)
        for (std::size_t i = 0; i < pcm.size(); i += 2) std::swap(pcm[i], pcm[i + 1]);
      StereoConcealment concealment(rate);
      Pcm heard = pcm;
      const std::size_t frame = rate / 50 * 2;
      for (std::size_t i = 0; (i + 1) * frame <= heard.size(); ++i) {
        const std::span<std::int16_t> part(heard.data() + i * frame, frame);
        i == 20 ? concealment.conceal(part) : concealment.good(part);
      }
      for (const std::size_t channel : {0u, 1u}) {
        Pcm was, made;
        for (std::size_t i = 20 * frame + channel; i < 21 * frame; i += 2)
          was.push_back(pcm[i]), made.push_back(heard[i]);
        EXPECT_GT(snr(was, made), 10) << rate << ' ' << turned << " channel " << channel;
        EXPECT_GT(power(made), power(was) * 0.4) << rate << ' ' << turned << " channel " << channel;
      }
      EXPECT_TRUE(
          std::equal(pcm.begin(), pcm.begin() + static_cast<std::ptrdiff_t>(20 * frame), heard.begin()));
    }
}

TEST(StereoConcealment, ASilentChannelStaysSilentAndDoesNotLead) {
  const Pcm pcm = from_the_left(16000, 16000, 0, 0);
  StereoConcealment concealment(16000);
  Pcm before(pcm.begin(), pcm.begin() + 12800), made(640);
  concealment.good(before);
  concealment.conceal(made);
  Pcm left, was;
  for (std::size_t i = 0; i < 640; i += 2) {
    left.push_back(made[i]), was.push_back(pcm[12800 + i]);
    EXPECT_EQ(made[i + 1], 0) << i;
  }
  EXPECT_GT(snr(was, left), 10);
}

TEST(StereoConcealment, TakesAnyLengthAndIsSilentBeforeAnythingWasHeard) {
  StereoConcealment concealment(8000);
  Pcm out(5760, 77);
  concealment.conceal(out);
  EXPECT_EQ(power(out), 0);
  Pcm pcm = from_the_left(8000, 8000, 4, 2);
  for (const std::size_t n : {2u, 0u, 14u, 5760u, 200u}) {
    concealment.good({pcm.data(), n});
    concealment.conceal({out.data(), n});
    concealment.splice();
  }
  concealment.reset();
  concealment.conceal(out);
  EXPECT_EQ(power(out), 0);
}

TEST(Concealment, TakesAnyLengthAndAnyRate) {
  for (const unsigned rate : {8000u, 16000u, 32000u, 48000u}) {
    Concealment concealment(rate);
    Pcm pcm = sine(200, rate, 2880);
    for (const std::size_t n :
         {std::size_t{1}, std::size_t{0}, std::size_t{7}, std::size_t{2880}, std::size_t{100}}) {
      concealment.good({pcm.data(), n});
      Pcm out(n);
      concealment.conceal(out);
      EXPECT_LE(greatest_step(out), 32767);
    }
    concealment.reset();
    Pcm out(10, 5);
    concealment.conceal(out);
    EXPECT_EQ(power(out), 0);
  }
}

TEST(Concealment, SurvivesFullScaleNoise) {
  Concealment concealment(8000);
  std::uint32_t random = 1;
  for (int round = 0; round < 100; ++round) {
    Pcm pcm(160);
    for (auto& sample : pcm) {
      random = random * 1664525u + 1013904223u;
      sample = (random & 0x80000000u) != 0 ? std::int16_t{32767} : std::int16_t{-32768};
    }
    concealment.good(pcm);
    concealment.conceal(pcm);
    EXPECT_GT(power(pcm), 0);
  }
}

// One frame of `pcm` lost; what is heard where the frame behind it is known, and where it is not.
struct FilledGap {
  Pcm bridged, concealed;
};
FilledGap without_frame(const Pcm& pcm, unsigned rate, std::size_t lost) {
  const std::size_t frame = rate / 50;
  FilledGap filled{pcm, with_losses(pcm, rate, frame, {lost})};
  Concealment concealment(rate);
  for (std::size_t i = 0; (i + 1) * frame <= pcm.size(); ++i) {
    const std::span<std::int16_t> part(filled.bridged.data() + i * frame, frame);
    if (i == lost)
      concealment.bridge(part, {pcm.data() + (i + 1) * frame, frame});
    else
      concealment.good(part);
  }
  return filled;
}

TEST(Concealment, ABridgeMeetsAVoiceThatChangedMeanwhile) {
  for (const unsigned rate : {8000u, 16000u}) {
    Pcm pcm = voiced(rate, rate);
    const std::size_t frame = rate / 50;
    for (std::size_t i = 0; i < pcm.size(); ++i)  // softer and softer: a quarter within the lost frame
      pcm[i] = static_cast<std::int16_t>(
          pcm[i] * std::pow(0.25, std::clamp((static_cast<double>(i) - 20.0 * static_cast<double>(frame)) /
                                                 static_cast<double>(frame),
                                             0.0, 1.0)));
    const FilledGap filled = without_frame(pcm, rate, 20);
    const std::span<const std::int16_t> was(pcm.data() + 20 * frame, frame);
    const double bridged = snr(was, {filled.bridged.data() + 20 * frame, frame});
    EXPECT_GT(bridged, snr(was, {filled.concealed.data() + 20 * frame, frame}) + 3) << rate;
    EXPECT_LE(greatest_step(filled.bridged), greatest_step(pcm) * 5 / 4) << rate;
    EXPECT_TRUE(std::equal(pcm.begin() + static_cast<std::ptrdiff_t>(21 * frame), pcm.end(),
                           filled.bridged.begin() + static_cast<std::ptrdiff_t>(21 * frame)))
        << "the frame behind it is as it came";
  }
}

TEST(Concealment, ABridgeThatCannotBeIsConcealment) {
  const Pcm pcm = voiced(8000, 8000);
  for (const auto& [lost, next] : {std::pair<std::size_t, std::size_t>{160, 20}, {600, 160}, {160, 0}}) {
    Concealment one(8000), other(8000);
    Pcm heard(pcm.begin(), pcm.begin() + 1600);
    one.good(heard);
    other.good(heard);
    Pcm bridged(lost), concealed(lost);
    one.bridge(bridged, {pcm.data() + 1600 + lost, next});
    other.conceal(concealed);
    EXPECT_EQ(bridged, concealed) << lost << " samples, " << next << " known";
    EXPECT_TRUE(one.making());
  }
  Pcm nothing_heard(160, 1);
  Concealment fresh(8000);
  fresh.bridge(nothing_heard, {pcm.data(), 160});
  EXPECT_EQ(power(nothing_heard), 0);
}

TEST(Concealment, ABridgeToSilenceAndFromSilenceIsNoLouderThanEither) {
  for (const bool to_silence : {false, true}) {
    Pcm pcm = voiced(8000, 8000);
    const auto middle = pcm.begin() + 20 * 160;
    to_silence ? std::fill(middle, pcm.end(), std::int16_t{0})
               : std::fill(pcm.begin(), middle, std::int16_t{0});
    const FilledGap filled = without_frame(pcm, 8000, 20);
    const double loudest = std::max(power({pcm.data() + 19 * 160, 160}), power({pcm.data() + 21 * 160, 160}));
    EXPECT_LT(power({filled.bridged.data() + 20 * 160, 160}), loudest) << to_silence;
  }
}

}  // namespace
}  // namespace tandem::audio
