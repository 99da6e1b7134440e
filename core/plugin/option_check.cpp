// Asking a plugin about its section. See the header.
#include "core/plugin/option_check.hpp"

#include <dlfcn.h>

#include <utility>

#include "core/plugin/abi_code.hpp"
#include "core/plugin/plugin_table.hpp"
#include "tandem/options.h"

namespace tandem::plugin {

OptionCheck check_options(std::string_view name, td_entry entry, std::string_view section_json) {
  const td_plugin* const table = entry();
  if (auto checked = check_table(name, table); !checked) return checked.error();
  const auto* options = static_cast<const td_options*>(table->interface(TD_OPTIONS_ID, 0));
  if (options == nullptr || options->size < sizeof(td_options) || options->check == nullptr)
    return std::optional<std::vector<WrongOption>>();
  std::vector<WrongOption> wrong;
  options->check(
      str_of(section_json),
      [](void* user, td_str key, td_str expected, td_str found) {
        static_cast<std::vector<WrongOption>*>(user)->push_back(
            {std::string(text_of(key)), std::string(text_of(expected)), std::string(text_of(found))});
      },
      &wrong);
  return std::optional(std::move(wrong));
}

OptionCheck check_module_options(const std::string& path, std::string_view section_json) {
  auto module = open_module(path);
  if (!module) return module.error();
  auto checked = check_options(module->name, module->entry, section_json);
  dlclose(module->handle);
  return checked;
}

}  // namespace tandem::plugin
