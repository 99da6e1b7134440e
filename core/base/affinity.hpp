// Affinity: says which thread owns an object, and checks it.
//
// A thread-owned class holds one as a member; its public methods begin with
// TANDEM_ASSERT_AFFINITY(affinity_). The owner is the first thread that asks, or the one that calls rebind().
// The check is compiled in always: it costs one comparison, and a wrong thread is a bug that must not wait
// for a debug build.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#if defined(__clang__)
#define TANDEM_CAPABILITY(x) __attribute__((capability(x)))
#define TANDEM_GUARDED_BY(x) __attribute__((guarded_by(x)))
#define TANDEM_REQUIRES(x) __attribute__((requires_capability(x)))
#define TANDEM_ASSERT_CAPABILITY __attribute__((assert_capability(this)))
#else
#define TANDEM_CAPABILITY(x)
#define TANDEM_GUARDED_BY(x)
#define TANDEM_REQUIRES(x)
#define TANDEM_ASSERT_CAPABILITY
#endif

namespace tandem {

class TANDEM_CAPABILITY("thread") Affinity {
 public:
  // [any] Ends the program when called from a thread that is not the owner.
  void check(const char* where) const TANDEM_ASSERT_CAPABILITY {
    const std::thread::id self = std::this_thread::get_id();
    std::thread::id owner = owner_.load(std::memory_order_relaxed);
    if (owner == self) return;
    if (owner == std::thread::id{} && owner_.compare_exchange_strong(owner, self)) return;
    std::fprintf(stderr, "tandem: %s was called from a thread that does not own it\n", where);
    std::abort();
  }

  // [any] Forgets the owner: the next thread that asks takes it. For hand-over between threads.
  void rebind() { owner_.store(std::thread::id{}, std::memory_order_relaxed); }

 private:
  mutable std::atomic<std::thread::id> owner_{};
};

}  // namespace tandem

#define TANDEM_ASSERT_AFFINITY(affinity) (affinity).check(__func__)
