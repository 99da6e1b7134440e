// Options: the section [plugin.kamailio], checked. README.md lists every key. Thread: [any].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tandem/sdk_options.hpp"

namespace tandem::kamailio {

enum class Mode { managed, external };

struct Options {
  Mode mode = Mode::managed;
  std::vector<std::string> addresses = {"127.0.0.1"};  // what Kamailio listens on; IPv6 without brackets
  std::uint16_t port = 5060, ws_port = 5066;           // ws_port 0: no WebSocket
  std::string link_address = "127.0.0.1";
  std::uint16_t link_port = 0;  // 0: managed mode takes a free one, external mode 8448
  std::string link_token;       // managed mode makes one
  std::string realm = "tandem", domain, user_agent = "Tandem";
  std::string kamailio_binary = "kamailio", modules_dir, state_dir = "/var/lib/tandem/kamailio";
  std::uint32_t shm_mb = 768, workers = 2, session_expires = 1800, flood_per_second = 0;
  std::vector<std::string> trusted;   // networks whose calls need no digest
  std::vector<std::string> warnings;  // keys that nobody knows
};

// Reads the JSON of host->config. False with `error`: the key, what was expected and what was found.
bool parse_options(std::string_view json, Options& options, std::string& error);

// Everything that is wrong with the section, and what it says where it is right. Keys that nobody knows are
// in options.warnings only.
sdk::WrongOptions read_options(std::string_view json, Options& options);

bool is_loopback(std::string_view address);

}  // namespace tandem::kamailio
