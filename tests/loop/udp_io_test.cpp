// The backends of MediaIo that move real packets, UdpIo and SharedIo, on the loopback interface, IPv4 and
// IPv6: one suite for both. What is sent there is in the receiver's queue when the call returns: no waiting
// anywhere. SharedIo is skipped, with the reason, where the machine does not allow it.
#include "core/loop/udp_io.hpp"

#include <gtest/gtest.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "core/loop/packet_io.hpp"
#include "core/loop/shared_io.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/loop/udp_datagram.hpp"
#include "tests/loop/allocation_trap.hpp"

namespace tandem::loop {
namespace {

struct Got {
  PortId port;
  std::string bytes;
  Address source;
  TimePoint at;
};

class Collector final : public DatagramSink {
 public:
  void on_datagram(const Datagram& datagram) override {
    got.push_back({datagram.port, std::string(datagram.bytes.begin(), datagram.bytes.end()), datagram.source,
                   datagram.at});
    if (then) then(datagram);
  }
  std::vector<Got> got;
  std::function<void(const Datagram&)> then;
};

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Kind {
  const char* host;
  PacketBackend backend;
};

class UdpIoTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto opened = PacketIo::open(GetParam().backend, 1, 16);
    if (!opened && opened.error().code != ErrorCode::internal) GTEST_SKIP() << opened.error().message;
    ASSERT_TRUE(opened) << opened.error().message;
    packets = std::move(*opened);
    io = packets->take();
    ASSERT_NE(io, nullptr);
    if (!bind()) GTEST_SKIP() << GetParam().host << " is not there";
  }
  // True for IPv4 ports of SharedIo: its IPv6 ones are sockets.
  bool shared() const {
    return GetParam().backend == PacketBackend::shared && std::string(GetParam().host) != "::1";
  }
  Result<BoundPort> bind(std::uint16_t port = 0, PortOptions options = {}) {
    return packets->binder().bind(*Address::parse(GetParam().host, port), options);
  }
  PortId open() {
    auto bound = bind();
    EXPECT_TRUE(bound);
    return io->adopt(std::move(*bound));
  }
  // A socket of somebody else.
  int outside() {
    auto bound = others.bind(*Address::parse(GetParam().host, 0), {});
    EXPECT_TRUE(bound);
    outside_address = bound->local();
    return bound->release();
  }
  void send(PortId from, PortId to, const std::string& text) {
    io->queue_send(from, io->local(to), bytes_of(text));
  }
  std::size_t drain(Collector& to) { return io->drain(monotonic_now(), to); }

  UdpBinder others;
  std::unique_ptr<PacketIo> packets;
  std::unique_ptr<MediaIo> io;
  Collector sink;
  Address outside_address;
};

TEST_P(UdpIoTest, CarriesDatagramsBothWays) {
  const PortId a = open(), b = open();
  const TimePoint before = monotonic_now();
  send(a, b, "hello");
  send(b, a, "and back");
  EXPECT_EQ(drain(sink), 0u);  // nothing leaves before flush
  io->flush();
  ASSERT_EQ(drain(sink), 2u);
  for (const Got& got : sink.got) {
    EXPECT_EQ(got.port, got.bytes == "hello" ? b : a);
    EXPECT_EQ(got.source, io->local(got.bytes == "hello" ? a : b));
    EXPECT_GE(got.at, before - milliseconds(1));
    EXPECT_LE(got.at, monotonic_now());
  }
  EXPECT_EQ(io->counters().sent.get(), 2u);
  EXPECT_EQ(io->counters().received.get(), 2u);
  EXPECT_EQ(io->counters().received_bytes.get(), 13u);
}

