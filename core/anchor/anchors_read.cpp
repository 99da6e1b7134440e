// What a party's SDP says: which sections are ours and how, where media goes, which keys.
#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/anchors.hpp"
#include "core/anchor/profile.hpp"
#include "core/anchor/sdes.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::anchor {
namespace {

Result<void> check_transport(const std::string& proto, const Options& options) {
  const std::string wanted = profile_out(proto, options);
  if (is_rtp(proto) && !is_rtp(wanted))
    return Error{ErrorCode::invalid,
                 fmt::format("transport-protocol: expected RTP/AVP, RTP/AVPF, RTP/SAVP, RTP/SAVPF, "
                             "UDP/TLS/RTP/SAVP or UDP/TLS/RTP/SAVPF, got \"{}\"",
                             sdp::printable(wanted))};
  if (is_dtls(proto) != is_dtls(wanted))
    return Error{
        ErrorCode::unsupported,
        fmt::format("transport-protocol: {} cannot be made of {}: DTLS is passed from end to end only",
                    sdp::printable(wanted), sdp::printable(proto))};
  return {};
}

std::optional<unsigned> read_ptime(const sdp::Media& media) {
  const unsigned ms = media.ptime_ms.value_or(0);
  return ms >= 10 && ms <= 60 && ms % 10 == 0 ? std::optional(ms) : std::nullopt;
}

}  // namespace

Result<OfferedSection> Anchors::read_offered(const sdp::Description& sdp, std::size_t i,
                                             const Options& options) const {
  const sdp::Media& media = sdp.media[i];
  OfferedSection section;
  section.kind = media.kind_text;
  section.proto = media.proto;
  section.mux_offered = media.rtcp_mux;
  section.ice = read_ice(sdp, media);
  if (std::any_of(options.media_remove.begin(), options.media_remove.end(), [&](const std::string& kind) {
        return same_name(kind, section.kind) ||
               (same_name(kind, "other") && media.kind == sdp::MediaKind::other);
      })) {
    section.how = OfferedSection::How::removed;
    return section;
  }
  if (media.port == 0) {
    section.how = OfferedSection::How::rejected;
    return section;
  }
  if (!is_datagrams(media.proto)) return section;
  if (auto good = check_transport(media.proto, options); !good) return good.error();
  section.how = OfferedSection::How::opaque;
  section.secure_sent = is_secure(profile_out(media.proto, options));
  std::string problem = "only audio over RTP is coded anew here";
  if (media.kind == sdp::MediaKind::audio && is_rtp(media.proto) && !is_dtls(media.proto)) {
    section.offered = read_formats(media, codecs_);
    section.ptime_ms = read_ptime(media).value_or(0);
    const bool audio =
        std::any_of(section.offered.begin(), section.offered.end(), [](const Format& f) { return !f.event; });
    if (is_secure(media.proto)) {
      sdp::CryptoRead read = sdp::crypto_lines(media, allowed_flags(options));
      section.crypto = choose_offered(read.lines, options);
      section.cryptos = std::move(read.lines);
      problem = read.problem.empty() ? "it has no a=crypto" : read.problem;
    }
    if (audio && (section.crypto || !is_secure(media.proto))) section.how = OfferedSection::How::audio;
  }
  if (is_secure(media.proto) != section.secure_sent && section.how == OfferedSection::How::opaque)
    return Error{
        ErrorCode::unsupported,
        fmt::format("transport-protocol: {} cannot be made of {} {}: {}", profile_out(media.proto, options),
                    sdp::printable(media.kind_text), sdp::printable(media.proto), problem)};
  return section;
}

Result<Anchors::Side> Anchors::read_side(const sdp::Description& sdp, const sdp::Media& media,
                                         const Options& options, Family family) const {
  Side side;
  Address remote;
  if (options.sip_source_address && !options.received_from.empty()) {
    const auto from = Address::parse(options.received_from, media.port);
    if (!from)
      return Error{ErrorCode::invalid, fmt::format("received-from: expected an IP address, got \"{}\"",
                                                   sdp::printable(options.received_from))};
    remote = *from;
  } else {
    auto usable = sdp::usable_address(sdp.connection_of(media), media.port);
    if (!usable) return usable.error();
    remote = *usable;
  }
  if (remote.valid() && family != Family::none && remote.family() != family)
    return Error{ErrorCode::unsupported,
                 fmt::format("expected media at an {} address, as was offered, saw {}",
                             family == Family::v6 ? "IPv6" : "IPv4", remote.host())};
  const bool ice = read_ice(sdp, media).spoken;  // 0.0.0.0 is no hold then, it only has no default candidate
  side.zero_address = !remote.valid() && !ice;
  media::LegConfig& c = side.config;
  c.remote_rtp = c.remote_rtcp = remote;
  if (remote.valid() && media.rtcp) {
    c.remote_rtcp.set_port(media.rtcp->port);
  } else if (remote.valid() && media.port < 65'535) {
    c.remote_rtcp.set_port(static_cast<std::uint16_t>(media.port + 1));
  }
  const sdp::Direction direction = sdp.direction_of(media);
  c.receive = sdp::sends(direction);
  c.send = sdp::receives(direction) && (remote.valid() || ice);
  c.send_ptime_ms = read_ptime(media).value_or(20);
  c.symmetric = config_.symmetric;
  c.learn_window = config_.learn_window;
  c.inactivity_timeout = config_.media_timeout;
  c.dscp = options.tos ? static_cast<std::uint8_t>(*options.tos >> 2) : config_.dscp;
  c.detect_inband_dtmf = false;
  return side;
}

// What a stream that passes as it is carries, in its party's words: a subscriber is told the same.
void Anchors::keep_formats(Line& line, const sdp::Media& media) {
  line.format_text.clear();
  line.format_lines.clear();
  for (const std::string& format : media.formats)
    line.format_text += (line.format_text.empty() ? "" : " ") + format;
  for (const sdp::Rtpmap& map : media.rtpmaps) {
    std::string text = fmt::format("a=rtpmap:{} {}/{}", map.type, map.name, map.clock_rate);
    if (map.channels > 1) text += fmt::format("/{}", map.channels);
    line.format_lines.push_back(std::move(text));
  }
  for (const sdp::Fmtp& fmtp : media.fmtps)
    line.format_lines.push_back(fmt::format("a=fmtp:{} {}", fmtp.type, fmtp.text));
}

}  // namespace tandem::anchor
