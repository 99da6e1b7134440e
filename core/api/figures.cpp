// Figures: see the header.
#include "core/api/figures.hpp"

#include <algorithm>
#include <utility>

namespace tandem::api {

Result<void> Figures::add(const std::string& name, std::string help, std::function<double()> value) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), fits))
    return Error{ErrorCode::invalid, "expected a name of a to z, 0 to 9 and _"};
  if (all_.size() >= kMax && !all_.contains(name))
    return Error{ErrorCode::exhausted, "there are " + std::to_string(kMax) + " figures already"};
  if (!all_.try_emplace(name, Figure{std::move(help), std::move(value)}).second)
    return Error{ErrorCode::conflict, "it is shown already"};
  return {};
}

}  // namespace tandem::api
