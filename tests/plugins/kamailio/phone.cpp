// The phone's messages; see phone.hpp.
#include "tests/plugins/kamailio/phone.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "kamailio/digest.hpp"

namespace tandem::kamailio::testing {
namespace {

std::string unique() {
  static std::atomic<unsigned> count{0};
  return std::to_string(::getpid()) + "x" + std::to_string(++count);
}

socklen_t address_of(const std::string& text, std::uint16_t port, sockaddr_storage& out) {
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof *v6;
  }
  inet_pton(AF_INET, text.c_str(), &v4->sin_addr);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  return sizeof *v4;
}

std::string bracketed(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

SipMessage parse(std::string_view text) {
  SipMessage out;
  const std::size_t split = text.find("\r\n\r\n");
  if (split == std::string_view::npos) return out;
  out.body = std::string(text.substr(split + 4));
  std::string_view head = text.substr(0, split);
  bool first = true;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (first) {
      out.start = std::string(line);
    } else if (colon != std::string_view::npos) {
      out.headers.emplace_back(std::string(trim(line.substr(0, colon))),
                               std::string(trim(line.substr(colon + 1))));
    }
    first = false;
    head = end == std::string_view::npos ? std::string_view{} : head.substr(end + 2);
  }
  return out;
}

// One masked text frame (RFC 6455 §5.2) with a mask of zeros.
std::string ws_frame(const std::string& text) {
  std::string out = "\x81";
  if (text.size() < 126) {
    out += static_cast<char>(0x80 | text.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(text.size() >> 8);
    out += static_cast<char>(text.size() & 255);
  }
  return out + std::string(4, '\0') + text;
}

}  // namespace

const char* const kSdp =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

int SipMessage::code() const {
  return start.substr(0, 8) == "SIP/2.0 " ? static_cast<int>(number(std::string_view(start).substr(8))) : 0;
}
std::string SipMessage::method() const {
  if (code() == 0) return start.substr(0, start.find(' '));
  const std::string cseq = get("CSeq");
  return cseq.substr(cseq.find(' ') + 1);
}
std::string SipMessage::request_uri() const {
  const std::size_t first = start.find(' '), second = start.find(' ', first + 1);
  return start.substr(first + 1, second - first - 1);
}

Phone::Phone(EpollHost& host, std::string user, Wire wire, std::string address, std::uint16_t server_port)
    : host_(host),
      user_(std::move(user)),
      address_(std::move(address)),
      wire_(wire),
      server_port_(server_port) {
  sockaddr_storage local{}, server{};
  socklen_t size = address_of(address_, 0, local);
  address_of(address_, server_port_, server);
  fd_ = ::socket(local.ss_family, (wire_ == Wire::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  ::bind(fd_, reinterpret_cast<sockaddr*>(&local), size);
  for (int i = 0; i < 100 && ::connect(fd_, reinterpret_cast<sockaddr*>(&server), size) < 0; ++i)
    host_.run_for(20);
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &size);
  port_ = ntohs(local.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&local)->sin6_port
                                            : reinterpret_cast<sockaddr_in*>(&local)->sin_port);
  if (wire_ == Wire::ws) {
    const std::string hello =
        "GET / HTTP/1.1\r\nHost: " + address_ +
        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
        "Origin: http://localhost\r\n\r\n";
    (void)!::write(fd_, hello.data(), hello.size());
    char answer[2048];
    const ssize_t got = ::read(fd_, answer, sizeof answer);
    if (got < 12 || std::string_view(answer, 12) != "HTTP/1.1 101") ::close(std::exchange(fd_, -1));
  }
  if (fd_ >= 0) ::fcntl(fd_, F_SETFL, O_NONBLOCK);
}

Phone::~Phone() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Phone::contact() const {
  if (wire_ == Wire::ws) return "sip:" + user_ + "@df7jal23ls0d.invalid;transport=ws";
  return "sip:" + user_ + "@" + bracketed(address_) + ":" + std::to_string(port_) +
         (wire_ == Wire::tcp ? ";transport=tcp" : "");
}
std::string Phone::server_uri(const std::string& user) const {
  return "sip:" + (user.empty() ? "" : user + "@") + bracketed(address_) + ":" + std::to_string(server_port_);
}

void Phone::send(const std::string& text) {
  const std::string out = wire_ == Wire::ws ? ws_frame(text) : text;
  (void)!::send(fd_, out.data(), out.size(), MSG_NOSIGNAL);
}

std::string Phone::request(const std::string& method, const std::string& uri, PhoneDialog& d,
                           const std::string& extra, const std::string& body, const std::string& branch) {
  if (d.call_id.empty()) {
    d.call_id = unique() + "@phone";
    d.local = "<" + server_uri(user_) + ">;tag=" + local_tag + unique();
    d.remote = "<" + uri + ">";
    d.target = uri;
  }
  const std::string used = branch.empty() ? "z9hG4bK" + unique() : branch;
  if (method != "ACK" && method != "CANCEL") ++d.cseq;
  const char* transport = wire_ == Wire::udp ? "UDP" : wire_ == Wire::tcp ? "TCP" : "WS";
  const std::string via_host =
      wire_ == Wire::ws ? "df7jal23ls0d.invalid" : bracketed(address_) + ":" + std::to_string(port_);
  std::string text = method + " " + (d.target.empty() ? uri : d.target) + " SIP/2.0\r\nVia: SIP/2.0/" +
                     transport + " " + via_host + ";branch=" + used +
                     ";rport\r\nMax-Forwards: 70\r\nFrom: " + d.local + "\r\nTo: " + d.remote +
                     "\r\nCall-ID: " + d.call_id + "\r\nCSeq: " + std::to_string(d.cseq) + " " + method +
                     "\r\nContact: <" + contact() + ">\r\nUser-Agent: phone\r\n" + extra;
  if (!body.empty() && extra.find("Content-Type") == std::string::npos)
    text += "Content-Type: application/sdp\r\n";
  send(text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  return used;
}

void Phone::ack(const PhoneDialog& dialog, int cseq, const std::string& body) {
  PhoneDialog d = dialog;
  d.cseq = cseq;
  request("ACK", d.target, d, "", body);
}

void Phone::reply(const SipMessage& request, int code, const std::string& extra, const std::string& body) {
  std::string text = "SIP/2.0 " + std::to_string(code) + " Phone says\r\n";
  for (const auto& [name, value] : request.headers) {
    const bool to = same_text(name, "To");
    if (!to && !same_text(name, "Via") && !same_text(name, "From") && !same_text(name, "Call-ID") &&
        !same_text(name, "CSeq") && !same_text(name, "Record-Route")) {
      continue;
    }
    text += name + ": " + value +
            (to && value.find(";tag=") == std::string::npos ? ";tag=" + local_tag : "") + "\r\n";
  }
  text += "Contact: <" + contact() + ">\r\n" + extra;
  if (!body.empty() && extra.find("Content-Type") == std::string::npos)
    text += "Content-Type: application/sdp\r\n";
  send(text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void Phone::push(std::string_view text) {
  SipMessage message = parse(text);
  if (message.valid() && message.code() != 100) inbox_.push_back(std::move(message));
}

void Phone::poll_stream() {
  for (;;) {
    if (wire_ == Wire::ws) {
      if (stream_.size() < 4) return;
      std::size_t size = static_cast<unsigned char>(stream_[1]) & 127, head = 2;
      if (size == 126) {
        size = static_cast<std::size_t>(static_cast<unsigned char>(stream_[2])) << 8 |
               static_cast<unsigned char>(stream_[3]);
        head = 4;
      }
      if (stream_.size() < head + size) return;
      push(std::string_view(stream_).substr(head, size));
      stream_.erase(0, head + size);
      continue;
    }
    const std::size_t split = stream_.find("\r\n\r\n");
    if (split == std::string::npos) return;
    if (split == 0) {  // a keep-alive
      stream_.erase(0, 4);
      continue;
    }
    const SipMessage head = parse(std::string_view(stream_).substr(0, split + 4));
    const std::size_t size = split + 4 + number(head.get("Content-Length"));
    if (stream_.size() < size) return;
    push(std::string_view(stream_).substr(0, size));
    stream_.erase(0, size);
  }
}

void Phone::poll() {
  char bytes[65536];
  for (;;) {
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got <= 0) return;
    if (wire_ == Wire::udp) {
      push({bytes, static_cast<std::size_t>(got)});
    } else {
      stream_.append(bytes, static_cast<std::size_t>(got));
      poll_stream();
    }
  }
}

SipMessage Phone::expect(const std::string& what, int ms) {
  const bool wants_code = what[0] >= '1' && what[0] <= '9';
  return next_such(
      [&](const SipMessage& m) {
        return wants_code ? std::to_string(m.code()) == what : m.code() == 0 && m.method() == what;
      },
      ms);
}

SipMessage Phone::final_answer(int ms) {
  return next_such([](const SipMessage& m) { return m.code() >= 200 && m.method() == "INVITE"; }, ms);
}

SipMessage Phone::next_such(const std::function<bool(const SipMessage&)>& wanted, int ms) {
  SipMessage found;
  came_.clear();
  host_.run_until(
      [&] {
        poll();
        while (!inbox_.empty()) {
          SipMessage next = std::move(inbox_.front());
          inbox_.pop_front();
          came_ += next.code() == 0 ? next.method() + " " : std::to_string(next.code()) + " ";
          if (wanted(next)) {
            found = std::move(next);
            return true;
          }
        }
        return false;
      },
      ms);
  return found;
}

bool Phone::silent(int ms) {
  return !host_.run_until(
      [&] {
        poll();
        return !inbox_.empty();
      },
      ms);
}

SipMessage Phone::authenticated(const std::string& method, const std::string& uri, PhoneDialog& dialog,
                                const std::string& password, const std::string& extra,
                                const std::string& body) {
  std::string auth;
  for (int i = 0; i < 3; ++i) {
    const std::string branch = request(method, uri, dialog, extra + auth, body);
    SipMessage answer;
    host_.run_until(
        [&] {
          poll();
          while (!inbox_.empty()) {
            answer = std::move(inbox_.front());
            inbox_.pop_front();
            if (answer.code() != 0) return true;
          }
          return false;
        },
        10000);
    if (answer.code() >= 300 && method == "INVITE") {
      PhoneDialog d = dialog;
      d.remote = answer.get("To");
      request("ACK", uri, d, "", "", branch);
    }
    if (answer.code() != 401 && answer.code() != 407) return answer;
    auto challenge = best_challenge(answer.headers);
    if (!challenge) return answer;
    auth = authorization(*challenge, {user_, password}, method, dialog.target, "0a4f113b");
  }
  return {};
}

PhoneDialog Phone::registration() const {
  PhoneDialog dialog;
  dialog.local = "<" + server_uri(user_) + ">;tag=" + unique();
  dialog.remote = "<" + server_uri(user_) + ">";
  dialog.call_id = unique();
  dialog.target = server_uri("");
  return dialog;
}

SipMessage Phone::register_with(const std::string& password, int expires) {
  PhoneDialog dialog = registration();
  return authenticated("REGISTER", server_uri(""), dialog, password,
                       "Expires: " + std::to_string(expires) + "\r\n");
}

PhoneDialog Phone::answer_dialog(const SipMessage& invite, const std::string& tag) const {
  PhoneDialog out;
  out.call_id = invite.get("Call-ID");
  out.local = invite.get("To") + ";tag=" + tag;
  out.remote = invite.get("From");
  const auto contact = parse_name_addr(invite.get("Contact"));
  out.target = contact ? contact->uri : "";
  out.cseq = 100;
  return out;
}

}  // namespace tandem::kamailio::testing
