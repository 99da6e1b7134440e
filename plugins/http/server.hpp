// Server: the listening sockets and their connections, through libwebsockets.
//
//   connect ─► Connection ─┬─ POST /rpc, GET /metrics, GET /health ─► HttpExchange, one by one
//                          └─ GET /ws, Upgrade ─► WsPeer (JSON-RPC both ways, events)
//
// Thread: [control]; libwebsockets calls in from web::EmbeddedLoop::pump(). Not here: TLS and HTTP/2 (a
// proxy's work), CORS (browsers of other origins are not served).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "http/access.hpp"
#include "http/counters.hpp"
#include "http/options.hpp"
#include "tandem/sdk.hpp"
#include "web/context.hpp"

struct lws;

namespace tandem::http {

class HttpExchange;
class WsPeer;

class Server {
 public:
  Server(const sdk::Host& host, Options options);
  // Ends every connection and waits until all is closed.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Opens all listening sockets. False with `error` naming the address that could not be had.
  bool open(std::string& error);

  // ---- for HttpExchange and WsPeer
  const sdk::Host& host() const { return host_; }
  const Options& options() const { return options_; }
  Counters& counters() { return counters_; }
  // Wants a writable callback for that connection.
  void wake(lws* wsi);
  // The connection's one deadline: then it is closed (HTTP) or asked (WsPeer::on_timer). 0: none.
  void arm(lws* wsi, std::chrono::milliseconds after);
  // What the request's headers say about who sends it; `tenant` is set when granted.
  Access::Verdict judge(lws* wsi, std::string& tenant) const;
  // Passes one JSON-RPC text in; the answer goes to the connection, if it is still there.
  void rpc(lws* wsi, std::string_view tenant, std::string_view text);

 private:
  friend int dispatch(lws* wsi, int reason, void* in, std::size_t size);
  struct Connection {
    std::uint64_t id = 0;
    bool armed = false;
    std::unique_ptr<HttpExchange> exchange;
    std::unique_ptr<WsPeer> peer;
  };
  int on_event(lws* wsi, int reason, void* in, std::size_t size);
  int on_http(Connection& connection, lws* wsi, int reason, void* in, std::size_t size);
  int on_upgrade(Connection& connection, lws* wsi);
  bool add_vhost(const Listen& listen, std::string& error);

  sdk::Host host_;
  Options options_;
  Access access_;
  Counters counters_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // expired: answers that come late find nobody
  std::map<lws*, Connection> connections_;
  std::uint64_t last_id_ = 0;
  web::Context web_;  // last: the first to end
};

}  // namespace tandem::http