TEST_P(UdpIoTest, WhatCameBeforeThePortWasAdoptedIsHeardFirst) {
  auto bound = bind();
  ASSERT_TRUE(bound);
  const Address local = bound->local();
  const int peer = outside();
  const auto say = [&](const char* text) {
    ASSERT_GT(::sendto(peer, text, strlen(text), 0, local.raw(), local.raw_size()), 0);
  };
  say("early");
  const PortId port = io->adopt(std::move(*bound));
  say("late");
  ASSERT_EQ(drain(sink), 2u);
  EXPECT_EQ(sink.got[0].bytes, "early");
  EXPECT_EQ(sink.got[1].bytes, "late");
  for (const Got& got : sink.got) {
    EXPECT_EQ(got.port, port);
    EXPECT_EQ(got.source, outside_address);
  }
  EXPECT_EQ(drain(sink), 0u);
  ::close(peer);
}

TEST_P(UdpIoTest, AWholeBurstThatCameBeforeThePortWasAdoptedIsHeard) {
  auto bound = bind();
  ASSERT_TRUE(bound);
  const Address local = bound->local();
  const int peer = outside();
  const std::array<char, 172> packet{};
  for (int i = 0; i < 20; ++i)
    ASSERT_GT(::sendto(peer, packet.data(), packet.size(), 0, local.raw(), local.raw_size()), 0);
  (void)io->adopt(std::move(*bound));
  EXPECT_EQ(drain(sink), 20u);
  ::close(peer);
}

TEST_P(UdpIoTest, ReceiveTimeIsThatOfArrivalNotOfTheDrain) {
  const PortId a = open(), b = open();
  // The kernel switches receive times on some moments after the first socket asks: a few tries, each of which
  // would fail if the times were those of the drain.
  Nanos least = seconds(1);
  for (int tries = 0; tries < 300 && least >= milliseconds(2); ++tries) {
    send(a, b, "early");
    io->flush();
    const TimePoint sent = monotonic_now();
    while (monotonic_now() - sent < milliseconds(3)) {
    }
    sink.got.clear();
    ASSERT_EQ(drain(sink), 1u);
    least = std::min<Nanos>(least, sink.got[0].at - sent);
  }
  EXPECT_LT(least, milliseconds(2));
}

TEST_P(UdpIoTest, ARunOfOnePortKeepsItsOrder) {
  const PortId a = open(), b = open(), c = open();
  for (int i = 0; i < 20; ++i) send(a, b, std::to_string(i));  // a run: one system call
  send(c, b, "from c");
  io->flush();
  ASSERT_EQ(drain(sink), 21u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sink.got[static_cast<std::size_t>(i)].bytes, std::to_string(i));
}

TEST_P(UdpIoTest, MoreThanABatchFlushesItself) {
  std::vector<PortId> ports;
  for (int i = 0; i < 10; ++i) ports.push_back(open());
  for (std::size_t i = 0; i < UdpIo::kBatch + 20; ++i) send(ports[0], ports[1 + i % 9], "x");
  EXPECT_EQ(io->counters().sent.get(), UdpIo::kBatch);
  io->flush();
  EXPECT_EQ(drain(sink), UdpIo::kBatch + 20);
}

TEST_P(UdpIoTest, AFloodOnOnePortDoesNotStarveTheOthers) {
  auto bound = bind(0, {46, 1 << 20});
  ASSERT_TRUE(bound);
  const PortId flooded = io->adopt(std::move(*bound));
  const PortId source = open();
  std::vector<PortId> quiet;
  for (int i = 0; i < 5; ++i) quiet.push_back(open());
  for (std::size_t i = 0; i < 3 * UdpIo::kPortBudget; ++i) send(source, flooded, "flood");
  for (const PortId port : quiet) send(source, port, "call");
  io->flush();
  drain(sink);
  std::size_t calls = 0, floods = 0;
  for (const Got& got : sink.got) (got.bytes == "call" ? calls : floods) += 1;
  EXPECT_EQ(calls, 5u);
  EXPECT_EQ(floods, UdpIo::kPortBudget);
  EXPECT_EQ(io->counters().over_budget.get(), shared() ? 2 * UdpIo::kPortBudget : 1u);
  EXPECT_EQ(drain(sink), shared() ? 0u : UdpIo::kPortBudget);  // the rest waited, or stood in everybody's way
}

