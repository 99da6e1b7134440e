// Streams that are coded anew between two addresses that nobody wrote SDP for: one server asks another to
// transcode for it.
//
//   sender ──input codec──► our address ─ the leg hears itself ─► output codec, from there ──► destination
//
// Of several outputs each has the inputs that go out as it, and all are one stream.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/anchor/anchors.hpp"
#include "core/anchor/payloads.hpp"
#include "core/base/text.hpp"
#include "core/sdp/description.hpp"

namespace tandem::anchor {
namespace {

constexpr std::size_t kTransformMediaMax = 32, kTransformCodecsMax = 32;

// With its number. One that nobody decodes here passes when it leaves as it came.
Result<Format> transform_format(const TransformCodec& wanted, bool as_it_is, Codecs codecs) {
  if (wanted.type > 127)
    return Error{ErrorCode::invalid, "transform: expected a payload type from 0 to 127 of every codec"};
  auto made =
      make_format(fmt::format("{}/{}/{}", wanted.name, wanted.clock_rate, wanted.channels), {}, codecs);
  Format format;
  if (made) {
    format = std::move(*made);
  } else {
    if (as_it_is) format.codec = codecs.opaque.get(wanted.name, wanted.clock_rate, wanted.channels);
    if (format.codec == nullptr) return Error{made.error().code, sdp::printable(made.error().message, 200)};
    format.name = wanted.name;
  }
  format.type = static_cast<std::uint8_t>(wanted.type);
  format.fmtp = wanted.fmtp;
  return format;
}

bool same_codec(const TransformCodec& a, const TransformCodec& b) {
  return same_name(a.name, b.name) && a.clock_rate == b.clock_rate && a.channels == b.channels;
}

std::size_t outputs_in(const media::LegConfig& config) {
  return config.payloads.empty() ? 0 : config.payloads.back().output + std::size_t{1};
}

}  // namespace

// A loop of packets would run as fast as the machine can.
bool Anchors::transforms_at(const Address& address) const {
  for (const auto& [id, owner] : owners_) {
    if (owner.party->role != Role::transform || owner.index >= owner.party->lines.size()) continue;
    const Line& line = owner.party->lines[owner.index];
    if (line.rtp == address || line.opened.rtp == address) return true;
  }
  return false;
}

// The codecs of one output: what is sent stands first.
Result<void> Anchors::add_output(const std::vector<TransformPair>& pairs, const TransformCodec& output,
                                 media::LegConfig& config) const {
  const bool as_it_is = std::all_of(pairs.begin(), pairs.end(), [&](const TransformPair& pair) {
    return !(pair.output == output) || same_codec(pair.input, output);
  });
  auto sent = transform_format(output, as_it_is, codecs_);
  if (!sent) return sent.error();
  media::LegConfig own;
  own.payloads.push_back({sent->codec, media::kNotReceived, sent->type, "", sent->fmtp});
  for (const TransformPair& pair : pairs) {
    if (!(pair.output == output)) continue;
    auto input = transform_format(pair.input, as_it_is, codecs_);
    if (!input) return input.error();
    media::PayloadMap& first = own.payloads.front();
    if (input->codec == first.codec && first.receive_type == media::kNotReceived) {
      first.receive_type = input->type;
      first.our_fmtp = input->fmtp;
    } else {
      own.payloads.push_back({input->codec, input->type, sent->type, input->fmtp, ""});
    }
  }
  CodecOptions encoder;
  if (output.bitrate != 0)
    encoder.set.push_back(
        fmt::format("{}/{}/{}/{}", output.name, output.clock_rate, output.channels, output.bitrate));
  set_encoders(own, encoder);
  const auto number = static_cast<std::uint8_t>(outputs_in(config));
  for (media::PayloadMap& one : own.payloads) {
    one.output = number;
    config.payloads.push_back(std::move(one));
  }
  return {};
}

Result<media::LegConfig> Anchors::transform_config(const TransformMedia& media,
                                                   const Options& options) const {
  if (media.codecs.empty() || media.codecs.size() > kTransformCodecsMax)
    return Error{ErrorCode::invalid,
                 fmt::format("transform: expected 1 to {} codecs of each media", kTransformCodecsMax)};
  media::LegConfig config;
  std::array<bool, 128> taken{};
  for (auto pair = media.codecs.begin(); pair != media.codecs.end(); ++pair) {
    if (pair->input.type <= 127 && std::exchange(taken[pair->input.type], true))
      return Error{ErrorCode::invalid,
                   fmt::format("transform: payload type {} comes in twice", pair->input.type)};
    if (std::any_of(media.codecs.begin(), pair,
                    [&](const TransformPair& before) { return before.output == pair->output; }))
      continue;
    if (auto added = add_output(media.codecs, pair->output, config); !added) return added.error();
  }
  config.remote_rtp = config.remote_rtcp = media.destination;
  config.rtcp_mux = true;
  config.sends_elsewhere = true;
  config.send_ptime_ms = options.ptime_ms != 0 ? options.ptime_ms : 20;
  config.ptime_asked = options.ptime_ms != 0;
  config.learn_window = config_.learn_window;
  config.inactivity_timeout = config_.media_timeout;
  config.dscp = options.tos ? static_cast<std::uint8_t>(*options.tos >> 2) : config_.dscp;
  config.detect_inband_dtmf = false;
  return config;
}

Result<TransformedMedia> Anchors::transform_section(Call& call, Party& party, std::size_t i,
                                                    const TransformMedia& media, const Options& options) {
  const Address& to = media.destination;
  if (!to.valid() || to.is_unspecified() || to.port() == 0)
    return Error{ErrorCode::invalid, "transform: expected an IP address and a port as the destination"};
  if (transforms_at(to))
    return Error{ErrorCode::invalid,
                 "transform: the destination transforms here itself: that would be a loop"};
  auto config = transform_config(media, options);
  if (!config) return config.error();
  auto line = ensure_line(call, party, i, to.family(), 0);
  if (!line) return line.error();
  if ((*line)->rtp == to || (*line)->opened.rtp == to)
    return Error{ErrorCode::invalid, "transform: the destination is where it comes in: that would be a loop"};
  (*line)->kind = "audio";
  (*line)->proto = "RTP/AVP";
  const std::size_t outputs = outputs_in(*config);
  (*line)->agreed = std::move(*config);
  if (auto set = apply(party, **line); !set) return set.error();
  for (std::size_t output = 0; output < outputs; ++output) {
    auto feed = media_.loop_back((*line)->opened.id, static_cast<std::uint8_t>(output));
    if (!feed) return feed.error();
    call.flows.push_back({&party, i, &party, i, *feed});
  }
  return TransformedMedia{media.id.empty() ? std::to_string(i + 1) : media.id, (*line)->rtp};
}

Result<TransformOutcome> Anchors::transform(const Selector& who, const std::vector<TransformMedia>& media,
                                            const Options& options) {
  if (media.empty() || media.size() > kTransformMediaMax)
    return Error{ErrorCode::invalid, fmt::format("transform: expected 1 to {} media", kTransformMediaMax)};
  CreateOutcome names;
  auto in = enter(who, Role::transform, options, names);
  if (!in) return in.error();
  Call& call = *in->call;
  Party& party = *in->party;
  end_flows(call, [&party](const Flow& flow) { return flow.from == &party && flow.to == &party; });
  while (party.lines.size() > media.size()) {
    close_line(party, party.lines.size() - 1);
    party.lines.pop_back();
  }
  TransformOutcome out{names.call_id, names.from_tag, {}, std::move(names.warnings)};
  for (std::size_t i = 0; i < media.size(); ++i) {
    auto made = transform_section(call, party, i, media[i], options);
    if (!made) return turn_back(*in, made.error());
    out.media.push_back(std::move(*made));
  }
  if (in->fresh) counts_.calls.add();
  call.last_signal = timers_.now();
  watch(call);
  return out;
}

}  // namespace tandem::anchor
