#include "core/loop/udp_datagram.hpp"

#include <cstring>

namespace tandem::loop {
namespace {

constexpr std::uint8_t kTimeToLive = 64;

std::uint32_t host_of(const Address& address) {
  sockaddr_in raw{};
  std::memcpy(&raw, address.raw(), sizeof raw);
  return raw.sin_addr.s_addr;  // network order
}

std::uint32_t fold(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint32_t>(sum);
}

}  // namespace

// The sum does not care for the order of bytes as long as all words have the same (RFC 1071 1B): it is made
// of the machine's own 32-bit words and turned at the end.
std::uint32_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
  std::uint64_t wide = 0;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, &bytes[at], 4);
    wide += word;
  }
  std::array<std::uint8_t, 4> rest{};
  for (std::size_t i = 0; at + i < bytes.size(); ++i) rest[i] = bytes[at + i];
  std::uint32_t word = 0;
  std::memcpy(&word, rest.data(), 4);
  wide += word;
  wide = (wide & 0xffffffff) + (wide >> 32);
  const std::uint32_t folded = fold(wide);
  return fold(std::uint64_t{ntohs(static_cast<std::uint16_t>(folded))} + sum);
}

std::array<std::uint8_t, kIpUdpHeaderBytes> ip_udp_header(const Address& from, const Address& to,
                                                          std::uint8_t tos,
                                                          std::span<const std::uint8_t> payload) {
  std::array<std::uint8_t, kIpUdpHeaderBytes> header{};
  const auto put16 = [&header](std::size_t at, std::size_t value) {
    header[at] = static_cast<std::uint8_t>(value >> 8);
    header[at + 1] = static_cast<std::uint8_t>(value);
  };
  const std::uint32_t source = host_of(from), destination = host_of(to);
  header[0] = 0x45;
  header[1] = tos;
  put16(2, kIpUdpHeaderBytes + payload.size());
  header[6] = 0x40;  // don't fragment, as a UDP socket that looks for the path's MTU
  header[8] = kTimeToLive;
  header[9] = IPPROTO_UDP;
  std::memcpy(&header[12], &source, 4);
  std::memcpy(&header[16], &destination, 4);
  put16(20, from.port());
  put16(22, to.port());
  put16(24, 8 + payload.size());
  if (header[16] == 127) return header;  // 127.0.0.0/8
  // Pseudo header: both addresses, the protocol, the length.
  std::uint32_t sum =
      ones_sum(std::span(header).subspan(12), static_cast<std::uint32_t>(IPPROTO_UDP + 8 + payload.size()));
  sum = ones_sum(payload, sum);
  const auto checksum = static_cast<std::uint16_t>(~sum);
  put16(26, checksum == 0 ? 0xffff : checksum);  // 0 would mean: none
  return header;
}

}  // namespace tandem::loop
