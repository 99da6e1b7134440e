// The detector per 20 ms frame; the argument is the rate. The floor is SpanDSP at 8 kHz, bare.
#include <benchmark/benchmark.h>
#include <spandsp.h>

#include <array>
#include <vector>

#include "tandem/abi.h"
#include "tandem/stage.h"

extern "C" const td_plugin* tandem_plugin_dtmf(void);

namespace {

std::vector<std::int16_t> noise(std::size_t n) {
  std::vector<std::int16_t> pcm(n);
  std::uint32_t random = 1;
  for (auto& s : pcm) s = static_cast<std::int16_t>((random = random * 1664525u + 1013904223u) >> 18);
  return pcm;
}

void Floor_Spandsp(benchmark::State& state) {
  dtmf_rx_state_t* bare = dtmf_rx_init(nullptr, nullptr, nullptr);
  const auto pcm = noise(160);
  for (auto _ : state) benchmark::DoNotOptimize(dtmf_rx(bare, pcm.data(), 160));
  dtmf_rx_free(bare);
}
void Process(benchmark::State& state) {
  const auto* type = static_cast<const td_stage_type*>(tandem_plugin_dtmf()->interface(TD_STAGE_ID, 0));
  td_stage* stage = type->create(static_cast<std::uint32_t>(state.range(0)), {nullptr, 0});
  auto pcm = noise(static_cast<std::size_t>(state.range(0)) / 50);
  std::array<td_stage_note, 8> notes;
  for (auto _ : state)
    benchmark::DoNotOptimize(
        type->process(stage, pcm.data(), static_cast<std::uint32_t>(pcm.size()), notes.data(), 8));
  type->destroy(stage);
}
BENCHMARK(Floor_Spandsp);
BENCHMARK(Process)->Arg(8000)->Arg(16000)->Arg(48000);

}  // namespace
