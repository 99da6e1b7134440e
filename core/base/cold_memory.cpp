#include "core/base/cold_memory.hpp"

#include <sys/mman.h>

#include <new>

namespace tandem {

ColdMemory::ColdMemory(std::size_t bytes) : bytes_(bytes), data_(nullptr) {
  if (bytes == 0) return;
  void* const made =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) throw std::bad_alloc();
  // Neighbours become one mapping, of which one byte must not bring 2 MB.
  (void)madvise(made, bytes, MADV_NOHUGEPAGE);
  data_ = static_cast<std::byte*>(made);
}

ColdMemory::~ColdMemory() {
  if (data_ != nullptr) (void)munmap(data_, bytes_);
}

}  // namespace tandem
