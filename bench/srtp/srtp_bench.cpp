// What a packet of 160 bytes costs through Sender and Receiver, beside the bare libsrtp2 call with libsrtp2's
// own ciphers. Run the bare ones alone (--benchmark_filter=Bare): once ours are in libsrtp2's table, they are
// for everyone in the process. And the same with thousands of contexts visited in turn, as a server has them:
// there, fetching a context from memory costs more than what is done with it.
#include <benchmark/benchmark.h>
#include <srtp2/srtp.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

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

// ---- many calls: each packet meets a context that was last used thousands of packets ago

constexpr std::size_t kContexts = 2000;
constexpr std::size_t kAhead = 2;  // packets between expect() and the packet, as in a media loop

// Reads as much memory as a loop's other work between two packets of a call, so that no cache keeps them.
struct Eviction {
  std::vector<std::uint64_t> bytes = std::vector<std::uint64_t>(std::size_t{16} << 17);
  void run() {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 8) sum += bytes[i];
    benchmark::DoNotOptimize(sum);
  }
};

// Packets come in another order than the calls did.
std::size_t shuffled(std::size_t at) { return at * 7919 % kContexts; }

enum class Expected : bool { no, yes };

void BM_ProtectOneOfMany(benchmark::State& state) {
  const auto suite = static_cast<Suite>(state.range(0));
  const auto expected = static_cast<Expected>(state.range(1));
  std::vector<std::unique_ptr<Sender>> senders;
  for (std::size_t i = 0; i < kContexts; ++i)
    senders.push_back(std::move(*Sender::create({Key::random(suite)}, 1)));
  Packet packet;
  Eviction others;
  for (std::size_t at = 0; auto _ : state) {
    if (at == 0) {
      state.PauseTiming();
      packet.next();
      others.run();
      state.ResumeTiming();
    }
    if (expected == Expected::yes) senders[shuffled(at + kAhead)]->expect();
    packet.bytes[0] = 0x80;
    benchmark::DoNotOptimize(senders[shuffled(at)]->protect(packet.bytes, kBytes));
    at = (at + 1) % kContexts;
  }
  state.SetLabel(std::string(facts(suite).name) + (expected == Expected::yes ? ", expected" : ""));
}
BENCHMARK(BM_ProtectOneOfMany)
    ->ArgsProduct({{static_cast<int>(Suite::aes_cm_128_hmac_sha1_80),
                    static_cast<int>(Suite::aes_256_cm_hmac_sha1_80),
                    static_cast<int>(Suite::aead_aes_128_gcm)},
                   {0, 1}});

// The floor: libsrtp2 with as many sessions.
void BM_BareOneOfMany(benchmark::State& state) {
  srtp_init();
  std::array<std::uint8_t, kMasterBytesMax> key{};
  key.fill(7);
  srtp_policy_t policy{};
  srtp_crypto_policy_set_rtp_default(&policy.rtp);
  srtp_crypto_policy_set_rtp_default(&policy.rtcp);
  policy.key = key.data();
  policy.ssrc = {ssrc_specific, 1};
  std::vector<srtp_t> sessions(kContexts);
  for (srtp_t& session : sessions)
    if (srtp_create(&session, &policy) != srtp_err_status_ok) return state.SkipWithError("no session");
  Packet packet;
  Eviction others;
  for (std::size_t at = 0; auto _ : state) {
    if (at == 0) {
      state.PauseTiming();
      packet.next();
      others.run();
      state.ResumeTiming();
    }
    packet.bytes[0] = 0x80;
    int length = kBytes;
    benchmark::DoNotOptimize(srtp_protect(sessions[shuffled(at)], packet.bytes.data(), &length));
    at = (at + 1) % kContexts;
  }
  for (const srtp_t session : sessions) srtp_dealloc(session);
  state.SetLabel("AES_CM_128_HMAC_SHA1_80");
}
BENCHMARK(BM_BareOneOfMany);

void BM_CreateSender(benchmark::State& state) {
  const Protection with{Key::random(Suite::aes_cm_128_hmac_sha1_80)};
  for (auto _ : state) benchmark::DoNotOptimize(Sender::create(with, 1));
}
BENCHMARK(BM_CreateSender);

}  // namespace
}  // namespace tandem::srtp
