#include "core/call/peer_media.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace tandem::call {

PeerMedia PeerMedia::with(const PeerMedia& nearer) const {
  PeerMedia both = *this;
  if (nearer.srtp) both.srtp = nearer.srtp;
  if (nearer.noise) both.noise = nearer.noise;
  if (nearer.ptime_ms) both.ptime_ms = nearer.ptime_ms;
  if (!nearer.codecs.empty()) both.codecs = nearer.codecs;
  if (nearer.order) both.order = nearer.order;
  return both;
}

std::string_view host_in(std::string_view address) {
  bool port = false;  // there is one at the end, also behind IPv6 without brackets
  if (const std::size_t at = address.rfind('@'); at != std::string_view::npos) {
    address.remove_prefix(at + 1);
  } else {
    for (const std::string_view scheme : {"sip:", "sips:", "udp:", "tcp:", "tls:", "ws:", "wss:"}) {
      if (address.size() < scheme.size() || !same_name(address.substr(0, scheme.size()), scheme)) continue;
      address.remove_prefix(scheme.size());
      port = scheme.find("sip") == std::string_view::npos;
      break;
    }
  }
  if (address.starts_with('[')) return address.substr(1, std::min(address.find(']'), address.size()) - 1);
  if (std::count(address.begin(), address.end(), ':') > 1)  // IPv6 without brackets
    return port ? address.substr(0, address.rfind(':')) : address;
  return address.substr(0, address.find_first_of(":;>?"));
}

const Peer* find_peer(const std::vector<Peer>& peers, std::string_view address, std::string_view user) {
  const std::string_view host = host_in(address);
  for (const Peer& peer : peers) {
    const auto is = [](std::string_view wanted) {
      return [wanted](const std::string& one) { return same_name(one, wanted); };
    };
    if (!user.empty() && std::any_of(peer.users.begin(), peer.users.end(), is(user))) return &peer;
    if (!host.empty() && std::any_of(peer.hosts.begin(), peer.hosts.end(), is(host))) return &peer;
  }
  return nullptr;
}

PeerMedia media_with(const std::vector<Peer>& peers, std::string_view address, std::string_view user,
                     const PeerMedia& nearer) {
  const Peer* peer = find_peer(peers, address, user);
  return peer == nullptr ? nearer : peer->media.with(nearer);
}

}  // namespace tandem::call
