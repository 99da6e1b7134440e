// ForwardingPace: whether a media loop forwards packets at once or on its tick, as its load says.
//
//   share of the thread's time that is work, each second ──► at once until above kLeaveAt ──► on the tick
//                                                   on the tick until below kReturnAt ──► at once
//
// At once costs about three times as much a packet (io.md's measurements: 10 to 13 us against 3 to 5), and so
// the two edges are a factor of four apart: no swinging. Pure; one owner, [media].
#pragma once

#include "core/base/time.hpp"

namespace tandem::session {

class ForwardingPace {
 public:
  static constexpr double kLeaveAt = 0.12;
  static constexpr double kReturnAt = 0.03;
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
