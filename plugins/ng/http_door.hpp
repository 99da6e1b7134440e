// HttpDoor: the ng protocol over HTTP and WebSocket, through libwebsockets.
//
//   POST /ng        "cookie dictionary" ─► the same back            GET /ping ─► pong
//   POST /ng-plain  a dictionary alone
//   WebSocket ng.rtpengine.com, ng-plain.rtpengine.com: each message the same
//
// Thread: [control]. No TLS and no tokens, as the protocol has none: listen on loopback or a private network.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "ng/commands.hpp"
#include "ng/options.hpp"
#include "tandem/sdk.hpp"
#include "web/context.hpp"

struct lws;

namespace tandem::ng {

class HttpDoor {
 public:
  static constexpr std::size_t kBodyMax = 256U << 10U, kQueueMax = 256;

  HttpDoor(const sdk::Host& host, Commands& commands, std::size_t connections_max);
  // Ends every connection and waits until all is closed.
  ~HttpDoor();
  HttpDoor(const HttpDoor&) = delete;
  HttpDoor& operator=(const HttpDoor&) = delete;
  bool open(const Listen& listen, std::string& error);
  int port() const { return port_; }

 private:
  friend int ng_dispatch(lws* wsi, int reason, void* in, std::size_t size);
  struct Connection {
    std::uint64_t id = 0;
    std::string peer, in;
    std::deque<std::string> out;  // WebSocket messages that wait
    Commands::Cookie cookie = Commands::Cookie::yes;
    bool websocket = false, plain = false, answered = false, over = false;
  };
  int on_event(lws* wsi, int reason, void* in, std::size_t size);
  int on_request(Connection& connection, lws* wsi, std::string_view path);
  int on_body_complete(Connection& connection, lws* wsi);
  int on_message(Connection& connection, lws* wsi, std::string_view part);
  int on_writable(Connection& connection, lws* wsi);
  bool take(Connection& connection, lws* wsi);
  void on_answer(lws* wsi, std::uint64_t id, std::string_view answer);
  int respond(lws* wsi, int status, const char* type, std::string_view body);

  sdk::Host host_;
  Commands& commands_;
  const std::size_t connections_max_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::map<lws*, Connection> connections_;
  std::uint64_t last_id_ = 0;
  int port_ = 0;
  web::Context web_;  // last: the first to end
};

}  // namespace tandem::ng
