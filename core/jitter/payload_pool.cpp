// A stack of released blocks above a mark below which every block was used at least once.
#include "core/jitter/payload_pool.hpp"

#include <cassert>

namespace tandem::jitter {

// make_unique_for_overwrite: large arrays come from fresh pages, which stay untouched until a block is used.
PayloadPool::PayloadPool(std::size_t blocks)
    : capacity_(blocks < kNoBlock ? blocks : kNoBlock - 1),
      bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(capacity_ * kBlockBytes)),
      free_(std::make_unique_for_overwrite<Block[]>(capacity_)) {}

Block PayloadPool::acquire() {
  if (free_count_ > 0) {
    ++used_;
    return free_[--free_count_];
  }
  if (fresh_ < capacity_) {
    ++used_;
    return static_cast<Block>(fresh_++);
  }
  exhausted_.add();
  return kNoBlock;
}

void PayloadPool::release(Block block) {
  if (block == kNoBlock) return;
  assert(block < fresh_ && used_ > 0);
  --used_;
  free_[free_count_++] = block;
}

}  // namespace tandem::jitter
