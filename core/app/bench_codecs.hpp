// BenchCodecs: the codecs that the load generator's phones speak: G.711, L16 and what codec plugins give,
// those in the binary and modules, loaded without a server around them. Thread: [control].
#pragma once

#include <span>

#include "core/api/api.hpp"
#include "core/codec/registry.hpp"
#include "core/loop/loop.hpp"
#include "core/loop/uv_timers.hpp"
#include "core/plugin/builtin.hpp"
#include "core/plugin/plugin_host.hpp"

namespace tandem::app {

class BenchCodecs {
 public:
  // A plugin that refuses is left out with a line in the log.
  explicit BenchCodecs(std::span<const plugin::Builtin> builtins);
  BenchCodecs(const BenchCodecs&) = delete;
  BenchCodecs& operator=(const BenchCodecs&) = delete;

  const codec::CodecRegistry& registry() const { return registry_; }

 private:
  void add(const td_codec* codec);
  void load_modules();

  loop::Loop loop_;
  loop::UvTimers timers_;
  api::Api api_;
  plugin::PluginHost plugins_;
  codec::CodecRegistry registry_;
};

}  // namespace tandem::app