TEST_P(UdpIoTest, ASmallReceiveBufferDropsTheRestOfAFlood) {
  if (shared()) GTEST_SKIP() << "one large buffer for all; the port's budget bounds what is heard";
  const PortId a = open(), b = open();
  const std::string packet(172, 'x');
  for (int i = 0; i < 2000; ++i) send(a, b, packet);
  io->flush();
  std::size_t got = 0;
  for (std::size_t more = drain(sink); more != 0; more = drain(sink)) got += more;
  EXPECT_GT(got, 40u);
  EXPECT_LT(got, 500u);
}

TEST_P(UdpIoTest, AFocusedPortHearsItsPeerThroughAnyFlood) {
  const PortId ours = open(), peer = open(), stranger = open();
  ASSERT_TRUE(io->focus(ours, io->local(peer)));
  for (int i = 0; i < 1000; ++i) send(stranger, ours, "noise");
  send(peer, ours, "voice");
  send(ours, peer, "answer");
  io->flush();
  ASSERT_EQ(drain(sink), 2u);
  EXPECT_EQ(sink.got[0].bytes.size() + sink.got[1].bytes.size(), 11u);
  EXPECT_TRUE(io->focus(ours, Address()));
  send(stranger, ours, "heard again");
  io->flush();
  sink.got.clear();
  for (std::size_t more = drain(sink); more != 0; more = drain(sink)) {
  }
  ASSERT_FALSE(sink.got.empty());
  EXPECT_EQ(sink.got.back().bytes, "heard again");
}

TEST_P(UdpIoTest, APeerThatIsGoneCostsNoLaterPacket) {
  const PortId ours = open(), gone = open(), peer = open();
  const Address nobody = io->local(gone);
  io->close(gone);
  ASSERT_TRUE(io->focus(ours, nobody));
  for (int i = 0; i < 3; ++i) {
    io->queue_send(ours, nobody, bytes_of("anybody there"));
    io->flush();  // answered by an ICMP error, which the next call on the socket returns
  }
  send(ours, peer, "here");
  io->flush();
  drain(sink);
  ASSERT_EQ(sink.got.size(), 1u);
  EXPECT_EQ(sink.got[0].bytes, "here");
  EXPECT_EQ(io->counters().sent.get(), 4u);
}

TEST_P(UdpIoTest, LongDatagramsAreDroppedAndCounted) {
  const PortId a = open();
  const std::string huge(MediaIo::kDatagramMax + 1, 'x');
  const Address to = io->local(a);
  const int fd = outside();
  ASSERT_EQ(sendto(fd, huge.data(), huge.size(), 0, to.raw(), to.raw_size()),
            static_cast<ssize_t>(huge.size()));
  ASSERT_EQ(sendto(fd, huge.data(), huge.size() - 1, 0, to.raw(), to.raw_size()),
            static_cast<ssize_t>(huge.size() - 1));
  ASSERT_EQ(sendto(fd, "", 0, 0, to.raw(), to.raw_size()), 0);
  ::close(fd);
  EXPECT_EQ(drain(sink), 3u);
  ASSERT_EQ(sink.got.size(), 2u);
  EXPECT_EQ(sink.got[0].bytes.size(), MediaIo::kDatagramMax);
  EXPECT_EQ(sink.got[1].bytes.size(), 0u);
  EXPECT_EQ(io->counters().truncated.get(), 1u);
}

TEST_P(UdpIoTest, NonsenseIsCountedAndNotSent) {
  const PortId a = open();
  io->queue_send(a, Address(), bytes_of("x"));
  io->queue_send(a, io->local(a), {});
  io->queue_send(a, io->local(a), bytes_of(std::string(MediaIo::kDatagramMax + 1, 'x')));
  io->queue_send(kNoPort, io->local(a), bytes_of("x"));
  io->queue_send(PortId{77}, io->local(a), bytes_of("x"));
  io->close(kNoPort);
  io->flush();
  EXPECT_EQ(drain(sink), 0u);
  EXPECT_EQ(io->counters().send_errors.get(), 5u);
  EXPECT_EQ(io->adopt(BoundPort()), kNoPort);
}

