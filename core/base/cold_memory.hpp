// ColdMemory: bytes that take an address now and real memory only when they are used: whole pages of the
// kernel's, untouched. For what every leg has but most legs never need (a relay decodes nothing), where the
// one that comes to need it may not allocate. Its first use costs a page fault a page, as a PayloadPool's
// does. Thread: made and destroyed on [control], the bytes are the owner's.
#pragma once

#include <cstddef>

namespace tandem {

class ColdMemory {
 public:
  // `bytes` zeros, at the beginning of a page. Throws std::bad_alloc.
  explicit ColdMemory(std::size_t bytes);
  ~ColdMemory();
  ColdMemory(const ColdMemory&) = delete;
  ColdMemory& operator=(const ColdMemory&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  const std::size_t bytes_;
  std::byte* data_;
};

}  // namespace tandem
