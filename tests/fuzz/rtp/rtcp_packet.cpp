// Fuzz: RTCP parsing and the session that acts on it. What parses must be within bounds and survive being
// sent back.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "core/rtp/rtcp.hpp"
#include "core/rtp/rtcp_session.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes(data, data + size);  // exactly as long: ASan sees one byte too far
  rtp::TxStream tx({rtp::Ssrc(0x01010101), rtp::SeqNum(0), rtp::RtpTime(0)}, 8000);
  rtp::RxStream rx;
  (void)rx.push({false, 0, rtp::SeqNum(1), rtp::RtpTime(0), rtp::Ssrc(0x02020202)}, 160, TimePoint{});
  rtp::RtcpSession session({"fuzz", 1, TimePoint{}, rtp::NtpTime(0)});

  rtp::Compound compound;
  const rtp::RtcpVerdict verdict = rtp::parse(bytes, compound);
  if (session.on_packet(bytes, TimePoint(seconds(1)), tx, rx, 8000) != verdict) std::abort();
  const double trip = session.remote().round_trip_ms;
  if (trip > 60'000 || (trip < 0 && trip != -1)) std::abort();
  std::uint8_t report[rtp::RtcpSession::kBytesMax];
  if (session.build(TimePoint(seconds(2)), tx, rx, report) == 0) std::abort();
  if (verdict != rtp::RtcpVerdict::ok) return 0;

  if (compound.block_count > rtp::Compound::kBlocksMax || compound.cname.size() > 255) std::abort();
  rtp::Report back;
  back.ssrc = compound.reporter;
  back.sender = compound.sender;
  back.blocks = {compound.blocks.data(), compound.block_count};
  back.cname = compound.cname;
  std::uint8_t out[1024];
  const std::size_t written = rtp::write(out, back);
  rtp::Compound again;
  if (rtp::parse({out, written}, again) != rtp::RtcpVerdict::ok) std::abort();
  if (again.sender != compound.sender || again.cname != compound.cname) std::abort();
  for (std::size_t i = 0; i < compound.block_count; ++i) {
    if (!(again.blocks[i] == compound.blocks[i])) std::abort();
  }
  return 0;
}
