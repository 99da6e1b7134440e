// The plugin's stage behind Stage: its table is checked once, what it returns is bounded on each pass.
#include "core/graph/stage.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tandem::graph {

void Notes::add(const char* stage, const td_stage_note& note) {
  if (count == kMax) {
    ++dropped;
    return;
  }
  items[count++] = {stage, note};
}

Result<std::unique_ptr<Stage>> PluginStage::create(const td_stage_type* type, std::uint32_t rate,
                                                   std::string_view options) {
  if (type == nullptr || type->size < sizeof(td_stage_type) || type->name == nullptr ||
      type->create == nullptr || type->destroy == nullptr || type->process == nullptr)
    return Error{ErrorCode::invalid, "stage: expected a whole table (size, name, create, destroy, process)"};
  td_stage* state = type->create(rate, {options.data(), options.size()});
  if (state == nullptr)
    return Error{ErrorCode::invalid,
                 fmt::format("stage {}: refused {} Hz with the options \"{}\"", type->name, rate, options)};
  return std::unique_ptr<Stage>(new PluginStage(type, state, rate));
}

PluginStage::PluginStage(const td_stage_type* type, td_stage* state, std::uint32_t rate)
    : Stage(type->name, rate), type_(type), state_(state) {}

PluginStage::~PluginStage() { type_->destroy(state_); }

void PluginStage::on_process(Frame& frame, Notes& notes) {
  constexpr std::uint32_t kAtOnce = 8;
  td_stage_note made[kAtOnce];
  const std::uint32_t n = type_->process(state_, frame.storage.data(), frame.samples, made, kAtOnce);
  for (std::uint32_t i = 0; i < std::min(n, kAtOnce); ++i) notes.add(name(), made[i]);
}

}  // namespace tandem::graph
