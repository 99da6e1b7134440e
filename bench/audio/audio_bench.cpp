// What core/audio costs per 20 ms, beside libsamplerate for the same ratios.
#include <benchmark/benchmark.h>
#include <samplerate.h>

#include <array>
#include <vector>

#include "core/audio/comfort_noise.hpp"
#include "core/audio/concealment.hpp"
#include "core/audio/level.hpp"
#include "core/audio/mix.hpp"
#include "core/audio/resampler.hpp"
#include "core/audio/time_scale.hpp"
#include "core/audio/tones.hpp"
#include "core/audio/voice_detector.hpp"

namespace tandem::audio {
namespace {

std::vector<std::int16_t> noise(std::size_t n) {
  std::vector<std::int16_t> pcm(n);
  std::uint32_t random = 1;
  for (auto& s : pcm) s = static_cast<std::int16_t>((random = random * 1664525u + 1013904223u) >> 18);
  return pcm;
}

void Resample(benchmark::State& state) {
  const auto from = static_cast<unsigned>(state.range(0)), to = static_cast<unsigned>(state.range(1));
  auto resampler = Resampler::create(from, to);
  const auto in = noise(from / 50);
  std::vector<std::int16_t> out(resampler->max_out(in.size()));
  for (auto _ : state) {
    benchmark::DoNotOptimize(resampler->process(in, out));
    benchmark::ClobberMemory();
  }
}

void Floor_Samplerate(benchmark::State& state, int quality) {
  const auto from = static_cast<unsigned>(state.range(0)), to = static_cast<unsigned>(state.range(1));
  int error = 0;
  SRC_STATE* src = src_new(quality, 1, &error);
  const auto pcm = noise(from / 50);
  std::vector<float> in(pcm.size()), out(to / 50 + 16);
  std::vector<std::int16_t> back(out.size());
  for (auto _ : state) {
    src_short_to_float_array(pcm.data(), in.data(), static_cast<int>(in.size()));
    SRC_DATA data{};
    data.data_in = in.data();
    data.input_frames = static_cast<long>(in.size());
    data.data_out = out.data();
    data.output_frames = static_cast<long>(out.size());
    data.src_ratio = static_cast<double>(to) / from;
    src_process(src, &data);
    src_float_to_short_array(out.data(), back.data(), static_cast<int>(data.output_frames_gen));
    benchmark::ClobberMemory();
  }
  src_delete(src);
}
void Rates(benchmark::internal::Benchmark* b) {
  for (const auto& [from, to] : {std::pair{8000, 16000},
                                 {16000, 8000},
                                 {8000, 24000},
                                 {24000, 8000},
                                 {16000, 24000},
                                 {8000, 32000},
                                 {32000, 48000},
                                 {16000, 48000},
                                 {48000, 16000},
                                 {48000, 32000},
                                 {8000, 48000},
                                 {48000, 8000}})
    b->Args({from, to});
}
BENCHMARK(Resample)->Apply(Rates);

// One period found and taken out or put in: at most every 60 ms. The floor is copying the stretch that it
// works on.
std::vector<std::int16_t> vowel(unsigned rate, std::size_t n) {
  std::vector<std::int16_t> pcm(n);
  for (std::size_t i = 0; i < n; ++i) pcm[i] = static_cast<std::int16_t>(i % (rate / 125) * 80);
  return pcm;
}
template <auto Scaled>
void scale_with(benchmark::State& state) {
  const auto rate = static_cast<unsigned>(state.range(0));
  const TimeScale scale(rate);
  const auto from = vowel(rate, rate * 70 / 1000);
  auto pcm = from;
  for (auto _ : state) {
    std::copy(from.begin(), from.end(), pcm.begin());
    benchmark::DoNotOptimize((scale.*Scaled)(pcm, scale.memory(), scale.longest(), 0.5f));
  }
}
void Scale_Shorten(benchmark::State& state) { scale_with<&TimeScale::shorten>(state); }
void Scale_Lengthen(benchmark::State& state) { scale_with<&TimeScale::lengthen>(state); }
void Floor_ScaleCopies(benchmark::State& state) {
  const auto from =
      vowel(static_cast<unsigned>(state.range(0)), static_cast<std::size_t>(state.range(0)) * 70 / 1000);
  auto pcm = from;
  for (auto _ : state) {
    std::copy(from.begin(), from.end(), pcm.begin());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Floor_ScaleCopies)->Arg(8000)->Arg(48000);
BENCHMARK(Scale_Shorten)->Arg(8000)->Arg(16000)->Arg(48000);
BENCHMARK(Scale_Lengthen)->Arg(8000)->Arg(16000)->Arg(48000);
BENCHMARK_CAPTURE(Floor_Samplerate, linear, SRC_LINEAR)->Apply(Rates);
BENCHMARK_CAPTURE(Floor_Samplerate, sinc_fastest, SRC_SINC_FASTEST)->Apply(Rates);

// The argument is the rate.
void Accumulate(benchmark::State& state) {
  const auto pcm = noise(static_cast<std::size_t>(state.range(0)) / 50);
  std::vector<std::int32_t> sum(pcm.size());
  for (auto _ : state) {
    accumulate(sum, pcm);
    benchmark::ClobberMemory();
  }
}
void Without(benchmark::State& state) {
  const auto pcm = noise(static_cast<std::size_t>(state.range(0)) / 50);
  std::vector<std::int32_t> sum(pcm.size(), 1000);
  std::vector<std::int16_t> out(pcm.size());
  for (auto _ : state) {
    without(out, sum, pcm);
    benchmark::ClobberMemory();
  }
}
void Add(benchmark::State& state) {
  const auto pcm = noise(static_cast<std::size_t>(state.range(0)) / 50);
  auto into = pcm;
  for (auto _ : state) {
    add(into, pcm);
    benchmark::ClobberMemory();
  }
}
void Energy(benchmark::State& state) {
  const auto pcm = noise(static_cast<std::size_t>(state.range(0)) / 50);
  for (auto _ : state) benchmark::DoNotOptimize(energy(pcm));
}
void ConcealmentGood(benchmark::State& state) {
  Concealment concealment(static_cast<unsigned>(state.range(0)));
  auto pcm = noise(static_cast<std::size_t>(state.range(0)) / 50);
  for (auto _ : state) concealment.good(pcm);
}
void ConcealmentLost(benchmark::State& state) {
  Concealment concealment(static_cast<unsigned>(state.range(0)));
  auto pcm = noise(static_cast<std::size_t>(state.range(0)) / 50);
  for (auto _ : state) {
    concealment.good(pcm);
    concealment.conceal(pcm);
  }
}
void ToneFrame(benchmark::State& state) {
  ToneGenerator tone(tone_spec("us", Tone::dial), static_cast<unsigned>(state.range(0)));
  std::vector<std::int16_t> pcm(static_cast<std::size_t>(state.range(0)) / 50);
  for (auto _ : state) benchmark::DoNotOptimize(tone.fill(pcm));
}
// What silence costs: made at the receiver, looked for and measured at the sender.
void NoiseMade(benchmark::State& state) {
  const auto rate = static_cast<unsigned>(state.range(0));
  ComfortNoise made(rate);
  NoiseDescription told{
      .level = 50, .order = 8, .reflection = {-0.7f, 0.2f, 0.1f, -0.1f, 0.05f, 0, 0.1f, -0.05f}};
  made.describe(told);
  std::vector<std::int16_t> pcm(rate / 50);
  for (auto _ : state) {
    made.fill(pcm);
    benchmark::DoNotOptimize(pcm.data());
  }
}
void VoiceLookedFor(benchmark::State& state) {
  const auto rate = static_cast<unsigned>(state.range(0));
  VoiceDetector detector(rate);
  const auto pcm = noise(rate / 50);
  for (auto _ : state) benchmark::DoNotOptimize(detector.add(pcm));
}
void NoiseMeasured(benchmark::State& state) {
  const auto rate = static_cast<unsigned>(state.range(0));
  NoiseMeter meter;
  const auto pcm = noise(rate / 50);
  for (auto _ : state) {
    meter.add(pcm);
    benchmark::DoNotOptimize(meter.describe());
  }
}

BENCHMARK(NoiseMade)->Arg(8000)->Arg(48000);
BENCHMARK(VoiceLookedFor)->Arg(8000)->Arg(48000);
BENCHMARK(NoiseMeasured)->Arg(8000)->Arg(48000);
BENCHMARK(Accumulate)->Arg(8000)->Arg(48000);
BENCHMARK(Without)->Arg(8000)->Arg(48000);
BENCHMARK(Add)->Arg(8000)->Arg(48000);
BENCHMARK(Energy)->Arg(8000)->Arg(48000);
BENCHMARK(ConcealmentGood)->Arg(8000)->Arg(16000);
BENCHMARK(ConcealmentLost)->Arg(8000)->Arg(16000);
BENCHMARK(ToneFrame)->Arg(8000);

}  // namespace
}  // namespace tandem::audio
