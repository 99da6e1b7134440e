// BenchCodecs: see the header.
#include "core/app/bench_codecs.hpp"

#include <filesystem>

#include "core/app/paths.hpp"
#include "core/base/log.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"
#include "core/plugin/plugin_table.hpp"

namespace tandem::app {

BenchCodecs::BenchCodecs(std::span<const plugin::Builtin> builtins)
    : timers_(loop_), api_(timers_), plugins_({timers_, api_, &loop_, nullptr, {}}) {
  for (const td_codec* own : {codec::pcmu(), codec::pcma()}) add(own);
  for (const td_codec* own : codec::l16_all()) add(own);
  for (const auto& one : builtins) {
    if (!plugin::gives(one.name, one.entry, TD_CODEC_ID)) continue;
    if (auto loaded = plugins_.load(one.name, one.entry, "{}"); !loaded)
      log::warn("bench", "no {}: {}", one.name, loaded.error().message);
  }
  load_modules();
  for (const td_codec* given : plugins_.given<td_codec>(TD_CODEC_ID, codec::kLeastTable)) add(given);
}

// Asked before they are active: plugins that listen or connect stay asleep. Codecs that may not be linked in
// (GPL). What is in the binary already is passed over as "loaded already".
void BenchCodecs::load_modules() {
  const std::string folder = default_module_dir();
  if (folder.empty()) return;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = plugin::name_of_module(entry.path().string());
    bool there = name.empty();
    for (const auto& loaded : plugins_.loaded()) there = there || loaded.name == name;
    if (there) continue;
    if (!plugin::module_gives(entry.path().string(), TD_CODEC_ID)) continue;
    if (auto loaded = plugins_.load_module(entry.path().string(), "{}"); !loaded)
      log::warn("bench", "no {}: {}", name, loaded.error().message);
  }
}

void BenchCodecs::add(const td_codec* codec) {
  if (auto added = registry_.add(codec); !added) log::warn("bench", "{}", added.error().message);
}

}  // namespace tandem::app
