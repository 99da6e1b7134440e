// One relayed packet through UdpIo and SharedIo (one tick: every leg got a packet, each is sent on), beside
// their floors: the bare recvfrom and sendto on the same sockets, and recvmmsg and sendmmsg on one socket
// that all share (no steering, no header of our own, no time stamp). The generator's share is paused out of
// all; on loopback it pays for the way in, the sk_lookup program included.
#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <vector>

#include "core/loop/packet_io.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/loop/udp_io.hpp"

namespace tandem::loop {
namespace {

constexpr std::size_t kPacket = 172;

// `legs` sockets under test and one far end, which all legs send to.
struct Field {
  explicit Field(std::size_t legs) : Field(legs, nullptr) {}
  Field(std::size_t legs, PortBinder* ours) {
    PortBinder& own = ours == nullptr ? binder : *ours;
    auto far = binder.bind(*Address::parse("127.0.0.1", 0), {46, 4 << 20});
    to_far = far->local();
    far_fd = far->release();
    for (std::size_t i = 0; i < legs; ++i) {
      ports.push_back(std::move(*own.bind(*Address::parse("127.0.0.1", 0), {})));
      addresses.push_back(ports.back().local());
    }
  }
  ~Field() { binder.unbind(far_fd); }
  void feed() {
    for (const Address& to : addresses)
      sendto(far_fd, packet.data(), packet.size(), 0, to.raw(), to.raw_size());
  }
  void empty() {
    std::array<char, 2048> into;
    while (recv(far_fd, into.data(), into.size(), MSG_DONTWAIT) > 0) {
    }
  }
  UdpBinder binder;
  Address to_far;
  int far_fd = -1;
  std::vector<BoundPort> ports;
  std::vector<Address> addresses;
  std::array<char, kPacket> packet{};
};

class Relay final : public DatagramSink {
 public:
  Relay(MediaIo& io, const Address& to) : io_(io), to_(to) {}
  void on_datagram(const Datagram& datagram) override { io_.queue_send(datagram.port, to_, datagram.bytes); }

 private:
  MediaIo& io_;
  const Address to_;
};

// User and system time of this thread: what a packet costs, also on a machine that has other things to do.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <typename Tick>
void run(benchmark::State& state, Field& field, std::size_t legs, Tick tick) {
  for (auto _ : state) {
    field.feed();
    const double begin = cpu_seconds();
    tick();
    state.SetIterationTime(cpu_seconds() - begin);
    field.empty();
  }
  state.counters["seconds_per_packet"] =
      benchmark::Counter(static_cast<double>(legs) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_UdpIoRelay(benchmark::State& state) {
  const auto legs = static_cast<std::size_t>(state.range(0));
  Field field(legs);
  auto io = std::move(*UdpIo::create(legs));
  for (BoundPort& port : field.ports) (void)io->adopt(std::move(port));
  Relay relay(*io, field.to_far);
  run(state, field, legs, [&] {
    if (io->drain(monotonic_now(), relay) != legs) state.SkipWithError("packets missing");
    io->flush();
  });
}
BENCHMARK(BM_UdpIoRelay)->Arg(1)->Arg(100)->Arg(1000)->UseManualTime();

void BM_SharedIoRelay(benchmark::State& state) {
  const auto legs = static_cast<std::size_t>(state.range(0));
  auto packets = PacketIo::open(PacketBackend::shared, 1, legs);
  if (!packets) return state.SkipWithError(packets.error().message.c_str());
  auto io = (*packets)->take();
  Field field(legs, &(*packets)->binder());
  for (BoundPort& port : field.ports) (void)io->adopt(std::move(port));
  Relay relay(*io, field.to_far);
  run(state, field, legs, [&] {
    if (io->drain(monotonic_now(), relay) != legs) state.SkipWithError("packets missing");
    io->flush();
  });
}
BENCHMARK(BM_SharedIoRelay)->Arg(1)->Arg(100)->Arg(1000)->UseManualTime();

void BM_FloorRecvSend(benchmark::State& state) {
  const auto legs = static_cast<std::size_t>(state.range(0));
  Field field(legs);
  std::vector<int> fds;
  for (BoundPort& port : field.ports) fds.push_back(port.release());
  run(state, field, legs, [&] {
    std::array<char, 2048> into;
    for (const int fd : fds) {
      sockaddr_in6 from;
      socklen_t size = sizeof from;
      const ssize_t got =
          recvfrom(fd, into.data(), into.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
      if (got != static_cast<ssize_t>(kPacket)) state.SkipWithError("packets missing");
      sendto(fd, into.data(), kPacket, MSG_DONTWAIT, field.to_far.raw(), field.to_far.raw_size());
    }
  });
  for (const int fd : fds) field.binder.unbind(fd);
}
BENCHMARK(BM_FloorRecvSend)->Arg(1)->Arg(100)->Arg(1000)->UseManualTime();

void BM_FloorOneSocket(benchmark::State& state) {
  constexpr std::size_t kBurst = 64;
  const auto legs = static_cast<std::size_t>(state.range(0));
  Field field(1);
  const int fd = field.ports[0].release();
  const int buffer = 8 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  field.addresses.assign(legs, field.addresses[0]);
  std::array<std::array<char, 2048>, kBurst> bytes;
  std::array<iovec, kBurst> vectors;
  std::array<mmsghdr, kBurst> in{}, out{};
  for (std::size_t i = 0; i < kBurst; ++i) {
    vectors[i] = {bytes[i].data(), bytes[i].size()};
    in[i].msg_hdr.msg_iov = out[i].msg_hdr.msg_iov = &vectors[i];
    in[i].msg_hdr.msg_iovlen = out[i].msg_hdr.msg_iovlen = 1;
    out[i].msg_hdr.msg_name = const_cast<sockaddr*>(field.to_far.raw());
    out[i].msg_hdr.msg_namelen = field.to_far.raw_size();
  }
  run(state, field, legs, [&] {
    std::size_t seen = 0;
    for (int got = 1; got > 0; seen += static_cast<std::size_t>(got)) {
      for (iovec& one : vectors) one.iov_len = bytes[0].size();
      got = std::max(0, recvmmsg(fd, in.data(), kBurst, MSG_DONTWAIT, nullptr));
      for (int i = 0; i < got; ++i) vectors[static_cast<std::size_t>(i)].iov_len = kPacket;
      if (got > 0) sendmmsg(fd, out.data(), static_cast<unsigned>(got), MSG_DONTWAIT);
    }
    if (seen != legs) state.SkipWithError("packets missing");
  });
  field.binder.unbind(fd);
}
BENCHMARK(BM_FloorOneSocket)->Arg(1)->Arg(100)->Arg(1000)->UseManualTime();

}  // namespace
}  // namespace tandem::loop
