// Gregorian dates from the C library, milliseconds by hand.
#include "store/clock.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace tandem::store {

std::string iso_time(std::uint64_t us) {
  const auto seconds = static_cast<std::time_t>(us / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<unsigned>(us / 1000 % 1000));
  return text;
}

std::string iso_now() {
  using namespace std::chrono;
  const auto now = system_clock::now().time_since_epoch();
  return iso_time(static_cast<std::uint64_t>(duration_cast<microseconds>(now).count()));
}

}  // namespace tandem::store
