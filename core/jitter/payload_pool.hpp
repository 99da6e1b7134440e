// PayloadPool: the blocks in which received payloads wait to be played. One pool a media loop, of a fixed
// number of blocks, allocated at once.
//
//   JitterBuffer::push ──acquire──► [1,500 bytes] ──release──► pull's successor, reset, destructor
//
// Thread: made on [control], used on its one [media] loop. When it is empty acquire says so and counts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/counter.hpp"

namespace tandem::jitter {

using Block = std::uint32_t;
inline constexpr Block kNoBlock = 0xFFFFFFFF;

class PayloadPool {
 public:
  static constexpr std::size_t kBlockBytes = 1500;

  // [control] Reserves `blocks` blocks; pages are touched only when first used, so that an idle pool costs
  // little resident memory. Throws std::bad_alloc at start-up.
  explicit PayloadPool(std::size_t blocks);
  PayloadPool(const PayloadPool&) = delete;
  PayloadPool& operator=(const PayloadPool&) = delete;

  // [media] A block, or kNoBlock when all are taken. The most recently released one first: it is still
  // cached.
  [[nodiscard]] Block acquire();
  // [media] Gives it back. kNoBlock is ignored.
  void release(Block block);

  // [media] kBlockBytes bytes.
  std::uint8_t* bytes(Block block) { return bytes_.get() + std::size_t{block} * kBlockBytes; }

  // [media] How many are free.
  std::size_t available() const { return capacity_ - used_; }
  std::size_t capacity() const { return capacity_; }
  // [any] How often acquire found none.
  std::uint64_t exhausted() const { return exhausted_.get(); }

 private:
  const std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::unique_ptr<Block[]> free_;  // a stack of released blocks
  std::size_t free_count_ = 0;
  std::size_t fresh_ = 0;  // blocks from here on were never used
  std::size_t used_ = 0;
  Counter exhausted_;
};

}  // namespace tandem::jitter
