// The plugin "http": its table and entry point. See README.md.
#include <memory>
#include <string>

#include "http/server.hpp"

namespace {

using tandem::http::Server;

std::unique_ptr<Server> running;  // one a process, as the host activates a plugin once
std::string activation_error;     // what activate() points at

int activate(const td_host* host, const char** error) noexcept {
  const tandem::sdk::Host sdk_host(host);
  tandem::http::Options options;
  activation_error.clear();
  if (tandem::http::parse_options(sdk_host.config(), options, activation_error)) {
    running = std::make_unique<Server>(sdk_host, std::move(options));
    if (running->open(activation_error)) return TD_OK;
    running.reset();
  }
  *error = activation_error.c_str();
  return TD_INVALID;
}

void deactivate() noexcept { running.reset(); }

tandem::sdk::WrongOptions check(std::string_view section) {
  tandem::http::Options ignored;
  return tandem::http::read_options(section, ignored);
}

const void* interface(const char* id, std::uint32_t) noexcept {
  return std::string_view(id) == TD_OPTIONS_ID ? tandem::sdk::options<&check>() : nullptr;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_http(void) {
  static const td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "http",    "0.1.0",
                                  "Apache-2.0",      &activate,    &deactivate,  &interface};
  return &table;
}
