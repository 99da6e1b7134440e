// SipCallee: see the header. Responses go back the way the request came (RFC 3261 18.2.2).
#include "core/load/sip_callee.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "core/load/signal_socket.hpp"
#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

constexpr Nanos kOkRepeat = milliseconds(500), kOkPatience = seconds(10), kRegisterPatience = seconds(3);
constexpr std::size_t kCalleeBytesMax = 65536;
constexpr unsigned kExpires = 7200;

}  // namespace

SipCallee::SipCallee(const Address& server, SipAccount account)
    : server_(server),
      account_(std::move(account)),
      token_(fmt::format("{:x}", std::random_device()())),
      bytes_(kCalleeBytesMax, '\0') {}

SipCallee::~SipCallee() {
  if (registered_) transmit(registration(++cseq_, 0, authorization_));
  if (fd_ >= 0) ::close(fd_);
}

Result<void> SipCallee::start() {
  auto socket = SignalSocket::connect(server_);
  if (!socket) return socket.error();
  fd_ = socket->fd;
  local_ = socket->local.text();
  const std::string uri = fmt::format("sip:{}", server_.text());
  const TimePoint until = loop::monotonic_now() + kRegisterPatience;
  transmit(registration(++cseq_, kExpires, ""));
  while (loop::monotonic_now() < until) {
    pollfd one{fd_, POLLIN, 0};
    if (::poll(&one, 1, 500) == 0) transmit(registration(cseq_, kExpires, authorization_));
    const ssize_t n = recv(fd_, bytes_.data(), bytes_.size(), 0);
    SipMessage message;
    if (n <= 0 || !read_sip(std::string_view(bytes_).substr(0, static_cast<std::size_t>(n)), message))
      continue;
    if (message.status < 200) continue;
    if (message.status < 300) {
      registered_ = true;
      return {};
    }
    const std::string credentials = digest_answer(message.challenge, account_, "REGISTER", uri);
    if ((message.status != 401 && message.status != 407) || credentials.empty() || !authorization_.empty())
      return Error{ErrorCode::denied, fmt::format("{} is not registered: the server refused: {}",
                                                  account_.user, message.status)};
    authorization_ = message.challenge_header + ": " + credentials + "\r\n";
    transmit(registration(++cseq_, kExpires, authorization_));
  }
  return Error{ErrorCode::timeout, fmt::format("{} is not registered: no answer within 3 s", account_.user)};
}

std::string SipCallee::registration(unsigned cseq, unsigned expires, const std::string& authorization) const {
  return fmt::format(
      "REGISTER sip:{0} SIP/2.0\r\nVia: SIP/2.0/UDP {1};branch=z9hG4bKr{2}{3}\r\nFrom: "
      "<sip:{4}@{0}>;tag=r{2}\r\n"
      "To: <sip:{4}@{0}>\r\nCall-ID: bench-r{2}\r\nCSeq: {3} REGISTER\r\nContact: <sip:{4}@{1}>\r\nExpires: "
      "{5}\r\n"
      "Max-Forwards: 70\r\n{6}Content-Length: 0\r\n\r\n",
      server_.text(), local_, token_, cseq, account_.user, expires, authorization);
}

void SipCallee::transmit(const std::string& text) {
  if (::send(fd_, text.data(), text.size(), 0) < 0) return;  // repeated later
}

std::string SipCallee::response(const SipMessage& request, const char* status, const std::string& more,
                                const std::string& body) const {
  std::string head = fmt::format("SIP/2.0 {}\r\n", status);
  for (const std::string& via : request.vias) head += "Via: " + via + "\r\n";
  for (const std::string& route : request.record_routes) head += "Record-Route: " + route + "\r\n";
  const bool tagged = request.to.find(";tag=") != std::string::npos;
  return head +
         fmt::format("From: {}\r\nTo: {}{}\r\nCall-ID: {}\r\nCSeq: {}\r\n{}Content-Length: {}\r\n\r\n{}",
                     request.from, request.to, tagged ? "" : ";tag=c" + token_, request.call_id, request.cseq,
                     more, body.size(), body);
}

std::vector<SipCallee::Invited> SipCallee::poll(TimePoint now) {
  std::vector<Invited> out;
  for (int i = 0; i < 1000; ++i) {
    const ssize_t n = recv(fd_, bytes_.data(), bytes_.size(), 0);
    if (n < 0 && errno == ECONNREFUSED) continue;
    if (n <= 0) break;
    SipMessage message;
    if (read_sip(std::string_view(bytes_).substr(0, static_cast<std::size_t>(n)), message) &&
        message.status == 0)
      on_request(message, out);
  }
  if (now < next_look_) return out;
  next_look_ = now + milliseconds(50);
  for (auto at = dialogs_.begin(); at != dialogs_.end();) {
    Dialog& d = at->second;
    const bool waits = !d.ok.empty() && !d.acknowledged;
    if (waits && now - d.since > kOkPatience) {  // the caller is gone
      at = dialogs_.erase(at);
      continue;
    }
    if (waits && now >= d.repeat_at) {
      d.repeat *= 2;
      d.repeat_at = now + d.repeat;
      transmit(d.ok);
    }
    ++at;
  }
  return out;
}

void SipCallee::on_request(const SipMessage& message, std::vector<Invited>& out) {
  const auto at = dialogs_.find(message.call_id);
  if (message.method == "ACK") {
    if (at != dialogs_.end()) at->second.acknowledged = true;
    return;
  }
  if (message.method == "INVITE") {
    if (at != dialogs_.end()) {  // our answer was lost; or a re-INVITE, which gets what stands
      if (at->second.invite.cseq == message.cseq) return transmit(at->second.ok);
      return transmit(response(message, "488 Not Acceptable Here", "", ""));
    }
    if (dialogs_.size() >= kDialogsMax) return transmit(response(message, "486 Busy Here", "", ""));
    Dialog& d = dialogs_[message.call_id];
    d.invite = message;
    d.since = loop::monotonic_now();
    out.push_back({message.call_id, message.body, message.from});
    return;
  }
  const bool known = at != dialogs_.end() || (message.method != "BYE" && message.method != "CANCEL");
  transmit(response(message, known ? "200 OK" : "481 Call/Transaction Does Not Exist", "", ""));
  if (at == dialogs_.end()) return;
  if (message.method == "CANCEL" && at->second.ok.empty())
    transmit(response(at->second.invite, "487 Request Terminated", "", ""));
  if (message.method == "BYE" || (message.method == "CANCEL" && at->second.ok.empty())) dialogs_.erase(at);
}

bool SipCallee::acknowledged(const std::string& call_id) const {
  const auto at = dialogs_.find(call_id);
  return at != dialogs_.end() && at->second.acknowledged;
}

void SipCallee::answer(const std::string& call_id, const std::string& sdp, TimePoint now) {
  const auto at = dialogs_.find(call_id);
  if (at == dialogs_.end()) return;
  Dialog& d = at->second;
  d.ok = response(
      d.invite, "200 OK",
      fmt::format("Contact: <sip:{}@{}>\r\nContent-Type: application/sdp\r\n", account_.user, local_), sdp);
  d.since = now;
  d.repeat = kOkRepeat;
  d.repeat_at = now + kOkRepeat;
  transmit(d.ok);
}

void SipCallee::refuse(const std::string& call_id, const char* status) {
  const auto at = dialogs_.find(call_id);
  if (at == dialogs_.end()) return;
  transmit(response(at->second.invite, status, "", ""));
  dialogs_.erase(at);
}

}  // namespace tandem::load
