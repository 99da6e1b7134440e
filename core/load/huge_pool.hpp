// HugePool: memory for many objects of one size, out of huge pages where the machine gives them: thousands of
// phones, each looked at fifty times a second, otherwise cost a walk through the page tables each time.
//
//   static void* operator new(std::size_t) { return pool().take(); }
//
// Never gives back to the system what it took. Thread: [any]: a mutex, as phones come and go by call.
#pragma once

#include <sys/mman.h>

#include <mutex>
#include <new>
#include <vector>

namespace tandem::load {

template <typename T>
class HugePool {
 public:
  void* take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) grow();
    void* place = free_.back();
    free_.pop_back();
    return place;
  }
  void give(void* place) noexcept {
    const std::lock_guard lock(mutex_);
    free_.push_back(place);  // there was room for it when it was taken
  }

 private:
  static constexpr std::size_t kHuge = std::size_t{2} << 20;
  static constexpr std::size_t kSize = (sizeof(T) + 63) / 64 * 64;
  static_assert(kSize <= kHuge / 16);

  void grow() {
    void* whole = mmap(nullptr, 2 * kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) throw std::bad_alloc();
    // A huge page begins at a multiple of its size; what is before and behind goes back.
    auto* begin = static_cast<std::byte*>(whole);
    const auto over = reinterpret_cast<std::uintptr_t>(begin) % kHuge;
    const std::size_t before = over == 0 ? 0 : kHuge - over;
    if (before > 0) munmap(begin, before);
    munmap(begin + before + kHuge, kHuge - before);
    madvise(begin + before, kHuge, MADV_HUGEPAGE);
    made_ += kHuge / kSize;
    free_.reserve(made_);
    for (std::size_t at = 0; at + kSize <= kHuge; at += kSize) free_.push_back(begin + before + at);
  }

  std::mutex mutex_;
  std::vector<void*> free_;
  std::size_t made_ = 0;
};

}  // namespace tandem::load
