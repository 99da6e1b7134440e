// The load generator's hot nouns, per packet: what it says and what it hears, beside a bare memcpy of the
// payload.
#include <benchmark/benchmark.h>

#include <cstring>

#include "core/codec/g711.hpp"
#include "core/load/phone.hpp"

namespace tandem::load {
namespace {

PhoneSpec spec_of(std::uint32_t leg, Marks marks, const td_codec* codec) {
  PhoneSpec spec;
  spec.leg = leg;
  spec.hears = leg ^ 1U;
  spec.says = spec.expects = marks;
  spec.codec = codec;
  spec.payload_type = static_cast<std::uint8_t>(codec->static_type);
  spec.event_type = 101;
  return spec;
}

void BM_Floor_Memcpy160(benchmark::State& state) {
  std::array<std::uint8_t, 172> from{}, to{};
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), to.size());
    benchmark::DoNotOptimize(to);
  }
}
BENCHMARK(BM_Floor_Memcpy160);

void BM_VoiceNext(benchmark::State& state) {
  const Melody melody;
  Voice voice(spec_of(0, state.range(0) == 0 ? Marks::payload : Marks::audio, codec::pcmu()), melody,
              nullptr);
  std::array<std::uint8_t, 1500> out;
  for (auto _ : state) benchmark::DoNotOptimize(voice.next(out).bytes);
}
BENCHMARK(BM_VoiceNext)->Arg(0)->Arg(1);

// One packet said and heard, verified whole; Arg 1: by its sound.
void BM_SaidAndHeard(benchmark::State& state) {
  const Melody melody;
  const Marks marks = state.range(0) == 0 ? Marks::payload : Marks::audio;
  const PhoneSpec specs[2]{spec_of(0, marks, codec::pcmu()), spec_of(1, marks, codec::pcmu())};
  TimePoint now{seconds(100)};
  auto phones = make_phones(specs, melody, now);
  if (!phones) return state.SkipWithError("no phones");
  std::array<std::uint8_t, 1500> out;
  Tally tally;
  for (auto _ : state) {
    const Voice::Made made = (*phones)[0]->voice->next(out);
    if (made.stamped) write_stamp_time(std::span(out).subspan(12), now);
    (*phones)[0]->voice->sent(made.tick, now);
    int searches = 1;
    (*phones)[1]->ear->take(std::span(out).first(made.bytes), now + microseconds(200), searches, tally);
    now += milliseconds(20);
  }
}
BENCHMARK(BM_SaidAndHeard)->Arg(0)->Arg(1);

}  // namespace
}  // namespace tandem::load
