// Tables and modules. See the header.
#include "core/plugin/plugin_table.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstring>

namespace tandem::plugin {

Result<void> check_table(std::string_view name, const td_plugin* table) {
  if (table == nullptr)
    return Error{ErrorCode::invalid, fmt::format("plugin {}: its entry returned no table", name)};
  if (table->size < offsetof(td_plugin, name))
    return Error{
        ErrorCode::invalid,
        fmt::format("plugin {}: its table says {} bytes, which cannot hold a version", name, table->size)};
  if (table->abi_major != TD_ABI_MAJOR)
    return Error{ErrorCode::unsupported,
                 fmt::format("plugin {} was built against ABI {}.{}, this host has ABI {}.{}", name,
                             table->abi_major, table->abi_minor, TD_ABI_MAJOR, TD_ABI_MINOR)};
  if (table->size < sizeof(td_plugin))
    return Error{ErrorCode::invalid, fmt::format("plugin {}: its table has {} bytes, ABI {}.{} has {}", name,
                                                 table->size, TD_ABI_MAJOR, TD_ABI_MINOR, sizeof(td_plugin))};
  if (table->name == nullptr || name != table->name)
    return Error{ErrorCode::invalid, fmt::format("plugin {}: it calls itself {}", name,
                                                 table->name == nullptr ? "nothing" : table->name)};
  if (table->activate == nullptr || table->deactivate == nullptr || table->interface == nullptr)
    return Error{ErrorCode::invalid,
                 fmt::format("plugin {}: activate, deactivate or interface is missing in its table", name)};
  return {};
}

std::string name_of_module(std::string_view path) {
  constexpr std::string_view kPrefix = "tandem_", kSuffix = ".so";
  std::string_view file = path.substr(path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1);
  if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix)) return {};
  file = file.substr(kPrefix.size(), file.size() - kPrefix.size() - kSuffix.size());
  if (file.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != file.npos) return {};
  return std::string(file);
}

Result<Module> open_module(const std::string& path) {
  Module module{name_of_module(path), nullptr, nullptr};
  if (module.name.empty())
    return Error{ErrorCode::invalid, fmt::format("{}: expected a module called tandem_NAME.so", path)};
  // An absolute path, or dlopen would search the library folders.
  module.handle =
      dlopen(path.find('/') == path.npos ? ("./" + path).c_str() : path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module.handle == nullptr)
    return Error{ErrorCode::not_found, fmt::format("plugin {} cannot be loaded: {}", module.name, dlerror())};
  const std::string symbol = "tandem_plugin_" + module.name;
  void* const found = dlsym(module.handle, symbol.c_str());
  if (found == nullptr) {
    dlclose(module.handle);
    return Error{ErrorCode::not_found, fmt::format("{}: it has no symbol {}", path, symbol)};
  }
  static_assert(sizeof module.entry == sizeof found);
  std::memcpy(&module.entry, &found, sizeof found);
  return module;
}

bool gives(std::string_view name, td_entry entry, const char* id) {
  const td_plugin* table = entry();
  return check_table(name, table) && table->interface(id, 0) != nullptr;
}

bool module_gives(const std::string& path, const char* id) {
  const auto module = open_module(path);
  if (!module) return false;
  const bool found = gives(module->name, module->entry, id);
  dlclose(module->handle);
  return found;
}

}  // namespace tandem::plugin
