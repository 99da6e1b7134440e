// WorkPool: see the header. Not libuv's own pool: that has four threads for everything, no lanes and no
// bound.
#include "core/loop/work_pool.hpp"

#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/log.hpp"
#include "core/loop/uv_handle.hpp"

namespace tandem::loop {

struct WorkPool::State {
  struct Item {
    std::uint32_t lane = 0;
    std::function<void()> work, done;
  };

  std::unique_ptr<UvHandle<uv_async_t>> wake = std::make_unique<UvHandle<uv_async_t>>();
  std::vector<std::thread> threads;
  std::size_t under_way = 0;  // [control]
  bool finished = false;      // [control]
  std::atomic<std::uint64_t> refused{0};

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable ready, answered;
  std::deque<Item> queue;                                     // runnable now
  std::unordered_map<std::uint32_t, std::deque<Item>> lanes;  // a busy lane, and what waits behind it
  std::vector<Item> done;
  bool ending = false;

  void work_on();
  void answer();
};

// A pool thread: takes a runnable item; at its end the next one of its lane becomes runnable.
void WorkPool::State::work_on() {
  std::unique_lock lock(mutex);
  for (;;) {
    ready.wait(lock, [this] { return ending || !queue.empty(); });
    if (queue.empty()) return;
    Item item = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    try {
      item.work();
    } catch (const std::exception& error) {
      log::error("work", "an item of lane {} threw: {}", item.lane, error.what());
    }
    item.work = nullptr;
    lock.lock();
    if (item.lane != 0) {
      const auto lane = lanes.find(item.lane);
      if (lane->second.empty()) {
        lanes.erase(lane);
      } else {
        queue.push_back(std::move(lane->second.front()));
        lane->second.pop_front();
        ready.notify_one();
      }
    }
    done.push_back(std::move(item));
    answered.notify_one();
    uv_async_send(wake->get());  // inside the lock: the handle lives until the threads are joined
  }
}

void WorkPool::State::answer() {
  std::vector<Item> batch;
  {
    const std::lock_guard lock(mutex);
    batch.swap(done);
  }
  for (auto& item : batch) {
    --under_way;
    if (item.done) item.done();
  }
}

WorkPool::WorkPool(Loop& loop, unsigned threads) : state_(std::make_unique<State>()) {
  const int code = uv_async_init(loop.native(), state_->wake->get(), [](uv_async_t* handle) {
    if (handle->data != nullptr) static_cast<State*>(handle->data)->answer();
  });
  if (code != 0) throw std::runtime_error(std::string("no wake-up for the work pool: ") + uv_strerror(code));
  state_->wake->opened_on(loop, "work pool", state_.get());
  for (unsigned i = 0; i < (threads == 0 ? 1 : threads); ++i)
    state_->threads.emplace_back([state = state_.get()] { state->work_on(); });
}

WorkPool::~WorkPool() { finish(); }

bool WorkPool::submit(std::uint32_t lane, std::function<void()> work, std::function<void()> done) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (state_->finished || state_->under_way >= kLimit) {
    state_->refused.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  ++state_->under_way;
  State::Item item{lane, std::move(work), std::move(done)};
  const std::lock_guard lock(state_->mutex);
  if (lane != 0) {
    const auto [waiting, first] = state_->lanes.try_emplace(lane);
    if (!first) {
      waiting->second.push_back(std::move(item));
      return true;
    }
  }
  state_->queue.push_back(std::move(item));
  state_->ready.notify_one();
  return true;
}

void WorkPool::drain() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  while (state_->under_way > 0) {
    {
      std::unique_lock lock(state_->mutex);
      state_->answered.wait(lock, [this] { return !state_->done.empty(); });
    }
    state_->answer();
  }
}

void WorkPool::finish() {
  if (state_->finished) return;
  drain();
  state_->finished = true;
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->ready.notify_all();
  for (auto& thread : state_->threads) thread.join();
  state_->wake.reset();
}

std::size_t WorkPool::under_way() const { return state_->under_way; }
std::uint64_t WorkPool::refused() const { return state_->refused.load(std::memory_order_relaxed); }

}  // namespace tandem::loop
