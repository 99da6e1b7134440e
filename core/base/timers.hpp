// Timers: the control side's only source of time and delay. core/loop implements it over libuv;
// tests/support implements it on a counted clock, where advancing an hour takes as long as its callbacks.
// Thread: [control]; callbacks run on the control thread.
#pragma once

#include <cstdint>
#include <functional>

#include "core/base/time.hpp"

namespace tandem {

using TimerId = std::uint64_t;  // 0 is never a live timer

class Timers {
 public:
  virtual ~Timers() = default;

  virtual TimePoint now() const = 0;
  virtual WallTime wall_now() const = 0;

  // Runs `fire` once, `delay` from now (at once on the next turn when delay <= 0). May allocate.
  virtual TimerId after(Nanos delay, std::function<void()> fire) = 0;

  // Forgets a timer. Unknown, fired and zero ids are ignored.
  virtual void cancel(TimerId id) = 0;
};

}  // namespace tandem
