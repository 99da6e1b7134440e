// AllocationTrap: counts what operator new hands out while it is armed, on this thread. The operators are
// replaced in allocation_trap.cpp for the whole test program.
#pragma once

#include <cstddef>

namespace tandem::testing {

class AllocationTrap {
 public:
  AllocationTrap();   // arms
  ~AllocationTrap();  // disarms
  AllocationTrap(const AllocationTrap&) = delete;
  AllocationTrap& operator=(const AllocationTrap&) = delete;
  std::size_t count() const;
};

}  // namespace tandem::testing
