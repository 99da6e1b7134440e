// deliver_event: one row of docs/signaling.md, parsed from JSON text, to the method of the listener that
// takes it. Thread: [control]. Bounds are the plugin's; types are checked here: a field of another type
// counts as absent.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/call/signaling.hpp"

namespace tandem::app {

// Errors: invalid (no JSON object, no leg where one is needed), unsupported (an unknown "ev").
Result<void> deliver_event(std::string_view json, call::SignalingListener& to);

}  // namespace tandem::app
