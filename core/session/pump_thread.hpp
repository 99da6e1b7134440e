// PumpThread: an [io] thread that does one thing every so often: empties rings that [media] fills.
//
//   start() ── wait(period) ─ pump() ─ wait(period) ─ pump() ── stop(): joined, and begins no more
//
// Whoever owns it makes what pump() touches safe beside [control], and calls pump() by hand where time is
// counted.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/time.hpp"

namespace tandem::session {

class PumpThread {
 public:
  PumpThread(milliseconds period, std::function<void()> pump) : period_(period), pump_(std::move(pump)) {}
  ~PumpThread() { stop(); }
  PumpThread(const PumpThread&) = delete;
  PumpThread& operator=(const PumpThread&) = delete;

  // [control] Nothing when it runs, or was stopped.
  void start();
  // [control] Waits for a pump that is under way. Idempotent.
  void stop();

 private:
  void run();

  // owned
  const milliseconds period_;
  const std::function<void()> pump_;
  std::mutex mutex_;  // guards stopping_; not held while pumping
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tandem::session
