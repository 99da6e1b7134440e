// Which server tandem bench loads: the words of --server, as a driver. Thread: [control].
#pragma once

#include <memory>
#include <string>

#include "core/app/bench_options.hpp"
#include "core/base/result.hpp"
#include "core/load/driver.hpp"
#include "core/load/profile.hpp"

namespace tandem::app {

// `core`: the generator's, which an engine of our own keeps off; below 0: none. Errors: invalid (no such
// server), not_found (no such file of accounts).
Result<std::unique_ptr<load::Driver>> make_bench_driver(const BenchOptions& options,
                                                        const std::string& server,
                                                        const load::Profile& profile, int core);

}  // namespace tandem::app
