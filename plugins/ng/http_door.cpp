#include "ng/http_door.hpp"

#include <libwebsockets.h>

#include <array>
#include <cstring>
#include <vector>

namespace tandem::ng {
namespace {

constexpr int kRequestTimeoutS = 10;
constexpr const char* kNgType = "application/x-rtpengine-ng";
constexpr const char *kNg = "ng.rtpengine.com", *kNgPlain = "ng-plain.rtpengine.com",
                     *kEcho = "echo.rtpengine.com";

int callback(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size);

const lws_protocols* protocols() {
  static const std::array<lws_protocols, 5> table = [] {
    std::array<lws_protocols, 5> t{};
    const char* names[] = {"http", kNg, kNgPlain, kEcho};
    for (std::size_t i = 0; i < 4; ++i) {
      t[i].name = names[i];
      t[i].callback = callback;
      t[i].rx_buffer_size = 16 * 1024;
      t[i].tx_packet_size = 128 * 1024;
    }
    return t;
  }();
  return table.data();
}

}  // namespace

int ng_dispatch(lws* wsi, int reason, void* in, std::size_t size) {
  auto* door = static_cast<HttpDoor*>(lws_context_user(lws_get_context(wsi)));
  return door == nullptr ? 0 : door->on_event(wsi, reason, in, size);
}

namespace {
int callback(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
  return wsi == nullptr ? 0 : ng_dispatch(wsi, reason, in, size);
}
}  // namespace

HttpDoor::HttpDoor(const sdk::Host& host, Commands& commands, std::size_t connections_max)
    : host_(host), commands_(commands), connections_max_(connections_max), web_(host) {}

HttpDoor::~HttpDoor() {
  alive_.reset();
  web_.close();
}

bool HttpDoor::open(const Listen& listen, std::string& error) {
  error = "plugin.ng: cannot listen on http://" + listen.text();
  if (web_.open(this, connections_max_ + 16, kRequestTimeoutS) != nullptr) return false;
  lws_context_creation_info vhost{};
  vhost.vhost_name = "ng";
  vhost.protocols = protocols();
  vhost.keepalive_timeout = 30;
  vhost.timeout_secs_ah_idle = kRequestTimeoutS;
  lws_vhost* made = web_.listen(vhost, listen.address, listen.port, listen.ipv6());
  if (made == nullptr) return false;
  port_ = lws_get_vhost_listen_port(made);
  error.clear();
  return true;
}

int HttpDoor::on_event(lws* wsi, int reason, void* in, std::size_t size) {
  if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION) return connections_.size() < connections_max_ ? 0 : 1;
  if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED) {
    Connection& connection = connections_[wsi];
    connection.id = ++last_id_;
    std::array<char, 64> host{};  // a repeat may come by another connection
    connection.peer = std::string("http ") + lws_get_peer_simple(wsi, host.data(), host.size());
    return 0;
  }
  const auto found = connections_.find(wsi);
  if (found == connections_.end()) return 0;
  Connection& connection = found->second;
  const std::string_view part(static_cast<const char*>(in), in == nullptr ? 0 : size);
  switch (reason) {
    case LWS_CALLBACK_WSI_DESTROY: connections_.erase(found); return 0;
    case LWS_CALLBACK_HTTP: return on_request(connection, wsi, part);
    case LWS_CALLBACK_HTTP_BODY:
      if (connection.in.size() + part.size() > kBodyMax) return -1;
      connection.in.append(part);
      return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return on_body_complete(connection, wsi);
    case LWS_CALLBACK_ESTABLISHED: {
      const lws_protocols* protocol = lws_get_protocol(wsi);
      connection.websocket = true;
      connection.plain = protocol != nullptr && std::strcmp(protocol->name, kNgPlain) == 0;
      connection.over = protocol != nullptr && std::strcmp(protocol->name, kEcho) == 0;
      connection.cookie = connection.plain ? Commands::Cookie::no : Commands::Cookie::yes;
      return protocol != nullptr && std::strcmp(protocol->name, "http") == 0 ? -1 : 0;
    }
    case LWS_CALLBACK_RECEIVE: return on_message(connection, wsi, part);
    case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(connection, wsi);
    default: return 0;
  }
}

