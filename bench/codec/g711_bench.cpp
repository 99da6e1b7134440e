// G.711 per 20 ms frame, beside the floor: copying the same bytes.
#include <benchmark/benchmark.h>

#include <cstring>

#include "core/codec/g711.hpp"

namespace tandem::codec {
namespace {

std::int16_t pcm[160];
std::uint8_t bytes[160], out[160];

void fill() {
  for (int i = 0; i < 160; ++i) pcm[i] = static_cast<std::int16_t>(i * 397 % 20000 - 10000);
  encode_ulaw(pcm, bytes);
}

void Floor_CopyPcm(benchmark::State& state) {
  static std::int16_t to[160];
  for (auto _ : state) {
    std::memcpy(to, pcm, sizeof(pcm));
    benchmark::DoNotOptimize(to);
    benchmark::ClobberMemory();
  }
}
void Floor_CopyBytes(benchmark::State& state) {
  for (auto _ : state) {
    std::memcpy(out, bytes, sizeof(bytes));
    benchmark::ClobberMemory();
  }
}
void UlawEncode(benchmark::State& state) {
  fill();
  for (auto _ : state) {
    encode_ulaw(pcm, out);
    benchmark::ClobberMemory();
  }
}
void AlawEncode(benchmark::State& state) {
  for (auto _ : state) {
    encode_alaw(pcm, out);
    benchmark::ClobberMemory();
  }
}
void UlawDecode(benchmark::State& state) {
  for (auto _ : state) {
    decode_ulaw(bytes, pcm);
    benchmark::ClobberMemory();
  }
}
void UlawToAlaw(benchmark::State& state) {
  for (auto _ : state) {
    transcode(kUlawToAlaw, bytes, out);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(Floor_CopyPcm);
BENCHMARK(Floor_CopyBytes);
BENCHMARK(UlawEncode);
BENCHMARK(AlawEncode);
BENCHMARK(UlawDecode);
BENCHMARK(UlawToAlaw);

}  // namespace
}  // namespace tandem::codec
