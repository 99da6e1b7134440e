// libuv inside the control loop (its documented embedding: backend descriptor and backend timeout).
#include "web/embedded_loop.hpp"

#include <uv.h>

namespace tandem::web {

namespace {
constexpr int kTurnsMax = 16;  // in one pump: the rest waits for the control loop's next turn
}

void EmbeddedLoop::Free::operator()(uv_loop_s* loop) const {
  uv_loop_close(loop);
  delete loop;
}

EmbeddedLoop::EmbeddedLoop(const sdk::Host& host) : host_(host), timer_(host) {
  auto loop = std::make_unique<uv_loop_t>();
  if (uv_loop_init(loop.get()) != 0) return;
  loop_.reset(loop.release());
  watch_ =
      std::make_unique<sdk::Watch>(host_, uv_backend_fd(loop_.get()), TD_READABLE, [this](int) { pump(); });
}

EmbeddedLoop::~EmbeddedLoop() {
  watch_.reset();
  timer_.stop();
  if (loop_) drain();
}

void EmbeddedLoop::run_soon() {
  if (soon_) return;
  soon_ = true;
  timer_.start(0, [this] { pump(); });
}

void EmbeddedLoop::pump() {
  soon_ = false;
  timer_.stop();
  int next_ms = 0;
  for (int turn = 0; turn < kTurnsMax && next_ms == 0; ++turn) {
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    uv_update_time(loop_.get());
    next_ms = uv_backend_timeout(loop_.get());
  }
  if (soon_ || next_ms < 0) return;
  soon_ = next_ms == 0;
  timer_.start(static_cast<std::uint64_t>(next_ms) * 1'000'000, [this] { pump(); });
}

bool EmbeddedLoop::drain() {
  for (int turn = 0; turn < 10'000; ++turn) {
    if (uv_run(loop_.get(), UV_RUN_NOWAIT) == 0) return true;
  }
  return false;
}

}  // namespace tandem::web
