// The sections [plugin.NAME]: what each plugin gets of the configuration, and whether it can be right, asked
// of the plugins themselves before any is activated. Thread: [control], at start.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/app/config.hpp"
#include "core/app/paths.hpp"
#include "core/plugin/builtin.hpp"

namespace tandem::app {

// A plugin's own section as JSON text, with what other sections say about it where its own says nothing.
std::string plugin_section(const Config& config, const Paths& paths, const std::string& token,
                           const std::string& name);

struct PluginSections {
  std::vector<ConfigError> errors;     // with line and column of the key
  std::vector<std::string> unchecked;  // plugins that do not tell their options: they check when they start
};

// Every section that the file has. `module_dir`: where tandem_NAME.so are looked for.
PluginSections check_plugin_sections(const ConfigOutcome& read, const std::string& module_dir,
                                     std::span<const plugin::Builtin> builtins);

// In the order of the file.
void sort_by_place(std::vector<ConfigError>& errors);

}  // namespace tandem::app
