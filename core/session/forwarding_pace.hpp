// ForwardingPace: whether a media loop forwards packets at once or on its tick, as its load says.
//
//   share of the thread's time that is work, each second ──► at once until above kLeaveAt ──► on the tick
//                                                   on the tick until below kReturnAt ──► at once
//
// With few legs each packet wakes the loop: at once costs up to half as much again, of a core that has
// nothing else to do. The busier the loop, the more packets it finds at each waking: at 1,000 legs, a third
// of a core, both cost the same (345 and 347 us a leg-second) and at once adds 0.12 ms instead of 3.2. The
// tick is for a loop near its limits. The two edges are a factor of two apart: no swinging. Pure; one owner,
// [media].
#pragma once

#include "core/base/time.hpp"

namespace tandem::session {

class ForwardingPace {
 public:
  static constexpr double kLeaveAt = 0.6;
  static constexpr double kReturnAt = 0.3;
  static constexpr Nanos kWindow = seconds(1);

  bool at_once() const { return at_once_; }

  // One turn of the loop: it worked from `woken` to `done`, and slept before.
  void note(TimePoint woken, TimePoint done) {
    if (window_begin_ == TimePoint{}) window_begin_ = woken;
    worked_ += done - woken;
    const Nanos passed = done - window_begin_;
    if (passed < kWindow) return;
    const double share = static_cast<double>(worked_.count()) / static_cast<double>(passed.count());
    if (at_once_ ? share > kLeaveAt : share < kReturnAt) at_once_ = !at_once_;
    window_begin_ = done;
    worked_ = Nanos{0};
  }

 private:
  bool at_once_ = true;
  TimePoint window_begin_{};
  Nanos worked_{0};
};

}  // namespace tandem::session
