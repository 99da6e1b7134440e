// The tables of td_host and td_loop over epoll; see epoll_host.hpp.
#include "tests/plugins/kamailio/epoll_host.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tandem::kamailio::testing {
namespace {

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                    std::chrono::nanoseconds(1));
}

std::uint32_t epoll_events(int events) {
  return ((events & TD_READABLE) != 0 ? std::uint32_t{EPOLLIN} : 0u) |
         ((events & TD_WRITABLE) != 0 ? std::uint32_t{EPOLLOUT} : 0u);
}

}  // namespace

EpollHost::EpollHost(std::string config_json)
    : config_(std::move(config_json)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  fill_tables();
}
EpollHost::~EpollHost() { ::close(epoll_); }

void EpollHost::fill_tables() {
  faces_.self = this;
  faces_.host = {sizeof(td_host),
                 TD_ABI_MAJOR,
                 TD_ABI_MINOR,
                 [](const td_host* h, const char* id) noexcept -> const void* {
                   const auto* faces = reinterpret_cast<const Faces*>(h);
                   return std::string_view(id) == TD_LOOP_ID ? &faces->loop : nullptr;
                 },
                 [](const td_host* h) noexcept -> td_str {
                   return {of(h).config_.data(), of(h).config_.size()};
                 },
                 [](const td_host* h, int level, td_str line) noexcept {
                   of(h).log_.emplace_back(line.data, line.size);
                   if (level >= TD_LOG_WARN || std::getenv("KAM_LOG") != nullptr) {
                     std::fprintf(stderr, "    [%d] %.*s\n", level, static_cast<int>(line.size), line.data);
                   }
                 }};
  td_loop& l = faces_.loop;
  l.size = sizeof(td_loop);
  l.host = &faces_.host;
  l.now_ns = [](const td_loop*) noexcept { return now_ns(); };
  l.wall_us = [](const td_loop*) noexcept {
    return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                      std::chrono::microseconds(1));
  };
  l.timer_start = [](const td_loop* t, std::uint64_t delay, void (*fire)(void*), void* user) noexcept {
    of(t).timers_[++of(t).last_id_] = {now_ns() + delay, fire, user};
    return of(t).last_id_;
  };
  l.timer_cancel = [](const td_loop* t, std::uint64_t id) noexcept { of(t).timers_.erase(id); };
  l.work = [](const td_loop*, std::uint32_t, void (*work)(void*), void (*done)(void*),
              void* user) noexcept -> int {
    work(user);
    done(user);
    return TD_OK;
  };
  l.post = [](const td_loop* t, void (*fn)(void*), void* user) noexcept -> int {
    of(t).timers_[++of(t).last_id_] = {0, fn, user};
    return TD_OK;
  };
  l.watch = [](const td_loop* t, int fd, int events, void (*ready)(void*, int), void* user) noexcept {
    EpollHost& self = of(t);
    epoll_event event{epoll_events(events), {.u64 = ++self.last_id_}};
    self.watches_[self.last_id_] = {fd, ready, user};
    ::epoll_ctl(self.epoll_, EPOLL_CTL_ADD, fd, &event);
    return self.last_id_;
  };
  l.watch_change = [](const td_loop* t, std::uint64_t id, int events) noexcept {
    epoll_event event{epoll_events(events), {.u64 = id}};
    ::epoll_ctl(of(t).epoll_, EPOLL_CTL_MOD, of(t).watches_[id].fd, &event);
  };
  l.unwatch = [](const td_loop* t, std::uint64_t id) noexcept {
    const auto it = of(t).watches_.find(id);
    if (it == of(t).watches_.end()) return;
    ::epoll_ctl(of(t).epoll_, EPOLL_CTL_DEL, it->second.fd, nullptr);
    of(t).watches_.erase(it);
  };
  l.native = [](const td_loop*) noexcept -> void* { return nullptr; };
}

void EpollHost::once(int ms) {
  for (bool fired = true; fired;) {
    fired = false;
    const std::uint64_t now = now_ns();
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->second.due > now) continue;
      const Timer timer = it->second;
      timers_.erase(it);
      timer.fire(timer.user);
      fired = true;
      break;
    }
  }
  epoll_event ready[16];
  const int count = ::epoll_wait(epoll_, ready, 16, ms);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t id = ready[i].data.u64;  // epoll_event is packed: no reference into it
    const auto it = watches_.find(id);
    if (it == watches_.end()) continue;
    const std::uint32_t e = ready[i].events;
    const int events = ((e & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? TD_READABLE : 0) |
                       ((e & (EPOLLOUT | EPOLLERR)) != 0 ? TD_WRITABLE : 0);
    const Watched watched = it->second;
    watched.ready(watched.user, events);
  }
}

bool EpollHost::run_until(const std::function<bool()>& done, int ms) {
  const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(ms) * 1'000'000;
  while (!done()) {
    if (now_ns() > end) return false;
    once(2);
  }
  return true;
}

void EpollHost::run_for(int ms) {
  run_until([] { return false; }, ms);
}

bool EpollHost::logged(const std::string& text) const {
  return std::any_of(log_.begin(), log_.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace tandem::kamailio::testing
