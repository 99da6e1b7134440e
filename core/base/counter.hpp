// Counter and Histogram: figures that one thread adds to and any thread reads.
// add() is a relaxed load and store, not a locked instruction: each has exactly one writer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tandem {

class Counter {
 public:
  // [one writer]
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // [any]
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Counts of values by bucket; `Bounds` are the inclusive upper edges, one more bucket catches the rest.
template <std::size_t N>
class Histogram {
 public:
  explicit Histogram(const std::array<std::uint32_t, N>& bounds) : bounds_(bounds) {}

  // [one writer]
  void add(std::uint32_t value) {
    std::size_t i = 0;
    while (i < N && value > bounds_[i]) ++i;
    counts_[i].add();
    sum_.add(value);
  }

  // [any] bucket N is the one without an upper edge.
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].get(); }
  std::uint64_t sum() const { return sum_.get(); }
  const std::array<std::uint32_t, N>& bounds() const { return bounds_; }

 private:
  const std::array<std::uint32_t, N> bounds_;
  std::array<Counter, N + 1> counts_{};
  Counter sum_;
};

}  // namespace tandem
