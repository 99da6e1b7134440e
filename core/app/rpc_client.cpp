// RpcClient: see the header. A connection a call.
#include "core/app/rpc_client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

#include "core/api/api.hpp"
#include "core/base/text.hpp"

namespace tandem::app {
namespace {

using Clock = std::chrono::steady_clock;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

  // False when the deadline passed first.
  bool wait(short events, Clock::time_point until) const {
    pollfd one{fd_, events, 0};
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    return left > 0 && ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left, 600'000))) == 1;
  }

 private:
  const int fd_;
};

Error late(const RpcServer& server) {
  return {ErrorCode::timeout,
          fmt::format("no answer from {} within {} ms", server.at.text(), server.deadline.count())};
}

Error gone(const RpcServer& server, int error) {
  return {ErrorCode::unavailable, fmt::format("{}: {}; is tandem running there (tandem serve)?",
                                              server.at.text(), std::strerror(error))};
}

Result<void> connect(const Socket& socket, const RpcServer& server, Clock::time_point until) {
  if (::connect(socket.fd(), server.at.raw(), server.at.raw_size()) == 0) return {};
  if (errno != EINPROGRESS) return gone(server, errno);
  if (!socket.wait(POLLOUT, until)) return late(server);
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return gone(server, error);
  return {};
}

// "name: value" of a response's head, "" when absent; the name in any case.
std::string header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size();
       at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        strncasecmp(line.data(), name.data(), name.size()) != 0)
      continue;
    line.remove_prefix(name.size() + 1);
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    return std::string(line);
  }
  return {};
}

// Whether all that Content-Length promised is there; without one the end of the connection says so.
bool is_whole(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  if (end == response.npos) return false;
  const std::string length = header(std::string_view(response).substr(0, end), "content-length");
  const auto expected = number<std::size_t>(length);
  return expected && response.size() - end - 4 >= *expected;
}

Result<std::string> talk(const RpcServer& server, const std::string& request) {
  const auto until = Clock::now() + server.deadline;
  const Socket socket(::socket(server.at.raw()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return gone(server, errno);
  if (auto connected = connect(socket, server, until); !connected) return connected.error();
  for (std::size_t sent = 0; sent < request.size();) {
    if (!socket.wait(POLLOUT, until)) return late(server);
    const ssize_t n = ::send(socket.fd(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return gone(server, errno);
    if (n > 0) sent += static_cast<std::size_t>(n);
  }
  std::string response;
  char piece[16384];
  for (;;) {
    if (!socket.wait(POLLIN, until)) return late(server);
    const ssize_t n = ::recv(socket.fd(), piece, sizeof piece, 0);
    if (n == 0) return response;
    if (n < 0 && errno != EAGAIN) {
      if (!response.empty()) return response;
      return gone(server, errno);
    }
    if (n > 0) response.append(piece, static_cast<std::size_t>(n));
    if (is_whole(response)) return response;
    if (response.size() > kRpcAnswerMax) return Error{ErrorCode::invalid, "the answer is longer than 64 MB"};
  }
}

Result<std::string> unchunk(std::string_view in) {
  std::string out;
  for (;;) {
    std::size_t size = 0;
    const auto read = std::from_chars(in.data(), in.data() + in.size(), size, 16);
    const std::size_t line = in.find("\r\n");
    if (read.ec != std::errc{} || line == in.npos)
      return Error{ErrorCode::invalid, "the answer's chunks do not fit"};
    if (size == 0) return out;
    if (in.size() - line - 2 < size + 2) return Error{ErrorCode::invalid, "the answer was cut short"};
    out.append(in.substr(line + 2, size));
    in.remove_prefix(line + 2 + size + 2);
  }
}

}  // namespace

Result<std::string> http_body(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  if (end == response.npos || end < 12 || !response.starts_with("HTTP/1."))
    return Error{ErrorCode::invalid, "expected an HTTP answer; is that port Tandem's API?"};
  const std::string head = response.substr(0, end);
  int status = 0;
  std::from_chars(head.data() + 9, head.data() + 12, status);
  std::string body = response.substr(end + 4);
  if (strcasecmp(header(head, "transfer-encoding").c_str(), "chunked") == 0) {
    auto whole = unchunk(body);
    if (!whole) return whole;
    body = std::move(*whole);
  } else if (const std::string length = header(head, "content-length"); !length.empty()) {
    std::size_t expected = 0;
    std::from_chars(length.data(), length.data() + length.size(), expected);
    if (body.size() < expected)
      return Error{ErrorCode::invalid,
                   fmt::format("the answer was cut short: {} of {} bytes", body.size(), expected)};
  }
  if (status == 401 || status == 403)
    return Error{ErrorCode::denied, fmt::format("the server refused the token (HTTP {})", status)};
  if (status != 200)
    return Error{ErrorCode::unavailable,
                 fmt::format("the server answered HTTP {}: {}", status, body.substr(0, 200))};
  return body;
}

Result<nlohmann::json> rpc(const RpcServer& server, const std::string& method, const nlohmann::json& params) {
  using nlohmann::json;
  const json call = {{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
  const std::string text = call.dump(-1, ' ', false, json::error_handler_t::replace);
  const auto response =
      talk(server, fmt::format("POST /rpc HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: "
                               "application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                               server.at.text(), server.token, text.size(), text));
  if (!response) return response.error();
  const auto body = http_body(*response);
  if (!body) return body.error();
  json answer = json::parse(*body, nullptr, false);
  if (!answer.is_object()) return Error{ErrorCode::invalid, "the server's answer is no JSON-RPC"};
  if (const auto result = answer.find("result"); result != answer.end()) return *result;
  const auto error = answer.find("error");
  if (error == answer.end() || !error->is_object())
    return Error{ErrorCode::invalid, "the server's answer has neither result nor error"};
  if (const auto data = error->find("data"); data != error->end() && data->is_object()) {
    Error told = api::error_from_json(data->dump());
    if (data->find("message") == data->end()) told.message = error->value("message", std::string());
    return told;
  }
  return Error{ErrorCode::invalid, error->value("message", std::string("the server gave no reason"))};
}

}  // namespace tandem::app
