// The live resampler against libsamplerate's best converter, and its counts exactly.
#include "core/audio/resampler.hpp"

#include <gtest/gtest.h>
#include <samplerate.h>

#include "tests/audio/signal.hpp"

namespace tandem::audio {
namespace {

using namespace testing;

constexpr unsigned kRates[] = {8000, 16000, 24000, 32000, 48000};

Pcm convert(Resampler& resampler, const Pcm& in, std::size_t chunk) {
  Pcm out(resampler.max_out(in.size()) + in.size() / chunk + 1);
  std::size_t written = 0;
  for (std::size_t i = 0; i < in.size(); i += chunk) {
    const std::span<const std::int16_t> part(in.data() + i, std::min(chunk, in.size() - i));
    Pcm got(resampler.max_out(part.size()));
    const std::size_t n = resampler.process(part, got);
    EXPECT_LE(n, got.size());
    out.resize(std::max(out.size(), written + n));
    std::copy_n(got.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(written));
    written += n;
  }
  out.resize(written);
  return out;
}

std::vector<float> best(const Pcm& in, unsigned from, unsigned to) {
  std::vector<float> floats(in.size());
  src_short_to_float_array(in.data(), floats.data(), static_cast<int>(in.size()));
  std::vector<float> out(in.size() * to / from + 100);
  SRC_DATA data{};
  data.data_in = floats.data();
  data.input_frames = static_cast<long>(in.size());
  data.data_out = out.data();
  data.output_frames = static_cast<long>(out.size());
  data.src_ratio = static_cast<double>(to) / from;
  EXPECT_EQ(src_simple(&data, SRC_SINC_BEST_QUALITY, 1), 0);
  out.resize(static_cast<std::size_t>(data.output_frames_gen));
  return out;
}

constexpr double kTones[] = {300, 1000, 2500};

// The signal itself at any time.
double truth(double seconds) {
  double value = 0;
  for (const double hz : kTones) value += 4000 * std::sin(2 * std::numbers::pi * hz * seconds);
  return value;
}

// SNR of samples against the signal, `delay` seconds late; without the ends.
template <typename Sample>
double snr_of(const std::vector<Sample>& samples, double scale, unsigned rate, double delay) {
  double signal = 0, noise = 1e-9;
  for (std::size_t i = rate / 20; i + rate / 20 < samples.size(); ++i) {
    const double value = truth(static_cast<double>(i) / rate - delay);
    const double error = value - static_cast<double>(samples[i]) * scale;
    signal += value * value;
    noise += error * error;
  }
  return 10 * std::log10(signal / noise);
}

TEST(Resampler, ComesCloseToTheBestConverterOnSpeechFrequencies) {
  for (const unsigned from : kRates)
    for (const unsigned to : kRates) {
      if (from == to) continue;
      Pcm in(from);
      for (std::size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<std::int16_t>(std::lrint(truth(static_cast<double>(i) / from)));
      auto resampler = Resampler::create(from, to);
      ASSERT_TRUE(resampler);
      const Pcm out = convert(*resampler, in, from / 50);
      const double late = resampler->latency_us() * 1e-6;  // cut to whole microseconds
      double ours = 0;
      for (double delay = late; delay < late + 1.05e-6; delay += 0.02e-6)
        ours = std::max(ours, snr_of(out, 1, to, delay));
      const double reference = snr_of(best(in, from, to), 32768, to, 0);
      EXPECT_GT(reference, 70) << "the comparison itself";
      EXPECT_GT(ours, 58) << from << " to " << to << "; the best has " << reference;
    }
}

TEST(Resampler, PassesSpeechAndStopsWhatWouldAlias) {
  for (const unsigned to : {8000u, 16000u, 24000u}) {
    auto resampler = Resampler::create(48000, to);
    ASSERT_TRUE(resampler);
    const Pcm low = convert(*resampler, sine(0.39 * to, 48000, 48000), 960);
    EXPECT_NEAR(tone_amplitude({low.data() + 400, low.size() - 400}, 0.39 * to, to), 10000, 300) << to;
    resampler->reset();
    const Pcm high = convert(*resampler, sine(0.56 * to, 48000, 48000), 960);
    EXPECT_LT(std::sqrt(power({high.data() + 400, high.size() - 400})), 30) << to << ": 50 dB down";
  }
}

TEST(Resampler, GivesEverySampleItOwesWhateverTheChunks) {
  for (const unsigned from : kRates)
    for (const unsigned to : kRates)
      for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{160}, std::size_t{961}}) {
        auto resampler = Resampler::create(from, to), whole = Resampler::create(from, to);
        ASSERT_TRUE(resampler && whole);
        const Pcm in = sine(440, from, from / 10);
        const Pcm out = convert(*resampler, in, chunk);
        EXPECT_EQ(out.size(), to / 10) << from << " to " << to << " by " << chunk;
        EXPECT_EQ(out, convert(*whole, in, in.size())) << from << " to " << to << " by " << chunk;
      }
}

TEST(Resampler, KeepsTheLevelOfDirectCurrentAndSaturates) {
  for (const unsigned to : {8000u, 16000u}) {
    auto resampler = Resampler::create(48000, to);
    ASSERT_TRUE(resampler);
    const Pcm out = convert(*resampler, Pcm(9600, 12345), 960);
    EXPECT_EQ(out.back(), 12345);
    Pcm square(9600);
    for (std::size_t i = 0; i < square.size(); ++i)
      square[i] = i / 48 % 2 != 0 ? std::int16_t{32767} : std::int16_t{-32768};
    const Pcm loud = convert(*resampler, square, 960);
    EXPECT_EQ(*std::max_element(loud.begin(), loud.end()), 32767) << "clipped, not wrapped";
    for (std::size_t i = 100; i + 1 < loud.size(); ++i) EXPECT_LT(std::abs(loud[i + 1] - loud[i]), 65000);
  }
}

TEST(Resampler, AddsLittleDelay) {
  for (const unsigned from : kRates)
    for (const unsigned to : kRates) {
      auto resampler = Resampler::create(from, to);
      ASSERT_TRUE(resampler);
      EXPECT_LE(resampler->latency_us(), 2100u) << from << " to " << to;
      EXPECT_EQ(resampler->latency_us() == 0, from == to);
    }
}

TEST(Resampler, RefusesOtherRates) {
  EXPECT_FALSE(Resampler::create(44100, 8000));
  EXPECT_FALSE(Resampler::create(8000, 0));
}

TEST(Resampler, NeverWritesBeyondASpanThatIsTooSmall) {
  auto resampler = Resampler::create(8000, 48000);
  ASSERT_TRUE(resampler);
  Pcm in(960), out(500);
  EXPECT_LE(resampler->process(in, out), out.size());
}

}  // namespace
}  // namespace tandem::audio
