// UvTimers on the real clock, in milliseconds: order, cancelling, never early. Deadlines come from the loop
// itself.
#include "core/loop/uv_timers.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::loop {
namespace {

TEST(UvTimers, FireInOrderOfDueTimeAndNeverEarly) {
  Loop loop;
  UvTimers timers(loop);
  std::vector<int> order;
  const TimePoint begun = timers.now();
  const int delays_ms[] = {7, 3, 5, 0, -4};
  for (const int delay : delays_ms)
    timers.after(milliseconds(delay), [&, delay] {
      EXPECT_GE(timers.now() - begun, milliseconds(delay));
      order.push_back(delay);
      if (order.size() == 5) loop.stop();
    });
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{0, -4, 3, 5, 7}));
  EXPECT_EQ(timers.pending(), 0u);
}

TEST(UvTimers, ACancelledTimerDoesNotFire) {
  Loop loop;
  UvTimers timers(loop);
  bool fired = false;
  const TimerId id = timers.after(milliseconds(1), [&] { fired = true; });
  timers.after(milliseconds(4), [&] { loop.stop(); });
  timers.cancel(id);
  timers.cancel(id);
  timers.cancel(0);
  loop.run();
  EXPECT_FALSE(fired);
}

TEST(UvTimers, ATimerMayCancelAnotherThatIsDueInTheSameTurn) {
  Loop loop;
  UvTimers timers(loop);
  bool fired = false;
  TimerId second = 0;
  timers.after(milliseconds(0), [&] { timers.cancel(second); });
  second = timers.after(milliseconds(0), [&] { fired = true; });
  timers.after(milliseconds(3), [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(fired);
}

TEST(UvTimers, ATimerThatRearmsItselfAtOnceLeavesTurnsToOthers) {
  Loop loop;
  UvTimers timers(loop);
  int turns = 0;
  std::function<void()> again = [&] {
    ++turns;
    timers.after(Nanos::zero(), again);
  };
  timers.after(Nanos::zero(), again);
  loop.post([&] { loop.post([&] { loop.stop(); }); });
  loop.run();
  EXPECT_GE(turns, 1);
  EXPECT_LE(turns, 10);
}

TEST(UvTimers, AnEarlierTimerAddedLaterFiresFirst) {
  Loop loop;
  UvTimers timers(loop);
  std::vector<int> order;
  timers.after(milliseconds(20), [&] {
    order.push_back(20);
    loop.stop();
  });
  timers.after(milliseconds(2), [&] { order.push_back(2); });
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{2, 20}));
}

}  // namespace
}  // namespace tandem::loop
