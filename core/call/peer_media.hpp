// PeerMedia: what holds for one peer's media in place of [media]: encryption, codecs and their order,
// lengths, silence. Peers: the configured ones, found by who calls or is called.
//
//   [media] ◄─ [[peer]] (by host or account) ◄─ [[route]] (who calls its number) or a dial's target: nearer
//   wins
//
// Thread: [control]. What the words mean: docs/operators.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sdp/negotiate.hpp"

namespace tandem::call {

using sdp::noise_policy_named;
using sdp::NoisePolicy;
using sdp::srtp_policy_named;
using sdp::SrtpPolicy;

// What is not set leaves what is farther away.
struct PeerMedia {
  std::optional<SrtpPolicy> srtp{};
  std::optional<NoisePolicy> noise{};
  std::optional<unsigned> ptime_ms{};  // 10 to 60, a multiple of 10
  std::vector<std::string> codecs{};   // all that may be spoken, in order, as media.codecs; empty: not set
  std::optional<sdp::Preference> order{};  // whose order counts in our answers

  // [any] This with what `nearer` sets laid over it.
  PeerMedia with(const PeerMedia& nearer) const;
};

struct Peer {
  std::string name;
  std::vector<std::string> hosts;  // of its SIP addresses and of where its requests come from
  std::vector<std::string> users;  // accounts, by digest user
  PeerMedia media;
};

// [any] Of the first that has the host of `address` ("sip:1@host:5060", "udp:192.0.2.1:5060") or the account;
// null: none.
const Peer* find_peer(const std::vector<Peer>& peers, std::string_view address, std::string_view user);

// [any] What holds with that address or account: its peer's, with what `nearer` sets laid over it.
PeerMedia media_with(const std::vector<Peer>& peers, std::string_view address, std::string_view user,
                     const PeerMedia& nearer);

// [any] The host of such an address, without brackets.
std::string_view host_in(std::string_view address);

}  // namespace tandem::call
