// What a plugin says about a section [plugin.NAME] without being activated (tandem.options/1).
// Thread: [control], at start. Nothing of the plugin runs but its entry, `interface` and `check`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "tandem/abi.h"

namespace tandem::plugin {

struct WrongOption {
  std::string key, expected, found;  // key "": the section itself
};

// Every mistake; nullopt when the plugin does not tell. Errors: as PluginHost::load's about its table.
using OptionCheck = Result<std::optional<std::vector<WrongOption>>>;
OptionCheck check_options(std::string_view name, td_entry entry, std::string_view section_json);

// The same of a file tandem_NAME.so, which is loaded for it and let go. Errors: as PluginHost::load_module's.
OptionCheck check_module_options(const std::string& path, std::string_view section_json);

}  // namespace tandem::plugin
