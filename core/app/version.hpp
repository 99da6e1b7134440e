// The version that `tandem version`, the API's status and /metrics show.
#pragma once

namespace tandem::app {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace tandem::app
