// Writing and parsing of compound RTCP packets (RFC 3550 6.4 to 6.6, A.2); see rtcp.hpp. Thread: [any], pure.
#include "core/rtp/rtcp.hpp"

#include <algorithm>
#include <cstring>

#include "core/rtp/wire.hpp"

namespace tandem::rtp {
namespace {

constexpr std::uint8_t kSenderReport = 200, kReceiverReport = 201, kSourceDescription = 202, kGoodbye = 203;
constexpr std::size_t kHeadBytes = 4, kSsrcBytes = 4, kSenderBytes = 20, kBlockBytes = 24;
constexpr std::size_t kBlocksWrittenMax = 31, kCnameBytesMax = 255;
constexpr std::uint8_t kItemEnd = 0, kItemCname = 1;
constexpr std::uint64_t kUnixInNtp = 2'208'988'800;  // seconds from 1900 to 1970
constexpr Nanos kRoundTripMax = seconds(60);

void put_head(std::uint8_t* at, std::size_t count, std::uint8_t type, std::size_t bytes) {
  at[0] = static_cast<std::uint8_t>(0x80 | count);
  at[1] = type;
  put16(at + 2, static_cast<std::uint16_t>(bytes / 4 - 1));
}

void put_sender(std::uint8_t* at, const SenderInfo& info) {
  put32(at, static_cast<std::uint32_t>(info.ntp.value() >> 32));
  put32(at + 4, static_cast<std::uint32_t>(info.ntp.value()));
  put32(at + 8, info.time.value());
  put32(at + 12, info.packets);
  put32(at + 16, info.bytes);
}

SenderInfo get_sender(const std::uint8_t* at) {
  return {NtpTime(std::uint64_t{get32(at)} << 32 | get32(at + 4)), RtpTime(get32(at + 8)), get32(at + 12),
          get32(at + 16)};
}

void put_block(std::uint8_t* at, const ReportBlock& block) {
  put32(at, block.about.value());
  put32(at + 4, std::uint32_t{block.fraction_lost} << 24 |
                    (static_cast<std::uint32_t>(block.cumulative_lost) & 0xffffff));
  put32(at + 8, block.highest_seq);
  put32(at + 12, block.jitter);
  put32(at + 16, block.last_sr);
  put32(at + 20, block.since_last_sr);
}

ReportBlock get_block(const std::uint8_t* at) {
  ReportBlock block;
  block.about = Ssrc(get32(at));
  block.fraction_lost = at[4];
  block.cumulative_lost = static_cast<std::int32_t>(get32(at + 4) << 8) >> 8;  // 24 bits, signed
  block.highest_seq = get32(at + 8);
  block.jitter = get32(at + 12);
  block.last_sr = get32(at + 16);
  block.since_last_sr = get32(at + 20);
  return block;
}

// One packet of a compound, without head and padding.
struct Part {
  std::uint8_t type = 0;
  std::size_t count = 0;
  std::span<const std::uint8_t> body;
};

RtcpVerdict read_reports(const Part& part, Compound& out) {
  const bool sender = part.type == kSenderReport;
  const std::size_t fixed = kSsrcBytes + (sender ? kSenderBytes : 0);
  if (part.body.size() < fixed + part.count * kBlockBytes) return RtcpVerdict::bad_length;
  const Ssrc reporter(get32(part.body.data()));
  if (!out.has_report) out.reporter = reporter;
  out.has_report = true;
  if (sender && !out.sender) {
    out.sender = get_sender(&part.body[kSsrcBytes]);
    out.sender_ssrc = reporter;
  }
  for (std::size_t i = 0; i < part.count; ++i) {
    if (out.block_count == Compound::kBlocksMax) {
      out.blocks_skipped += part.count - i;
      break;
    }
    out.blocks[out.block_count++] = get_block(&part.body[fixed + i * kBlockBytes]);
  }
  return RtcpVerdict::ok;
}

// The first CNAME; anything cut short is counted, not refused: the reports before it are good.
void read_descriptions(const Part& part, Compound& out) {
  std::size_t at = 0;
  for (std::size_t chunk = 0; chunk < part.count; ++chunk) {
    if (part.body.size() - at < kSsrcBytes + 1) return void(++out.unknown);
    at += kSsrcBytes;
    while (at < part.body.size() && part.body[at] != kItemEnd) {
      const std::size_t left = part.body.size() - at;
      if (left < 2 || left - 2 < part.body[at + 1]) return void(++out.unknown);
      const std::size_t length = part.body[at + 1];
      if (part.body[at] == kItemCname && out.cname.empty()) {
        out.cname = {reinterpret_cast<const char*>(part.body.data()) + at + 2, length};
      }
      at += 2 + length;
    }
    at = std::min(part.body.size(), (at / 4 + 1) * 4);  // the end item, and zeros up to a whole word
  }
}

RtcpVerdict read_part(const Part& part, Compound& out) {
  switch (part.type) {
    case kSenderReport:
    case kReceiverReport: return read_reports(part, out);
    case kSourceDescription: read_descriptions(part, out); return RtcpVerdict::ok;
    case kGoodbye:
      if (part.body.size() < part.count * kSsrcBytes) return RtcpVerdict::bad_length;
      if (part.count > 0 && !out.bye) {
        out.bye = true;
        out.bye_ssrc = Ssrc(get32(part.body.data()));
      }
      return RtcpVerdict::ok;
    default: ++out.unknown; return RtcpVerdict::ok;
  }
}

// Takes the first packet off `rest`.
RtcpVerdict split(std::span<const std::uint8_t>& rest, Part& part) {
  if (rest.size() < kHeadBytes) return RtcpVerdict::bad_length;
  if (rest[0] >> 6 != 2) return RtcpVerdict::bad_version;
  const std::size_t bytes = std::size_t{4} * (std::size_t{get16(&rest[2])} + 1);
  if (bytes > rest.size()) return RtcpVerdict::bad_length;
  std::size_t padding = 0;
  if ((rest[0] & 0x20) != 0) {
    padding = rest[bytes - 1];
    if (bytes != rest.size() || padding == 0 || padding % 4 != 0 || padding > bytes - kHeadBytes) {
      return RtcpVerdict::bad_padding;
    }
  }
  part = {rest[1], static_cast<std::size_t>(rest[0] & 0x1f),
          rest.subspan(kHeadBytes, bytes - kHeadBytes - padding)};
  rest = rest.subspan(bytes);
  return RtcpVerdict::ok;
}

}  // namespace

NtpTime NtpTime::from(WallTime wall) { return NtpTime(kUnixInNtp << 32).plus(wall.time_since_epoch()); }

NtpTime NtpTime::plus(Nanos by) const {
  const auto whole = std::chrono::floor<seconds>(by);
  const auto rest = static_cast<std::uint64_t>((by - whole).count());  // 0 … 1e9 - 1
  return NtpTime(value_ + (static_cast<std::uint64_t>(whole.count()) << 32) + (rest << 32) / 1'000'000'000);
}

std::size_t write(std::span<std::uint8_t> out, const Report& report) {
  const std::size_t blocks = std::min(report.blocks.size(), kBlocksWrittenMax);
  const std::string_view cname = report.cname.substr(0, kCnameBytesMax);
  const std::size_t fixed = kHeadBytes + kSsrcBytes + (report.sender ? kSenderBytes : 0);
  const std::size_t report_bytes = fixed + blocks * kBlockBytes;
  // SSRC, item head, text, at least one end item, up to a whole word
  const std::size_t sdes_bytes = cname.empty() ? 0 : kHeadBytes + (kSsrcBytes + 2 + cname.size()) / 4 * 4 + 4;
  const std::size_t bye_bytes = report.bye ? kHeadBytes + kSsrcBytes : 0;
  const std::size_t total = report_bytes + sdes_bytes + bye_bytes;
  if (out.size() < total) return 0;

  std::uint8_t* at = out.data();
  put_head(at, blocks, report.sender ? kSenderReport : kReceiverReport, report_bytes);
  put32(at + kHeadBytes, report.ssrc.value());
  if (report.sender) put_sender(at + kHeadBytes + kSsrcBytes, *report.sender);
  for (std::size_t i = 0; i < blocks; ++i) put_block(at + fixed + i * kBlockBytes, report.blocks[i]);
  at += report_bytes;

  if (sdes_bytes != 0) {
    std::memset(at, 0, sdes_bytes);
    put_head(at, 1, kSourceDescription, sdes_bytes);
    put32(at + kHeadBytes, report.ssrc.value());
    at[8] = kItemCname;
    at[9] = static_cast<std::uint8_t>(cname.size());
    std::memcpy(at + 10, cname.data(), cname.size());
    at += sdes_bytes;
  }
  if (report.bye) {
    put_head(at, 1, kGoodbye, bye_bytes);
    put32(at + kHeadBytes, report.ssrc.value());
  }
  return total;
}

RtcpVerdict parse(std::span<const std::uint8_t> bytes, Compound& out) {
  if (bytes.size() < kHeadBytes + kSsrcBytes) return RtcpVerdict::too_short;
  if (bytes[0] >> 6 != 2) return RtcpVerdict::bad_version;
  if (bytes[1] < 192 || bytes[1] > 223) return RtcpVerdict::bad_type;

  Compound compound;
  while (!bytes.empty()) {
    Part part;
    RtcpVerdict verdict = split(bytes, part);
    if (verdict == RtcpVerdict::ok) verdict = read_part(part, compound);
    if (verdict != RtcpVerdict::ok) return verdict;
    ++compound.packets;
  }
  out = compound;
  return RtcpVerdict::ok;
}

std::optional<Nanos> round_trip(const ReportBlock& block, NtpTime arrival) {
  if (block.last_sr == 0) return std::nullopt;
  const auto units = static_cast<std::int32_t>(arrival.middle() - block.last_sr - block.since_last_sr);
  const Nanos trip(std::int64_t{units} * 1'000'000'000 / 65536);
  if (trip < Nanos::zero() || trip > kRoundTripMax) return std::nullopt;
  return trip;
}

}  // namespace tandem::rtp
