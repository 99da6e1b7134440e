// The verbs of call scripts that are written in Lua (prelude/*.lua), as text inside the binary.
// Each file is a chunk that gets (host, shared): `host` the primitives of primitives.cpp, `shared` a table in
// which the files leave what later ones use. Thread: [any].
#pragma once

#include <span>
#include <string_view>

namespace tandem::lua {

struct PreludeFile {
  const char* name;
  std::string_view text;
};

// In the order in which they are to run.
std::span<const PreludeFile> prelude_files();

}  // namespace tandem::lua
