// Loop: see the header. The queue of posted functions is the one place on the control side with a mutex: it
// is held only to move a vector's worth of functions.
#include "core/loop/loop.hpp"

#include <uv.h>

#include <csignal>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "core/base/log.hpp"
#include "core/loop/uv_handle.hpp"

namespace tandem::loop {

struct Loop::State {
  uv_loop_t uv{};
  bool closed = false;
  bool stopping = false;

  std::unique_ptr<UvHandle<uv_async_t>> wake;
  std::unique_ptr<UvHandle<uv_signal_t>> signals[3];
  std::function<void(int)> heard;
  std::unordered_map<const uv_handle_t*, std::string> names;

  mutable std::mutex mutex;  // guards what follows
  std::vector<std::function<void()>> queue;
  std::uint64_t refused = 0;
  bool open = true;

  void drain();
};

// Runs what was posted before this turn; what these functions post waits for the next one, so that timers and
// sockets get their turn too.
void Loop::State::drain() {
  std::vector<std::function<void()>> batch;
  {
    const std::lock_guard lock(mutex);
    batch.swap(queue);
  }
  for (auto& fn : batch) fn();
}

Loop::Loop() : state_(std::make_unique<State>()) {
  if (const int code = uv_loop_init(&state_->uv); code != 0)
    throw std::runtime_error(std::string("no event loop: ") + uv_strerror(code));
  state_->wake = std::make_unique<UvHandle<uv_async_t>>();
  const int code = uv_async_init(&state_->uv, state_->wake->get(), [](uv_async_t* handle) {
    if (handle->data != nullptr) static_cast<State*>(handle->data)->drain();
  });
  if (code != 0) throw std::runtime_error(std::string("no wake-up for the event loop: ") + uv_strerror(code));
  state_->wake->opened_on(*this, "posted functions", state_.get());
}

Loop::~Loop() { close(); }

void Loop::run() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  while (!state_->stopping)
    uv_run(&state_->uv, UV_RUN_DEFAULT);  // the wake-up handle keeps an idle loop waiting
  state_->stopping = false;
}

void Loop::run_once() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  uv_run(&state_->uv, UV_RUN_NOWAIT);
}

void Loop::stop() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  state_->stopping = true;
  uv_stop(&state_->uv);
}

bool Loop::post(std::function<void()> fn) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->open || state_->queue.size() >= kPostLimit) {
    ++state_->refused;
    return false;
  }
  state_->queue.push_back(std::move(fn));
  uv_async_send(state_->wake->get());  // inside the lock: close() may not free the handle in between
  return true;
}

std::size_t Loop::posts_waiting() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

std::uint64_t Loop::posts_refused() const {
  const std::lock_guard lock(state_->mutex);
  return state_->refused;
}

void Loop::on_signal(std::function<void(int)> heard) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  state_->heard = std::move(heard);
  struct {
    int number;
    const char* name;
  } const kHeard[] = {{SIGINT, "signal SIGINT"}, {SIGTERM, "signal SIGTERM"}, {SIGHUP, "signal SIGHUP"}};
  for (std::size_t i = 0; i < std::size(kHeard); ++i) {
    if (state_->signals[i]) continue;
    struct sigaction now {};
    ::sigaction(kHeard[i].number, nullptr, &now);
    if (kHeard[i].number == SIGHUP && now.sa_handler == SIG_IGN) continue;  // nohup means it
    auto handle = std::make_unique<UvHandle<uv_signal_t>>();
    uv_signal_init(&state_->uv, handle->get());
    handle->opened_on(*this, kHeard[i].name, state_.get());
    uv_signal_start(
        handle->get(),
        [](uv_signal_t* from, int number) {
          auto* state = static_cast<State*>(from->data);
          if (state != nullptr && state->heard) state->heard(number);
        },
        kHeard[i].number);
    state_->signals[i] = std::move(handle);
  }
}

std::vector<std::string> Loop::live_handles() const {
  struct Walk {
    const State* state;
    std::vector<std::string> names;
  } walk{state_.get(), {}};
  if (state_->closed) return {};
  uv_walk(
      &state_->uv,
      [](uv_handle_t* handle, void* user) {
        auto& to = *static_cast<Walk*>(user);
        if (uv_is_closing(handle) != 0) return;
        const auto found = to.state->names.find(handle);
        const char* type = uv_handle_type_name(handle->type);
        to.names.push_back(found != to.state->names.end()
                               ? found->second
                               : std::string("foreign ") + (type != nullptr ? type : "?"));
      },
      &walk);
  return walk.names;
}

void Loop::close() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (state_->closed) return;
  std::vector<std::function<void()>> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    state_->open = false;
    dropped.swap(state_->queue);
  }
  if (!dropped.empty()) log::warn("loop", "{} posted functions did not run before the end", dropped.size());
  dropped.clear();  // outside the lock: what they hold may post in its destructor
  for (auto& signal : state_->signals) signal.reset();
  state_->wake.reset();
  uv_run(&state_->uv, UV_RUN_NOWAIT);
  for (const auto& name : live_handles()) log::warn("loop", "still open at the end: {}", name);
  uv_walk(
      &state_->uv,
      [](uv_handle_t* handle, void*) {
        if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
      },
      nullptr);
  for (int turns = 0; uv_loop_close(&state_->uv) == UV_EBUSY && turns < 1000; ++turns)
    uv_run(&state_->uv, UV_RUN_NOWAIT);
  state_->closed = true;
}

uv_loop_s* Loop::native() const { return &state_->uv; }

void Loop::name_handle(const uv_handle_s* handle, std::string name) {
  state_->names[handle] = std::move(name);
}
void Loop::forget_handle(const uv_handle_s* handle) { state_->names.erase(handle); }

}  // namespace tandem::loop
