// A phone's SDP: see the header.
#include "core/load/sdp_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text.hpp"

namespace tandem::load {
namespace {

std::string rtpmap(const td_codec& codec) {
  return codec.rtpmap_channels > 1
             ? fmt::format("{}/{}/{}", codec.name, codec.clock_rate, codec.rtpmap_channels)
             : fmt::format("{}/{}", codec.name, codec.clock_rate);
}

// "a=crypto:TAG SUITE inline:KEY|lifetime|MKI…" (RFC 4568 9.1); passed over unless it is `suite`'s and whole.
void read_crypto(const std::string& line, srtp::Suite suite, SdpMedia& out) {
  const std::size_t space = line.find(' ');
  const std::size_t end = space == line.npos ? line.npos : line.find(" inline:", space + 1);
  if (end == line.npos || srtp::suite_named(line.substr(space + 1, end - space - 1)) != suite) return;
  const std::size_t from = end + 8;
  const auto key = srtp::Key::from_base64(suite, line.substr(from, line.find_first_of("|; ", from) - from));
  if (!key) return;
  out.key = *key;
  std::from_chars(line.data() + 9, line.data() + space, out.crypto_tag);
}

}  // namespace

std::string sdp_of(const PlannedLeg& leg, std::uint32_t call, std::uint8_t type, unsigned ptime_ms,
                   unsigned crypto_tag) {
  const std::string host = leg.local.host();
  std::string more;
  if (leg.codec->default_fmtp[0] != '\0')
    more = fmt::format("a=fmtp:{} {}\r\n", type, leg.codec->default_fmtp);
  if (leg.key)
    more += fmt::format("a=crypto:{} {} inline:{}\r\n", crypto_tag, srtp::facts(leg.key->suite()).name,
                        leg.key->to_base64());
  return fmt::format(
      "v=0\r\no=bench {0} 1 IN IP4 {1}\r\ns=-\r\nc=IN IP4 {1}\r\nt=0 0\r\nm=audio {2} RTP/{7} {3} {4}\r\n"
      "a=rtpmap:{3} {5}\r\na=rtpmap:{4} telephone-event/8000\r\na=fmtp:{4} "
      "0-15\r\na=ptime:{6}\r\n{8}a=sendrecv\r\n",
      call, host, leg.local.port(), type, leg.event_type, rtpmap(*leg.codec), ptime_ms,
      leg.key ? "SAVP" : "AVP", more);
}

std::optional<SdpMedia> read_sdp(const std::string& sdp, const PlannedLeg& leg) {
  const td_codec& codec = *leg.codec;
  SdpMedia out;
  std::vector<std::pair<unsigned, std::string>> fmtps;
  std::string host;
  unsigned port = 0;
  for (std::size_t at = 0; at < sdp.size();) {
    const std::size_t end = std::min(sdp.find('\n', at), sdp.size());
    std::string line = sdp.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with("c=IN IP4 ") || line.starts_with("c=IN IP6 ")) host = line.substr(9);
    if (line.starts_with("m=audio ") && port == 0) {
      std::from_chars(line.data() + 8, line.data() + line.size(), port);
      if (codec.static_type >= 0 && (line + " ").find(fmt::format(" {} ", codec.static_type)) != line.npos)
        out.type = codec.static_type;
    }
    if (line.starts_with("a=rtpmap:")) {
      const std::size_t space = line.find(' ');
      const std::string name = fmt::format("{}/{}", codec.name, codec.clock_rate);
      if (space != line.npos && same_name(std::string_view(line).substr(space + 1, name.size()), name))
        std::from_chars(line.data() + 9, line.data() + space, out.type);
    }
    const std::size_t space = line.find(' ');
    if (line.starts_with("a=fmtp:") && space != line.npos && fmtps.size() < 64) {
      unsigned type = 0;
      std::from_chars(line.data() + 7, line.data() + space, type);
      fmtps.emplace_back(type, line.substr(space + 1));
    }
    if (line.starts_with("a=crypto:") && leg.key && !out.key) read_crypto(line, leg.key->suite(), out);
  }
  for (auto& [type, fmtp] : fmtps)
    if (static_cast<int>(type) == out.type) out.fmtp = std::move(fmtp);
  const auto address =
      port == 0 || port > 65535 ? std::nullopt : Address::parse(host, static_cast<std::uint16_t>(port));
  if (!address) return std::nullopt;
  out.at = *address;
  return out;
}

}  // namespace tandem::load
