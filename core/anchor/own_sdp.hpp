// SDP of our own making, where there is none of another party to be rewritten: the offer to a subscriber, the
// answer to a publisher, the offer of create (RFC 8866, RFC 3264). Thread: [any]; pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/anchor/formats.hpp"
#include "core/anchor/options.hpp"
#include "core/base/address.hpp"

namespace tandem::anchor {

struct OwnSection {
  std::string kind = "audio", proto = "RTP/AVP";
  Address rtp, rtcp;  // invalid: the section is refused (port 0)
  std::vector<Format> formats;
  std::string format_text;                // of a stream that passes as it is, in place of `formats`
  std::vector<std::string> format_lines;  // its a=rtpmap, a=fmtp, a=rtcp-fb lines
  std::string direction = "sendrecv";
  std::string label;      // a=label; "": none
  unsigned ptime_ms = 0;  // 0: not said
  bool mux = false;
  std::vector<std::string> crypto;  // whole lines
  std::vector<std::string> ice;     // likewise; none: ICE is not spoken
};

// `session` and `version` stand in o=.
std::string print_own_sdp(const std::vector<OwnSection>& sections, std::uint64_t session,
                          std::uint64_t version, const Options& options);

}  // namespace tandem::anchor
