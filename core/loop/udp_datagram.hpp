// UdpDatagram: the IPv4 and UDP headers of a datagram that leaves through a raw socket (IP_HDRINCL). Pure.
// Sources: RFC 791, RFC 768, RFC 1071 (checksum). Thread: [any].
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/base/address.hpp"

namespace tandem::loop {

inline constexpr std::size_t kIpUdpHeaderBytes = 28;

// Both addresses IPv4 (the caller's to check); `tos` as in the IP header. The kernel fills in the
// identification and the IP checksum (raw(7)); the UDP checksum is made here, over the pseudo header and the
// payload. To 127.0.0.0/8 there is none (0, RFC 768): such a datagram never leaves the machine's memory, and
// the kernel makes none there either for its own sockets; so nobody sums what nobody can have damaged.
std::array<std::uint8_t, kIpUdpHeaderBytes> ip_udp_header(const Address& from, const Address& to,
                                                          std::uint8_t tos,
                                                          std::span<const std::uint8_t> payload);

// The ones' complement sum of RFC 1071 over `bytes`, big-endian words, an odd last byte padded; folded to 16
// bits and not yet inverted. `sum` is what came before.
std::uint32_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0);

}  // namespace tandem::loop
