// See allocation_trap.hpp.
#include "tests/loop/allocation_trap.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local bool armed = false;
thread_local std::size_t counted = 0;

void* allocate(std::size_t size) {
  if (armed) ++counted;
  if (void* made = std::malloc(size == 0 ? 1 : size)) return made;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
// Not inlined: beside a call of operator new that was not, GCC takes the free() for a mismatch.
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace tandem::testing {

AllocationTrap::AllocationTrap() {
  counted = 0;
  armed = true;
}
AllocationTrap::~AllocationTrap() { armed = false; }
std::size_t AllocationTrap::count() const { return counted; }

}  // namespace tandem::testing
