// Loop: the one owner of a libuv loop. Runs it, takes work from other threads, hears the process's signals.
//
//   any thread ──post()──► bounded queue ──uv_async──► [control] runs each function, in order
//   SIGINT, SIGTERM, SIGHUP ► uv_signal ────────────────► on_signal(number)
//
// A uv handle outlives its wrapper until its close callback: only core/loop knows this. Every handle that a
// wrapper opens is named, and close() names in the log whatever is still open.
// Thread: [control], but for post(), which is [any]. Not for media: those loops have their own epoll.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/affinity.hpp"

struct uv_loop_s;
struct uv_handle_s;

namespace tandem::loop {

class Loop {
 public:
  // How many posted functions may wait at once.
  static constexpr std::size_t kPostLimit = 65536;

  // [control] Throws std::runtime_error when the kernel gives no epoll or event descriptor (start-up only).
  Loop();
  // [control] close()s first.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // [control] Runs until stop(). What still waits in the queue then stays there for the next run.
  void run();
  // [control] One turn without waiting for anything: for tests and for draining.
  void run_once();
  // [control] Ends run() after the current turn.
  void stop();

  // [any] Runs fn on [control] soon, in the order of posting. False, with fn dropped and counted, when
  // kPostLimit functions wait already, or after close().
  bool post(std::function<void()> fn);
  // [any] How many wait, and how many were refused since the start.
  std::size_t posts_waiting() const;
  std::uint64_t posts_refused() const;

  // [control] Calls heard(number) for SIGINT, SIGTERM and SIGHUP (unless ignored, as by nohup) from now on,
  // instead of ending the process.
  void on_signal(std::function<void(int number)> heard);

  // [control] The names of all handles that are open, foreign ones by their libuv type.
  std::vector<std::string> live_handles() const;
  // [control] Ends everything on the loop: names in the log and closes the handles that nobody closed, then
  // runs the close callbacks. Idempotent. What is posted and did not run is dropped.
  void close();

  // [control] The native loop, for libraries that have a libuv integration of their own.
  uv_loop_s* native() const;

  // [control] For the wrappers of core/loop: a handle's name until it is closed.
  void name_handle(const uv_handle_s* handle, std::string name);
  void forget_handle(const uv_handle_s* handle);

 private:
  struct State;
  std::unique_ptr<State> state_;
  Affinity affinity_;
};

}  // namespace tandem::loop
