// SpscRing: a bounded queue between exactly one producer thread and one consumer thread.
//
//   producer: try_push() -> full? counts it and returns false      consumer: try_pop()
//
// No lock, no allocation after construction. Capacity is rounded up to a power of two. Each side keeps a copy
// of the other's index, so that the shared cache lines move only when the copy runs out.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tandem {

template <typename T>
class SpscRing {
 public:
  // [any] Allocates `capacity` default-constructed slots.
  explicit SpscRing(std::size_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity) - 1),
        slots_(std::make_unique<T[]>(mask_ + 1)) {}
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  // [producer] Moves `item` in. False, with `item` untouched, when full; full() counts how often.
  [[nodiscard]] bool try_push(T&& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ > mask_) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ > mask_) {
        full_.fetch_add(1, std::memory_order_relaxed);
        return false;
      }
    }
    slots_[tail & mask_] = std::move(item);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // [consumer] Moves the oldest item out. False when empty.
  [[nodiscard]] bool try_pop(T& out) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return false;
    }
    out = std::move(slots_[head & mask_]);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  // [any] How many items wait; exact only on either side's own thread.
  std::size_t size() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire);
  }
  std::size_t capacity() const { return mask_ + 1; }

  // [any] How many pushes were refused because the ring was full.
  std::uint64_t full() const { return full_.load(std::memory_order_relaxed); }

 private:
  const std::size_t mask_;
  const std::unique_ptr<T[]> slots_;
  alignas(64) std::atomic<std::size_t> head_{0};
  std::size_t tail_seen_ = 0;  // consumer's copy
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;  // producer's copy
  std::atomic<std::uint64_t> full_{0};
};

}  // namespace tandem
