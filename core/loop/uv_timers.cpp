// UvTimers: see the header.
#include "core/loop/uv_timers.hpp"

#include <uv.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/loop/uv_handle.hpp"

namespace tandem::loop {

struct UvTimers::Handle : UvHandle<uv_timer_t> {};

UvTimers::UvTimers(Loop& loop) : handle_(std::make_unique<Handle>()) {
  if (const int code = uv_timer_init(loop.native(), handle_->get()); code != 0)
    throw std::runtime_error(std::string("no timer: ") + uv_strerror(code));
  handle_->opened_on(loop, "control timers", this);
}

UvTimers::~UvTimers() = default;

TimePoint UvTimers::now() const { return std::chrono::steady_clock::now(); }

WallTime UvTimers::wall_now() const {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

TimerId UvTimers::after(Nanos delay, std::function<void()> fire) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const TimerId id = ++last_;
  const TimePoint due = now() + std::max(delay, Nanos::zero());
  queue_.emplace(Key{due, id}, std::move(fire));
  due_.emplace(id, due);
  if (!firing_ && due < armed_for_) arm();
  return id;
}

void UvTimers::cancel(TimerId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const auto found = due_.find(id);
  if (found == due_.end()) return;
  queue_.erase(Key{found->second, id});
  due_.erase(found);
}

void UvTimers::arm() {
  if (queue_.empty()) {
    uv_timer_stop(handle_->get());
    armed_for_ = TimePoint::max();
    return;
  }
  armed_for_ = queue_.begin()->first.first;
  // libuv runs a timer that its own callback set to 0 again in the same turn, without end: so at least 1 ms
  // there.
  const Nanos least = firing_ ? Nanos(1) : Nanos::zero();
  const Nanos wait = std::max(armed_for_ - now(), least);
  uv_update_time(handle_->get()->loop);  // a long callback leaves libuv's idea of now behind
  uv_timer_start(
      handle_->get(),
      [](uv_timer_t* handle) {
        if (handle->data != nullptr) static_cast<UvTimers*>(handle->data)->fire_due();
      },
      static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(wait).count()), 0);
}

// Fires what is due at entry; what is added meanwhile waits for the next turn, so that a timer that re-arms
// itself at once cannot hold the loop.
void UvTimers::fire_due() {
  const TimePoint until = now();
  const TimerId newest = last_;
  firing_ = true;
  while (!queue_.empty() && queue_.begin()->first.first <= until && queue_.begin()->first.second <= newest) {
    auto node = queue_.extract(queue_.begin());
    due_.erase(node.key().second);
    const auto late = std::chrono::duration_cast<milliseconds>(until - node.key().first).count();
    lateness_ms_.add(static_cast<std::uint32_t>(std::clamp<std::int64_t>(late, 0, 1'000'000)));
    node.mapped()();
  }
  arm();
  firing_ = false;
}

}  // namespace tandem::loop
