// TickTimer: absolute ticks on the real clock. Each wait is a poll for the next tick, none longer than some
// ms.
#include "core/loop/tick_timer.hpp"

#include <gtest/gtest.h>
#include <poll.h>

namespace tandem::loop {
namespace {

void wait(const TickTimer& timer) {
  pollfd entry{timer.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&entry, 1, 5000), 1);
}

TEST(TickTimer, TicksStayOnTheirGrid) {
  auto timer = TickTimer::create();
  ASSERT_TRUE(timer);
  const TimePoint first = monotonic_now() + milliseconds(2);
  ASSERT_TRUE((*timer)->start(first, milliseconds(1)));
  EXPECT_EQ((*timer)->take().count, 0u);
  std::uint64_t total = 0;
  while (total < 20) {
    wait(**timer);
    const Ticks ticks = (*timer)->take();
    ASSERT_GT(ticks.count, 0u);
    total += ticks.count;
    EXPECT_EQ(ticks.due, first + milliseconds(1) * static_cast<std::int64_t>(total - 1));
    EXPECT_GE(monotonic_now(), ticks.due);
    EXPECT_LE(ticks.late, monotonic_now() - ticks.due);
  }
}

TEST(TickTimer, CountsWhatWasMissed) {
  auto timer = TickTimer::create();
  ASSERT_TRUE(timer);
  const TimePoint now = monotonic_now();
  ASSERT_TRUE((*timer)->start(now - milliseconds(99), milliseconds(10)));
  wait(**timer);
  const Ticks ticks = (*timer)->take();
  EXPECT_GE(ticks.count, 10u);
  EXPECT_LE(monotonic_now() - ticks.due - milliseconds(10), milliseconds(1000));
}

TEST(TickTimer, CanBeStoppedAndStartedAgain) {
  auto timer = TickTimer::create();
  ASSERT_TRUE(timer);
  ASSERT_TRUE((*timer)->start(monotonic_now(), milliseconds(1)));
  wait(**timer);
  (*timer)->stop();
  (void)(*timer)->take();
  pollfd entry{(*timer)->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, 5), 0);
  const TimePoint first = monotonic_now();
  ASSERT_TRUE((*timer)->start(first, seconds(3600)));
  wait(**timer);
  const Ticks ticks = (*timer)->take();
  EXPECT_EQ(ticks.count, 1u);
  EXPECT_EQ(ticks.due, first);
}

TEST(TickTimer, RefusesAPeriodOfNothing) {
  auto timer = TickTimer::create();
  ASSERT_TRUE(timer);
  EXPECT_EQ((*timer)->start(monotonic_now(), Nanos(0)).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace tandem::loop
