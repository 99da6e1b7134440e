// HostedLoop over the real loop and pool: posts from threads, lanes, watches, and what is left at the end.
#include "core/plugin/hosted_loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/loop/uv_timers.hpp"

namespace tandem::plugin {
namespace {

class HostedLoopTest : public ::testing::Test {
 protected:
  HostedLoopTest()
      : timers_(loop_), pool_(loop_, 2), api_(timers_), control_{timers_, api_, &loop_, &pool_, {}} {
    host_.size = sizeof host_;
  }
  const td_loop* table() const { return hosted_.table(); }

  loop::Loop loop_;
  loop::UvTimers timers_;
  loop::WorkPool pool_;
  api::Api api_;
  Control control_;
  td_host host_{};
  HostedLoop hosted_{control_, &host_, "mine"};
};

TEST_F(HostedLoopTest, PostsFromAnotherThreadRunOnTheLoopsThread) {
  static std::thread::id ran;
  static loop::Loop* stop;
  stop = &loop_;
  std::thread other([this] {
    table()->post(
        table(),
        [](void*) {
          ran = std::this_thread::get_id();
          stop->stop();
        },
        nullptr);
  });
  loop_.run();
  other.join();
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST_F(HostedLoopTest, ALaneRunsInOrderAndIsThePluginsOwn) {
  static std::vector<int> order;
  static std::atomic<int> beside;
  order.clear();
  beside = 0;
  HostedLoop other(control_, &host_, "yours");
  struct Item {
    int number;
  };
  static Item items[50];
  for (int i = 0; i < 50; ++i) {
    items[i].number = i;
    ASSERT_EQ(table()->work(
                  table(), 1, [](void* user) { order.push_back(static_cast<Item*>(user)->number); }, nullptr,
                  &items[i]),
              TD_OK);
    ASSERT_EQ(other.table()->work(
                  other.table(), 1, [](void*) { ++beside; }, nullptr, nullptr),
              TD_OK);
  }
  pool_.drain();
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(beside, 50);
}

TEST_F(HostedLoopTest, ReleaseWaitsForWorkAndAnswersIt) {
  static std::atomic<bool> worked, answered;
  worked = answered = false;
  ASSERT_EQ(table()->work(
                table(), 0, [](void*) { worked = true; }, [](void*) { answered = true; }, nullptr),
            TD_OK);
  hosted_.release();
  EXPECT_TRUE(worked);
  EXPECT_TRUE(answered);
}

TEST_F(HostedLoopTest, AWatchCallsBackUntilItIsTakenAway) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  static int calls;
  calls = 0;
  const auto id = table()->watch(
      table(), ends[0], TD_READABLE, [](void*, int events) { calls += events == TD_READABLE ? 1 : 100; },
      nullptr);
  ASSERT_NE(id, 0u);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  loop_.run_once();
  EXPECT_EQ(calls, 1);
  table()->watch_change(table(), id, 0);
  loop_.run_once();
  EXPECT_EQ(calls, 1);
  table()->watch_change(table(), id, TD_READABLE);
  loop_.run_once();
  EXPECT_EQ(calls, 2);
  table()->unwatch(table(), id);
  loop_.run_once();
  EXPECT_EQ(calls, 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(HostedLoopTest, AWatchThatIsLeftOpenIsClosedByRelease) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  static int calls;
  calls = 0;
  ASSERT_NE(table()->watch(
                table(), ends[0], TD_READABLE, [](void*, int) { ++calls; }, nullptr),
            0u);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  hosted_.release();
  loop_.run_once();
  EXPECT_EQ(calls, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(HostedLoopTest, ADescriptorThatCannotBeWatchedGivesNoId) {
  EXPECT_EQ(table()->watch(
                table(), 999999, TD_READABLE, [](void*, int) {}, nullptr),
            0u);
}

TEST_F(HostedLoopTest, AVeryLongTimerDoesNotOverflow) {
  static bool fired;
  fired = false;
  const auto id = table()->timer_start(
      table(), UINT64_MAX, [](void*) { fired = true; }, nullptr);
  loop_.run_once();
  EXPECT_FALSE(fired);
  table()->timer_cancel(table(), id);
}

}  // namespace
}  // namespace tandem::plugin
