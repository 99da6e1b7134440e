#include "core/anchor/ice.hpp"

#include <fmt/format.h>

#include "core/base/text.hpp"

namespace tandem::anchor {
namespace {

std::string attribute(const std::vector<sdp::Attribute>& all, std::string_view name) {
  for (const sdp::Attribute& one : all)
    if (same_name(one.name, name) && one.value) return *one.value;
  return {};
}

// RFC 8445 5.1.2.1: a host candidate, the only one of its component.
std::string candidate(const Address& address, unsigned component) {
  const unsigned priority = 126u << 24 | 65'535u << 8 | (256 - component);
  return fmt::format("a=candidate:1 {} UDP {} {} {} typ host", component, priority, address.host(),
                     address.port());
}

}  // namespace

PeerIce read_ice(const sdp::Description& sdp, const sdp::Media& media) {
  PeerIce out;
  const auto read = [&](std::string_view name) {
    std::string value = attribute(media.attributes, name);
    return value.empty() ? attribute(sdp.attributes, name) : value;
  };
  out.credentials = {read("ice-ufrag"), read("ice-pwd")};
  out.spoken = stun::good_credentials(out.credentials.ufrag, out.credentials.password);
  if (!out.spoken) out.credentials = {};
  return out;
}

std::vector<std::string> ice_lines(const stun::Credentials& ours, const Address& rtp, const Address& rtcp) {
  std::vector<std::string> out{"a=ice-ufrag:" + ours.ufrag, "a=ice-pwd:" + ours.password, candidate(rtp, 1)};
  if (rtcp.valid()) out.push_back(candidate(rtcp, 2));
  return out;
}

}  // namespace tandem::anchor
