// A report as JSON, before it is text. Thread: [any].
#pragma once

#include <nlohmann/json.hpp>

#include "core/load/outcome.hpp"

namespace tandem::load {

inline constexpr const char* kRunFormat = "tandem.bench/1";
inline constexpr const char* kSeriesFormat = "tandem.bench.runs/1";

// Legs: at most `rows`.
nlohmann::json json_of(const Outcome& outcome, std::size_t rows);

}  // namespace tandem::load
