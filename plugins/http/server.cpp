// libwebsockets' context, virtual hosts and callbacks.
#include "http/server.hpp"

#include <libwebsockets.h>

#include <algorithm>
#include <array>

#include "http/http_exchange.hpp"
#include "http/request_header.hpp"
#include "http/ws_peer.hpp"

namespace tandem::http {

namespace {

// lws's own time limits stand behind ours, as a second net: were they the same, chance would say which of the
// two ends a slow client, and only ours are counted.
constexpr int kSecondNet_s = 5;

// A WebSocket that is silent for 30 s gets a ping, and 20 s later is given up.
const lws_retry_bo_t* idle_policy() {
  static const std::array<std::uint32_t, 1> backoff = {1000};
  static const lws_retry_bo_t policy = [] {
    lws_retry_bo_t p{};
    p.retry_ms_table = backoff.data();
    p.retry_ms_table_count = 1;
    p.conceal_count = 1;
    p.secs_since_valid_ping = 30;
    p.secs_since_valid_hangup = 50;
    return p;
  }();
  return &policy;
}

int callback(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size);

const lws_protocols* protocols() {
  static const std::array<lws_protocols, 3> table = [] {
    std::array<lws_protocols, 3> t{};
    t[0].name = "http";  // also a WebSocket that asks for no protocol
    t[0].callback = callback;
    t[0].rx_buffer_size = 16 * 1024;
    t[0].tx_packet_size = 128 * 1024;
    t[1] = t[0];
    t[1].name = "tandem";
    return t;
  }();
  return table.data();
}

}  // namespace

int dispatch(lws* wsi, int reason, void* in, std::size_t size) {
  auto* server = static_cast<Server*>(lws_context_user(lws_get_context(wsi)));
  return server == nullptr ? 0 : server->on_event(wsi, reason, in, size);
}

namespace {
int callback(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
  return wsi == nullptr ? 0 : dispatch(wsi, reason, in, size);
}
}  // namespace

Server::Server(const sdk::Host& host, Options options)
    : host_(host), options_(std::move(options)), access_(options_.tokens), web_(host) {}

Server::~Server() {
  alive_.reset();
  web_.close();
}

bool Server::open(std::string& error) {
  counters_.show(host_);
  if (const char* why = web_.open(this, options_.max_connections + options_.listen.size() + 8,
                                  static_cast<unsigned>(options_.request_timeout_s + kSecondNet_s))) {
    error = why;
    return false;
  }
  return std::all_of(options_.listen.begin(), options_.listen.end(),
                     [&](const Listen& l) { return add_vhost(l, error); });
}

bool Server::add_vhost(const Listen& listen, std::string& error) {
  const std::string name = listen.address + "-" + std::to_string(listen.port);
  lws_context_creation_info info{};
  info.vhost_name = name.c_str();
  info.protocols = protocols();
  info.keepalive_timeout = options_.keepalive_s;
  info.timeout_secs_ah_idle = static_cast<unsigned>(options_.request_timeout_s + kSecondNet_s);
  info.retry_and_idle_policy = idle_policy();
  lws_vhost* vhost = web_.listen(info, listen.address, listen.port, listen.ipv6());
  const std::string shown = listen.ipv6() ? "[" + listen.address + "]" : listen.address;
  if (vhost == nullptr) {
    error = "cannot listen on " + shown + ":" + std::to_string(listen.port) +
            ": the port is taken or the address is not this machine's";
    return false;
  }
  host_.info("listening on http://" + shown + ":" + std::to_string(lws_get_vhost_listen_port(vhost)));
  return true;
}

void Server::wake(lws* wsi) {
  lws_callback_on_writable(wsi);
  web_.run_soon();
}

void Server::arm(lws* wsi, std::chrono::milliseconds after) {
  const auto found = connections_.find(wsi);
  if (found == connections_.end()) return;
  found->second.armed = after.count() > 0;
  // 4.1.6 does not honour LWS_SET_TIMER_USEC_CANCEL (it fires at once): a timer that is not wanted is put off
  // instead.
  constexpr std::chrono::milliseconds kNever = std::chrono::hours(24);
  lws_set_timer_usecs(wsi, std::chrono::microseconds(found->second.armed ? after : kNever).count());
  web_.run_soon();
}

Access::Verdict Server::judge(lws* wsi, std::string& tenant) const {
  const std::string authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION),
                    protocols = header(wsi, WSI_TOKEN_PROTOCOL), host = header(wsi, WSI_TOKEN_HOST),
                    origin = header(wsi, WSI_TOKEN_ORIGIN);
  return access_.judge({authorization, protocols, host, origin}, tenant);
}

