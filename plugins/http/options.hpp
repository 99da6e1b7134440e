// Options: the section [plugin.http] as a value. Thread: [any].
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tandem/sdk_options.hpp"

namespace tandem::http {

struct Listen {
  std::string address;  // an IP address, as text, without brackets
  int port = 0;         // 0: the kernel chooses
  bool ipv6() const { return address.find(':') != std::string::npos; }
  bool loopback() const;
};

struct Token {
  std::string token, tenant;  // tenant empty: the operator's
};

struct Options {
  std::vector<Listen> listen{{"127.0.0.1", 8080}};
  std::vector<Token> tokens;
  std::size_t max_connections = 256;
  int request_timeout_s = 10;      // from connect or first byte to the request's last byte
  int keepalive_s = 30;            // an idle connection between two requests
  std::size_t max_body = 1 << 20;  // of a request, and of a WebSocket message
  std::size_t max_queue = 1024;    // messages waiting for one WebSocket
  std::size_t max_queue_bytes = 4 << 20;
};

// From JSON text. `error` gets the key, what was expected and what was found; false then. Refuses to listen
// beyond loopback without a token.
bool parse_options(std::string_view json, Options& options, std::string& error);

// Everything that is wrong with the section, and what it says where it is right.
sdk::WrongOptions read_options(std::string_view json, Options& options);

// "127.0.0.1:8080", "[::1]:8080". False when it is not an IP address with a port.
bool parse_listen(std::string_view text, Listen& listen);

}  // namespace tandem::http
