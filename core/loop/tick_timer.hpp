// TickTimer: the media loop's heartbeat: an absolute timerfd on CLOCK_MONOTONIC. It does not drift, and says
// how many ticks fell due and how late the oldest unserved one is.
//
//   start(first, period) ─► fd() polls readable ─► take() ─► Ticks { count, due, late }
//
// Thread: [media], one owner. Not here: waiting (poll or epoll on fd()).
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace tandem::loop {

// CLOCK_MONOTONIC, the clock of TimePoint in the server. [any]
TimePoint monotonic_now();

struct Ticks {
  std::uint64_t count = 0;  // fallen due since the last take(); 0: none
  TimePoint due{};          // of the newest one
  Nanos late{0};            // how long ago that was
};

class TickTimer {
 public:
  // Errors: exhausted (file descriptors), internal. [control]
  static Result<std::unique_ptr<TickTimer>> create();
  ~TickTimer();
  TickTimer(const TickTimer&) = delete;
  TickTimer& operator=(const TickTimer&) = delete;

  // The first tick at `first` (at once when past), then every `period` (above 0, else invalid). Again:
  // replaces. [media]
  Result<void> start(TimePoint first, Nanos period);
  void stop();

  // Takes what has fallen due; never blocks. [media]
  Ticks take();

  int fd() const { return fd_; }
  Nanos period() const { return period_; }

 private:
  explicit TickTimer(int fd) : fd_(fd) {}
  const int fd_;
  TimePoint first_{};
  Nanos period_{0};
  std::uint64_t taken_ = 0;
};

}  // namespace tandem::loop
