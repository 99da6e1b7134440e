// TimerSet: Timers that remembers what runs and forgets all of it when it is destroyed, so that no timer of
// an owner that is gone ever fires. Thread: [control].
#pragma once

#include <functional>
#include <memory>
#include <unordered_set>
#include <utility>

#include "core/base/timers.hpp"

namespace tandem::call {

class TimerSet final : public Timers {
 public:
  // `timers` outlives it.
  explicit TimerSet(Timers& timers) : timers_(timers) {}
  ~TimerSet() override {
    for (const TimerId id : running_) timers_.cancel(id);
  }
  TimerSet(const TimerSet&) = delete;
  TimerSet& operator=(const TimerSet&) = delete;

  TimePoint now() const override { return timers_.now(); }
  WallTime wall_now() const override { return timers_.wall_now(); }
  TimerId after(Nanos delay, std::function<void()> fire) override {
    const auto id = std::make_shared<TimerId>(0);  // owners: this call and the timer's callback
    *id = timers_.after(delay, [this, id, fire = std::move(fire)] {
      running_.erase(*id);
      fire();
    });
    running_.insert(*id);
    return *id;
  }
  void cancel(TimerId id) override {
    if (running_.erase(id) > 0) timers_.cancel(id);
  }

 private:
  Timers& timers_;
  std::unordered_set<TimerId> running_;
};

}  // namespace tandem::call
