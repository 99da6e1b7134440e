// tandem: the one program. serve and check are here; calls and call are in client_commands.cpp.
// Exit status: 0 done; 1 refused or failed; 2 the command line is wrong; 3 the configuration is wrong; 4 no
// server answers. Errors go to stderr, answers to stdout.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/app/bench_command.hpp"
#include "core/app/client_commands.hpp"
#include "core/app/config.hpp"
#include "core/app/paths.hpp"
#include "core/app/plugin_sections.hpp"
#include "core/app/server.hpp"
#include "core/app/version.hpp"
#include "core/base/log.hpp"
#include "core/plugin/builtin.hpp"

namespace {

using namespace tandem;

constexpr int kFailed = 1, kUsage = 2, kBadConfig = 3;

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::debug;
  if (name == "warn") return log::Level::warn;
  return name == "error" ? log::Level::error : log::Level::info;
}

// The file that serve reads when none is named: the state folder's, if there is one; "" then: defaults.
std::string usual_config() {
  for (const std::string& place :
       {app::default_state_dir() + "/tandem.toml", std::string("/etc/tandem/tandem.toml")}) {
    std::error_code failed;
    if (std::filesystem::is_regular_file(place, failed)) return place;
  }
  return {};
}

// What the file says and what the plugins say about their sections; every error is told.
app::ConfigOutcome read_config(const std::string& file, std::vector<std::string>& unchecked) {
  auto read = app::load_config(file);
  const std::string& modules = read.config.server.module_dir;
  auto sections = app::check_plugin_sections(read, modules.empty() ? app::default_module_dir() : modules,
                                             plugin::builtin_plugins());
  read.errors.insert(read.errors.end(), sections.errors.begin(), sections.errors.end());
  app::sort_by_place(read.errors);
  unchecked = std::move(sections.unchecked);
  for (const auto& error : read.errors) fmt::print(stderr, "{}\n", error.text(file));
  return read;
}

int check(const std::string& file) {
  std::vector<std::string> unchecked;
  const auto read = read_config(file, unchecked);
  if (!read.errors.empty()) {
    fmt::print(stderr, "{} {}\n", read.errors.size(), read.errors.size() == 1 ? "error" : "errors");
    return kBadConfig;
  }
  for (const auto& name : unchecked)
    fmt::print("{}: plugin.{}: not checked: this plugin looks at its options when it starts\n", file, name);
  fmt::print("{}: no errors\n", file);
  return 0;
}

int serve(std::string file) {
  if (file.empty()) file = usual_config();
  std::vector<std::string> unchecked;
  const auto read = file.empty() ? app::ConfigOutcome{} : read_config(file, unchecked);
  if (!read.errors.empty()) return kBadConfig;
  log::set_level(level_of(read.config.server.log_level));
  std::signal(SIGPIPE, SIG_IGN);
  if (file.empty())
    log::info("app", "no configuration file: defaults");
  else
    log::info("app", "configuration: {}", file);
  const auto paths = app::prepare_paths(read.config);
  if (!paths) {
    log::error("app", "{}", paths.error().message);
    return kFailed;
  }
  const auto token = app::api_token(read.config.api.token, paths->token_file);
  if (!token) {
    log::error("app", "the API's token: {}", token.error().message);
    return kFailed;
  }
  app::Server server(read.config, *paths, *token);
  if (const auto started = server.start(plugin::builtin_plugins()); !started) {
    log::error("app", "cannot start: {}", started.error().message);
    return started.error().code == ErrorCode::not_found || started.error().code == ErrorCode::invalid
               ? kBadConfig
               : kFailed;
  }
  return server.run();
}

int run(int argc, char** argv) {
  CLI::App root{"Tandem: a real-time media server beside a SIP proxy"};
  root.require_subcommand(1);
  root.footer(
      "Examples:\n  tandem serve -c tandem.toml\n  tandem check tandem.toml\n  tandem calls\n"
      "  tandem call originate 1001 --app echo\n\nExit status: 0 done, 1 refused or failed, 2 wrong usage, "
      "3 wrong configuration, 4 no server answers.");
  int status = 0;
  std::string serve_file, check_file;
  auto* serving = root.add_subcommand("serve", "Runs the server until SIGINT or SIGTERM; twice: at once");
  serving->add_option("-c,--config", serve_file,
                      "the configuration (else the state folder's tandem.toml, else defaults)");
  serving->footer("Example:\n  tandem serve -c /etc/tandem/tandem.toml");
  serving->callback([&] { status = serve(serve_file); });
  auto* checking =
      root.add_subcommand("check", "Checks a configuration: every error with file, line and key");
  checking->add_option("FILE", check_file, "the configuration")->required();
  checking->footer("Example:\n  tandem check tandem.toml");
  checking->callback([&] { status = check(check_file); });
  auto* version = root.add_subcommand("version", "Says which version this is");
  version->footer("Example:\n  tandem version");
  version->callback([] {
    fmt::print("tandem {} (plugin ABI {}.{})\n", app::kVersion, TD_ABI_MAJOR, TD_ABI_MINOR);
    for (const auto& builtin : plugin::builtin_plugins()) fmt::print("  built in: {}\n", builtin.name);
  });
  app::add_client_commands(root, status);
  app::add_bench_command(root, plugin::builtin_plugins(), status);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return root.exit(error) == 0 ? 0 : kUsage;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tandem: {}\n", error.what());
    return kFailed;
  }
}