void Server::rpc(lws* wsi, std::string_view tenant, std::string_view text) {
  const auto found = connections_.find(wsi);
  if (found == connections_.end()) return;
  const std::weak_ptr<int> alive = alive_;
  const td_caller caller{sizeof(td_caller), sdk::str(tenant), TD_ROLE_PUBLIC};
  host_.rpc(caller, text, [this, alive, wsi, id = found->second.id](int code, std::string_view json) {
    if (!alive.lock()) return;
    const auto it = connections_.find(wsi);
    if (it == connections_.end() || it->second.id != id) return;  // gone; another may have its address
    if (it->second.peer)
      it->second.peer->on_reply(json);
    else if (it->second.exchange)
      it->second.exchange->on_reply(code, json);
  });
}

int Server::on_event(lws* wsi, int reason, void* in, std::size_t size) {
  if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION) {
    if (connections_.size() < options_.max_connections) return 0;
    ++counters_.connections_refused;
    return 1;
  }
  if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED) {
    Connection& connection = connections_[wsi];
    connection.id = ++last_id_;
    connection.exchange = std::make_unique<HttpExchange>(*this, wsi);
    counters_.connections = connections_.size();
    arm(wsi, std::chrono::seconds(options_.request_timeout_s));
    return 0;
  }
  const auto found = connections_.find(wsi);
  if (found == connections_.end()) return 0;  // a listening socket's or the context's own
  Connection& connection = found->second;
  switch (reason) {
    case LWS_CALLBACK_WSI_DESTROY: {                  // CLOSED_HTTP comes after each transaction, too
      const auto gone = connections_.extract(found);  // ends its subscriptions once it is no longer listed
      counters_.connections = connections_.size();
      return 0;
    }
    case LWS_CALLBACK_TIMER:
      if (!connection.armed) return 0;
      return connection.peer ? connection.peer->on_timer() : connection.exchange->on_timer();
    case LWS_CALLBACK_RECEIVE:
      return connection.peer ? connection.peer->on_received({static_cast<const char*>(in), size}) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE: return connection.peer ? connection.peer->on_writable() : -1;
    default: return on_http(connection, wsi, reason, in, size);
  }
}

int Server::on_http(Connection& connection, lws* wsi, int reason, void* in, std::size_t size) {
  HttpExchange& exchange = *connection.exchange;
  switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return on_upgrade(connection, wsi);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return connection.peer ? 0 : -1;
    case LWS_CALLBACK_HTTP: arm(wsi, {}); return exchange.on_request({static_cast<const char*>(in), size});
    case LWS_CALLBACK_HTTP_BODY: return exchange.on_body({static_cast<const char*>(in), size});
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return exchange.on_body_complete();
    default: return 0;
  }
}

// 0: upgrade; above: answered with an error; below: hang up.
int Server::on_upgrade(Connection& connection, lws* wsi) {
  // For an upgrade that it does not know, lws has answered 403 and freed the headers before it asks.
  const std::string upgrade = header(wsi, WSI_TOKEN_UPGRADE), path = header(wsi, WSI_TOKEN_GET_URI);
  if (upgrade.empty()) return -1;
  HttpExchange& exchange = *connection.exchange;
  std::string tenant;
  if (upgrade != "websocket" && upgrade != "WebSocket") return -1;  // HTTP/2: nobody is told to speak it
  if (path != "/ws") return exchange.refuse_upgrade(404, "not_found", "expected the WebSocket at /ws");
  switch (judge(wsi, tenant)) {
    case Access::Verdict::granted: break;
    case Access::Verdict::foreign_page:
      return exchange.refuse_upgrade(403, "denied",
                                     "without a token only programs of this machine are served");
    case Access::Verdict::no_token:
      return exchange.refuse_upgrade(
          401, "denied",
          "expected Authorization: Bearer TOKEN, or Sec-WebSocket-Protocol: tandem, bearer.TOKEN");
    case Access::Verdict::wrong_token:
      return exchange.refuse_upgrade(401, "denied", "the token is not known");
  }
  arm(wsi, {});
  connection.peer = std::make_unique<WsPeer>(*this, wsi, tenant);
  return 0;
}

}  // namespace tandem::http
