// Wall-clock stamps as the store writes them: "2026-01-31T08:15:00.123Z". They sort as text. Thread: [any].
#pragma once

#include <cstdint>
#include <string>

namespace tandem::store {

// `us` is UTC microseconds since 1970.
std::string iso_time(std::uint64_t us);
// The system clock. Commands get their time from the host's clock instead (Context::now).
std::string iso_now();

}  // namespace tandem::store
