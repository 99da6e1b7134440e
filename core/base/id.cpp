#include "core/base/id.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <cstdlib>

namespace tandem {

void random_bytes(void* out, std::size_t n) {
  auto* to = static_cast<char*>(out);
  while (n > 0) {
    const ssize_t got = getrandom(to, n, 0);
    if (got < 0) std::abort();
    to += got;
    n -= static_cast<std::size_t>(got);
  }
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  random_bytes(&value, sizeof value);
  return value;
}

std::string make_id(std::string_view prefix) {
  if (prefix.empty()) return fmt::format("{:016x}", random_u64());
  return fmt::format("{}-{:016x}", prefix, random_u64());
}

std::string make_secret() { return fmt::format("{:016x}{:016x}", random_u64(), random_u64()); }

}  // namespace tandem
