// PortRange: pairs in use, at rest and held by others, on the network in memory.
#include "core/loop/port_range.hpp"

#include <gtest/gtest.h>

#include <set>

#include "core/loop/memory_io.hpp"

namespace tandem::loop {
namespace {

TimePoint at(Nanos span) { return TimePoint(seconds(100)) + span; }

PortRange::Config range(std::uint16_t first, std::uint16_t last) {
  return {*Address::parse("10.0.0.1", 0), first, last, {}};
}

TEST(PortRange, GivesEvenPortsAndTheOddOnesAfterThem) {
  MemoryNetwork network;
  PortRange ports(network, range(20001, 20010), 3);  // 20002 … 20009
  EXPECT_EQ(ports.pairs(), 4u);
  std::set<int> seen;
  std::vector<PortPair> held;
  for (int i = 0; i < 4; ++i) {
    auto pair = ports.open(at(seconds(0)));
    ASSERT_TRUE(pair);
    EXPECT_EQ(pair->rtp.local().port() % 2, 0);
    EXPECT_EQ(pair->rtcp.local().port(), pair->rtp.local().port() + 1);
    seen.insert(pair->rtp.local().port());
    held.push_back(std::move(*pair));
  }
  EXPECT_EQ(seen, (std::set<int>{20002, 20004, 20006, 20008}));
}

TEST(PortRange, SaysThatItIsExhaustedAndWhy) {
  MemoryNetwork network;
  PortRange ports(network, range(20000, 20003), 0);
  auto a = ports.open(at(seconds(0)));
  auto b = ports.open(at(seconds(0)));
  ASSERT_TRUE(a && b);
  const auto none = ports.open(at(seconds(0)));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::exhausted);
  EXPECT_NE(none.error().message.find("2 pairs in 20000 to 20003, 2 are in use"), std::string::npos)
      << none.error().message;
  EXPECT_EQ(ports.exhausted(), 1u);
}

TEST(PortRange, APairRestsBeforeItIsUsedAgain) {
  MemoryNetwork network;
  PortRange ports(network, range(20000, 20001), 0);
  {
    auto pair = ports.open(at(seconds(0)));
    ASSERT_TRUE(pair);
  }
  ports.release(20000, at(seconds(1)));
  EXPECT_EQ(ports.in_use(), 0u);
  EXPECT_FALSE(ports.open(at(seconds(1) + PortRange::kRest - Nanos(1))));
  EXPECT_TRUE(ports.open(at(seconds(1) + PortRange::kRest)));
}

TEST(PortRange, WalksTheWholeRangeBeforeItComesBack) {
  MemoryNetwork network;
  PortRange ports(network, range(20000, 20199), 42);
  int last = -1;
  for (int i = 0; i < 250; ++i) {
    auto pair = ports.open(at(seconds(10) * i));
    ASSERT_TRUE(pair);
    const int port = pair->rtp.local().port();
    if (last >= 0) {
      EXPECT_EQ(port, last == 20198 ? 20000 : last + 2);
    } else {
      EXPECT_EQ(port, 20084);
    }
    last = port;
    ports.release(pair->rtp.local().port(), at(seconds(10) * i));
  }
}

TEST(PortRange, StepsOverWhatOthersHold) {
  MemoryNetwork network;
  MemoryPhone rtp_taken(network, *Address::parse("10.0.0.1", 20000));
  MemoryPhone rtcp_taken(network, *Address::parse("10.0.0.1", 20003));
  PortRange ports(network, range(20000, 20005), 0);
  auto pair = ports.open(at(seconds(0)));
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->rtp.local().port(), 20004);
  EXPECT_EQ(ports.foreign(), 2u);
  EXPECT_TRUE(network.bind(*Address::parse("10.0.0.1", 20002), {}));  // the half that was bound is free again
}

TEST(PortRange, IgnoresReleasesThatMakeNoSense) {
  MemoryNetwork network;
  PortRange ports(network, range(20000, 20003), 0);
  auto pair = ports.open(at(seconds(0)));
  for (const int port : {0, 19998, 20001, 20002, 20004, 65535})
    ports.release(static_cast<std::uint16_t>(port), at(seconds(0)));
  EXPECT_EQ(ports.in_use(), 1u);
}

TEST(PortRange, ChecksItsConfiguration) {
  EXPECT_TRUE(PortRange::check(range(20000, 20001)));
  EXPECT_TRUE(PortRange::check(range(65534, 65535)));
  EXPECT_FALSE(PortRange::check(range(20001, 20002)));
  EXPECT_FALSE(PortRange::check(range(0, 20002)));
  EXPECT_FALSE(PortRange::check(range(20010, 20002)));
  EXPECT_FALSE(PortRange::check(range(65535, 65535)));
  EXPECT_FALSE(PortRange::check({Address(), 20000, 20001, {}}));
}

}  // namespace
}  // namespace tandem::loop
