#include "bench/load/generator.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/codec/g711.hpp"

namespace tandem::load {
namespace {

constexpr std::uint64_t kPacketNs = 20'000'000;
constexpr std::size_t kBytes = 172;
constexpr std::size_t kBurst = 64;

std::uint64_t clock_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1000000000u + static_cast<std::uint64_t>(t.tv_nsec);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

double percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

std::uint64_t cpu_ns() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ns = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1000000000u + static_cast<std::uint64_t>(t.tv_usec) * 1000u;
  };
  return ns(used.ru_utime) + ns(used.ru_stime);
}

}  // namespace

Generator::Generator(const Options& options, Server& server)
    : options_(options), server_(server), legs_(options.legs), by_port_(65536, 0xffff) {
  for (unsigned i = 0; i < kGeneratorSockets; ++i) {
    sockets_[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in local = loopback(static_cast<std::uint16_t>(options.generator_port + i));
    const int buffer = 8 << 20, on = 1;
    setsockopt(sockets_[i], SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    setsockopt(sockets_[i], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(sockets_[i], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (bind(sockets_[i], reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
      std::fprintf(stderr, "media_load: port %u is in use\n", options.generator_port + i);
      std::exit(2);
    }
  }
  for (unsigned i = 0; i < options.legs; ++i) {
    legs_[i].port = server.ports()[i];
    legs_[i].phase_ns = kPacketNs * i / options.legs;
    by_port_[legs_[i].port] = static_cast<std::uint16_t>(i);
  }
}

Generator::~Generator() {
  for (const int s : sockets_) close(s);
}

Figures Generator::run() {
  real_minus_mono_ = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME)) -
                     static_cast<std::int64_t>(clock_ns(CLOCK_MONOTONIC));
  const std::uint64_t begin = clock_ns(CLOCK_MONOTONIC) + 50'000'000;
  for (Leg& leg : legs_) leg.next_ns = begin + leg.phase_ns;
  const std::uint64_t warm = begin + 2'000'000'000;
  const std::uint64_t end = warm + std::uint64_t{options_.seconds} * 1'000'000'000;
  Sample before, after;
  std::uint64_t own_before = 0;
  for (std::uint64_t now = begin; now < end;) {
    timespec until{static_cast<time_t>((now + 1'000'000) / 1'000'000'000),
                   static_cast<long>((now + 1'000'000) % 1'000'000'000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    now = clock_ns(CLOCK_MONOTONIC);
    if (!measuring_ && now >= warm) {
      before = server_.sample();
      own_before = cpu_ns();
      measuring_ = true;
    }
    send_due(now);
    receive(measuring_);
  }
  after = server_.sample();
  figures_.generator_cpu_percent = static_cast<double>(cpu_ns() - own_before) / 1e7 / options_.seconds;
  usleep(100'000);
  receive(true);
  for (Leg& leg : legs_) {
    if (!leg.any) continue;
    const auto expected = static_cast<std::uint16_t>(leg.last_seq - leg.first_seq) + std::uint64_t{1};
    // The sequence wraps after 1,310 s: longer runs count by 65,536s.
    const std::uint64_t wraps = leg.received / 65536 * 65536;
    figures_.lost += expected + wraps > leg.received ? expected + wraps - leg.received : 0;
    if (options_.mode == Mode::play && !leg.arrivals.empty()) {
      const std::int64_t base = *std::min_element(leg.arrivals.begin(), leg.arrivals.end());
      for (const std::int64_t a : leg.arrivals) delays_ms_.push_back(static_cast<double>(a - base) / 1e6);
    }
  }
  figures_.received = static_cast<std::uint64_t>(delays_ms_.size());
  if (options_.mode == Mode::transcode) {
    figures_.received = 0;
    for (const Leg& leg : legs_) figures_.received += leg.received;
  }
  for (const double d : delays_ms_) {
    if (d > (options_.mode == Mode::transcode ? 30.0 : options_.mode == Mode::relay_tick ? 10.0 : 5.0))
      ++figures_.late;
    figures_.max_ms = std::max(figures_.max_ms, d);
  }
  figures_.p50_ms = percentile(delays_ms_, 0.5);
  figures_.p99_ms = percentile(delays_ms_, 0.99);
  figures_.generator_late_p99_ms = percentile(own_late_ms_, 0.99);
  figures_.us_per_leg_second =
      static_cast<double>(after.cpu_ns - before.cpu_ns) / 1e3 / options_.legs / options_.seconds;
  figures_.kb_per_leg =
      static_cast<double>(after.resident_bytes - after.resident_before_bytes) / 1024 / options_.legs;
  return figures_;
}

void Generator::send_due(std::uint64_t now) {
  std::uint8_t packet[kBytes];
  for (std::size_t i = 0; i < legs_.size(); ++i) {
    Leg& leg = legs_[i];
    if (leg.next_ns > now) continue;
    if (measuring_) own_late_ms_.push_back(static_cast<double>(now - leg.next_ns) / 1e6);
    leg.next_ns += kPacketNs;
    const bool alaw = options_.mode == Mode::transcode && i % 2 == 1;
    std::memset(packet, alaw ? codec::kAlawSilence : codec::kUlawSilence, sizeof packet);
    packet[0] = 0x80;
    packet[1] = alaw ? 8 : 0;
    const std::uint16_t seq = htons(leg.seq++);
    const std::uint32_t time = htonl(leg.time), ssrc = htonl(static_cast<std::uint32_t>(i + 1));
    leg.time += 160;
    std::memcpy(packet + 2, &seq, 2);
    std::memcpy(packet + 4, &time, 4);
    std::memcpy(packet + 8, &ssrc, 4);
    const std::uint64_t at = clock_ns(CLOCK_MONOTONIC);
    if (options_.mode == Mode::relay || options_.mode == Mode::relay_tick) std::memcpy(packet + 12, &at, 8);
    if (options_.mode == Mode::transcode && leg.seq % 50 == 25) {  // a mark each second: loud for one packet
      for (std::size_t k = 12; k < kBytes; ++k)
        packet[k] = (k / 4) % 2 == 0 ? (alaw ? 0x2a : 0x00) : (alaw ? 0xaa : 0x80);
      leg.mark_sent_ns = at;
    }
    const sockaddr_in to = loopback(leg.port);
    if (sendto(sockets_[i % kGeneratorSockets], packet, sizeof packet, 0,
               reinterpret_cast<const sockaddr*>(&to), sizeof to) > 0)
      ++figures_.sent;
  }
}

void Generator::receive(bool) {
  static mmsghdr messages[kBurst];
  static iovec vectors[kBurst];
  static std::uint8_t buffers[kBurst][2048];
  static sockaddr_in sources[kBurst];
  static char controls[kBurst][64];
  for (const int s : sockets_) {
    for (;;) {
      for (std::size_t i = 0; i < kBurst; ++i) {
        vectors[i] = {buffers[i], sizeof buffers[i]};
        messages[i].msg_hdr = {
            &sources[i], sizeof sources[i], &vectors[i], 1, controls[i], sizeof controls[i], 0};
      }
      const int n = recvmmsg(s, messages, kBurst, MSG_DONTWAIT, nullptr);
      if (n <= 0) break;
      for (int i = 0; i < n; ++i) {
        std::uint64_t at = clock_ns(CLOCK_MONOTONIC);
        msghdr& header = messages[i].msg_hdr;
        for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
          if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
          timespec t{};
          std::memcpy(&t, CMSG_DATA(c), sizeof t);
          at = static_cast<std::uint64_t>(t.tv_sec * 1000000000 + t.tv_nsec - real_minus_mono_);
        }
        const std::uint16_t index = by_port_[ntohs(sources[i].sin_port)];
        if (index < legs_.size()) take(legs_[index], buffers[i], messages[i].msg_len, at);
      }
      if (n < static_cast<int>(kBurst)) break;
    }
  }
}

void Generator::take(Leg& leg, const std::uint8_t* bytes, std::size_t size, std::uint64_t at) {
  if (!measuring_ || size < 20 || (bytes[1] & 0x7f) > 8) return;  // RTCP and events are not counted
  std::uint16_t seq = 0;
  std::uint32_t time = 0;
  std::memcpy(&seq, bytes + 2, 2);
  std::memcpy(&time, bytes + 4, 4);
  seq = ntohs(seq);
  time = ntohl(time);
  if (!leg.any) {
    leg.any = true;
    leg.first_seq = seq;
    leg.base_ns = time;
  }
  leg.last_seq = seq;
  ++leg.received;
  const auto index = static_cast<std::size_t>(&leg - legs_.data());
  switch (options_.mode) {
    case Mode::play: {
      const auto media = static_cast<std::int64_t>(
                             static_cast<std::uint32_t>(time - static_cast<std::uint32_t>(leg.base_ns))) *
                         125000;
      leg.arrivals.push_back(static_cast<std::int64_t>(at) - media);
      break;
    }
    case Mode::relay:
    case Mode::relay_tick: {
      std::uint64_t sent = 0;
      std::memcpy(&sent, bytes + 12, 8);
      delays_ms_.push_back(static_cast<double>(static_cast<std::int64_t>(at - sent)) / 1e6);
      break;
    }
    case Mode::transcode: take_marked(leg, index, bytes + 12, size - 12, at); break;
  }
}

// The mark's first loud sample: when it is heard minus when it was said.
void Generator::take_marked(Leg&, std::size_t index, const std::uint8_t* payload, std::size_t size,
                            std::uint64_t at) {
  Leg& from = legs_[index ^ 1];
  if (from.mark_sent_ns == 0) return;
  const auto& table = index % 2 == 1 ? codec::kAlawToLinear : codec::kUlawToLinear;
  for (std::size_t k = 0; k < size; ++k) {
    if (std::abs(table[payload[k]]) < 8000) continue;
    delays_ms_.push_back(static_cast<double>(static_cast<std::int64_t>(at - from.mark_sent_ns)) / 1e6 +
                         static_cast<double>(k) / 8);
    from.mark_sent_ns = 0;
    return;
  }
}

}  // namespace tandem::load
