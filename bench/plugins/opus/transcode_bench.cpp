// A whole transcoded packet, PCMU in and Opus out and back, beside the bare codec call: 20 ms, 24 kbit/s,
// mono, complexity 0. What is above the floor is G.711, the resampler and the transcoder itself.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "core/codec/g711.hpp"
#include "core/media/transcoder.hpp"
#include "tests/support/codec_check.hpp"

extern "C" const td_plugin* tandem_plugin_opus(void);

namespace tandem::media {
namespace {

const td_codec* opus() {
  td_host host{};
  host.size = sizeof(host);
  host.config = [](const td_host*) noexcept {
    static constexpr std::string_view kConfig = R"({"complexity":0})";
    return td_str{kConfig.data(), kConfig.size()};
  };
  const char* error = "";
  (void)tandem_plugin_opus()->activate(&host, &error);
  return static_cast<const td_codec*>(tandem_plugin_opus()->interface(TD_CODEC_ID, 0));
}

std::vector<std::vector<std::uint8_t>> packets_of(const td_codec* codec) {
  std::vector<std::vector<std::uint8_t>> packets;
  auto encoder = codec::Encoder::create(codec, "");
  const auto pcm = testing::voice(codec->sample_rate, 2000);
  const std::size_t step = codec->sample_rate / 50;
  for (std::size_t at = 0; at + step <= pcm.size(); at += step) {
    packets.emplace_back(1500);
    packets.back().resize(static_cast<std::size_t>(encoder->encode({pcm.data() + at, step}, packets.back())));
  }
  return packets;
}

class Nobody final : public TranscodeSink {
 public:
  void on_transcoded(const rtp::Header&, std::span<const std::uint8_t> payload) override {
    benchmark::DoNotOptimize(payload.data());
  }
  void on_noise(const rtp::Header&, std::span<const std::uint8_t>) override {}
};

void Transcode(benchmark::State& state, const td_codec* from, const td_codec* to) {
  const auto config_of = [](const td_codec* codec) {
    LegConfig config;
    config.payloads.push_back({codec, 96, 96, "", ""});
    return config;
  };
  jitter::PayloadPool pool(8);
  std::vector<Playout::Codec> decoders;
  decoders.push_back({96, std::move(*codec::Decoder::create(from, "")), std::nullopt});
  Playout playout(pool, {}, std::move(decoders));
  auto encoder = std::move(*codec::Encoder::create(to, ""));
  auto transcoder = std::move(*Transcoder::create(config_of(from), config_of(to)));
  const auto packets = packets_of(from);
  Nobody nobody;
  rtp::Header header{false, 96, rtp::SeqNum(1), rtp::RtpTime(1), rtp::Ssrc(1)};
  std::size_t at = 0;
  for (auto _ : state) {
    transcoder->push(header, packets[at], TimePoint{}, playout, encoder, nobody);
    header.seq = header.seq.next();
    header.time = header.time.plus(from->clock_rate / 50);
    at = (at + 1) % packets.size();
  }
}
void PcmuToOpus(benchmark::State& state) { Transcode(state, codec::pcmu(), opus()); }
void OpusToPcmu(benchmark::State& state) { Transcode(state, opus(), codec::pcmu()); }
void PcmuToPcma(benchmark::State& state) { Transcode(state, codec::pcmu(), codec::pcma()); }

// The floors: the codec alone, on the same voice.
void OpusEncodeAlone(benchmark::State& state) {
  auto encoder = std::move(*codec::Encoder::create(opus(), ""));
  const auto pcm = testing::voice(48000, 2000);
  std::vector<std::uint8_t> out(1500);
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(encoder.encode({pcm.data() + at, 960}, out));
    at = at + 1920 <= pcm.size() ? at + 960 : 0;
  }
}
void OpusDecodeAlone(benchmark::State& state) {
  auto decoder = std::move(*codec::Decoder::create(opus(), ""));
  const auto packets = packets_of(opus());
  std::vector<std::int16_t> pcm(5760);
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder.decode(packets[at], pcm));
    at = (at + 1) % packets.size();
  }
}

BENCHMARK(OpusEncodeAlone);
BENCHMARK(PcmuToOpus);
BENCHMARK(OpusDecodeAlone);
BENCHMARK(OpusToPcmu);
BENCHMARK(PcmuToPcma);

}  // namespace
}  // namespace tandem::media
