// Messages, subscriptions and the bounded queue of one WebSocket.
#include "http/ws_peer.hpp"

#include <libwebsockets.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "http/server.hpp"

namespace tandem::http {

namespace {

using Json = nlohmann::json;
constexpr std::string_view kEventHead = R"({"jsonrpc":"2.0","method":"event","params":)";
constexpr int kWritesMax = 32;  // in one callback, so that one peer does not hold up the others

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool ours(const Json& request) {
  const auto method = request.is_object() ? request.find("method") : request.end();
  return method != request.end() && method->is_string() &&
         (*method == "events.subscribe" || *method == "events.unsubscribe");
}

}  // namespace

WsPeer::WsPeer(Server& server, lws* wsi, std::string tenant)
    : server_(server), wsi_(wsi), tenant_(std::move(tenant)) {
  ++server_.counters().websockets;
}

WsPeer::~WsPeer() { --server_.counters().websockets; }

int WsPeer::on_received(std::string_view part) {
  if (closing_) return 0;
  if (lws_frame_is_binary(wsi_) != 0) {
    close(LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "expected text");
    return -1;
  }
  if (in_.size() + part.size() > server_.options().max_body) {
    ++server_.counters().too_large;
    close(LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "the message is too large");
    return -1;
  }
  in_.append(part);
  if (lws_is_final_fragment(wsi_) == 0 || lws_remaining_packet_payload(wsi_) != 0) return 0;
  ++server_.counters().messages_in;
  const std::string text = std::exchange(in_, {});
  take(text);
  return 0;
}

void WsPeer::take(std::string_view text) {
  // Only what may be ours is parsed here; everything else is the API's, malformed text included.
  if (text.find("events.") != std::string_view::npos) {
    const Json request = Json::parse(text, nullptr, false);
    if (ours(request)) {
      const Json id = request.value("id", Json());
      const Json params = request.value("params", Json::object());
      if (!params.is_object()) return fail(id, -32602, "invalid", "expected params as an object");
      if (request["method"] == "events.subscribe") return subscribe(id, params);
      return unsubscribe(id, params);
    }
    if (request.is_array()) {
      for (const Json& one : request) {
        if (ours(one))
          return fail(nullptr, -32600, "unsupported",
                      "events.subscribe and events.unsubscribe cannot stand in a batch");
      }
    }
  }
  ++open_;
  if (open_ >= kOpenMax && !paused_) {
    paused_ = true;
    lws_rx_flow_control(wsi_, 0);
  }
  server_.rpc(wsi_, tenant_, text);
}

void WsPeer::subscribe(const Json& id, const Json& params) {
  Json filter = params.value("filter", Json::object());
  if (!filter.is_object()) return fail(id, -32602, "invalid", "events.subscribe: filter: expected an object");
  if (params.contains("since")) {
    if (!params["since"].is_number_unsigned())
      return fail(id, -32602, "invalid", "events.subscribe: since: expected a sequence number");
    filter["since"] = params["since"];
  }
  if (subscriptions_.size() >= kSubscriptionsMax)
    return fail(id, -32000, "exhausted", "events.subscribe: at most 16 subscriptions a connection");
  const td_caller caller{sizeof(td_caller), sdk::str(tenant_), TD_ROLE_PUBLIC};
  std::deque<std::string> replayed;
  replayed_ = &replayed;
  auto subscription = std::make_unique<sdk::Subscription>(server_.host(), caller, dump(filter),
                                                          [this](std::string_view json) { on_event(json); });
  replayed_ = nullptr;
  const std::int64_t number = subscription->id();
  if (number == TD_NOT_FOUND)
    return fail(id, -32000, "not_found",
                "events.subscribe: since: that event is no longer kept; subscribe without since and read the "
                "state anew");
  if (number < 0) return fail(id, -32000, "invalid", "events.subscribe: the filter was refused");
  subscriptions_[number] = std::move(subscription);
  succeed(id, {{"subscription", number}});
  for (std::string& text : replayed) send(std::move(text));
}

void WsPeer::unsubscribe(const Json& id, const Json& params) {
  const auto number = params.find("subscription");
  if (number == params.end() || !number->is_number_integer()) {
    return fail(id, -32602, "invalid",
                "events.unsubscribe: subscription: expected the number that events.subscribe gave");
  }
  if (subscriptions_.erase(number->get<std::int64_t>()) == 0)
    return fail(id, -32000, "not_found", "events.unsubscribe: there is no such subscription");
  succeed(id, Json::object());
}

void WsPeer::fail(const Json& id, int number, const char* code, const std::string& message) {
  const Json data = {{"code", code}, {"message", message}};
  send(dump(
      {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", number}, {"message", message}, {"data", data}}}}));
}

void WsPeer::succeed(const Json& id, const Json& result) {
  if (!id.is_null()) send(dump({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}}));
}

void WsPeer::on_event(std::string_view json) {
  std::string text(kEventHead);
  text.append(json).append("}");
  if (replayed_ != nullptr)
    replayed_->push_back(std::move(text));
  else
    send(std::move(text));
}

void WsPeer::on_reply(std::string_view json) {
  if (open_ > 0) --open_;
  if (!json.empty()) send(std::string(json));
  if (paused_ && open_ < kOpenMax && !closing_) {
    paused_ = false;
    lws_rx_flow_control(wsi_, 1);
    server_.wake(wsi_);
  }
}

void WsPeer::send(std::string text) {
  if (closing_) return;
  if (out_.size() >= server_.options().max_queue ||
      out_bytes_ + text.size() > server_.options().max_queue_bytes) {
    ++server_.counters().slow_consumers;
    close(LWS_CLOSE_STATUS_POLICY_VIOLATION, "messages were not read fast enough");
    return;
  }
  out_bytes_ += text.size();
  out_.push_back(std::move(text));
  server_.wake(wsi_);
}

void WsPeer::close(int status, const char* reason) {
  closing_ = true;
  out_.clear();
  out_bytes_ = 0;
  std::vector<unsigned char> text(reason, reason + std::strlen(reason));
  lws_close_reason(wsi_, static_cast<lws_close_status>(status), text.data(), text.size());
  // Closed from the timer: Debian's libwebsockets (a _DEBUG build on libuv) closes twice what a writable
  // callback closes, and the close frame is lost. It gives the peer 5 s to take the frame and to answer it.
  server_.arm(wsi_, std::chrono::milliseconds(1));
}

int WsPeer::on_timer() { return closing_ ? -1 : 0; }

int WsPeer::on_writable() {
  if (closing_) return 0;
  for (int writes = 0; writes < kWritesMax && !out_.empty(); ++writes) {
    const std::string text = std::move(out_.front());
    out_.pop_front();
    out_bytes_ -= text.size();
    std::vector<unsigned char> buffer(LWS_PRE + text.size());
    std::memcpy(buffer.data() + LWS_PRE, text.data(), text.size());
    if (lws_write(wsi_, buffer.data() + LWS_PRE, text.size(), LWS_WRITE_TEXT) < 0) return -1;
    ++server_.counters().messages_out;
    if (lws_send_pipe_choked(wsi_) != 0) break;
  }
  if (!out_.empty()) server_.wake(wsi_);
  return 0;
}

}  // namespace tandem::http
