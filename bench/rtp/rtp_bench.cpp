// What one packet costs in core/rtp: parse, receive stream, latch, relay (all of it: parse to rewritten
// header).
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "core/rtp/latch.hpp"
#include "core/rtp/packet.hpp"
#include "core/rtp/rx_stream.hpp"
#include "core/rtp/telephone_event.hpp"
#include "core/rtp/tx_stream.hpp"

namespace tandem::rtp {
namespace {

using Bytes = std::array<std::uint8_t, 172>;

Bytes packet(std::uint16_t seq) {
  Bytes bytes{};
  write_header(bytes, {false, 0, SeqNum(seq), RtpTime(seq * 160u), Ssrc(7)});
  return bytes;
}

void BM_Parse(benchmark::State& state) {
  const Bytes bytes = packet(1);
  Packet out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse(bytes, out));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(BM_Parse);

void BM_RxStreamPush(benchmark::State& state) {
  RxStream stream;
  Header header{false, 0, SeqNum(0), RtpTime(0), Ssrc(7)};
  TimePoint now{};
  for (auto _ : state) {
    header.seq = header.seq.next();
    header.time = header.time.plus(160);
    now += milliseconds(20);
    benchmark::DoNotOptimize(stream.push(header, 160, now));
  }
}
BENCHMARK(BM_RxStreamPush);

void BM_LatchCheck(benchmark::State& state) {
  Latch latch;
  const Address peer = *Address::parse(state.range(0) == 4 ? "192.0.2.1" : "2001:db8::1", 4000);
  latch.reset({peer}, TimePoint{});
  TimePoint now{};
  for (auto _ : state) {
    now += milliseconds(20);
    benchmark::DoNotOptimize(latch.check(peer, Ssrc(7), now));
  }
}
BENCHMARK(BM_LatchCheck)->Arg(4)->Arg(6);

void BM_RewriteHeader(benchmark::State& state) {
  Bytes bytes = packet(1);
  Header header{false, 8, SeqNum(3), RtpTime(5), Ssrc(9)};
  for (auto _ : state) {
    header.seq = header.seq.next();
    rewrite_header(bytes, header);
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(BM_RewriteHeader);

// A relayed packet without its system calls: parse, latch, receive stream, map, rewrite.
void BM_RelayPacket(benchmark::State& state) {
  RxStream rx;
  TxStream tx({Ssrc(9), SeqNum(0), RtpTime(0)}, 8000);
  Latch latch;
  const Address peer = *Address::parse("192.0.2.1", 4000);
  latch.reset({peer}, TimePoint{});
  TimePoint now{};
  std::uint16_t seq = 0;
  Bytes bytes = packet(0);
  std::uint32_t time = 0;
  for (auto _ : state) {
    now += milliseconds(20);
    write_header(bytes, {false, 0, SeqNum(++seq), RtpTime(time += 160), Ssrc(7)});
    Packet in;
    if (parse(bytes, in) != ParseVerdict::ok) state.SkipWithError("parse");
    if (latch.check(peer, in.header.ssrc, now) != LatchVerdict::accept) state.SkipWithError("latch");
    if (!usable(rx.push(in.header, in.payload.size(), now).verdict)) state.SkipWithError("push");
    Header out;
    if (tx.relay(in.header, 8, now, out) != RelayVerdict::forward) state.SkipWithError("relay");
    rewrite_header(bytes, out);
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(BM_RelayPacket);

}  // namespace
}  // namespace tandem::rtp
