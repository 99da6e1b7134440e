#include "core/base/cold_memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

namespace tandem {
namespace {

std::size_t resident_pages(const ColdMemory& memory) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((memory.size() + page - 1) / page);
  EXPECT_EQ(mincore(memory.data(), memory.size(), pages.data()), 0);
  std::size_t there = 0;
  for (const unsigned char one : pages) there += one & 1u;
  return there;
}

TEST(ColdMemory, IsZerosThatTakeNoMemoryBeforeTheyAreUsed) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const ColdMemory memory(10 * page + 1);
  EXPECT_EQ(resident_pages(memory), 0u);
  memory.data()[5 * page] = std::byte{7};
  EXPECT_EQ(resident_pages(memory), 1u) << "a page at a time";
  for (std::size_t i = 0; i < memory.size(); ++i)
    ASSERT_EQ(memory.data()[i], i == 5 * page ? std::byte{7} : std::byte{0}) << i;
}

TEST(ColdMemory, MayBeEmpty) { EXPECT_EQ(ColdMemory(0).data(), nullptr); }

}  // namespace
}  // namespace tandem
