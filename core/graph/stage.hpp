// Stage: a node of a leg's chain: one stream of PCM in, the same out, and notes about what it heard.
//
//   Frame ──process()──► Frame, Note…       PluginStage: a td_stage_type of a plugin behind the same face
//
// Thread: made and destroyed on [control], processed on one [media] loop. No allocation in process.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/result.hpp"
#include "core/graph/frame.hpp"
#include "tandem/stage.h"

namespace tandem::graph {

// Notes of one pass, with the name of the stage that made each. Bounded: what is too much is counted.
struct Notes {
  static constexpr std::size_t kMax = 32;
  struct Note {
    const char* stage = "";  // the stage's name, lives as long as the stage
    td_stage_note note{};
  };
  std::array<Note, kMax> items;
  std::uint32_t count = 0;
  std::uint32_t dropped = 0;

  void add(const char* stage, const td_stage_note& note);
  void clear() { count = 0; }
  std::span<const Note> all() const { return {items.data(), count}; }
};

class Stage {
 public:
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // [media] One frame, in place. A frame of another rate than prepared for passes untouched.
  void process(Frame& frame, Notes& notes) {
    if (frame.rate == rate_) on_process(frame, notes);
  }

  const char* name() const { return name_; }
  std::uint32_t rate() const { return rate_; }

 protected:
  // `name` lives as long as the stage.
  Stage(const char* name, std::uint32_t rate) : name_(name), rate_(rate) {}
  virtual void on_process(Frame& frame, Notes& notes) = 0;

 private:
  const char* name_;
  std::uint32_t rate_;
};

class PluginStage final : public Stage {
 public:
  // [control] The type is borrowed and outlives the stage. Errors: invalid (the type's table is broken, or it
  // refused rate or options).
  static Result<std::unique_ptr<Stage>> create(const td_stage_type* type, std::uint32_t rate,
                                               std::string_view options);
  ~PluginStage() override;

 private:
  PluginStage(const td_stage_type* type, td_stage* state, std::uint32_t rate);
  void on_process(Frame& frame, Notes& notes) override;

  const td_stage_type* type_;
  td_stage* state_;
};

}  // namespace tandem::graph
