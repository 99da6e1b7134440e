// EmbeddedLoop: a libuv loop of a plugin's own, run from inside the control loop. libwebsockets puts its
// handles here.
//
//   control loop ──its epoll descriptor is readable, or its next timer is due──► pump(): uv_run(NOWAIT)
//
// Why not the host's own uv loop: libuv closes handles only in later turns of its loop, and deactivate must
// return with all of them closed; ending a foreign loop's handles would mean to run the host's loop from
// inside one of its callbacks. A loop inside a loop can be run to its end at once. The price is one more
// epoll_wait a wake-up, about 1 µs. Thread: [control]. This is the only file here that knows libuv.
#pragma once

#include <memory>

#include "tandem/sdk.hpp"

struct uv_loop_s;

namespace tandem::web {

class EmbeddedLoop {
 public:
  explicit EmbeddedLoop(const sdk::Host& host);
  // Every handle must be closed or closing.
  ~EmbeddedLoop();
  EmbeddedLoop(const EmbeddedLoop&) = delete;
  EmbeddedLoop& operator=(const EmbeddedLoop&) = delete;

  // False when the system gave no loop.
  bool ok() const { return loop_ != nullptr; }
  uv_loop_s* native() { return loop_.get(); }

  // Something was done to a handle outside of pump(): run soon.
  void run_soon();
  // Runs until no handle is left, so that closes complete; at most about 10,000 turns. Whether none is left.
  bool drain();

 private:
  struct Free {
    void operator()(uv_loop_s* loop) const;
  };
  void pump();

  sdk::Host host_;
  std::unique_ptr<uv_loop_s, Free> loop_;
  std::unique_ptr<sdk::Watch> watch_;
  sdk::Timer timer_;
  bool soon_ = false;
};

}  // namespace tandem::web
