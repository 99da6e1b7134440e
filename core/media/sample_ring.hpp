// SampleRing: PCM from a media loop to the thread that writes it. Single producer [media], single consumer
// [io]. Bounded: what does not fit is counted as missed, and the reader puts silence where it belongs, so
// that time in the file goes on. One allocation, at construction.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>

namespace tandem::media {

class SampleRing {
 public:
  explicit SampleRing(std::size_t samples)
      : mask_(std::bit_ceil(samples) - 1), data_(std::make_unique_for_overwrite<std::int16_t[]>(mask_ + 1)) {}

  // [media] All of `samples` or nothing; nothing is counted in missed().
  void write(std::span<const std::int16_t> samples) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (mask_ + 1 - (tail - head_.load(std::memory_order_acquire)) < samples.size()) {
      missed_.store(missed_.load(std::memory_order_relaxed) + samples.size(), std::memory_order_release);
      return;
    }
    const std::size_t at = tail & mask_;
    const std::size_t first = std::min(samples.size(), mask_ + 1 - at);
    std::copy_n(samples.data(), first, data_.get() + at);
    std::copy_n(samples.data() + first, samples.size() - first, data_.get());
    tail_.store(tail + samples.size(), std::memory_order_release);
  }

  // [io] Up to out.size() samples; how many.
  std::size_t read(std::span<std::int16_t> out) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t n = std::min(out.size(), tail_.load(std::memory_order_acquire) - head);
    const std::size_t at = head & mask_;
    const std::size_t first = std::min(n, mask_ + 1 - at);
    std::copy_n(data_.get() + at, first, out.data());
    std::copy_n(data_.get(), n - first, out.data() + first);
    head_.store(head + n, std::memory_order_release);
    return n;
  }

  // [any] Samples that found the ring full, since the beginning.
  std::uint64_t missed() const { return missed_.load(std::memory_order_acquire); }

 private:
  const std::size_t mask_;
  const std::unique_ptr<std::int16_t[]> data_;
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::atomic<std::uint64_t> missed_{0};
};

}  // namespace tandem::media
