// Chain: the stages that a leg's audio passes, in order.
//
//   decoded Frame ──► stage ──► stage ──► … ──► Frame for the graph, and the notes of all
//
// Thread: built on [control] (or between ticks by its owner), run on [media].
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/graph/stage.hpp"

namespace tandem::graph {

class Chain {
 public:
  static constexpr std::size_t kMaxStages = 8;

  // [control] Appends. False when full: nothing was taken. Does not allocate.
  [[nodiscard]] bool add(std::unique_ptr<Stage>& stage);
  // [control] Takes out the first of that name; null when there is none. The caller destroys it on [control].
  std::unique_ptr<Stage> remove(std::string_view name);
  // [media] The first of that name, or null.
  Stage* find(std::string_view name) const;

  // [media] Runs all, in order. Notes are added to, not cleared.
  void process(Frame& frame, Notes& notes);

  std::size_t size() const { return count_; }

 private:
  std::array<std::unique_ptr<Stage>, kMaxStages> stages_;
  std::size_t count_ = 0;
};

}  // namespace tandem::graph