TEST_P(UdpIoTest, NothingOfAClosedPortIsHeardEvenWithinItsOwnBurst) {
  const PortId a = open(), b = open();
  for (int i = 0; i < 5; ++i) send(a, b, "x");
  io->flush();
  sink.then = [this](const Datagram& datagram) {
    io->close(datagram.port);
    EXPECT_EQ(open(), datagram.port);  // takes the place at once
  };
  drain(sink);
  EXPECT_EQ(sink.got.size(), 1u);
  EXPECT_EQ(drain(sink), 0u);
  EXPECT_EQ(io->ports(), 2u);
}

TEST_P(UdpIoTest, WhatIsQueuedGoesOutBeforeItsPortCloses) {
  const PortId a = open(), b = open();
  send(a, b, "bye");
  io->close(a);
  EXPECT_EQ(drain(sink), 1u);
}

TEST_P(UdpIoTest, APortIsBoundOnce) {
  auto first = bind();
  ASSERT_TRUE(first);
  auto second = bind(first->local().port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().message.find(first->local().text()), std::string::npos);
}

// SharedIo finds a port of one host by its number and those of others elsewhere.
TEST_P(UdpIoTest, OnePortNumberOfTwoHostsLeadsToEach) {
  if (std::string(GetParam().host) == "::1") GTEST_SKIP() << "one host";
  const PortId from = open(), first = open();
  const std::uint16_t number = io->local(first).port();
  const auto other_host = [&] {
    auto bound = packets->binder().bind(*Address::parse("127.0.0.2", number), {});
    EXPECT_TRUE(bound);
    return io->adopt(std::move(*bound));
  };
  const auto heard = [&](const std::vector<PortId>& ports) {
    sink.got.clear();
    for (const PortId port : ports) send(from, port, "for it");
    io->flush();
    drain(sink);
    std::vector<PortId> by;
    for (const Got& got : sink.got) by.push_back(got.port);
    return std::is_permutation(by.begin(), by.end(), ports.begin(), ports.end());
  };
  const PortId second = other_host();
  EXPECT_TRUE(heard({first, second, first}));
  io->close(first);
  EXPECT_TRUE(heard({second}));
  auto bound = bind(number);  // finds the place free
  ASSERT_TRUE(bound);
  const PortId third = io->adopt(std::move(*bound));
  EXPECT_TRUE(heard({third, second}));
  io->close(second);
  EXPECT_TRUE(heard({third}));
  const PortId fourth = other_host();
  EXPECT_TRUE(heard({fourth, third}));
}

TEST_P(UdpIoTest, ABoundPortThatIsDroppedIsFreeAgain) {
  std::uint16_t port = 0;
  {
    auto bound = bind();
    port = bound->local().port();
    BoundPort moved = std::move(*bound);
    EXPECT_FALSE(bound->valid());
  }
  EXPECT_TRUE(bind(port));
}

TEST_P(UdpIoTest, TheDescriptorWakesWhenADatagramIsThere) {
  const PortId a = open(), b = open();
  pollfd wait{io->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&wait, 1, 0), 0);
  send(a, b, "x");
  io->flush();
  EXPECT_EQ(poll(&wait, 1, 0), 1);
  drain(sink);
  EXPECT_EQ(poll(&wait, 1, 0), 0);
}

