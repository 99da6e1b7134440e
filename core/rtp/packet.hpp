// An RTP packet: parse from hostile bytes, write or rewrite its header in place (RFC 3550 5.1), and tell RTP
// from RTCP on one port (RFC 5761 4).
//
//   bytes ──parse──► Packet { Header, CSRCs, extension, payload }   spans point into the bytes
//   Header ──write_header──► 12 bytes      Header ──rewrite_header──► first 12 bytes, CSRC and extension kept
//
// Thread: [any]; pure, no allocation. Not here: header extensions' contents (RFC 8285), SRTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/rtp/units.hpp"

namespace tandem::rtp {

inline constexpr std::size_t kHeaderBytes = 12;       // without CSRCs and extension
inline constexpr std::size_t kPacketBytesMax = 1500;  // nothing longer is sent

// The fixed header's fields, as a value.
struct Header {
  bool marker = false;
  std::uint8_t payload_type = 0;  // 0 … 127
  SeqNum seq;
  RtpTime time;
  Ssrc ssrc;
  friend constexpr bool operator==(const Header&, const Header&) = default;
};

// A parsed packet. The spans borrow from the parsed bytes and live as long as those.
struct Packet {
  Header header;
  std::span<const std::uint8_t> csrcs;  // 4 bytes each
  std::uint16_t extension_profile = 0;  // meaningful when has_extension
  bool has_extension = false;
  std::span<const std::uint8_t> extension;  // without its 4-byte head
  std::span<const std::uint8_t> payload;    // without padding; may be empty
};

// Whether a packet's timestamp is its sampling instant. Telephone-events hold theirs at the event's begin and
// say nothing of jitter or of the stream's timeline.
enum class Timing : std::uint8_t { sampled, held };

enum class ParseVerdict : std::uint8_t {
  ok,
  too_short,      // under 12 bytes
  bad_version,    // not 2
  bad_csrc,       // the CSRC list runs beyond the packet
  bad_extension,  // the extension runs beyond the packet
  bad_padding,    // padding of 0, or more than there is
};

// Parses `bytes`. `out` is filled only with verdict ok. No field ever reaches beyond `bytes`. [any]
[[nodiscard]] ParseVerdict parse(std::span<const std::uint8_t> bytes, Packet& out);

// Writes the 12 bytes of a header without CSRC, extension and padding. `out` holds at least kHeaderBytes,
// otherwise nothing is written. Returns the bytes written: kHeaderBytes or 0. [any]
std::size_t write_header(std::span<std::uint8_t> out, const Header& header);

// Replaces marker, payload type, sequence number, timestamp and SSRC of a packet that parse() found ok;
// CSRCs, extension, padding and payload stay. Packets under kHeaderBytes are left alone. [any]
void rewrite_header(std::span<std::uint8_t> packet, const Header& header);

// True when the bytes on a port that carries both are RTCP: second byte 192 … 223 (RFC 5761 4). An RTP packet
// with marker and payload type 64 … 95 looks the same: those types may not be used. [any]
constexpr bool is_rtcp(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[1] >= 192 && bytes[1] <= 223;
}

}  // namespace tandem::rtp
