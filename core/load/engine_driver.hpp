// EngineDriver: starts this program again as an EngineServer and drives it: media without signaling.
// Thread: [control].
#pragma once

#include <memory>

#include "core/load/driver.hpp"
#include "core/load/engine_server.hpp"

namespace tandem::load {

// `core`: the server is kept off it when there are others; below 0: nowhere kept off.
std::unique_ptr<Driver> make_engine_driver(const EngineOptions& options, int core);

}  // namespace tandem::load
