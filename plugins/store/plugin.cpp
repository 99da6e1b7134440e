// The plugin "store": its table and entry point. See README.md.
#include <memory>
#include <string>

#include "store/store.hpp"

namespace {

using tandem::store::Store;

std::unique_ptr<Store> running;  // one a process, as the host activates a plugin once
std::string activation_error;    // what activate() points at

int activate(const td_host* host, const char** error) noexcept {
  try {
    const tandem::sdk::Host sdk_host(host);
    running = std::make_unique<Store>(sdk_host, tandem::store::parse_options(sdk_host.config()));
    return TD_OK;
  } catch (const tandem::store::Refusal& refusal) {
    activation_error = refusal.what();
    *error = activation_error.c_str();
    return refusal.code();
  } catch (const std::exception& failed) {
    activation_error = failed.what();
    *error = activation_error.c_str();
    return TD_INTERNAL;
  }
}

void deactivate() noexcept { running.reset(); }

tandem::sdk::WrongOptions check(std::string_view section) {
  tandem::store::Options ignored;
  return tandem::store::read_options(section, ignored);
}

const void* interface(const char* id, std::uint32_t) noexcept {
  return std::string_view(id) == TD_OPTIONS_ID ? tandem::sdk::options<&check>() : nullptr;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_store(void) {
  static const td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "store",   "0.1.0",
                                  "Apache-2.0",      &activate,    &deactivate,  &interface};
  return &table;
}
