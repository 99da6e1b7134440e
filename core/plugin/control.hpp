// Control: what the host lends to every plugin: time, the loop, the pool, the API. Plain references, filled
// by the composition root; on a counted clock there is no loop and no pool. Thread: [control].
#pragma once

#include <functional>
#include <string>

#include "core/api/api.hpp"
#include "core/base/timers.hpp"
#include "core/loop/loop.hpp"
#include "core/loop/work_pool.hpp"

namespace tandem::plugin {

struct Control {
  Timers& timers;
  api::Api& api;
  loop::Loop* loop = nullptr;  // null: a counted clock; nothing can be watched, posts come from one thread
  loop::WorkPool* pool = nullptr;        // null: work runs at once, its answer on the next turn
  std::function<std::string()> metrics;  // Prometheus text; may be empty
};

}  // namespace tandem::plugin
