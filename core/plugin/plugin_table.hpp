// A plugin's table before anything in it is called, and the file it comes from. Thread: [control].
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "tandem/abi.h"

namespace tandem::plugin {

// What is wrong with a table. Errors: unsupported (another major ABI), invalid (it is broken, or another's).
Result<void> check_table(std::string_view name, const td_plugin* table);

struct Module {
  std::string name;
  void* handle;  // whoever opens it closes it (dlclose)
  td_entry entry;
};

// Loads a file tandem_NAME.so. Errors: invalid (a name that does not fit), not_found (no file, no module, or
// its symbol tandem_plugin_NAME is missing).
Result<Module> open_module(const std::string& path);

// Whether a plugin that is not active yet gives anything under `id`: of its table, and of a file
// tandem_NAME.so, which is loaded for the question and let go. False also for broken ones.
bool gives(std::string_view name, td_entry entry, const char* id);
bool module_gives(const std::string& path, const char* id);

// NAME of a path .../tandem_NAME.so; "" when it is not of that form.
std::string name_of_module(std::string_view path);

}  // namespace tandem::plugin
