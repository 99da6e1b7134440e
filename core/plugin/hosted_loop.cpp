// HostedLoop: see the header.
#include "core/plugin/hosted_loop.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/log.hpp"

namespace tandem::plugin {

HostedLoop::HostedLoop(const Control& control, const td_host* host, std::string name)
    : control_(control), name_(std::move(name)) {
  table_.size = sizeof(td_loop);
  table_.host = host;
  table_.self = this;
  fill();
}

HostedLoop::~HostedLoop() { release(); }

void HostedLoop::fill() {
  table_.now_ns = [](const td_loop* t) noexcept {
    return static_cast<std::uint64_t>(of(t).control_.timers.now().time_since_epoch().count());
  };
  table_.wall_us = [](const td_loop* t) noexcept {
    return static_cast<std::uint64_t>(of(t).control_.timers.wall_now().time_since_epoch().count());
  };
  table_.timer_start = [](const td_loop* t, std::uint64_t delay, void (*fire)(void*), void* user) noexcept {
    return of(t).start_timer(delay, fire, user);
  };
  table_.timer_cancel = [](const td_loop* t, std::uint64_t id) noexcept { of(t).cancel_timer(id); };
  table_.work = [](const td_loop* t, std::uint32_t lane, void (*work)(void*), void (*done)(void*),
                   void* user) noexcept { return of(t).start_work(lane, work, done, user); };
  table_.post = [](const td_loop* t, void (*fn)(void*), void* user) noexcept {
    return of(t).start_post(fn, user);
  };
  table_.watch = [](const td_loop* t, int fd, int events, void (*ready)(void*, int), void* user) noexcept {
    return of(t).start_watch(fd, events, ready, user);
  };
  table_.watch_change = [](const td_loop* t, std::uint64_t id, int events) noexcept {
    const auto found = of(t).watches_.find(id);
    if (found != of(t).watches_.end()) found->second->change(events);
  };
  table_.unwatch = [](const td_loop* t, std::uint64_t id) noexcept { of(t).watches_.erase(id); };
  table_.native = [](const td_loop* t) noexcept -> void* {
    return of(t).control_.loop == nullptr ? nullptr : of(t).control_.loop->native();
  };
}

std::uint64_t HostedLoop::start_timer(std::uint64_t delay_ns, void (*fire)(void*), void* user) {
  if (timers_.size() >= kTimersMax) {
    log::error("plugin", "{}: refused a timer: {} are running already", name_, timers_.size());
    return 0;
  }
  constexpr auto kLongest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 4);
  const std::uint64_t id = ++last_id_;
  timers_[id] = control_.timers.after(Nanos(static_cast<std::int64_t>(std::min(delay_ns, kLongest))),
                                      [this, id, fire, user] {
                                        timers_.erase(id);
                                        fire(user);
                                      });
  return id;
}

void HostedLoop::cancel_timer(std::uint64_t id) {
  const auto found = timers_.find(id);
  if (found == timers_.end()) return;
  control_.timers.cancel(found->second);
  timers_.erase(found);
}

int HostedLoop::start_work(std::uint32_t lane, void (*work)(void*), void (*done)(void*), void* user) {
  const auto answer = [this, done, user] {
    --works_;
    if (done != nullptr) done(user);
  };
  if (control_.pool != nullptr) {
    // A lane is the plugin's own: two plugins that both say 1 do not wait for each other.
    const auto own =
        lane == 0 ? 0U
                  : std::max(1U, static_cast<std::uint32_t>(std::hash<std::string>{}(name_)) * 64U + lane);
    if (!control_.pool->submit(
            own, [work, user] { work(user); }, answer))
      return TD_EXHAUSTED;
    ++works_;
    return TD_OK;
  }
  ++works_;
  work(user);
  control_.timers.after(Nanos::zero(), [answer, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) answer();
  });
  return TD_OK;
}

int HostedLoop::start_post(void (*fn)(void*), void* user) {
  const auto run = [fn, user, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) fn(user);
  };
  if (control_.loop != nullptr) return control_.loop->post(run) ? TD_OK : TD_EXHAUSTED;
  control_.timers.after(Nanos::zero(), run);
  return TD_OK;
}

std::uint64_t HostedLoop::start_watch(int fd, int events, void (*ready)(void*, int), void* user) {
  if (control_.loop == nullptr || watches_.size() >= kWatchesMax) {
    log::error("plugin", "{}: cannot watch descriptor {}: {}", name_, fd,
               control_.loop == nullptr ? "there is no real loop on a counted clock" : "too many watches");
    return 0;
  }
  auto watch = loop::FdWatch::open(*control_.loop, fd, events, "plugin " + name_,
                                   [ready, user](int seen) { ready(user, seen); });
  if (!watch) {
    log::error("plugin", "{}", watch.error().message);
    return 0;
  }
  const std::uint64_t id = ++last_id_;
  watches_[id] = std::move(*watch);
  return id;
}

void HostedLoop::release() {
  if (!alive_) return;
  if (!watches_.empty()) log::warn("plugin", "{} left {} watches open", name_, watches_.size());
  watches_.clear();
  if (control_.pool != nullptr && works_ > 0) control_.pool->drain();
  if (!timers_.empty()) log::warn("plugin", "{} left {} timers running", name_, timers_.size());
  for (const auto& [own, id] : timers_) control_.timers.cancel(id);
  timers_.clear();
  alive_.reset();
}

}  // namespace tandem::plugin
