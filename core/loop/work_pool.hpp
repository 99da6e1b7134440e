// WorkPool: a few [io] threads for what may block (files, databases), with the answer on [control].
//
//   [control] submit(lane, work, done) ──► queue ──► [io] work() ──► [control] done()
//                                           lane > 0: one at a time, in order; lane 0: side by side
//
// Bounded: what waits, runs or has not been answered counts against kLimit. Thread: [control] unless said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/base/affinity.hpp"
#include "core/loop/loop.hpp"

namespace tandem::loop {

class WorkPool {
 public:
  static constexpr std::size_t kLimit = 4096;

  // [control] `loop` outlives this. Throws std::runtime_error or std::system_error (start-up only).
  WorkPool(Loop& loop, unsigned threads);
  // [control] finish()es first.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // [control] Runs work() on [io], then done() on [control]. False, with neither called and the refusal
  // counted, when kLimit items are under way, or after finish(). An exception out of work() is logged; done()
  // still runs.
  bool submit(std::uint32_t lane, std::function<void()> work, std::function<void()> done);

  // [control] Waits for all that was submitted and runs each done(), also of what those submit. Blocks: for
  // the end of a plugin or of the server.
  void drain();
  // [control] drain()s, then ends the threads. Idempotent.
  void finish();

  // [control] Items under way; [any] refused since the start.
  std::size_t under_way() const;
  std::uint64_t refused() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  Affinity affinity_;
};

}  // namespace tandem::loop
