// WorkPool: lanes, bounds, answers on the loop's thread, the end.
#include "core/loop/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tandem::loop {
namespace {

TEST(WorkPool, WorksElsewhereAndAnswersOnTheLoopsThread) {
  Loop loop;
  WorkPool pool(loop, 2);
  const auto here = std::this_thread::get_id();
  std::thread::id there, answered;
  ASSERT_TRUE(pool.submit(
      0, [&] { there = std::this_thread::get_id(); },
      [&] {
        answered = std::this_thread::get_id();
        loop.stop();
      }));
  loop.run();
  EXPECT_NE(there, here);
  EXPECT_EQ(answered, here);
}

TEST(WorkPool, ALaneRunsInOrderAndNeverSideBySide) {
  Loop loop;
  WorkPool pool(loop, 4);
  std::atomic<int> inside{0};
  std::vector<int> order, answers;
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(pool.submit(
        7,
        [&, i] {
          EXPECT_EQ(inside.fetch_add(1), 0);
          order.push_back(i);  // safe only because a lane never runs side by side
          inside.fetch_sub(1);
        },
        [&, i] { answers.push_back(i); }));
  pool.finish();
  ASSERT_EQ(order.size(), 200u);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(answers, order);
}

TEST(WorkPool, LaneZeroRunsSideBySide) {
  Loop loop;
  WorkPool pool(loop, 2);
  std::promise<void> first, second;
  // Each waits for the other: one after the other would hang and trip the test's time limit.
  pool.submit(
      0,
      [&] {
        first.set_value();
        second.get_future().wait();
      },
      nullptr);
  pool.submit(
      0,
      [&] {
        second.set_value();
        first.get_future().wait();
      },
      nullptr);
  pool.finish();
  EXPECT_EQ(pool.under_way(), 0u);
}

TEST(WorkPool, RefusesBeyondItsLimitAndCountsIt) {
  Loop loop;
  WorkPool pool(loop, 1);
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  int answers = 0;
  for (std::size_t i = 0; i < WorkPool::kLimit; ++i)
    ASSERT_TRUE(pool.submit(
        0, [opened] { opened.wait(); }, [&] { ++answers; }));
  EXPECT_FALSE(pool.submit(
      0, [] {}, [] {}));
  EXPECT_EQ(pool.refused(), 1u);
  gate.set_value();
  pool.finish();
  EXPECT_EQ(answers, static_cast<int>(WorkPool::kLimit));
}

TEST(WorkPool, AThrowingItemIsAnsweredAndItsLaneGoesOn) {
  Loop loop;
  WorkPool pool(loop, 1);
  int answers = 0;
  bool ran = false;
  pool.submit(
      3, [] { throw std::runtime_error("no such file"); }, [&] { ++answers; });
  pool.submit(
      3, [&] { ran = true; }, [&] { ++answers; });
  pool.finish();
  EXPECT_TRUE(ran);
  EXPECT_EQ(answers, 2);
}

TEST(WorkPool, FinishRunsAlsoWhatAnswersSubmit) {
  Loop loop;
  WorkPool pool(loop, 1);
  bool last = false;
  pool.submit(
      1, [] {},
      [&] {
        pool.submit(
            1, [] {}, [&] { last = true; });
      });
  pool.finish();
  EXPECT_TRUE(last);
  EXPECT_FALSE(pool.submit(
      1, [] {}, [] {}));
}

}  // namespace
}  // namespace tandem::loop
