// AppFiles: the Lua files of apps: finding them by name, reading them off the control loop, compiling each
// once.
//
//   app "ivr"          ──► ivr/ivr.lua | ivr/init.lua | ivr.lua   in each folder of `paths`, first found
//   require "menus.x"  ──► <app>/menus/x.lua | menus/x.lua | menus/x/init.lua
//
// With Reload::yes a file whose time or size changed is compiled anew for the next call; running calls keep
// what they have. Names are letters, digits, '_' and '-' (modules: joined by dots), so no name leads out of
// the folders. Thread: [control]; reading is on [io].
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lua/runtime.hpp"
#include "tandem/sdk.hpp"

namespace tandem::lua {

enum class Reload : std::uint8_t { no, yes };

class AppFiles {
 public:
  static constexpr std::size_t kFileBytesMax = 1024 * 1024;

  // code: TD_OK and `reference` a compiled file (see Runtime::compile); else what was wrong, in `error`.
  struct Loaded {
    int code = TD_OK;
    int reference = LUA_NOREF;
    std::string error;
  };
  using Done = std::function<void(const Loaded&)>;
  struct App {
    std::string name, path;
  };

  AppFiles(const sdk::Host& host, Runtime& runtime, std::vector<std::string> paths, Reload reload)
      : host_(host), runtime_(runtime), paths_(std::move(paths)), reload_(reload) {}

  // Calls `done` once, at once when nothing is to be read.
  void load_app(const std::string& name, Done done);
  void load_module(const std::string& app, const std::string& name, Done done);
  // Checks the syntax of a file that lies in one of the folders. `reference` stays unset.
  void check_file(const std::string& path, Done done);
  // All apps in the folders.
  void list(std::function<void(std::vector<App>)> done);

  static bool valid_app_name(std::string_view name);
  static bool valid_module_name(std::string_view name);

 private:
  struct Entry {
    std::string path, name;
    std::int64_t changed_ns = 0, size = -1;
    int reference = LUA_NOREF;
  };
  struct Candidate {
    std::string path, name;  // name: as errors show it
  };
  struct Reading;

  void load(const std::string& key, std::vector<Candidate> candidates, const std::string& wanted, Done done);
  void finish(const std::string& key, const std::string& wanted, Reading& reading, const Done& done);

  const sdk::Host& host_;
  Runtime& runtime_;
  std::vector<std::string> paths_;
  Reload reload_;
  std::unordered_map<std::string, Entry> entries_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tandem::lua
