// HttpExchange: the requests of one HTTP connection, one after the other.
//
//   on_request ─► (on_body)* ─► on_body_complete ─► api->rpc ─► on_reply ─► written at once
//
// An answer is written whole; libwebsockets keeps what the socket does not take. So its writable callback is
// not used: between a head sent and a body to come, a client's next request could be taken for more of the
// first one's body. The functions return what libwebsockets wants: 0, or -1 to close. Thread: [control].
// Limits: Options::max_body, request_timeout_s; one request at a time (the next one waits in the socket).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct lws;

namespace tandem::http {

class Server;

class HttpExchange {
 public:
  HttpExchange(Server& server, lws* wsi) : server_(server), wsi_(wsi) {}

  int on_request(std::string_view path);
  int on_body(std::string_view part);
  int on_body_complete();
  // The connection's deadline: -1 when the request has not come, or its answer was not taken.
  int on_timer();
  // The answer to what on_body_complete passed on. Empty: there is none (a notification).
  void on_reply(int code, std::string_view json);
  // Sends an error whole, in answer to an upgrade; libwebsockets ends the transaction then. Returns 1, or -1
  // to close.
  int refuse_upgrade(int status, const char* code, const std::string& message);

 private:
  enum class State { arriving, body, waiting, answered, broken };
  int refuse(int status, const char* code, const std::string& message);
  int start_rpc();
  int answer(int status, const char* type, std::string_view body);
  bool write(int status, const char* type, std::string_view body);

  Server& server_;
  lws* const wsi_;
  State state_ = State::arriving;
  std::string tenant_, body_;
};

}  // namespace tandem::http
