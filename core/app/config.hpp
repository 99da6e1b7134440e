// Config: the one TOML file as a value. Every key is listed in docs/operators.md with its default and range.
//
//   file ──► parse_config ──► Config, and every error at once: file:line:column, key, expected, found
//
// Defaults are the safe ones: loopback, a token made at start, nobody may call without digest.
// Thread: [control], at start. The sections of plugins pass through as JSON text: each plugin checks its own
// (plugin_sections.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/anchor/interfaces.hpp"
#include "core/base/result.hpp"
#include "core/call/routes.hpp"
#include "core/loop/packet_io.hpp"
#include "core/session/engine.hpp"

namespace tandem::app {

struct ConfigError {
  std::uint32_t line = 0, column = 0;  // from 1; 0 when the file itself cannot be read
  std::string key;                     // "media.port_min"
  std::string expected, found;

  // "tandem.toml:3:12: media.port_min: expected a whole number from 1024 to 65534, found 80"
  std::string text(std::string_view file) const;
};

struct ServerConfig {
  std::string state_dir;  // "": $XDG_STATE_HOME/tandem or ~/.local/state/tandem
  std::string log_level = "info";
  unsigned io_threads = 2;
  std::string tenant = "demo";  // of what the operator originates without saying whose it is
  std::string guest_tenant;     // of calls without digest; "": refused
  std::string hold_music;
  std::string module_dir;  // of tandem_NAME.so; "": beside the program (paths.hpp)
  std::size_t calls_max = 5000, legs_max = 10000;
  std::int64_t stop_grace_s = 5;
  bool demo = false;  // makes the demo's tenant and accounts at start, once
};

struct MediaSection {
  MediaSection() { engine.loops = 0; }
  session::EngineConfig engine;                     // loops 0: one a core but one
  std::vector<std::string> codecs{"PCMU", "PCMA"};  // in order of preference
  unsigned ptime_ms = 20;
  std::int64_t inactivity_timeout_s = 60;
  std::int64_t learn_window_ms = 5000;
  loop::PacketBackend io = loop::PacketBackend::automatic;
  sdp::SrtpPolicy srtp = sdp::SrtpPolicy::accept;
  sdp::NoisePolicy noise = sdp::NoisePolicy::accept;
  sdp::Preference order = sdp::Preference::theirs;
  std::vector<srtp::Suite> srtp_suites;  // in order of preference; empty: all, in the order of srtp::suites()
  bool symmetric = true, inband_dtmf = true, hang_up_on_timeout = true;
};

struct AnchorSection {  // calls whose signaling a proxy does (plugins/ng, anchor.*)
  std::vector<anchor::Interface> interfaces;
  std::size_t calls_max = 5000;
  std::int64_t timeout_s = 60;
  std::int64_t offer_timeout_s = 3600;
  std::string forward_to;  // "ADDRESS:PORT"; "": nowhere
  std::int64_t forward_rate_hz = 8000;
};

struct TenantToken {
  std::string token, tenant;
};

struct ApiSection {
  std::string listen = "127.0.0.1:8480";
  std::string token;                // "": read from token_file, which is made (0600) when it is not there
  std::string token_file;           // "": <state_dir>/api-token
  std::vector<TenantToken> tokens;  // besides the operator's: each sees its tenant only
};

struct Config {
  ServerConfig server;
  MediaSection media;
  ApiSection api;
  AnchorSection anchor;
  std::string store_path;                 // "": <state_dir>/tandem.db
  std::vector<std::string> prompt_roots;  // empty: <state_dir>/prompts and Debian's English sounds
  std::string recordings_dir;             // "": <state_dir>/recordings
  std::vector<std::string>
      script_dirs;  // where apps are looked for; empty: beside the binary (see paths.hpp)
  std::vector<call::Route> routes;
  std::vector<call::Peer> peers;
  std::map<std::string, std::string> plugins;  // NAME of [plugin.NAME] → its keys as a JSON object
  std::vector<std::string> plugins_off;        // those with enabled = false
};

struct ConfigOutcome {
  struct Place {
    std::uint32_t line = 0, column = 0;
  };
  Config config;                    // only meaningful without errors
  std::vector<ConfigError> errors;  // in the order of the file
  std::map<std::string, Place>
      plugin_keys;  // where "http" (the section) and "http.listen" (a key of it) stand
};

// Syntax errors end the reading: TOML names the first only. Everything behind the syntax is told at once.
ConfigOutcome parse_config(std::string_view text);

// The same from a file of at most 1 MB.
ConfigOutcome load_config(const std::string& path);

}  // namespace tandem::app
