// UdpIo on the loopback interface, IPv4 and IPv6. What is sent there is in the receiver's queue when the call
// returns: no waiting anywhere.
#include "core/loop/udp_io.hpp"

#include <gtest/gtest.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <vector>

#include "core/loop/tick_timer.hpp"
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

class UdpIoTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto made = UdpIo::create(16);
    ASSERT_TRUE(made);
    io = std::move(*made);
    if (!binder.bind(*Address::parse(GetParam(), 0), {})) GTEST_SKIP() << GetParam() << " is not there";
  }
  Result<BoundPort> bind(std::uint16_t port = 0, PortOptions options = {}) {
    return binder.bind(*Address::parse(GetParam(), port), options);
  }
  PortId open() {
    auto bound = bind();
    EXPECT_TRUE(bound);
    return io->adopt(std::move(*bound));
  }
  void send(PortId from, PortId to, const std::string& text) {
    io->queue_send(from, io->local(to), bytes_of(text));
  }
  std::size_t drain(Collector& to) { return io->drain(monotonic_now(), to); }

  UdpBinder binder;
  std::unique_ptr<UdpIo> io;
  Collector sink;
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
  EXPECT_EQ(io->counters().over_budget.get(), 1u);
  EXPECT_EQ(drain(sink), UdpIo::kPortBudget);  // the rest waited
}

TEST_P(UdpIoTest, ASmallReceiveBufferDropsTheRestOfAFlood) {
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
  auto raw = bind();
  ASSERT_TRUE(raw);
  const std::string huge(MediaIo::kDatagramMax + 1, 'x');
  const Address to = io->local(a);
  auto outside = bind();
  const int fd = outside->release();
  ASSERT_EQ(sendto(fd, huge.data(), huge.size(), 0, to.raw(), to.raw_size()),
            static_cast<ssize_t>(huge.size()));
  ASSERT_EQ(sendto(fd, huge.data(), huge.size() - 1, 0, to.raw(), to.raw_size()),
            static_cast<ssize_t>(huge.size() - 1));
  ASSERT_EQ(sendto(fd, "", 0, 0, to.raw(), to.raw_size()), 0);
  binder.unbind(fd);
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

TEST_P(UdpIoTest, SetsTheDscp) {
  auto bound = bind(0, {46, 0});
  ASSERT_TRUE(bound);
  const int fd = bound->release();
  const bool v6 = bound->local().family() == Family::v6;
  const auto tos = [&] {
    int bits = 0;
    socklen_t size = sizeof bits;
    getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &bits, &size);
    return bits;
  };
  EXPECT_EQ(tos(), 46 << 2);
  const PortId port = io->adopt(BoundPort(binder, fd, bound->local()));
  io->set_dscp(port, 10);
  EXPECT_EQ(tos(), 10 << 2);
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

INSTANTIATE_TEST_SUITE_P(Loopback, UdpIoTest, ::testing::Values("127.0.0.1", "::1"), [](const auto& param) {
  return std::string(param.param) == "::1" ? "IPv6" : "IPv4";
});

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
