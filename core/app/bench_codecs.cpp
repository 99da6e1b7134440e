// BenchCodecs: see the header.
#include "core/app/bench_codecs.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/base/log.hpp"
#include "core/codec/g711.hpp"

namespace tandem::app {
namespace {

// Those whose plugin gives codecs and nothing that listens or connects.
constexpr std::array<std::string_view, 8> kCodecPlugins{"opus", "g722", "g726", "gsm",
                                                        "g729", "amr",  "ilbc", "speex"};

}  // namespace

BenchCodecs::BenchCodecs(std::span<const plugin::Builtin> builtins)
    : timers_(loop_), api_(timers_), plugins_({timers_, api_, &loop_, nullptr, {}}) {
  for (const td_codec* own : {codec::pcmu(), codec::pcma()})
    if (auto added = registry_.add(own); !added) log::error("bench", "{}", added.error().message);
  for (const auto& one : builtins) {
    if (std::find(kCodecPlugins.begin(), kCodecPlugins.end(), one.name) == kCodecPlugins.end()) continue;
    if (auto loaded = plugins_.load(one.name, one.entry, "{}"); !loaded)
      log::warn("bench", "no {}: {}", one.name, loaded.error().message);
  }
  for (const td_codec* given : plugins_.given<td_codec>(TD_CODEC_ID))
    if (auto added = registry_.add(given); !added) log::warn("bench", "{}", added.error().message);
}

}  // namespace tandem::app