TEST_P(UdpIoTest, SendsWithTheDscpOfThePort) {
  const int fd = outside();
  const bool v6 = outside_address.family() == Family::v6;
  const int on = 1;
  ASSERT_EQ(setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVTCLASS : IP_RECVTOS, &on, sizeof on),
            0);
  const auto tos = [&] {
    char text[16];
    alignas(cmsghdr) char control[128];
    iovec vector{text, sizeof text};
    msghdr head{};
    head.msg_iov = &vector;
    head.msg_iovlen = 1;
    head.msg_control = control;
    head.msg_controllen = sizeof control;
    if (recvmsg(fd, &head, MSG_DONTWAIT) < 0) return -1;
    const cmsghdr* c = CMSG_FIRSTHDR(&head);
    while (c != nullptr && c->cmsg_level == SOL_SOCKET) c = CMSG_NXTHDR(&head, const_cast<cmsghdr*>(c));
    if (c == nullptr) return -2;
    int wide = 0;  // IPv4 gives a byte, IPv6 an int
    std::memcpy(&wide, CMSG_DATA(c), v6 ? sizeof wide : 1);
    return wide;
  };
  const PortId port = open();
  io->queue_send(port, outside_address, bytes_of("ef"));
  io->flush();
  EXPECT_EQ(tos(), 46 << 2);
  io->set_dscp(port, 10);
  io->queue_send(port, outside_address, bytes_of("af11"));
  io->flush();
  EXPECT_EQ(tos(), 10 << 2);
  ::close(fd);
}

TEST_P(UdpIoTest, WhatItSendsComesFromThePortAndIsWhole) {
  const int fd = outside();
  const PortId port = open();
  for (const std::size_t bytes : {1u, 2u, 3u, 171u, 172u, 1400u}) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(i * 37 + bytes);
    io->queue_send(port, outside_address, bytes_of(text));
    io->flush();
    char got[1600];
    sockaddr_in6 from{};
    socklen_t size = sizeof from;
    const ssize_t n = recvfrom(fd, got, sizeof got, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
    ASSERT_EQ(n, static_cast<ssize_t>(bytes));  // a wrong checksum would not come through
    EXPECT_EQ(std::string(got, bytes), text);
    EXPECT_EQ(Address::from(reinterpret_cast<const sockaddr*>(&from), size), io->local(port));
  }
  ::close(fd);
}

// Relays everything between two ports, as the media loop will.
class Relay final : public DatagramSink {
 public:
  Relay(MediaIo& io, PortId a, PortId b, const Address& to_a, const Address& to_b)
      : io_(io), a_(a), b_(b), to_a_(to_a), to_b_(to_b) {}
  void on_datagram(const Datagram& datagram) override {
    const bool from_a = datagram.port == a_;
    io_.queue_send(from_a ? b_ : a_, from_a ? to_b_ : to_a_, datagram.bytes);
  }

 private:
  MediaIo& io_;
  const PortId a_, b_;
  const Address to_a_, to_b_;
};

TEST_P(UdpIoTest, RelayingAllocatesNothing) {
  const PortId a = open(), b = open(), phone_a = open(), phone_b = open();
  Relay relay(*io, a, b, io->local(phone_a), io->local(phone_b));
  const std::string packet(172, 'x');
  const Address to_a = io->local(a);
  const testing::AllocationTrap trap;
  for (int i = 0; i < 100; ++i) {
    io->queue_send(phone_a, to_a, bytes_of(packet));
    io->flush();
    io->drain(monotonic_now(), relay);
    io->flush();
  }
  EXPECT_EQ(trap.count(), 0u);
  EXPECT_GE(io->counters().sent.get(), 200u);
}

INSTANTIATE_TEST_SUITE_P(
    Loopback, UdpIoTest,
    ::testing::Values(Kind{"127.0.0.1", PacketBackend::sockets}, Kind{"::1", PacketBackend::sockets},
                      Kind{"127.0.0.1", PacketBackend::shared}, Kind{"::1", PacketBackend::shared}),
    [](const auto& param) {
      return std::string(param.param.backend == PacketBackend::shared ? "Shared" : "Sockets") +
             (std::string(param.param.host) == "::1" ? "IPv6" : "IPv4");
    });

// ---- only of the shared one

class SharedIoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = PacketIo::open(PacketBackend::shared, 2, 16);
    if (!opened) GTEST_SKIP() << opened.error().message;
    packets = std::move(*opened);
    first = packets->take();
    second = packets->take();
  }
  PortId open(MediaIo& io, const char* host, std::uint16_t port = 0) {
    auto bound = packets->binder().bind(*Address::parse(host, port), {});
    EXPECT_TRUE(bound) << bound.error().message;
    return bound ? io.adopt(std::move(*bound)) : kNoPort;
  }
  std::unique_ptr<PacketIo> packets;
  std::unique_ptr<MediaIo> first, second;
  Collector sink;
};

TEST_F(SharedIoTest, EachLoopHearsItsOwnPorts) {
  const PortId a = open(*first, "127.0.0.1"), b = open(*second, "127.0.0.1");
  first->queue_send(a, second->local(b), bytes_of("to b"));
  second->queue_send(b, first->local(a), bytes_of("to a"));
  first->flush();
  second->flush();
  EXPECT_EQ(first->drain(monotonic_now(), sink), 1u);
  ASSERT_EQ(sink.got.size(), 1u);
  EXPECT_EQ(sink.got[0].bytes, "to a");
  EXPECT_EQ(second->drain(monotonic_now(), sink), 1u);
  EXPECT_EQ(sink.got[1].bytes, "to b");
  EXPECT_EQ(packets->take(), nullptr) << "two were asked for";
}

TEST_F(SharedIoTest, OneNumberOnTwoAddressesAreTwoPorts) {
  const PortId a = open(*first, "127.0.0.1");
  const std::uint16_t number = first->local(a).port();
  const PortId b = open(*first, "127.0.0.2", number);
  const PortId c = open(*second, "127.0.0.3", number), from = open(*second, "127.0.0.1");
  for (const Address& to : {first->local(a), first->local(b), second->local(c)})
    second->queue_send(from, to, bytes_of(to.host()));
  second->flush();
  EXPECT_EQ(first->drain(monotonic_now(), sink), 2u);
  EXPECT_EQ(second->drain(monotonic_now(), sink), 1u);
  ASSERT_EQ(sink.got.size(), 3u);
  EXPECT_EQ(sink.got[0].port, a);
  EXPECT_EQ(sink.got[0].bytes, "127.0.0.1");
  EXPECT_EQ(sink.got[1].port, b);
  EXPECT_EQ(sink.got[1].bytes, "127.0.0.2");
  EXPECT_EQ(sink.got[2].bytes, "127.0.0.3");
  first->close(a);
  second->queue_send(from, first->local(b), bytes_of("still there"));
  second->flush();
  EXPECT_EQ(first->drain(monotonic_now(), sink), 1u);
}

TEST_F(SharedIoTest, OthersKeepTheirPortsAndCannotTakeOurs) {
  UdpBinder others;
  auto theirs = others.bind(*Address::parse("127.0.0.1", 0), {});
  ASSERT_TRUE(theirs);
  EXPECT_FALSE(packets->binder().bind(theirs->local(), {})) << "it is bound by somebody";
  const PortId ours = open(*first, "127.0.0.1");
  const auto stolen = others.bind(first->local(ours), {});
  ASSERT_FALSE(stolen);
  EXPECT_EQ(stolen.error().code, ErrorCode::conflict);
  first->queue_send(ours, theirs->local(), bytes_of("to somebody else"));
  first->flush();
  EXPECT_EQ(first->drain(monotonic_now(), sink), 0u);
  char got[32];
  EXPECT_EQ(recv(theirs->release(), got, sizeof got, MSG_DONTWAIT), 16);
}

TEST_F(SharedIoTest, NothingIsLeftOfAPortThatIsClosed) {
  const PortId from = open(*second, "127.0.0.1");
  for (int i = 0; i < 100; ++i) {  // more than the table holds
    const PortId port = open(*first, "127.0.0.1");
    const Address local = first->local(port);
    first->close(port);
    UdpBinder others;
    EXPECT_TRUE(others.bind(local, {})) << "the number is free";
    second->queue_send(from, local, bytes_of("late"));
    second->flush();
  }
  EXPECT_EQ(first->drain(monotonic_now(), sink), 0u);
  auto dropped = packets->binder().bind(*Address::parse("127.0.0.1", 0), {});
  ASSERT_TRUE(dropped);
}

