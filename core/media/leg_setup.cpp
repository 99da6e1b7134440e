#include "core/media/leg_setup.hpp"

#include <fmt/format.h>

namespace tandem::media {
namespace {

Result<std::vector<Playout::Codec>> make_decoders(const LegConfig& config) {
  const std::uint32_t rate = config.payloads.front().codec->sample_rate;
  std::vector<Playout::Codec> made;
  for (const PayloadMap& payload : config.payloads) {
    auto decoder = codec::Decoder::create(payload.codec, payload.our_fmtp);
    if (!decoder) return decoder.error();
    std::optional<audio::Resampler> resampler;
    if (payload.codec->sample_rate != rate) {
      auto created = audio::Resampler::create(payload.codec->sample_rate, rate);
      if (!created) return created.error();
      resampler.emplace(std::move(*created));
    }
    made.push_back({payload.receive_type, std::move(*decoder), std::move(resampler)});
  }
  return made;
}

}  // namespace

LegConfig output_of(const LegConfig& config, std::uint8_t output) {
  LegConfig out = config;
  std::erase_if(out.payloads, [output](const PayloadMap& one) { return one.output != output; });
  if (!out.payloads.empty())
    out.send_ptime_ms = codec::packet_ms(*out.payloads.front().codec, config.send_ptime_ms);
  return out;
}

void classify(const LegConfig& config, PayloadKinds& kinds) {
  kinds.fill(PayloadKind::unknown);
  for (const ClockedType& one : config.noise) kinds[one.receive_type & 127u] = PayloadKind::noise;
  for (const ClockedType& one : config.other_events) kinds[one.receive_type & 127u] = PayloadKind::event;
  for (const PayloadMap& one : config.payloads)
    if (one.receive_type != kNotReceived) kinds[one.receive_type & 127u] = PayloadKind::audio;
  if (config.event_receive_type >= 0)
    kinds[static_cast<std::size_t>(config.event_receive_type) & 127u] = PayloadKind::event;
}

int receive_type_of(const LegConfig& config, std::uint8_t send_type) {
  for (const PayloadMap& one : config.payloads)
    if (one.send_type == send_type && one.receive_type != kNotReceived) return one.receive_type;
  if (config.event_receive_type >= 0 && config.event_send_type == send_type) return config.event_receive_type;
  for (const auto* beside : {&config.other_events, &config.noise})
    for (const ClockedType& one : *beside)
      if (one.send_type == send_type) return one.receive_type;
  return -1;
}

std::uint32_t event_clock(const LegConfig& config, std::uint8_t type) {
  if (type != config.event_receive_type)
    for (const ClockedType& one : config.other_events)
      if (one.receive_type == type) return one.clock_rate;
  return sent_event_clock(config);
}

std::uint32_t sent_event_clock(const LegConfig& config) {
  return config.event_clock_rate != 0 ? config.event_clock_rate : config.payloads.front().codec->clock_rate;
}

std::uint32_t noise_clock(const LegConfig& config, std::uint8_t type) {
  for (const ClockedType& one : config.noise)
    if (one.receive_type == type) return one.clock_rate;
  return 0;
}

int noise_send_type(const LegConfig& config, std::uint32_t clock_rate) {
  for (const ClockedType& one : config.noise)
    if (one.clock_rate == clock_rate) return one.send_type;
  return -1;
}

Result<std::unique_ptr<LegSetup>> LegSetup::create(jitter::PayloadPool& pool, const LegConfig& config,
                                                   const td_stage_type* dtmf, const JitterConfig& jitter) {
  if (config.payloads.empty())
    return Error{ErrorCode::invalid, "a leg needs at least one codec, none was given"};
  if (config.send_ptime_ms < 10 || config.send_ptime_ms > 60 || config.send_ptime_ms % 10 != 0)
    return Error{ErrorCode::invalid,
                 fmt::format("ptime must be 10, 20, … 60 ms, it is {}", config.send_ptime_ms)};
  auto decoders = make_decoders(config);
  if (!decoders) return decoders.error();
  const PayloadMap& first = config.payloads.front();
  auto encoder = codec::Encoder::create(first.codec, first.peer_fmtp);
  if (!encoder) return encoder.error();
  std::unique_ptr<graph::Stage> detector;
  const std::uint32_t rate = first.codec->sample_rate;
  if (dtmf != nullptr && config.detect_inband_dtmf) {
    // A rate that the detector cannot do is no reason to refuse the call.
    if (auto stage = graph::PluginStage::create(dtmf, rate, "{}")) detector = std::move(*stage);
  }
  const std::size_t frame = rate / 50;
  auto made = std::unique_ptr<LegSetup>(
      new LegSetup{config, rate, first.codec->clock_rate, Playout(pool, jitter, std::move(*decoders)),
                   std::move(*encoder), std::vector<std::int16_t>(frame), std::vector<std::int16_t>(frame),
                   std::vector<std::int16_t>(rate / 1000 * config.send_ptime_ms), 0, std::move(detector),
                   audio::DtmfTone(rate), SilenceSender::for_leg(config)});
  made->playout.set_noise(config.noise);
  return made;
}

bool same_coders(const LegConfig& a, const LegConfig& b) {
  if (a.payloads.size() != b.payloads.size() || a.send_ptime_ms != b.send_ptime_ms ||
      a.detect_inband_dtmf != b.detect_inband_dtmf || a.suppress_silence != b.suppress_silence ||
      a.noise.size() != b.noise.size() || a.ptime_asked != b.ptime_asked || a.ptime_fixed != b.ptime_fixed ||
      a.event_clock_rate != b.event_clock_rate)
    return false;
  for (std::size_t i = 0; i < a.noise.size(); ++i)
    if (a.noise[i].receive_type != b.noise[i].receive_type || a.noise[i].clock_rate != b.noise[i].clock_rate)
      return false;
  for (std::size_t i = 0; i < a.payloads.size(); ++i) {
    const PayloadMap& x = a.payloads[i];
    const PayloadMap& y = b.payloads[i];
    if (x.codec != y.codec || x.receive_type != y.receive_type || x.our_fmtp != y.our_fmtp ||
        x.peer_fmtp != y.peer_fmtp || x.output != y.output)
      return false;
  }
  return true;
}

}  // namespace tandem::media
