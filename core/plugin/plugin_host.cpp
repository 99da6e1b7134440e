// PluginHost: see the header.
#include "core/plugin/plugin_host.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "core/base/log.hpp"
#include "core/plugin/abi_code.hpp"
#include "core/plugin/hosted_api.hpp"
#include "core/plugin/hosted_loop.hpp"
#include "core/plugin/plugin_table.hpp"

namespace tandem::plugin {

// One plugin with its host. Never moves: the plugin holds the address of `host`.
struct PluginHost::Hosted {
  struct Host : td_host {
    Hosted* self;
  };

  Hosted(const Control& control, std::string_view plugin_name, std::string_view config_json)
      : name(plugin_name), config(config_json), loop(control, &host, name), api(control, &host, name) {
    host.size = sizeof(td_host);
    host.abi_major = TD_ABI_MAJOR;
    host.abi_minor = TD_ABI_MINOR;
    host.self = this;
    host.interface = [](const td_host* from, const char* id) noexcept -> const void* {
      const Hosted& self = *static_cast<const Host*>(from)->self;
      if (id == nullptr) return nullptr;
      if (std::strcmp(id, TD_LOOP_ID) == 0) return self.loop.table();
      if (std::strcmp(id, TD_API_ID) == 0) return self.api.table();
      return nullptr;
    };
    host.config = [](const td_host* from) noexcept {
      return str_of(static_cast<const Host*>(from)->self->config);
    };
    host.log = [](const td_host* from, int level, td_str line) noexcept {
      static constexpr log::Level kLevels[] = {log::Level::debug, log::Level::info, log::Level::warn,
                                               log::Level::error};
      if (level < TD_LOG_DEBUG || level > TD_LOG_ERROR) level = TD_LOG_ERROR;
      if (log::enabled(kLevels[level]))
        log::write(kLevels[level], static_cast<const Host*>(from)->self->name, text_of(line));
    };
  }
  ~Hosted() {
    if (active && table->deactivate != nullptr) table->deactivate();
    loop.release();
    api.release();
    if (module != nullptr) dlclose(module);
  }

  Host host{};
  const std::string name, config;
  HostedLoop loop;
  HostedApi api;
  const td_plugin* table = nullptr;
  void* module = nullptr;
  std::string path;
  bool active = false;
};

PluginHost::PluginHost(const Control& control) : control_(control) {}
PluginHost::~PluginHost() { unload(); }

Result<void> PluginHost::load(std::string_view name, td_entry entry, std::string_view config_json) {
  return load(name, entry, config_json, nullptr, {});
}

Result<void> PluginHost::load(std::string_view name, td_entry entry, std::string_view config_json,
                              void* module, std::string path) {
  for (const auto& other : plugins_) {
    if (other->name == name)
      return Error{ErrorCode::conflict,
                   fmt::format("plugin {} is loaded already{}", name,
                               other->path.empty() ? " (built in)" : ", from " + other->path)};
  }
  const td_plugin* const table = entry();
  if (auto checked = check_table(name, table); !checked) return checked;
  auto hosted = std::make_unique<Hosted>(control_, name, config_json);
  hosted->table = table;
  const char* reason = nullptr;
  const int code = table->activate(&hosted->host, &reason);
  if (code < 0)
    return Error{error_code(code), fmt::format("plugin {} did not start: {}", name,
                                               reason != nullptr ? reason : "it gave no reason")};
  hosted->active = true;
  hosted->module = module;
  hosted->path = std::move(path);
  log::info("plugin", "{} {} ({}){}", name, table->version != nullptr ? table->version : "?",
            table->licence != nullptr ? table->licence : "no licence named",
            hosted->path.empty() ? "" : " from " + hosted->path);
  plugins_.push_back(std::move(hosted));
  return {};
}

std::string PluginHost::name_of_module(std::string_view path) { return plugin::name_of_module(path); }

Result<void> PluginHost::load_module(const std::string& path, std::string_view config_json) {
  auto module = open_module(path);
  if (!module) return module.error();
  auto loaded = load(module->name, module->entry, config_json, module->handle, path);
  if (!loaded) dlclose(module->handle);
  return loaded;
}

std::vector<const void*> PluginHost::given_tables(const char* id, std::size_t size) const {
  std::vector<const void*> found;
  for (const auto& plugin : plugins_) {
    for (std::uint32_t index = 0; index < kGivenMax; ++index) {
      const void* const one = plugin->table->interface(id, index);
      if (one == nullptr) break;
      std::size_t has = 0;
      std::memcpy(&has, one, sizeof has);
      if (has >= size) {
        found.push_back(one);
      } else {
        log::error("plugin", "{}: {} number {} says {} bytes, expected {}: left out", plugin->name, id, index,
                   has, size);
      }
    }
  }
  return found;
}

std::vector<PluginHost::Loaded> PluginHost::loaded() const {
  std::vector<Loaded> all;
  for (const auto& plugin : plugins_) {
    const auto text = [](const char* from) { return std::string(from != nullptr ? from : ""); };
    all.push_back({plugin->name, text(plugin->table->version), text(plugin->table->licence), plugin->path});
  }
  return all;
}

void PluginHost::unload() {
  while (!plugins_.empty()) plugins_.pop_back();
}

}  // namespace tandem::plugin
