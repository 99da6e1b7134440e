// Choice of the local address; see sockets.hpp.
#include "kamailio/sockets.hpp"

#include <nlohmann/json.hpp>

namespace tandem::kamailio {
namespace {

bool is_loopback(std::string_view host) {
  return host.substr(0, 4) == "127." || host == "localhost" || host == "[::1]" || host == "::1";
}
bool is_v6(std::string_view host) { return host.find(':') != std::string_view::npos; }
std::string bracketed(const std::string& host) {
  return is_v6(host) && host.front() != '[' ? "[" + host + "]" : host;
}

Sockets::Choice make(const std::string& proto, const std::string& host, int port,
                     const std::string& transport) {
  Sockets::Choice out;
  out.host = bracketed(host);
  out.socket = proto + ":" + out.host + ":" + std::to_string(port);
  out.contact = "sip:tandem@" + out.host + ":" + std::to_string(port);
  if (transport != "udp") out.contact += ";transport=" + transport;
  return out;
}

}  // namespace

void Sockets::learn(const nlohmann::json& list) {
  sockets_.clear();
  if (!list.is_array()) return;
  for (const auto& row : list) {
    const auto it = row.is_object() ? row.find("socket") : row.end();
    if (!row.is_object() || it == row.end() || !it->is_object()) continue;
    const auto text = [&](const char* name) {
      const auto field = it->find(name);
      return field != it->end() && field->is_string() ? field->get<std::string>() : std::string();
    };
    Socket socket;
    socket.proto = lower(text("proto"));
    socket.address = text("ipaddress");
    socket.port = static_cast<int>(number(text("port")));
    if (!socket.proto.empty() && !socket.address.empty() && socket.port > 0)
      sockets_.push_back(std::move(socket));
  }
}

Sockets::Choice Sockets::choose(const Contact& target) const {
  const auto uri = parse_uri(target.received.empty() ? target.uri : target.received);
  std::string transport = uri ? lower(param(uri->params, "transport")) : "";
  if (transport.empty()) transport = uri && uri->scheme == "sips" ? "tls" : "udp";
  if (!target.socket.empty()) {
    const std::size_t first = target.socket.find(':'), last = target.socket.rfind(':');
    if (first != std::string::npos && last > first) {
      const std::string proto = lower(target.socket.substr(0, first));
      Choice choice =
          make(proto, target.socket.substr(first + 1, last - first - 1),
               static_cast<int>(number(target.socket.substr(last + 1))), proto == "udp" ? "udp" : transport);
      if (transport == "ws" || transport == "wss")
        choice.socket.clear();  // it goes by the connection that is there
      return choice;
    }
  }
  const std::string proto = transport == "ws" ? "tcp" : transport == "wss" ? "tls" : transport;
  const std::string host = uri ? uri->host : "";
  const Socket* best = nullptr;
  int best_score = -1;
  for (const Socket& s : sockets_) {
    const int score = (s.proto == proto ? 4 : 0) + (is_v6(s.address) == is_v6(host) ? 2 : 0) +
                      (is_loopback(s.address) == is_loopback(host) ? 1 : 0);
    if (score > best_score) {
      best = &s;
      best_score = score;
    }
  }
  if (best == nullptr) return {"", "sip:tandem@127.0.0.1", "127.0.0.1"};
  Choice choice =
      make(best->proto, best->address, best->port, best->proto == proto ? transport : best->proto);
  if (best_score < 6 || transport == "ws" || transport == "wss") choice.socket.clear();
  return choice;
}

}  // namespace tandem::kamailio
