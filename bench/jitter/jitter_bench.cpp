// One packet in and out of the jitter buffer, beside the floor: copying its payload in.
#include <benchmark/benchmark.h>

#include <cstring>

#include "core/jitter/jitter_buffer.hpp"

namespace tandem::jitter {
namespace {

void Floor_CopyPayload(benchmark::State& state) {
  static std::uint8_t from[160], to[160];
  for (auto _ : state) {
    std::memcpy(to, from, sizeof(from));
    benchmark::DoNotOptimize(to);
    benchmark::ClobberMemory();
  }
}

// The argument is the jitter in ms: 0 stays in the first bucket of the histogram.
void PushPull(benchmark::State& state) {
  PayloadPool pool(200);
  JitterBuffer buffer(pool, {});
  const std::uint8_t payload[160] = {};
  Incoming packet{.ssrc = 1, .ticks = 160, .clock_rate = 8000};
  TimePoint now{};
  std::uint32_t random = 1;
  for (auto _ : state) {
    random = random * 1664525u + 1013904223u;
    const auto jitter = milliseconds(state.range(0) == 0 ? 0 : (random >> 16) % state.range(0));
    benchmark::DoNotOptimize(buffer.push(packet, payload, now + jitter));
    benchmark::DoNotOptimize(buffer.pull(now, 160));
    ++packet.sequence;
    packet.timestamp += 160;
    now += milliseconds(20);
  }
}
BENCHMARK(Floor_CopyPayload);
BENCHMARK(PushPull)->Arg(0)->Arg(60)->Arg(200);

}  // namespace
}  // namespace tandem::jitter
