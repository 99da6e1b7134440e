// HttpExchange: the requests of one HTTP connection, one after the other.
//
//   on_request ─► (on_body)* ─► on_body_complete ─► api->rpc ─► answer ─► on_writable … until all is sent
//
// Its functions return what libwebsockets wants: 0, or -1 to close. Thread: [control].
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
  int on_writable();
  // The answer to what on_body_complete passed on. Empty: there is none (a notification).
  void on_reply(int code, std::string_view json);
  // Sends an error whole, in answer to an upgrade; libwebsockets ends the transaction then. Returns 1, or -1
  // to close.
  int refuse_upgrade(int status, const char* code, const std::string& message);

 private:
  enum class State { idle, body, waiting, answering };
  int refuse(int status, const char* code, const std::string& message);
  int start_rpc();
  int answer(int status, const char* type, std::string body);
  int send_head(int status, const char* type);
  enum class Sent { whole, part, failed };
  Sent send_body();

  Server& server_;
  lws* const wsi_;
  State state_ = State::idle;
  std::string tenant_, body_, out_;
  std::size_t sent_ = 0;
};

}  // namespace tandem::http