int HttpDoor::on_request(Connection& connection, lws* wsi, std::string_view path) {
  connection.in.clear();
  connection.answered = false;
  const bool post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
  if (path == "/ping" && !post) return respond(wsi, 200, "text/plain", "pong");
  if (path != "/ng" && path != "/ng-plain")
    return respond(wsi, 404, "text/plain", "expected /ng, /ng-plain or /ping");
  if (!post) return respond(wsi, 405, "text/plain", "expected POST");
  connection.plain = path == "/ng-plain";
  connection.cookie = connection.plain ? Commands::Cookie::no : Commands::Cookie::yes;
  return 0;
}

int HttpDoor::on_body_complete(Connection& connection, lws* wsi) {
  if (take(connection, wsi)) return 0;
  return respond(wsi, 400, "text/plain", "expected a cookie, a space and a dictionary");
}

int HttpDoor::on_message(Connection& connection, lws* wsi, std::string_view part) {
  if (connection.in.size() + part.size() > kBodyMax) return -1;
  connection.in.append(part);
  if (lws_is_final_fragment(wsi) == 0 || lws_remaining_packet_payload(wsi) != 0) return 0;
  if (connection.over) {  // echo
    if (connection.out.size() < kQueueMax) connection.out.push_back(std::exchange(connection.in, {}));
    lws_callback_on_writable(wsi);
    return 0;
  }
  (void)take(connection, wsi);
  return 0;
}

// False: nothing will be answered.
bool HttpDoor::take(Connection& connection, lws* wsi) {
  const std::string text = std::exchange(connection.in, {});
  return commands_.take(
      connection.peer, text, connection.cookie,
      [this, wsi, id = connection.id, alive = std::weak_ptr(alive_)](std::string_view answer) {
        if (alive.lock()) on_answer(wsi, id, answer);
      });
}

void HttpDoor::on_answer(lws* wsi, std::uint64_t id, std::string_view answer) {
  const auto found = connections_.find(wsi);
  if (found == connections_.end() || found->second.id != id) return;
  Connection& connection = found->second;
  if (connection.websocket) {
    if (connection.out.size() < kQueueMax) connection.out.emplace_back(answer);
    lws_callback_on_writable(wsi);
  } else if (!std::exchange(connection.answered, true)) {
    (void)respond(wsi, 200, connection.plain ? "application/json" : kNgType, answer);
  }
  web_.run_soon();
}

int HttpDoor::on_writable(Connection& connection, lws* wsi) {
  if (!connection.websocket || connection.out.empty()) return 0;
  const std::string text = std::move(connection.out.front());
  connection.out.pop_front();
  std::vector<unsigned char> buffer(LWS_PRE + text.size());
  std::memcpy(buffer.data() + LWS_PRE, text.data(), text.size());
  if (lws_write(wsi, buffer.data() + LWS_PRE, text.size(), LWS_WRITE_TEXT) < 0) return -1;
  if (!connection.out.empty()) lws_callback_on_writable(wsi);
  return 0;
}

int HttpDoor::respond(lws* wsi, int status, const char* type, std::string_view body) {
  std::vector<unsigned char> buffer(LWS_PRE + 1024 + body.size());
  unsigned char* const start = buffer.data() + LWS_PRE;
  unsigned char* at = start;
  unsigned char* const end = start + 1024;
  if (lws_add_http_common_headers(wsi, static_cast<unsigned>(status), type, body.size(), &at, end) != 0 ||
      lws_finalize_http_header(wsi, &at, end) != 0)
    return -1;
  if (!body.empty()) std::memcpy(at, body.data(), body.size());
  const auto size = static_cast<std::size_t>(at - start) + body.size();
  if (lws_write(wsi, start, size, LWS_WRITE_HTTP_HEADERS) < 0) return -1;
  return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

}  // namespace tandem::ng
