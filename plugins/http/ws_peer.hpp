// WsPeer: one WebSocket. JSON-RPC requests come in and answers go out; events.subscribe {filter?, since?} and
// events.unsubscribe {subscription} are answered here, and events go out as notifications:
//
//   {"jsonrpc":"2.0","method":"event","params":{"seq":17,"event":"call.answered",…}}
//
// A peer that does not read is not waited for: when max_queue messages or max_queue_bytes wait, it is closed
// with 1008 and a reason. A peer that asks faster than it is answered is read more slowly: over kOpenMax open
// requests, not at all. Thread: [control].
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tandem/sdk.hpp"

struct lws;

namespace tandem::http {

class Server;

class WsPeer {
 public:
  static constexpr std::size_t kOpenMax = 64, kSubscriptionsMax = 16;

  WsPeer(Server& server, lws* wsi, std::string tenant);
  ~WsPeer();
  WsPeer(const WsPeer&) = delete;
  WsPeer& operator=(const WsPeer&) = delete;

  int on_received(std::string_view part);
  int on_writable();
  int on_timer();
  void on_reply(std::string_view json);

 private:
  void take(std::string_view text);
  void subscribe(const nlohmann::json& id, const nlohmann::json& params);
  void unsubscribe(const nlohmann::json& id, const nlohmann::json& params);
  void fail(const nlohmann::json& id, int number, const char* code, const std::string& message);
  void succeed(const nlohmann::json& id, const nlohmann::json& result);
  void send(std::string text);
  void on_event(std::string_view json);
  void close(int status, const char* reason);

  Server& server_;
  lws* const wsi_;
  const std::string tenant_;
  std::map<std::int64_t, std::unique_ptr<sdk::Subscription>> subscriptions_;
  std::string in_;
  std::deque<std::string> out_;
  std::deque<std::string>* replayed_ =
      nullptr;  // while a subscription starts: its events wait for its answer
  std::size_t out_bytes_ = 0, open_ = 0;
  bool paused_ = false, closing_ = false;
};

}  // namespace tandem::http
