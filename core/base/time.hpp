// Time as a value. Everything below core/app takes time as an argument or from a Timers that it was given,
// so that a whole server runs on a counted clock. Thread: [any].
#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

using Nanos = std::chrono::nanoseconds;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A point on a monotonic clock of no stated origin (CLOCK_MONOTONIC in the server, a count in tests).
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Nanos>;

// A point on the wall clock, UTC, for records that people read.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

}  // namespace tandem
