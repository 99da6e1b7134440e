// Words about m= lines: is it RTP, is it encrypted, is it datagrams at all. Thread: [any].
#pragma once

#include <strings.h>

#include <string>
#include <string_view>

#include "core/anchor/options.hpp"

namespace tandem::anchor {

inline bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

inline bool is_rtp(std::string_view proto) { return proto.find("RTP/") != std::string_view::npos; }
inline bool is_secure(std::string_view proto) { return proto.find("SAVP") != std::string_view::npos; }

// Datagrams, so that we can carry it: anything over RTP, UDP or UDPTL. TCP goes past us.
inline bool is_datagrams(std::string_view proto) {
  return (is_rtp(proto) && !proto.starts_with("TCP")) || same_word(proto, "udptl") ||
         same_word(proto, "udp") || proto.starts_with("UDP/") || proto.starts_with("udp/") ||
         proto.starts_with("DTLS/");
}

inline bool is_dtls(std::string_view proto) { return proto.starts_with("UDP/TLS"); }

// What leaves as the section's profile: the one asked for, or theirs.
inline std::string profile_out(const std::string& proto, const Options& options) {
  return options.transport.empty() || same_word(options.transport, "accept") || !is_rtp(proto)
             ? proto
             : options.transport;
}

}  // namespace tandem::anchor
