// PluginHost: loads plugins, lends each its host, and tells what they give.
//
//   builtin table ─┐                      ┌─► given("tandem.codec/1") …
//   tandem_NAME.so ┴─► check ─► activate ─┤
//                       │                 └─► unload(): deactivate, newest first; then dlclose
//                       └─ refused: an Error that names what was expected and what was found; the rest go on
//
// Thread: [control]. Not here: what the interfaces are for.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/plugin/builtin.hpp"
#include "core/plugin/control.hpp"
#include "tandem/codec.h"
#include "tandem/signaling.h"
#include "tandem/stage.h"

namespace tandem::plugin {

class PluginHost {
 public:
  // Objects of one kind that one plugin may give.
  static constexpr std::uint32_t kGivenMax = 256;

  struct Loaded {
    std::string name, version, licence;
    std::string path;  // of the module; "" when it is linked in
  };

  explicit PluginHost(const Control& control);
  // unload()s first.
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Checks and activates one plugin. `config_json`: its section of the configuration, "{}" when absent.
  // Errors: conflict (loaded already), unsupported (built against another major ABI), invalid (its table is
  // broken), and whatever its activate refused with, under the code of its number.
  Result<void> load(std::string_view name, td_entry entry, std::string_view config_json);

  // The same from a file tandem_NAME.so. Errors also: not_found (no file, or it is no module, or the symbol
  // tandem_plugin_NAME is missing), invalid (a name that does not fit the pattern).
  Result<void> load_module(const std::string& path, std::string_view config_json);

  // NAME of a path .../tandem_NAME.so; "" when it is not of that form.
  static std::string name_of_module(std::string_view path);

  // What all plugins give under an id, in the order of loading. `T` begins with `size`; one that is smaller
  // than this host's T is left out with a line in the log. The pointers live until unload().
  // `least`: what the first minor version of the interface had, where T has grown since.
  template <typename T>
  std::vector<const T*> given(const char* id, std::size_t least = sizeof(T)) const {
    std::vector<const T*> found;
    for (const void* one : given_tables(id, least)) found.push_back(static_cast<const T*>(one));
    return found;
  }

  std::vector<Loaded> loaded() const;

  // Deactivates all, newest first. Idempotent.
  void unload();

 private:
  struct Hosted;
  Result<void> load(std::string_view name, td_entry entry, std::string_view config_json, void* module,
                    std::string path);
  std::vector<const void*> given_tables(const char* id, std::size_t size) const;

  const Control control_;
  std::vector<std::unique_ptr<Hosted>> plugins_;
};

}  // namespace tandem::plugin
