// What a packet of 160 bytes costs through Sender and Receiver, beside the bare libsrtp2 call with libsrtp2's
// own ciphers. Run the bare ones alone (--benchmark_filter=Bare): once ours are in libsrtp2's table, they are
// for everyone in the process.
#include <benchmark/benchmark.h>
#include <srtp2/srtp.h>

#include <array>
#include <cstring>

#include "core/srtp/context.hpp"

namespace tandem::srtp {
namespace {

constexpr std::size_t kBytes = 172;

struct Packet {
  alignas(8) std::array<std::uint8_t, kBytes + kTrailerBytesMax> bytes{};
  std::uint16_t seq = 0;
  void next() {
    bytes[0] = 0x80;
    ++seq;
    bytes[2] = static_cast<std::uint8_t>(seq >> 8);
    bytes[3] = static_cast<std::uint8_t>(seq);
    bytes[11] = 1;
  }
};

void BM_Protect(benchmark::State& state) {
  const auto suite = static_cast<Suite>(state.range(0));
  auto sender = std::move(*Sender::create({Key::random(suite)}, 1));
  Packet packet;
  for (auto _ : state) {
    packet.next();
    benchmark::DoNotOptimize(sender->protect(packet.bytes, kBytes));
  }
  state.SetLabel(facts(suite).name);
}
BENCHMARK(BM_Protect)->DenseRange(0, 7);

// There and back; the way out is the row above.
void BM_ProtectAndUnprotect(benchmark::State& state) {
  const auto suite = static_cast<Suite>(state.range(0));
  const Protection with{Key::random(suite)};
  auto sender = std::move(*Sender::create(with, 1));
  auto receiver = std::move(*Receiver::create(with));
  Packet packet;
  for (auto _ : state) {
    packet.next();
    std::span<std::uint8_t> view(packet.bytes.data(), sender->protect(packet.bytes, kBytes));
    if (receiver->unprotect(view) != Verdict::ok) state.SkipWithError("refused");
  }
  state.SetLabel(facts(suite).name);
}
BENCHMARK(BM_ProtectAndUnprotect)->DenseRange(0, 7);

void BM_Bare(benchmark::State& state) {
  srtp_init();
  std::array<std::uint8_t, kMasterBytesMax> key{};
  key.fill(7);
  srtp_policy_t policy{};
  const auto set =
      state.range(0) == 0 ? srtp_crypto_policy_set_rtp_default : srtp_crypto_policy_set_aes_gcm_128_16_auth;
  set(&policy.rtp);
  set(&policy.rtcp);
  policy.key = key.data();
  policy.ssrc = {ssrc_specific, 1};
  srtp_t session = nullptr;
  if (srtp_create(&session, &policy) != srtp_err_status_ok) return state.SkipWithError("no session");
  Packet packet;
  for (auto _ : state) {
    packet.next();
    int length = kBytes;
    benchmark::DoNotOptimize(srtp_protect(session, packet.bytes.data(), &length));
  }
  state.SetLabel(state.range(0) == 0 ? "AES_CM_128_HMAC_SHA1_80" : "AEAD_AES_128_GCM");
  srtp_dealloc(session);
}
BENCHMARK(BM_Bare)->DenseRange(0, 1);

void BM_CreateSender(benchmark::State& state) {
  const Protection with{Key::random(Suite::aes_cm_128_hmac_sha1_80)};
  for (auto _ : state) benchmark::DoNotOptimize(Sender::create(with, 1));
}
BENCHMARK(BM_CreateSender);

}  // namespace
}  // namespace tandem::srtp
