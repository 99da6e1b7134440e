// Fuzz: RTP parsing, the stream that is fed with it, relaying and rewriting. Spans must stay inside the
// bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "core/rtp/packet.hpp"
#include "core/rtp/rx_stream.hpp"
#include "core/rtp/tx_stream.hpp"

using namespace tandem;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void one_packet(std::span<const std::uint8_t> bytes, TimePoint now, rtp::RxStream& rx, rtp::TxStream& tx) {
  rtp::Packet packet;
  (void)rtp::is_rtcp(bytes);
  if (rtp::parse(bytes, packet) != rtp::ParseVerdict::ok) return;
  const std::size_t inside =
      rtp::kHeaderBytes + packet.csrcs.size() + packet.extension.size() + packet.payload.size();
  require(inside <= bytes.size());
  if (!packet.payload.empty()) {
    require(packet.payload.data() >= bytes.data() + rtp::kHeaderBytes);
    require(packet.payload.data() + packet.payload.size() <= bytes.data() + bytes.size());
  }
  const rtp::Received received = rx.push(packet.header, packet.payload.size(), now);
  require(received.seq >= 0);
  require(rx.loss_percent() >= 0 && rx.loss_percent() <= 100);
  (void)rx.make_report(now);

  if (received.verdict == rtp::RxVerdict::restarted) tx.begin_run();
  rtp::Header out;
  if (!rtp::usable(received.verdict) || tx.relay(packet.header, 8, now, out) != rtp::RelayVerdict::forward)
    return;
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  rtp::rewrite_header(copy, out);
  rtp::Packet again;
  require(rtp::parse(copy, again) == rtp::ParseVerdict::ok);
  require(again.header == out && again.payload.size() == packet.payload.size());
}

}  // namespace

// The input is cut into packets: a length byte, a time step, then as many bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  one_packet({data, size}, TimePoint{}, *std::make_unique<rtp::RxStream>(),
             *std::make_unique<rtp::TxStream>(rtp::TxStream::Origin{}, 8000));
  rtp::RxStream rx;
  rtp::TxStream tx({rtp::Ssrc(1), rtp::SeqNum(65000), rtp::RtpTime(0xffff0000)}, 8000);
  TimePoint now{};
  for (std::size_t at = 0; at + 2 <= size;) {
    const std::size_t length = std::min<std::size_t>(data[at], size - at - 2);
    now += milliseconds(data[at + 1]) * 4;
    const std::vector<std::uint8_t> bytes(data + at + 2,
                                          data + at + 2 + length);  // its own heap block, for ASan
    one_packet(bytes, now, rx, tx);
    at += 2 + length;
  }
  return 0;
}
