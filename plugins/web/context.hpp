// Context: libwebsockets inside the control loop, for every plugin that listens for HTTP or WebSocket. It
// knows how the library is begun and, what is harder, how it is ended; protocols and connections are the
// owner's. Thread: [control].
#pragma once

#include <cstddef>
#include <string>

#include "tandem/sdk.hpp"
#include "web/embedded_loop.hpp"

struct lws_context;
struct lws_context_creation_info;
struct lws_vhost;

namespace tandem::web {

class Context {
 public:
  explicit Context(const sdk::Host& host) : loop_(host) {}
  ~Context() { close(); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // `owner` is what lws_context_user() gives the callbacks; at most so many `descriptors` at once. Null, or
  // why it cannot begin.
  const char* open(void* owner, std::size_t descriptors, unsigned timeout_s);
  // One listening socket; `info` holds name, protocols and time limits. Null when the port or address is not
  // to be had.
  lws_vhost* listen(lws_context_creation_info& info, const std::string& address, int port, bool ipv6);
  // Something was done to a connection outside of its callbacks: run soon.
  void run_soon() { loop_.run_soon(); }
  // Ends every connection, with the owner's callbacks, and waits until all is closed. To be called by the
  // owner while it can still be called back.
  void close();

 private:
  EmbeddedLoop loop_;
  lws_context* context_ = nullptr;
};

}  // namespace tandem::web