TEST(UdpDatagram, HasTheHeadersOfTheRfcs) {
  // RFC 1071 3: the example sums to ddf2.
  const std::uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(ones_sum(example), 0xddf2u);
  EXPECT_EQ(ones_sum({}, 0x1234), 0x1234u);
  const std::uint8_t odd[] = {0x12, 0x34, 0x56};
  EXPECT_EQ(ones_sum(odd), 0x1234u + 0x5600u);
  const std::string text = "hello";
  const auto header = ip_udp_header(*Address::parse("192.0.2.1", 20000),
                                    *Address::parse("198.51.100.7", 4000), 0xb8, bytes_of(text));
  const std::uint8_t expected[] = {0x45, 0xb8, 0, 33,  0,  0,   0x40, 0,    64,   17,   0,    0, 192,
                                   0,    2,    1, 198, 51, 100, 7,    0x4e, 0x20, 0x0f, 0xa0, 0, 13};
  EXPECT_TRUE(std::equal(std::begin(expected), std::end(expected), header.begin()));
  // The receiver's check: everything with the checksum sums to ffff.
  std::uint32_t sum = ones_sum(std::span(header).subspan(12), 17 + 13);
  EXPECT_EQ(ones_sum(bytes_of(text), sum), 0xffffu);
}

TEST(UdpDatagram, HasNoChecksumWithinTheMachine) {
  const auto checksum_to = [](const char* host) {
    const auto header =
        ip_udp_header(*Address::parse(host, 20000), *Address::parse(host, 4000), 0, bytes_of("hello"));
    return header[26] << 8 | header[27];
  };
  for (const char* host : {"127.0.0.1", "127.255.255.254"}) EXPECT_EQ(checksum_to(host), 0) << host;
  for (const char* host : {"126.255.255.255", "128.0.0.1", "192.168.1.127", "10.127.0.1"})
    EXPECT_NE(checksum_to(host), 0) << host;
}

TEST(PacketIo, TakesTheSocketsWhereTheSharedOneCannotBeHad) {
  auto automatic = PacketIo::open(PacketBackend::automatic, 1, 16);
  ASSERT_TRUE(automatic);
  EXPECT_EQ(std::string((*automatic)->name()) == "shared", (*automatic)->why_not().empty());
  auto sockets = PacketIo::open(PacketBackend::sockets, 1, 16);
  ASSERT_TRUE(sockets);
  EXPECT_STREQ((*sockets)->name(), "sockets");
  EXPECT_STREQ((*sockets)->take()->name(), "udp");
  // Without the right to it: in a child, because rights do not come back.
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(9);
    auto fallen = PacketIo::open(PacketBackend::automatic, 1, 16);
    const bool fine = fallen && std::string((*fallen)->name()) == "sockets" && !(*fallen)->why_not().empty();
    const auto refused = PacketIo::open(PacketBackend::shared, 1, 16);
    _exit(fine && !refused && refused.error().message.find("media.io") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 9) GTEST_SKIP() << "not root: nothing to give up";
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(UdpBinder, SaysWhatIsWrong) {
  UdpBinder binder;
  EXPECT_EQ(binder.bind(Address(), {}).error().code, ErrorCode::invalid);
  const auto foreign = binder.bind(*Address::parse("192.0.2.1", 4000), {});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::invalid);
  EXPECT_NE(foreign.error().message.find("192.0.2.1:4000"), std::string::npos);
}

TEST(UdpBinder, Ipv4AndIpv6WildcardsShareAPortNumber) {
  UdpBinder binder;
  auto v6 = binder.bind(*Address::parse("::", 0), {});
  if (!v6) GTEST_SKIP() << "no IPv6 here";
  EXPECT_TRUE(binder.bind(*Address::parse("0.0.0.0", v6->local().port()), {}));
}

}  // namespace
}  // namespace tandem::loop
