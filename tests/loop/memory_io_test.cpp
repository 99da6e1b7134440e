// The network in memory: delay, loss, order, limits, on counted time.
#include "core/loop/memory_io.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/loop/allocation_trap.hpp"

namespace tandem::loop {
namespace {

std::span<const std::uint8_t> octets_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
Address at(const char* host, int port) { return *Address::parse(host, static_cast<std::uint16_t>(port)); }
TimePoint ms(int n) { return TimePoint(milliseconds(n)); }

class Mailbox final : public DatagramSink {
 public:
  void on_datagram(const Datagram& datagram) override {
    got.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
    last = datagram;
  }
  std::vector<std::string> got;
  Datagram last;
};

class MemoryIoTest : public ::testing::Test {
 protected:
  PortId open(const char* host, int port) {
    auto bound = network.bind(at(host, port), {});
    EXPECT_TRUE(bound);
    return io.adopt(std::move(*bound));
  }
  std::vector<std::string> heard(MemoryPhone& by, TimePoint now) {
    std::vector<std::string> out;
    by.receive(
        now, [&out](auto bytes, const Address&, TimePoint) { out.emplace_back(bytes.begin(), bytes.end()); });
    return out;
  }
  MemoryNetwork network{64};
  MemoryIo io{network};
  MemoryPhone phone{network, at("10.0.0.1", 4000)};
  Mailbox sink;
};

TEST_F(MemoryIoTest, CarriesDatagramsBothWays) {
  const PortId port = open("10.0.0.9", 20000);
  phone.send(ms(5), at("10.0.0.9", 20000), octets_of("hello"));
  EXPECT_EQ(io.drain(ms(4), sink), 0u);  // not yet sent
  EXPECT_EQ(io.drain(ms(5), sink), 1u);
  EXPECT_EQ(sink.got[0], "hello");
  EXPECT_EQ(sink.last.source, phone.local());
  EXPECT_EQ(sink.last.port, port);
  EXPECT_EQ(sink.last.at, ms(5));
  io.queue_send(port, phone.local(), octets_of("back"));
  EXPECT_EQ(heard(phone, ms(5)), std::vector<std::string>{"back"});
}

TEST_F(MemoryIoTest, FateDelaysLosesCopiesAndReorders) {
  open("10.0.0.9", 20000);
  network.set_fate([](const Address&, const Address&, std::span<const std::uint8_t> bytes) {
    switch (bytes[0]) {
      case 'd': return Fate{false, milliseconds(30), 1};
      case 'l': return Fate{true, {}, 1};
      case 'c': return Fate{false, {}, 3};
      default: return Fate{false, milliseconds(10), 1};
    }
  });
  for (const char* text : {"d", "l", "c", "x"}) phone.send(ms(0), at("10.0.0.9", 20000), octets_of(text));
  EXPECT_EQ(network.next_due(), ms(0));
  EXPECT_EQ(io.drain(ms(0), sink), 3u);
  EXPECT_EQ(io.drain(ms(9), sink), 0u);
  EXPECT_EQ(network.next_due(), ms(10));
  EXPECT_EQ(io.drain(ms(100), sink), 2u);
  EXPECT_EQ(sink.got, (std::vector<std::string>{"c", "c", "c", "x", "d"}));
  EXPECT_EQ(sink.last.at, ms(30));
  EXPECT_EQ(network.lost(), 1u);
  EXPECT_EQ(network.next_due(), TimePoint::max());
}

TEST_F(MemoryIoTest, AWildcardHearsAllAddressesOfItsFamily) {
  open("0.0.0.0", 20000);
  phone.send(ms(0), at("10.9.9.9", 20000), octets_of("a"));
  phone.send(ms(0), at("2001:db8::1", 20000), octets_of("b"));
  EXPECT_EQ(io.drain(ms(0), sink), 1u);
  EXPECT_EQ(network.unreachable(), 1u);
}

TEST_F(MemoryIoTest, AnAddressIsOwnedOnce) {
  EXPECT_EQ(network.bind(at("10.0.0.1", 4000), {}).error().code, ErrorCode::conflict);
  EXPECT_EQ(network.bind(at("0.0.0.0", 4000), {}).error().code, ErrorCode::conflict);
  EXPECT_TRUE(network.bind(at("10.0.0.2", 4000), {}));
  EXPECT_TRUE(network.bind(at("::", 4000), {}));
  const auto any = network.bind(at("10.0.0.1", 0), {});
  ASSERT_TRUE(any);
  EXPECT_GE(any->local().port(), 49152);
}

TEST_F(MemoryIoTest, AFullPoolDropsAndIsGivenBackOnClose) {
  const PortId port = open("10.0.0.9", 20000);
  for (int i = 0; i < 70; ++i) phone.send(ms(0), at("10.0.0.9", 20000), octets_of("x"));
  EXPECT_EQ(network.overflowed(), 6u);
  io.close(port);
  EXPECT_EQ(io.drain(ms(0), sink), 0u);
  open("10.0.0.9", 20000);
  for (int i = 0; i < 64; ++i) phone.send(ms(0), at("10.0.0.9", 20000), octets_of("x"));
  EXPECT_EQ(network.overflowed(), 6u);
  EXPECT_EQ(io.drain(ms(0), sink), 64u);
}

TEST_F(MemoryIoTest, AFocusedPortHearsItsPeerOnly) {
  const PortId port = open("10.0.0.9", 20000);
  MemoryPhone stranger(network, at("10.0.0.66", 6));
  ASSERT_TRUE(io.focus(port, phone.local()));
  stranger.send(ms(0), at("10.0.0.9", 20000), octets_of("noise"));
  phone.send(ms(0), at("10.0.0.9", 20000), octets_of("voice"));
  io.drain(ms(0), sink);
  EXPECT_EQ(sink.got, std::vector<std::string>{"voice"});
}

TEST_F(MemoryIoTest, SteadyStateAllocatesNothing) {
  class Echo final : public DatagramSink {
   public:
    explicit Echo(MediaIo& io) : io_(io) {}
    void on_datagram(const Datagram& d) override { io_.queue_send(d.port, d.source, d.bytes); }

   private:
    MediaIo& io_;
  };
  open("10.0.0.9", 20000);
  Echo echo(io);
  const std::string packet(172, 'x');
  std::size_t echoed = 0;
  const std::function<void(std::span<const std::uint8_t>, const Address&, TimePoint)> count =
      [&echoed](auto, const Address&, TimePoint) { ++echoed; };
  const Address to = at("10.0.0.9", 20000);
  const testing::AllocationTrap trap;
  for (int i = 0; i < 1000; ++i) {
    phone.send(ms(i), to, octets_of(packet));
    io.drain(ms(i), echo);
    io.flush();
    phone.receive(ms(i), count);
  }
  EXPECT_EQ(trap.count(), 0u);
  EXPECT_EQ(echoed, 1000u);
}

}  // namespace
}  // namespace tandem::loop
