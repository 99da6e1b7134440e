// Options: the section [plugin.ng] as a value. Thread: [any].
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tandem/sdk_options.hpp"

namespace tandem::ng {

struct Listen {
  std::string address;  // an IP address, without brackets
  int port = 0;         // 0: the kernel chooses
  bool ipv6() const { return address.find(':') != std::string::npos; }
  std::string text() const { return (ipv6() ? "[" + address + "]" : address) + ":" + std::to_string(port); }
};

struct Options {
  std::vector<Listen> udp, tcp, http;  // none: nothing is listened on
  std::optional<Listen> dtmf_log;      // where the keys of all anchored calls are told; none: nowhere
  bool ice_force_removes = false;
  std::size_t max_connections = 256;  // TCP, and HTTP
};

// "127.0.0.1:2223", "[::1]:2223", and "2223" for 127.0.0.1. False: none of them, `into` is as it was.
bool parse_listen(std::string_view text, Listen& into);

// From JSON text: everything that is wrong with it.
sdk::WrongOptions read_options(std::string_view json, Options& options);

// The same. False with `error`: the key, what was expected, what was found.
bool parse_options(std::string_view json, Options& options, std::string& error);

}  // namespace tandem::ng
