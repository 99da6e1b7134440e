// Parsing and writing of RTP headers; see packet.hpp. Big-endian fields are put together from bytes: no
// alignment is assumed of what the network sent. Thread: [any], pure.
#include "core/rtp/packet.hpp"

#include "core/rtp/wire.hpp"

namespace tandem::rtp {
namespace {

constexpr std::uint8_t kVersionBits = 0x80;  // version 2
constexpr std::uint8_t kPaddingBit = 0x20;
constexpr std::uint8_t kExtensionBit = 0x10;

void write_fixed(std::uint8_t* out, const Header& header) {
  out[1] = static_cast<std::uint8_t>((header.marker ? 0x80 : 0) | (header.payload_type & 0x7f));
  put16(out + 2, header.seq.value());
  put32(out + 4, header.time.value());
  put32(out + 8, header.ssrc.value());
}

}  // namespace

ParseVerdict parse(std::span<const std::uint8_t> bytes, Packet& out) {
  if (bytes.size() < kHeaderBytes) return ParseVerdict::too_short;
  const std::uint8_t first = bytes[0];
  if ((first & 0xc0) != kVersionBits) return ParseVerdict::bad_version;

  Packet packet;
  std::size_t at = kHeaderBytes;
  const std::size_t csrc_bytes = std::size_t{4} * (first & 0x0f);
  if (bytes.size() - at < csrc_bytes) return ParseVerdict::bad_csrc;
  packet.csrcs = bytes.subspan(at, csrc_bytes);
  at += csrc_bytes;

  if ((first & kExtensionBit) != 0) {
    if (bytes.size() - at < 4) return ParseVerdict::bad_extension;
    packet.has_extension = true;
    packet.extension_profile = get16(&bytes[at]);
    const std::size_t extension_bytes = std::size_t{4} * get16(&bytes[at + 2]);
    at += 4;
    if (bytes.size() - at < extension_bytes) return ParseVerdict::bad_extension;
    packet.extension = bytes.subspan(at, extension_bytes);
    at += extension_bytes;
  }

  std::size_t padding = 0;
  if ((first & kPaddingBit) != 0) {
    padding = at < bytes.size() ? bytes.back() : 0;
    if (padding == 0 || padding > bytes.size() - at) return ParseVerdict::bad_padding;
  }
  packet.payload = bytes.subspan(at, bytes.size() - at - padding);

  packet.header.marker = (bytes[1] & 0x80) != 0;
  packet.header.payload_type = bytes[1] & 0x7f;
  packet.header.seq = SeqNum(get16(&bytes[2]));
  packet.header.time = RtpTime(get32(&bytes[4]));
  packet.header.ssrc = Ssrc(get32(&bytes[8]));
  out = packet;
  return ParseVerdict::ok;
}

std::size_t write_header(std::span<std::uint8_t> out, const Header& header) {
  if (out.size() < kHeaderBytes) return 0;
  out[0] = kVersionBits;
  write_fixed(out.data(), header);
  return kHeaderBytes;
}

void rewrite_header(std::span<std::uint8_t> packet, const Header& header) {
  if (packet.size() >= kHeaderBytes) write_fixed(packet.data(), header);
}

}  // namespace tandem::rtp
