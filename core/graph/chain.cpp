// See chain.hpp.
#include "core/graph/chain.hpp"

#include <utility>

namespace tandem::graph {

bool Chain::add(std::unique_ptr<Stage>& stage) {
  if (stage == nullptr || count_ == kMaxStages) return false;
  stages_[count_++] = std::move(stage);
  return true;
}

std::unique_ptr<Stage> Chain::remove(std::string_view name) {
  for (std::size_t i = 0; i < count_; ++i) {
    if (name != stages_[i]->name()) continue;
    std::unique_ptr<Stage> taken = std::move(stages_[i]);
    for (--count_; i < count_; ++i) stages_[i] = std::move(stages_[i + 1]);
    return taken;
  }
  return nullptr;
}

Stage* Chain::find(std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i)
    if (name == stages_[i]->name()) return stages_[i].get();
  return nullptr;
}

void Chain::process(Frame& frame, Notes& notes) {
  for (std::size_t i = 0; i < count_; ++i) stages_[i]->process(frame, notes);
}

}  // namespace tandem::graph
