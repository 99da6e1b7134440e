// A phone's SDP: see the header.
#include "core/load/sdp_text.hpp"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tandem::load {
namespace {

std::string rtpmap(const td_codec& codec) {
  return codec.rtpmap_channels > 1
             ? fmt::format("{}/{}/{}", codec.name, codec.clock_rate, codec.rtpmap_channels)
             : fmt::format("{}/{}", codec.name, codec.clock_rate);
}

}  // namespace

std::string sdp_of(const PlannedLeg& leg, std::uint32_t call, std::uint8_t type, unsigned ptime_ms) {
  const std::string host = leg.local.host();
  return fmt::format(
      "v=0\r\no=bench {0} 1 IN IP4 {1}\r\ns=-\r\nc=IN IP4 {1}\r\nt=0 0\r\nm=audio {2} RTP/AVP {3} {4}\r\n"
      "a=rtpmap:{3} {5}\r\na=rtpmap:{4} telephone-event/8000\r\na=fmtp:{4} "
      "0-15\r\na=ptime:{6}\r\na=sendrecv\r\n",
      call, host, leg.local.port(), type, leg.event_type, rtpmap(*leg.codec), ptime_ms);
}

std::optional<SdpMedia> read_sdp(const std::string& sdp, const td_codec& codec) {
  SdpMedia out;
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
      if (space != line.npos && strncasecmp(&line[space + 1], codec.name, std::strlen(codec.name)) == 0 &&
          line[space + 1 + std::strlen(codec.name)] == '/')
        std::from_chars(line.data() + 9, line.data() + space, out.type);
    }
  }
  const auto address =
      port == 0 || port > 65535 ? std::nullopt : Address::parse(host, static_cast<std::uint16_t>(port));
  if (!address) return std::nullopt;
  out.at = *address;
  return out;
}

}  // namespace tandem::load
