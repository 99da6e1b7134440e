// HostedLoop: the td_loop of one plugin, over Timers, WorkPool and Loop. It remembers what the plugin
// started, so that nothing calls into a plugin that is gone.
//
//   plugin ──td_loop──► HostedLoop ──► Timers, WorkPool, Loop        release(): cancels, waits, forgets
//
// Thread: [control], but for post(), which is [any].
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/loop/fd_watch.hpp"
#include "core/plugin/control.hpp"
#include "tandem/loop.h"

namespace tandem::plugin {

class HostedLoop {
 public:
  // How many timers and watches one plugin may have at once. Beyond: the timer's or watch's id is 0, with a
  // line in the log. (The C header promises never 0; a plugin that leaks a million timers has broken its own
  // promise.)
  static constexpr std::size_t kTimersMax = 1'000'000;
  static constexpr std::size_t kWatchesMax = 10'000;

  // `control` and `host` outlive this; `name` is the plugin's, for the log.
  HostedLoop(const Control& control, const td_host* host, std::string name);
  // release()s first.
  ~HostedLoop();
  HostedLoop(const HostedLoop&) = delete;
  HostedLoop& operator=(const HostedLoop&) = delete;

  const td_loop* table() const { return &table_; }

  // After deactivate: names what is left in the log, cancels timers and watches, waits for work under way,
  // drops posts. Idempotent.
  void release();

 private:
  struct Table : td_loop {
    HostedLoop* self;
  };
  struct Post;
  static HostedLoop& of(const td_loop* table) { return *static_cast<const Table*>(table)->self; }
  void fill();
  std::uint64_t start_timer(std::uint64_t delay_ns, void (*fire)(void*), void* user);
  void cancel_timer(std::uint64_t id);
  int start_work(std::uint32_t lane, void (*work)(void*), void (*done)(void*), void* user);
  int start_post(void (*fn)(void*), void* user);
  std::uint64_t start_watch(int fd, int events, void (*ready)(void*, int), void* user);

  // borrowed
  const Control& control_;
  // owned
  Table table_{};
  const std::string name_;
  std::unordered_map<std::uint64_t, TimerId> timers_;
  std::unordered_map<std::uint64_t, std::unique_ptr<loop::FdWatch>> watches_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this and posts under way
  // state
  std::uint64_t last_id_ = 0;
  std::size_t works_ = 0;
};

}  // namespace tandem::plugin
