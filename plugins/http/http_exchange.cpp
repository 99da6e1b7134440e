// Requests to answers. Every error is JSON: {"error":{"code":…,"message":…}}.
#include "http/http_exchange.hpp"

#include <libwebsockets.h>

#include <array>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "http/request_header.hpp"
#include "http/server.hpp"

namespace tandem::http {

namespace {

constexpr std::size_t kHeadMax = 1024;
constexpr const char* kJson = "application/json";
// A body that is refused is still read and thrown away up to here, so that the client gets to read the
// answer.
constexpr std::int64_t kDiscardMax = 32ll << 20;

// Below 0: none, or not a plain number.
std::int64_t content_length(lws* wsi) {
  const std::string text = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  std::int64_t size = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), size);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? size : -1;
}

}  // namespace

int HttpExchange::on_request(std::string_view path) {
  ++server_.counters().requests;
  body_.clear();
  const bool get = lws_hdr_total_length(wsi_, WSI_TOKEN_GET_URI) > 0;
  const bool post = lws_hdr_total_length(wsi_, WSI_TOKEN_POST_URI) > 0;
  if (path == "/health") {
    if (!get) return refuse(405, "invalid", "/health: expected GET");
    return answer(200, kJson, R"({"status":"ok"})");
  }
  if (path != "/rpc" && path != "/metrics" && path != "/ws") {
    return refuse(404, "not_found", "expected /rpc, /ws, /metrics or /health");
  }
  switch (server_.judge(wsi_, tenant_)) {
    case Access::Verdict::granted: break;
    case Access::Verdict::foreign_page:
      return refuse(403, "denied",
                    "without a token only programs of this machine are served: Host must be a loopback name, "
                    "Origin the same");
    case Access::Verdict::no_token:
      return refuse(401, "denied", "expected the header Authorization: Bearer TOKEN");
    case Access::Verdict::wrong_token: return refuse(401, "denied", "the token is not known");
  }
  if (path == "/ws") return refuse(426, "invalid", "/ws: expected a WebSocket upgrade");
  if (path == "/metrics") {
    if (!get) return refuse(405, "invalid", "/metrics: expected GET");
    if (!tenant_.empty()) return refuse(403, "denied", "/metrics: for the operator's token only");
    std::string text;
    const auto* api = server_.host().api();
    api->metrics(
        api,
        [](void* user, int, td_str part) { static_cast<std::string*>(user)->append(part.data, part.size); },
        &text);
    return answer(200, "text/plain; version=0.0.4; charset=utf-8", text);
  }
  if (!post) return refuse(405, "invalid", "/rpc: expected POST with a JSON-RPC 2.0 body");
  return start_rpc();
}

int HttpExchange::start_rpc() {
  if (lws_hdr_total_length(wsi_, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
    return refuse(411, "unsupported", "/rpc: expected Content-Length, not Transfer-Encoding");
  }
  const std::int64_t size = content_length(wsi_);
  if (size <= 0) return refuse(411, "invalid", "/rpc: expected a Content-Length above 0");
  if (size > static_cast<std::int64_t>(server_.options().max_body)) {
    ++server_.counters().too_large;
    const int result = refuse(413, "exhausted",
                              "/rpc: expected at most " + std::to_string(server_.options().max_body) +
                                  " bytes, got " + std::to_string(size));
    return size > kDiscardMax ? -1 : result;
  }
  state_ = State::body;
  body_.reserve(static_cast<std::size_t>(size));
  server_.arm(wsi_, std::chrono::seconds(server_.options().request_timeout_s));
  return 0;
}

int HttpExchange::on_body(std::string_view part) {
  if (state_ != State::body) return 0;  // refused already; what comes is thrown away
  if (body_.size() + part.size() > server_.options().max_body) return -1;
  body_.append(part);
  return 0;
}

int HttpExchange::on_body_complete() {
  if (state_ != State::body) return 0;
  server_.arm(wsi_, {});
  state_ = State::waiting;
  lws_rx_flow_control(wsi_, 0);  // a second request stays in the socket until this one is answered
  const std::string text = std::exchange(body_, {});
  server_.rpc(wsi_, tenant_, text);
  return state_ == State::broken ? -1 : 0;
}

void HttpExchange::on_reply(int code, std::string_view json) {
  if (state_ != State::waiting) return;
  lws_rx_flow_control(wsi_, 1);
  const int status = json.empty() ? 204 : code < 0 ? 400 : 200;
  if (answer(status, kJson, json) == 0) return;
  state_ = State::broken;  // on_timer, or on_body_complete when this came at once, closes
  server_.arm(wsi_, std::chrono::milliseconds(1));
}

int HttpExchange::on_timer() {
  if (state_ == State::waiting || (state_ == State::answered && lws_partial_buffered(wsi_) == 0)) return 0;
  if (state_ != State::broken) ++server_.counters().timeouts;
  return -1;
}

int HttpExchange::refuse(int status, const char* code, const std::string& message) {
  if (status == 401 || status == 403) ++server_.counters().denied;
  const nlohmann::json error = {{"error", {{"code", code}, {"message", message}}}};
  return answer(status, kJson, error.dump());
}

int HttpExchange::refuse_upgrade(int status, const char* code, const std::string& message) {
  ++server_.counters().requests;
  ++server_.counters().denied;
  const nlohmann::json error = {{"error", {{"code", code}, {"message", message}}}};
  return write(status, kJson, error.dump()) ? 1 : -1;
}

int HttpExchange::answer(int status, const char* type, std::string_view body) {
  state_ = State::answered;
  if (!write(status, type, body)) return -1;
  // A client that does not take its answer is let go of after the same time that it had to ask.
  server_.arm(wsi_, std::chrono::seconds(server_.options().request_timeout_s));
  return lws_http_transaction_completed(wsi_) != 0 ? -1 : 0;
}

// Head and body in one piece.
bool HttpExchange::write(int status, const char* type, std::string_view body) {
  std::vector<unsigned char> buffer(LWS_PRE + kHeadMax + body.size());
  unsigned char* const start = buffer.data() + LWS_PRE;
  unsigned char* at = start;
  unsigned char* const end = start + kHeadMax;
  const auto add = [&](const char* name, const char* value) {
    return lws_add_http_header_by_name(wsi_, reinterpret_cast<const unsigned char*>(name),
                                       reinterpret_cast<const unsigned char*>(value),
                                       static_cast<int>(std::strlen(value)), &at, end) == 0;
  };
  if (lws_add_http_common_headers(wsi_, static_cast<unsigned>(status), type, body.size(), &at, end) != 0)
    return false;
  if (!add("cache-control:", "no-store") || !add("x-content-type-options:", "nosniff")) return false;
  if (status == 401 && !add("www-authenticate:", "Bearer realm=\"tandem\"")) return false;
  if (status == 405 && !add("allow:", "GET, POST")) return false;
  if (lws_finalize_http_header(wsi_, &at, end) != 0) return false;
  if (!body.empty()) std::memcpy(at, body.data(), body.size());
  const auto size = static_cast<std::size_t>(at - start) + body.size();
  return lws_write(wsi_, start, size, LWS_WRITE_HTTP_HEADERS) >= 0;
}

}  // namespace tandem::http
