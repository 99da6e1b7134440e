// Loop: posting from threads, signals, what is named at the end.
#include "core/loop/loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "core/loop/fd_watch.hpp"
#include "core/loop/uv_timers.hpp"

namespace tandem::loop {
namespace {

TEST(Loop, RunsWhatThreadsPostInEachThreadsOrder) {
  Loop loop;
  constexpr int kThreads = 4, kEach = 1000;
  std::vector<int> seen[kThreads];
  int total = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        EXPECT_TRUE(loop.post([&, t, i] {
          seen[t].push_back(i);
          if (++total == kThreads * kEach) loop.stop();
        }));
    });
  loop.run();
  for (auto& thread : threads) thread.join();
  for (const auto& one : seen) {
    ASSERT_EQ(one.size(), static_cast<std::size_t>(kEach));
    for (int i = 0; i < kEach; ++i) EXPECT_EQ(one[static_cast<std::size_t>(i)], i);
  }
}

TEST(Loop, RefusesAndCountsAPostBeyondTheLimit) {
  Loop loop;
  for (std::size_t i = 0; i < Loop::kPostLimit; ++i) ASSERT_TRUE(loop.post([] {}));
  EXPECT_FALSE(loop.post([] {}));
  EXPECT_EQ(loop.posts_refused(), 1u);
  EXPECT_EQ(loop.posts_waiting(), Loop::kPostLimit);
  loop.run_once();
  EXPECT_EQ(loop.posts_waiting(), 0u);
  EXPECT_TRUE(loop.post([] {}));
}

TEST(Loop, RefusesAPostAfterClose) {
  Loop loop;
  loop.close();
  EXPECT_FALSE(loop.post([] {}));
}

TEST(Loop, APostedFunctionThatPostsItselfDoesNotHoldTheLoop) {
  Loop loop;
  int turns = 0;
  std::function<void()> again = [&] {
    ++turns;
    loop.post(again);
  };
  loop.post(again);
  loop.run_once();
  EXPECT_EQ(turns, 1);
}

TEST(Loop, HearsTerminationSignalsInsteadOfDying) {
  Loop loop;
  std::vector<int> heard;
  loop.on_signal([&](int number) {
    heard.push_back(number);
    if (heard.size() == 2) loop.stop();
    if (heard.size() == 1) kill(getpid(), SIGINT);
  });
  kill(getpid(), SIGTERM);
  loop.run();
  EXPECT_EQ(heard, (std::vector<int>{SIGTERM, SIGINT}));
}

TEST(Loop, NamesLiveHandlesAndForgetsThemWhenTheyAreClosed) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    UvTimers timers(loop);
    auto watch = FdWatch::open(loop, ends[0], FdWatch::kReadable, "test pipe", [](int) {});
    ASSERT_TRUE(watch);
    const auto names = loop.live_handles();
    EXPECT_NE(std::find(names.begin(), names.end(), "control timers"), names.end());
    EXPECT_NE(std::find(names.begin(), names.end(), "test pipe (descriptor " + std::to_string(ends[0]) + ")"),
              names.end());
  }
  loop.run_once();
  EXPECT_EQ(loop.live_handles(), std::vector<std::string>{"posted functions"});
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FdWatch, CallsBackWhenReadableAndStopsWhenDestroyedInTheCallback) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  int calls = 0;
  std::unique_ptr<FdWatch> watch;
  auto opened = FdWatch::open(loop, ends[0], FdWatch::kReadable, "pipe", [&](int events) {
    EXPECT_EQ(events, FdWatch::kReadable);
    ++calls;
    watch.reset();
  });
  ASSERT_TRUE(opened);
  watch = std::move(*opened);
  loop.run_once();
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  for (int i = 0; i < 3; ++i) loop.run_once();
  EXPECT_EQ(calls, 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FdWatch, PausesWithNoEventsAndGoesOnWithSome) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  int calls = 0;
  auto watch = FdWatch::open(loop, ends[1], FdWatch::kWritable, "pipe", [&](int) { ++calls; });
  ASSERT_TRUE(watch);
  loop.run_once();
  EXPECT_EQ(calls, 1);
  (*watch)->change(0);
  loop.run_once();
  EXPECT_EQ(calls, 1);
  (*watch)->change(FdWatch::kWritable);
  loop.run_once();
  EXPECT_EQ(calls, 2);
  (*watch).reset();
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FdWatch, SaysWhyADescriptorCannotBeWatched) {
  Loop loop;
  const auto watch = FdWatch::open(loop, 999999, FdWatch::kReadable, "nothing", [](int) {});
  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().code, ErrorCode::invalid);
  EXPECT_NE(watch.error().message.find("nothing: descriptor 999999 cannot be watched"), std::string::npos);
}

}  // namespace
}  // namespace tandem::loop
