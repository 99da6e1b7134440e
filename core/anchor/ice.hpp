// ICE in the SDP of anchored calls (RFC 8839): what a party says of its end, and the lines about ours. Each
// side has ICE with us or not, and nothing of one side's ICE reaches the other.
//
//   their SDP ──read_ice()──► PeerIce          our credentials, our addresses ──ice_lines()──► a= lines
//
// We are a lite agent: their candidates are not read, as we check none. Thread: [any]; pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/sdp/description.hpp"
#include "core/stun/ice_lite.hpp"

namespace tandem::anchor {

// What one section of a party's SDP says; `spoken` false: it has no ICE, or credentials out of the grammar.
struct PeerIce {
  bool spoken = false;
  stun::Credentials credentials;
};

// ICE with the party of one line.
struct LineIce {
  bool decided = false, on = false;    // offered or agreed before: re-offers keep to it
  stun::Credentials ours, theirs;      // "" until they are made, until its SDP came
  std::optional<stun::IceConfig> set;  // what the leg was told
};

// The section's own attributes, or else the session's (RFC 8839 5.4).
PeerIce read_ice(const sdp::Description& sdp, const sdp::Media& media);

// a=ice-ufrag, a=ice-pwd and a host candidate for each component; `rtcp` invalid: RTP alone.
std::vector<std::string> ice_lines(const stun::Credentials& ours, const Address& rtp, const Address& rtcp);

}  // namespace tandem::anchor
