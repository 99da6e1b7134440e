// The plugins linked into the binary; the table itself is made by CMake (plugins/builtin_plugins.cpp.in).
#pragma once

#include <span>

#include "tandem/abi.h"

namespace tandem::plugin {

struct Builtin {
  const char* name;
  td_entry entry;
};

// [any] Lives for ever.
std::span<const Builtin> builtin_plugins();

}  // namespace tandem::plugin
