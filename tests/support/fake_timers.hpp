// FakeTimers: a counted clock. advance() runs every timer that falls due, in order of time, each seeing
// now() as its own due time. Thread: one.
#pragma once

#include <map>
#include <utility>

#include "core/base/timers.hpp"

namespace tandem::testing {

class FakeTimers final : public Timers {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall_now() const override {
    return WallTime{} + std::chrono::duration_cast<microseconds>(now_.time_since_epoch()) +
           std::chrono::hours(24 * 365 * 50);
  }
  TimerId after(Nanos delay, std::function<void()> fire) override {
    const TimerId id = ++last_;
    queue_.emplace(std::pair{now_ + (delay < Nanos::zero() ? Nanos::zero() : delay), id}, std::move(fire));
    return id;
  }
  void cancel(TimerId id) override {
    for (auto it = queue_.begin(); it != queue_.end(); ++it) {
      if (it->first.second == id) {
        queue_.erase(it);
        return;
      }
    }
  }

  // Moves the clock to now() + by, firing what falls due on the way.
  void advance(Nanos by) {
    const TimePoint until = now_ + by;
    while (!queue_.empty() && queue_.begin()->first.first <= until) {
      auto node = queue_.extract(queue_.begin());
      now_ = node.key().first;
      node.mapped()();
    }
    now_ = until;
  }
  std::size_t pending() const { return queue_.size(); }

 private:
  TimePoint now_{};
  TimerId last_ = 0;
  std::map<std::pair<TimePoint, TimerId>, std::function<void()>> queue_;
};

}  // namespace tandem::testing
