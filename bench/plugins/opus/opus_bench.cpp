// Opus per 20 ms frame through the codec interface; the argument is the complexity. 24 kbit/s of a voice-like
// signal.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "tandem/codec.h"

extern "C" const td_plugin* tandem_plugin_opus(void);

namespace {

const td_codec* codec() {
  return static_cast<const td_codec*>(tandem_plugin_opus()->interface(TD_CODEC_ID, 0));
}

void activate(long complexity) {
  static std::string config;
  config = "{\"complexity\":" + std::to_string(complexity) + "}";
  td_host host{};
  host.size = sizeof(host);
  host.config = [](const td_host*) noexcept { return td_str{config.data(), config.size()}; };
  const char* error = "";
  (void)tandem_plugin_opus()->activate(&host, &error);
}

std::vector<std::int16_t> voice() {
  std::vector<std::int16_t> pcm(48000);
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    const double t = static_cast<double>(i) / 48000;
    double value = 0;
    for (int k = 1; k < 20; ++k) value += std::sin(6.2832 * 130 * k * t) / k;
    pcm[i] = static_cast<std::int16_t>(4000 * value * (1 + std::sin(6.2832 * 4 * t)) / 2);
  }
  return pcm;
}

void Encode(benchmark::State& state) {
  activate(state.range(0));
  td_encoder* encoder = codec()->create_encoder({nullptr, 0});
  const auto pcm = voice();
  std::vector<std::uint8_t> out(1275);
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(codec()->encode(encoder, pcm.data() + at, 960, out.data(), 1275));
    at = at + 960 < pcm.size() ? at + 960 : 0;
  }
  codec()->destroy_encoder(encoder);
}
void Decode(benchmark::State& state) {
  activate(5);
  td_encoder* encoder = codec()->create_encoder({nullptr, 0});
  td_decoder* decoder = codec()->create_decoder({nullptr, 0});
  const auto pcm = voice();
  std::vector<std::vector<std::uint8_t>> packets;
  for (std::size_t at = 0; at < pcm.size(); at += 960) {
    std::vector<std::uint8_t> out(1275);
    const std::int32_t bytes = codec()->encode(encoder, pcm.data() + at, 960, out.data(), 1275);
    out.resize(static_cast<std::size_t>(bytes));
    packets.push_back(out);
  }
  std::vector<std::int16_t> out(2880);
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& packet = packets[i];
    benchmark::DoNotOptimize(
        codec()->decode(decoder, packet.data(), static_cast<std::uint32_t>(packet.size()), out.data(), 2880));
    i = (i + 1) % packets.size();
  }
  codec()->destroy_encoder(encoder);
  codec()->destroy_decoder(decoder);
}
BENCHMARK(Encode)->Arg(0)->Arg(5)->Arg(10);
BENCHMARK(Decode);

}  // namespace
