// RTCP as values: build a compound packet (SR or RR, SDES CNAME, BYE), parse hostile ones (RFC 3550 6, A.2).
//
//   Report ──write──► bytes            bytes ──parse──► Compound (values; the CNAME borrows from the bytes)
//
// Thread: [any]; pure, no allocation. Not here: when to send and what the peer's reports mean (RtcpSession),
// SRTCP, feedback packets (RFC 4585: skipped when they come).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/time.hpp"
#include "core/rtp/units.hpp"

namespace tandem::rtp {

// A moment of the wall clock as NTP writes it: seconds since 1900 in the upper 32 bits, fractions below.
class NtpTime {
 public:
  constexpr NtpTime() = default;
  constexpr explicit NtpTime(std::uint64_t value) : value_(value) {}
  static NtpTime from(WallTime wall);

  constexpr std::uint64_t value() const { return value_; }
  constexpr std::uint32_t middle() const { return static_cast<std::uint32_t>(value_ >> 16); }  // 1/65536 s
  NtpTime plus(Nanos by) const;
  friend constexpr bool operator==(NtpTime, NtpTime) = default;

 private:
  std::uint64_t value_ = 0;
};

// What a receiver says of one stream (RFC 3550 6.4.1).
struct ReportBlock {
  Ssrc about;
  std::uint8_t fraction_lost = 0;    // of 256, since the last report
  std::int32_t cumulative_lost = 0;  // 24 bits, may be negative with duplicates
  std::uint32_t highest_seq = 0;     // extended: cycles in the upper half
  std::uint32_t jitter = 0;          // ticks
  std::uint32_t last_sr = 0;         // middle of the NTP time of the last SR; 0: none came
  std::uint32_t since_last_sr = 0;   // 1/65536 s
  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

// What a sender says of its own stream.
struct SenderInfo {
  NtpTime ntp;
  RtpTime time;
  std::uint32_t packets = 0;
  std::uint32_t bytes = 0;
  friend bool operator==(const SenderInfo&, const SenderInfo&) = default;
};

// What we send.
struct Report {
  Ssrc ssrc;                            // ours
  std::optional<SenderInfo> sender;     // an SR, else an RR
  std::span<const ReportBlock> blocks;  // at most 31 are written
  std::string_view cname;               // at most 255 bytes are written; "" leaves SDES out
  bool bye = false;
};

// Writes a compound packet. Returns its size, or 0 with nothing useful written when `out` is too small; a
// report with one block and a CNAME of 32 bytes takes 100. [any]
std::size_t write(std::span<std::uint8_t> out, const Report& report);

// What came. Only the first kBlocksMax report blocks are kept, the others counted.
struct Compound {
  static constexpr std::size_t kBlocksMax = 8;

  bool has_report = false;           // an SR or RR came
  Ssrc reporter;                     // sender of the first one
  std::optional<SenderInfo> sender;  // of the first SR
  Ssrc sender_ssrc;                  // whose that is
  std::array<ReportBlock, kBlocksMax> blocks;
  std::size_t block_count = 0;
  std::size_t blocks_skipped = 0;
  std::string_view cname;  // borrowed
  bool bye = false;
  Ssrc bye_ssrc;            // the first one named
  std::size_t packets = 0;  // in the compound
  std::size_t unknown = 0;  // of a type not read here, or an SDES item cut short
};

enum class RtcpVerdict : std::uint8_t {
  ok,
  too_short,  // under 8 bytes
  bad_version,
  bad_type,     // the first packet is neither SR, RR nor (RFC 5506) another RTCP type
  bad_length,   // a packet runs beyond the compound, or is too short for what it says it holds
  bad_padding,  // padding in other than the last packet, or more than there is
};

// Parses a compound packet; reduced-size ones (RFC 5506) too. `out` is filled only with verdict ok. [any]
[[nodiscard]] RtcpVerdict parse(std::span<const std::uint8_t> bytes, Compound& out);

// Round trip by a report block about our stream: arrival - LSR - DLSR (RFC 3550 6.4.1). Nothing when no SR of
// ours was seen, or the sum is negative or above 60 s (a peer that makes numbers up). [any]
std::optional<Nanos> round_trip(const ReportBlock& block, NtpTime arrival);

}  // namespace tandem::rtp
