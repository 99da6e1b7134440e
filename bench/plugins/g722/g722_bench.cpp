// G.722 per 20 ms frame through the codec interface, beside the floor: SpanDSP called bare.
#include <benchmark/benchmark.h>
#ifdef TANDEM_HAS_SPANDSP
#include <spandsp.h>
#endif

#include <array>

#include "tandem/codec.h"

extern "C" const td_plugin* tandem_plugin_g722(void);

namespace {

const td_codec* codec() {
  return static_cast<const td_codec*>(tandem_plugin_g722()->interface(TD_CODEC_ID, 0));
}

std::array<std::int16_t, 320> speech() {
  std::array<std::int16_t, 320> pcm;
  for (std::size_t i = 0; i < pcm.size(); ++i) pcm[i] = static_cast<std::int16_t>(i * 7919 % 8000);
  return pcm;
}

#ifdef TANDEM_HAS_SPANDSP
void Floor_Encode(benchmark::State& state) {
  g722_encode_state_t* bare = g722_encode_init(nullptr, 64000, 0);
  const auto pcm = speech();
  std::array<std::uint8_t, 160> out;
  for (auto _ : state) benchmark::DoNotOptimize(g722_encode(bare, out.data(), pcm.data(), 320));
  g722_encode_free(bare);
}
BENCHMARK(Floor_Encode);
#endif
void Encode(benchmark::State& state) {
  td_encoder* encoder = codec()->create_encoder({nullptr, 0});
  const auto pcm = speech();
  std::array<std::uint8_t, 160> out;
  for (auto _ : state) benchmark::DoNotOptimize(codec()->encode(encoder, pcm.data(), 320, out.data(), 160));
  codec()->destroy_encoder(encoder);
}
void Decode(benchmark::State& state) {
  td_decoder* decoder = codec()->create_decoder({nullptr, 0});
  std::array<std::uint8_t, 160> payload;
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i * 37);
  std::array<std::int16_t, 320> out;
  for (auto _ : state)
    benchmark::DoNotOptimize(codec()->decode(decoder, payload.data(), 160, out.data(), 320));
  codec()->destroy_decoder(decoder);
}
BENCHMARK(Encode);
BENCHMARK(Decode);

}  // namespace
