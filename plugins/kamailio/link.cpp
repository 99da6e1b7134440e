// The evapi connection; see link.hpp.
#include "kamailio/link.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace tandem::kamailio {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kConnectWaitMs = 1000;
constexpr std::uint64_t kAnswerWaitMs = 5000;
constexpr std::uint64_t kBackoffMinMs = 100, kBackoffMaxMs = 1000;
constexpr std::size_t kReadMax = 64 * 1024;

}  // namespace

Link::Link(const sdk::Host& host, std::string address, std::uint16_t port, Callbacks callbacks)
    : host_(host),
      address_(std::move(address)),
      port_(port),
      callbacks_(std::move(callbacks)),
      retry_(host),
      answer_(host) {}

Link::~Link() { close(); }

void Link::open() {
  if (state_ != State::closed) return;
  backoff_ms_ = kBackoffMinMs;
  connect();
}

void Link::close() {
  retry_.stop();
  answer_.stop();
  watch_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  ++generation_;
  state_ = State::closed;
  queue_.clear();
  flying_.clear();
  flying_bytes_ = 0;
  partial_.clear();
  in_.reset();
}

void Link::connect() {
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  const bool is_v6 = inet_pton(AF_INET6, address_.c_str(), &v6.sin6_addr) == 1;
  if (!is_v6 && inet_pton(AF_INET, address_.c_str(), &v4.sin_addr) != 1) {
    return reset("'" + address_ + "' is no IP address");
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port_);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port_);
  fd_ = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return reset(std::string("socket: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* to = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  const socklen_t size = is_v6 ? sizeof v6 : sizeof v4;
  state_ = State::connecting;
  if (::connect(fd_, to, size) < 0 && errno != EINPROGRESS) return reset(std::strerror(errno));
  watch_ = std::make_unique<sdk::Watch>(host_, fd_, TD_READABLE | TD_WRITABLE,
                                        [this](int events) { on_ready(events); });
  retry_.start(kConnectWaitMs * kMs, [this] { reset("no connection within 1 s"); });
}

void Link::on_ready(int events) {
  if (state_ == State::connecting) return on_connect_finished();
  if (state_ != State::connected) return;
  const std::uint64_t generation = generation_;
  if ((events & TD_READABLE) != 0) drain();
  if (generation == generation_ && (events & TD_WRITABLE) != 0) flush();
}

void Link::on_connect_finished() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return reset(std::strerror(error));
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_size) < 0) return;  // not yet
  retry_.stop();
  watch_->change(TD_READABLE);
  state_ = State::connected;
  last_error_.clear();
  ++counters_.connects;
  callbacks_.on_connected();
}

void Link::drain() {
  const std::uint64_t generation = generation_;
  char bytes[kReadMax];
  bool over = false;
  while (!over) {
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got > 0) {
      if (in_.push({bytes, static_cast<std::size_t>(got)}) == Netstrings::Verdict::broken) {
        ++counters_.broken;
        return reset("a broken frame came from Kamailio");
      }
      over = static_cast<std::size_t>(got) < sizeof bytes;
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      over = true;
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else {
      return reset(got == 0 ? "Kamailio closed the connection" : std::strerror(errno));
    }
    counters_.oversized = in_.oversized();
    while (auto frame = in_.next()) {
      take(*frame);
      if (generation != generation_) return;
    }
  }
  flush();
}

void Link::take(std::string_view frame) {
  ++counters_.frames_in;
  const json message = json::parse(frame, nullptr, false);
  if (!message.is_object()) {
    ++counters_.bad_json;
    // a line for the 1st, 2nd, 4th, 8th, …: a flood of them is not a flood of lines
    if (!std::has_single_bit(counters_.bad_json)) return;
    return host_.warn("a frame from Kamailio is no JSON object: dropped (" +
                      std::to_string(counters_.bad_json) + " so far)");
  }
  const auto id = message.find("id");
  if (message.find("jsonrpc") == message.end()) return callbacks_.on_event(message);
  if (id == message.end() || !id->is_number()) return;
  const auto wanted = id->get<std::uint64_t>();
  const auto it =
      std::find_if(flying_.begin(), flying_.end(), [&](const Flying& f) { return f.id == wanted; });
  if (it == flying_.end()) return;
  const Done done = std::move(it->done);
  flying_bytes_ -= it->size;
  flying_.erase(it);
  if (flying_.empty()) {
    answer_.stop();
  } else {
    answer_.start(kAnswerWaitMs * kMs, [this] { reset("Kamailio does not answer"); });
  }
  const auto error = message.find("error"), result = message.find("result");
  const bool ok = error == message.end();
  if (!ok) ++counters_.errors;
  if (done) done(ok, !ok ? *error : result == message.end() ? json(nullptr) : *result);
}

bool Link::call(std::string_view method, const json& params, Done done) {
  if (state_ != State::connected) return false;
  json message = {{"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", std::string(method)}};
  if (!params.is_null()) message["params"] = params;
  std::string frame = netstring(message.dump(-1, ' ', false, json::error_handler_t::replace));
  if (frame.size() > kFrameOutMax) {
    ++counters_.too_large;
    host_.warn("a command of " + std::to_string(frame.size()) + " bytes is above the " +
               std::to_string(kFrameOutMax) + " that Kamailio takes: refused");
    return false;
  }
  if (queue_.size() >= kQueueMax) {
    ++counters_.queue_full;
    return false;
  }
  queue_.push_back({last_id_, std::move(frame), std::move(done)});
  flush();
  return true;
}

void Link::flush() {
  while (state_ == State::connected) {
    if (!partial_.empty()) {
      const ssize_t sent = ::send(fd_, partial_.data(), partial_.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return reset(std::strerror(errno));
      if (sent > 0) partial_.erase(0, static_cast<std::size_t>(sent));
      watch_->change(partial_.empty() ? TD_READABLE : TD_READABLE | TD_WRITABLE);
      if (!partial_.empty()) return;
    }
    if (queue_.empty()) return;
    Out& next = queue_.front();
    if (!flying_.empty() && flying_bytes_ + next.frame.size() > kWindow) return;
    const ssize_t sent = ::send(fd_, next.frame.data(), next.frame.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
      return reset(std::strerror(errno));
    const auto took = sent < 0 ? std::size_t{0} : static_cast<std::size_t>(sent);
    if (took < next.frame.size()) {
      partial_ = next.frame.substr(took);
      watch_->change(TD_READABLE | TD_WRITABLE);
    }
    ++counters_.frames_out;
    if (flying_.empty()) answer_.start(kAnswerWaitMs * kMs, [this] { reset("Kamailio does not answer"); });
    flying_bytes_ += next.frame.size();
    flying_.push_back({next.id, next.frame.size(), std::move(next.done)});
    queue_.pop_front();
    if (!partial_.empty()) return;
  }
}

void Link::reset(std::string_view why) {
  const bool was_connected = state_ == State::connected;
  const std::string reason(why);
  close();
  if (was_connected) {
    ++counters_.lost;
    host_.warn("link to Kamailio lost: " + reason);
  } else if (reason != last_error_) {
    host_.info("no link to Kamailio at " + address_ + ":" + std::to_string(port_) + " yet: " + reason);
  }
  last_error_ = reason;
  try_later();
  if (was_connected) callbacks_.on_lost();
}

void Link::try_later() {
  state_ = State::waiting;
  retry_.start(backoff_ms_ * kMs, [this] { connect(); });
  backoff_ms_ = std::min(backoff_ms_ * 2, kBackoffMaxMs);
}

}  // namespace tandem::kamailio
