// UvTimers: Timers over one libuv timer and an ordered map, so that a thousand timers are one handle.
//
//   after() ──► map by due time ──first due──► uv_timer ──► fire, in order of due time
//
// Resolution is 1 ms, never early. Thread: [control]. Not for media: that tick is a timerfd.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "core/base/affinity.hpp"
#include "core/base/counter.hpp"
#include "core/base/timers.hpp"
#include "core/loop/loop.hpp"

namespace tandem::loop {

class UvTimers final : public Timers {
 public:
  // [control] `loop` outlives this. Throws std::runtime_error when no handle can be made (start-up only).
  explicit UvTimers(Loop& loop);
  ~UvTimers() override;
  UvTimers(const UvTimers&) = delete;
  UvTimers& operator=(const UvTimers&) = delete;

  TimePoint now() const override;
  WallTime wall_now() const override;
  TimerId after(Nanos delay, std::function<void()> fire) override;
  void cancel(TimerId id) override;

  // [control] How many timers wait.
  std::size_t pending() const { return queue_.size(); }
  // [any] How late timers fired, in ms.
  const Histogram<8>& lateness_ms() const { return lateness_ms_; }

 private:
  using Key = std::pair<TimePoint, TimerId>;
  struct Handle;
  void arm();
  void fire_due();

  // owned
  std::unique_ptr<Handle> handle_;
  // state
  std::map<Key, std::function<void()>> queue_;
  std::unordered_map<TimerId, TimePoint> due_;
  TimerId last_ = 0;
  TimePoint armed_for_ = TimePoint::max();
  bool firing_ = false;
  Histogram<8> lateness_ms_{{1, 2, 5, 10, 20, 50, 100, 500}};
  Affinity affinity_;
};

}  // namespace tandem::loop
