// Streams that are coded anew between two addresses that nobody wrote SDP for: one server asks another to
// transcode for it.
//
//   sender ──input codec──► our address ─ the leg hears itself ─► output codec, from there ──► destination
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/anchor/anchors.hpp"
#include "core/anchor/payloads.hpp"
#include "core/base/text.hpp"
#include "core/sdp/description.hpp"

namespace tandem::anchor {
namespace {

constexpr std::size_t kTransformMediaMax = 32, kTransformInputsMax = 32;

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

Result<media::LegConfig> Anchors::transform_config(const TransformMedia& media,
                                                   const Options& options) const {
  if (media.inputs.empty() || media.inputs.size() > kTransformInputsMax)
    return Error{ErrorCode::invalid,
                 fmt::format("transform: expected 1 to {} codecs of each media", kTransformInputsMax)};
  const bool as_it_is = std::all_of(media.inputs.begin(), media.inputs.end(),
                                    [&](const TransformCodec& one) { return same_codec(one, media.output); });
  auto output = transform_format(media.output, as_it_is, codecs_);
  if (!output) return output.error();
  media::LegConfig config;
  config.payloads.push_back({output->codec, media::kNotReceived, output->type, "", output->fmtp});
  std::array<bool, 128> taken{};
  for (const TransformCodec& one : media.inputs) {
    auto input = transform_format(one, as_it_is, codecs_);
    if (!input) return input.error();
    if (std::exchange(taken[input->type], true))
      return Error{ErrorCode::invalid, fmt::format("transform: payload type {} comes in twice", input->type)};
    media::PayloadMap& first = config.payloads.front();
    if (input->codec == first.codec && first.receive_type == media::kNotReceived) {
      first.receive_type = input->type;
      first.our_fmtp = input->fmtp;
    } else {
      config.payloads.push_back({input->codec, input->type, output->type, input->fmtp, ""});
    }
  }
  CodecOptions encoder;
  if (media.output.bitrate != 0)
    encoder.set.push_back(fmt::format("{}/{}/{}/{}", media.output.name, media.output.clock_rate,
                                      media.output.channels, media.output.bitrate));
  set_encoders(config, encoder);
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
  (*line)->agreed = std::move(*config);
  if (auto set = apply(party, **line); !set) return set.error();
  auto feed = media_.listen((*line)->opened.id, (*line)->opened.id);
  if (!feed) return feed.error();
  call.flows.push_back({&party, i, &party, i, *feed});
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
