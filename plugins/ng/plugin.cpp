// The plugin "ng": its table and entry point. See README.md.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ng/commands.hpp"
#include "ng/http_door.hpp"
#include "ng/options.hpp"
#include "ng/sockets.hpp"

namespace {

namespace ng = tandem::ng;

struct Running {
  explicit Running(const td_host* host, const ng::Options& options)
      : sdk_host(host), commands(sdk_host, ng::ReadOptions{options.ice_force_removes}, options.dtmf_log) {}
  bool open(const ng::Options& options, std::string& error);
  tandem::sdk::Host sdk_host;
  ng::Commands commands;
  std::vector<std::unique_ptr<ng::UdpDoor>> udp;
  std::vector<std::unique_ptr<ng::TcpDoor>> tcp;
  std::vector<std::unique_ptr<ng::HttpDoor>> http;
};

std::unique_ptr<Running> running;  // one a process, as the host activates a plugin once
std::string activation_error;      // what activate() points at

bool Running::open(const ng::Options& options, std::string& error) {
  for (const ng::Listen& listen : options.udp) {
    udp.push_back(std::make_unique<ng::UdpDoor>(sdk_host, commands));
    if (!udp.back()->open(listen, error)) return false;
    sdk_host.info("ng protocol over UDP at " + ng::Listen{listen.address, udp.back()->port()}.text());
  }
  for (const ng::Listen& listen : options.tcp) {
    tcp.push_back(std::make_unique<ng::TcpDoor>(sdk_host, commands, options.max_connections));
    if (!tcp.back()->open(listen, error)) return false;
    sdk_host.info("ng protocol over TCP at " + ng::Listen{listen.address, tcp.back()->port()}.text());
  }
  for (const ng::Listen& listen : options.http) {
    http.push_back(std::make_unique<ng::HttpDoor>(sdk_host, commands, options.max_connections));
    if (!http.back()->open(listen, error)) return false;
    sdk_host.info("ng protocol over HTTP and WebSocket at " +
                  ng::Listen{listen.address, http.back()->port()}.text());
  }
  return true;
}

std::array<tandem::sdk::Figure<std::uint64_t>, 6> figures_of(const ng::Counts& c) {
  return {
      {{"requests", "requests_total", "Messages of the ng protocol.", &c.requests},
       {"malformed", "malformed_total", "Messages that could not be read.", &c.malformed},
       {"repeated", "repeated_total", "Messages answered from the cookie cache.", &c.repeated},
       {"errors", "errors_total", "Messages answered with an error.", &c.errors},
       {"refused", "refused_total", "Commands and options that are not done.", &c.refused},
       {"unknown_words", "unknown_words_total", "Keys and flags that mean nothing here.", &c.unknown_words}}};
}

std::array<tandem::sdk::Figure<std::uint64_t>, 2> figures_of(const ng::KeyLog::Counts& c) {
  return {{{"keys_told", "keys_told_total", "Keys told to dtmf_log and dtmf-log-dest.", &c.sent},
           {"keys_not_told", "keys_not_told_total", "Keys that could not be sent there.", &c.failed}}};
}

// ng.status: what was counted.
void status(void* user, td_request* request, const td_caller* caller, td_str) noexcept {
  const Running& self = *static_cast<Running*>(user);
  const td_api* api = self.sdk_host.api();
  if (caller->tenant.size != 0) {
    constexpr std::string_view denied = R"({"code":"denied","message":"for the operator only"})";
    return api->reply(api, request, TD_DENIED, tandem::sdk::str(denied));
  }
  const ng::Counts& c = self.commands.counts();
  auto out = tandem::sdk::figures<ng::Value, std::uint64_t>(figures_of(c));
  out.update(tandem::sdk::figures<ng::Value, std::uint64_t>(figures_of(self.commands.keys_told())));
  std::size_t connections = 0;
  for (const auto& door : self.tcp) connections += door->connections();
  out["tcp_connections"] = connections;
  out["commands"] = ng::Value::object();
  for (const auto& [name, count] : c.by_command) out["commands"][name] = count;
  const std::string text = out.dump(-1, ' ', false, ng::Value::error_handler_t::replace);
  api->reply(api, request, TD_OK, tandem::sdk::str(text));
}

int activate(const td_host* host, const char** error) noexcept {
  ng::Options options;
  if (ng::parse_options(tandem::sdk::Host(host).config(), options, activation_error)) {
    running = std::make_unique<Running>(host, options);
    const td_api* api = running->sdk_host.api();
    constexpr std::string_view about =
        R"({"summary":"what was counted of the ng protocol","params":{"type":"object"},"access":"public"})";
    (void)api->provide(api, tandem::sdk::str("ng.status"), tandem::sdk::str(about), &status, running.get());
    running->sdk_host.measure<std::uint64_t>(figures_of(running->commands.counts()));
    running->sdk_host.measure<std::uint64_t>(figures_of(running->commands.keys_told()));
    if (running->open(options, activation_error)) return TD_OK;
    running.reset();
  }
  *error = activation_error.c_str();
  return TD_INVALID;
}

void deactivate() noexcept { running.reset(); }

tandem::sdk::WrongOptions check(std::string_view section) {
  ng::Options ignored;
  return ng::read_options(section, ignored);
}

const void* give(const char* id, std::uint32_t) noexcept {
  return std::string_view(id) == TD_OPTIONS_ID ? tandem::sdk::options<&check>() : nullptr;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_ng(void) {
  static const td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "ng", "0.1.0",
                                  "Apache-2.0",      &activate,    &deactivate,  &give};
  return &table;
}
