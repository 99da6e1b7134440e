// Any pattern over any subject: it matches, does not, is malformed or gives up, always within the steps it
// may spend.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lua/pattern.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::lua;
  if (size < 2) return 0;
  const std::size_t split = data[0] % size;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view text = all.substr(0, split),
                         subject = all.substr(split < all.size() ? split : all.size());
  Pattern pattern;
  if (pattern.compile(text) != nullptr) return 0;
  std::uint32_t spent = 0;
  constexpr std::uint32_t kSteps = 20'000;
  Match match(
      pattern, subject,
      [](void* user, std::uint32_t steps) { return (*static_cast<std::uint32_t*>(user) += steps) <= kSteps; },
      &spent);
  for (std::size_t at = 0; at <= subject.size() && spent <= kSteps; ++at) {
    if (match.at(at) != Match::Outcome::found) continue;
    if (match.end() < at || match.end() > subject.size()) std::abort();
    for (int i = 0; i < match.captures(); ++i) {
      const Capture& held = match.capture(i);
      const bool inside = held.start >= subject.data() &&
                          held.start + (held.size > 0 ? held.size : 0) <= subject.data() + subject.size();
      if (!inside || held.size == Capture::kOpen) std::abort();
    }
  }
  if (spent > kSteps + 256) std::abort();
  return 0;
}
