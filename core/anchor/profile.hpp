// Words about m= lines: is it RTP, is it encrypted, is it datagrams at all. Thread: [any].
#pragma once

#include <string>
#include <string_view>

#include "core/anchor/options.hpp"
#include "core/base/text.hpp"

namespace tandem::anchor {

inline bool is_rtp(std::string_view proto) { return proto.find("RTP/") != std::string_view::npos; }
inline bool is_secure(std::string_view proto) { return proto.find("SAVP") != std::string_view::npos; }

// Datagrams, so that we can carry it: anything over RTP, UDP or UDPTL. TCP goes past us.
inline bool is_datagrams(std::string_view proto) {
  return (is_rtp(proto) && !proto.starts_with("TCP")) || same_name(proto, "udptl") ||
         same_name(proto, "udp") || proto.starts_with("UDP/") || proto.starts_with("udp/") ||
         proto.starts_with("DTLS/");
}

inline bool is_dtls(std::string_view proto) { return proto.starts_with("UDP/TLS"); }

// What leaves as the section's profile: the one asked for, or theirs.
inline std::string profile_out(const std::string& proto, const Options& options) {
  return options.transport.empty() || same_name(options.transport, "accept") || !is_rtp(proto)
             ? proto
             : options.transport;
}

}  // namespace tandem::anchor
