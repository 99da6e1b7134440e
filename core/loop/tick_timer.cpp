// TickTimer: see tick_timer.hpp. Thread: [media].
#include "core/loop/tick_timer.hpp"

#include <fmt/format.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace tandem::loop {
namespace {

timespec to_timespec(Nanos span) {
  const auto whole = std::chrono::duration_cast<seconds>(span);
  return {static_cast<time_t>(whole.count()), static_cast<long>((span - whole).count())};
}

}  // namespace

TimePoint monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return TimePoint(seconds(now.tv_sec) + Nanos(now.tv_nsec));
}

Result<std::unique_ptr<TickTimer>> TickTimer::create() {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) {
    const ErrorCode code = errno == EMFILE || errno == ENFILE ? ErrorCode::exhausted : ErrorCode::internal;
    return Error{code, fmt::format("media tick: timerfd_create: {}", std::strerror(errno))};
  }
  return std::unique_ptr<TickTimer>(new TickTimer(fd));
}

TickTimer::~TickTimer() { ::close(fd_); }

Result<void> TickTimer::start(TimePoint first, Nanos period) {
  if (period <= Nanos::zero()) return Error{ErrorCode::invalid, "media tick: expected a period above 0"};
  // All zero would disarm it.
  const TimePoint begin = std::max(first, TimePoint(Nanos(1)));
  itimerspec spec{};
  spec.it_value = to_timespec(begin.time_since_epoch());
  spec.it_interval = to_timespec(period);
  if (timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr) != 0) {
    return Error{ErrorCode::internal, fmt::format("media tick: timerfd_settime: {}", std::strerror(errno))};
  }
  first_ = begin;
  period_ = period;
  taken_ = 0;
  return {};
}

void TickTimer::stop() {
  const itimerspec off{};
  timerfd_settime(fd_, 0, &off, nullptr);
}

Ticks TickTimer::take() {
  std::uint64_t count = 0;
  if (::read(fd_, &count, sizeof count) != sizeof count) return {};
  taken_ += count;
  const TimePoint due = first_ + period_ * static_cast<std::int64_t>(taken_ - 1);
  return {count, due, std::max(monotonic_now() - due, Nanos::zero())};
}

}  // namespace tandem::loop
