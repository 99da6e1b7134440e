// MediaThread: the thread that drives one media loop: waits for the tick (absolute timerfd), and between
// ticks for packets while its load is low (ForwardingPace), so that relays forward at once.
//
//   poll(tick, sockets at low load) ──► MediaLoop::on_tick / on_readable ──► wake() when control has
//   something
//
// Thread: made and ended on [control]; run() is [media].
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "core/loop/media_io.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/media/media_loop.hpp"
#include "core/session/forwarding_pace.hpp"

namespace tandem::session {

class MediaThread {
 public:
  struct Config {
    unsigned number = 0;
    bool realtime = true;
    bool may_forward_at_once = true;
    bool must_forward_at_once = false;
  };

  // `loop`, `io` outlive the thread. `wake` is called [media]. Throws std::runtime_error (start-up only).
  MediaThread(media::MediaLoop& loop, loop::MediaIo& io, const Config& config, std::function<void()> wake);
  ~MediaThread();  // ends it and waits

 private:
  void run();
  void take_priority() const;
  bool forwards_at_once() const;

  // borrowed
  media::MediaLoop& loop_;
  loop::MediaIo& io_;
  // owned
  const Config config_;
  const std::function<void()> wake_;
  std::unique_ptr<loop::TickTimer> timer_;
  ForwardingPace pace_;  // [media]
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace tandem::session
