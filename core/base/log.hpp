// Log lines to stderr, one line an event: time, level, area, message. spdlog stands behind it (log.cpp only).
// Thread: [any] except [media]: formatting allocates. Secrets (passwords, tokens, keys) are never passed in.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace tandem::log {

enum class Level { debug, info, warn, error };

// Lines below `level` are dropped; the default is info.
void set_level(Level level);
bool enabled(Level level);

// Writes one line. `area` is the room it comes from: "call", "kamailio", "lua", …
void write(Level level, std::string_view area, std::string_view message);

template <typename... Args>
void debug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warn(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warn)) write(Level::warn, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, area, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tandem::log
