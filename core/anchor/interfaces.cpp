#include "core/anchor/interfaces.hpp"

#include <algorithm>

namespace tandem::anchor {

const Interface* Interfaces::find(std::string_view name, Family family) const {
  for (const Interface& one : all_) {
    const bool v6 = one.address.find(':') != std::string::npos;
    if ((name.empty() || one.name == name) && v6 == (family == Family::v6)) return &one;
  }
  return name.empty() ? nullptr : find("", family);
}

bool Interfaces::known(std::string_view name) const {
  return std::any_of(all_.begin(), all_.end(), [&](const Interface& one) { return one.name == name; });
}

}  // namespace tandem::anchor
