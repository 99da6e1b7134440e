#include "core/session/media_thread.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace tandem::session {

MediaThread::MediaThread(media::MediaLoop& loop, loop::MediaIo& io, const Config& config,
                         std::function<void()> wake)
    : loop_(loop), io_(io), config_(config), wake_(std::move(wake)) {
  auto timer = loop::TickTimer::create();
  if (!timer) throw std::runtime_error("a media loop cannot start: " + timer.error().message);
  timer_ = std::move(*timer);
  thread_ = std::thread(&MediaThread::run, this);
}

MediaThread::~MediaThread() {
  stopping_.store(true, std::memory_order_release);
  thread_.join();
}

// Audio first: without the right to it, the thread runs like any other.
void MediaThread::take_priority() const {
  char name[16];
  std::snprintf(name, sizeof name, "media-%u", config_.number);
  pthread_setname_np(pthread_self(), name);
  if (!config_.realtime) return;
  const sched_param lowest{.sched_priority = 1};
  (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &lowest);
}

bool MediaThread::forwards_at_once() const {
  if (io_.fd() < 0 || !config_.may_forward_at_once) return false;
  const std::uint32_t legs = loop_.counters().legs.load(std::memory_order_relaxed);
  return config_.must_forward_at_once || (legs != 0 && pace_.at_once());
}

void MediaThread::run() {
  take_priority();
  (void)timer_->start(loop::monotonic_now() + media::kTick, media::kTick);
  while (!stopping_.load(std::memory_order_acquire)) {
    std::array<pollfd, 2> wait{{{timer_->fd(), POLLIN, 0}, {io_.fd(), POLLIN, 0}}};
    if (poll(wait.data(), forwards_at_once() ? 2 : 1, 100) < 0) continue;
    const TimePoint woken = loop::monotonic_now();
    if (wait[0].revents != 0) {
      const loop::Ticks ticks = timer_->take();
      if (ticks.count != 0) loop_.on_tick(woken, ticks.late, static_cast<unsigned>(ticks.count));
    } else if (wait[1].revents != 0) {
      loop_.on_readable(woken);
    }
    if (loop_.take_wake_control()) wake_();
    pace_.note(woken, loop::monotonic_now());
  }
  loop_.on_tick(loop::monotonic_now(), Nanos{0}, 1);  // what was posted before the end
}

}  // namespace tandem::session
