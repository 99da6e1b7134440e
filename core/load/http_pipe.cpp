// HttpPipe: see the header.
#include "core/load/http_pipe.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/base/text.hpp"

namespace tandem::load {
namespace {

constexpr std::size_t kHeadMax = 16'384;

std::string_view header_value(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !same_name(line.substr(0, colon), name)) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
  }
  return {};
}

// The chunks from `at` on into `body`; where they end, 0: not whole yet, npos: no chunks.
std::size_t read_chunks(const std::string& bytes, std::size_t at, std::string& body) {
  for (;;) {
    const std::size_t end = bytes.find("\r\n", at);
    if (end == bytes.npos) return bytes.size() - at > 20 ? bytes.npos : 0;
    char* stop = nullptr;
    const std::string line = bytes.substr(at, end - at);
    const unsigned long size = std::strtoul(line.c_str(), &stop, 16);
    if (stop == line.c_str() || size > HttpPipe::kAnswerMax) return bytes.npos;
    if (bytes.size() < end + 2 + size + 2) return 0;
    body.append(bytes, end + 2, size);
    at = end + 2 + size + 2;
    if (size == 0) return at;
  }
}

}  // namespace

std::size_t read_http_answer(const std::string& bytes, HttpAnswer& out) {
  out = {};
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == bytes.npos) {
    if (bytes.size() > kHeadMax) out.status = -1;
    return out.status < 0 ? bytes.size() : 0;
  }
  const std::string_view head = std::string_view(bytes).substr(0, head_end + 2);
  const auto status = head.starts_with("HTTP/1.") && head.size() > 12 ? number(head.substr(9, 3), 100, 599)
                                                                      : std::optional<int>();
  out.status = status.value_or(-1);
  if (!status) return bytes.size();
  if (same_name(header_value(head, "Transfer-Encoding"), "chunked")) {
    const std::size_t end = read_chunks(bytes, head_end + 4, out.body);
    if (end == bytes.npos) out.status = -1;
    return end == bytes.npos ? bytes.size() : end;
  }
  const std::string_view length = header_value(head, "Content-Length");
  const auto size =
      length.empty() ? std::optional<std::size_t>(0) : number<std::size_t>(length, 0, HttpPipe::kAnswerMax);
  if (!size) {
    out.status = -1;
    return bytes.size();
  }
  if (bytes.size() < head_end + 4 + *size) return 0;
  out.body = bytes.substr(head_end + 4, *size);
  return head_end + 4 + *size;
}

HttpPipe::~HttpPipe() { close(); }

void HttpPipe::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  sent_ = 0;
  received_.clear();
}

void HttpPipe::ask(std::uint64_t tag, std::string path, std::string body) {
  const std::string rest =
      body.empty() ? std::string()
                   : fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  waiting_.push_back({tag,
                      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n{}\r\n{}", body.empty() ? "GET" : "POST",
                                  path, server_.text(), rest, body),
                      false,
                      {}});
}

bool HttpPipe::connect(std::string& why) {
  if (fd_ >= 0) return true;
  fd_ = ::socket(server_.raw()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd_ >= 0) setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fd_ >= 0 && (::connect(fd_, server_.raw(), server_.raw_size()) == 0 || errno == EINPROGRESS))
    return true;
  why = std::strerror(errno);
  close();
  return false;
}

bool HttpPipe::transmit(std::string& why) {
  const std::string& text = waiting_.front().text;
  while (sent_ < text.size()) {
    const ssize_t n = ::send(fd_, text.data() + sent_, text.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN || errno == EINPROGRESS)) return true;
    if (n < 0) {
      why = std::strerror(errno);
      return false;
    }
    sent_ += static_cast<std::size_t>(n);
  }
  return true;
}

bool HttpPipe::read(std::string& why) {
  char room[16'384];
  for (;;) {
    const ssize_t n = recv(fd_, room, sizeof room, 0);
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) return true;
    if (n > 0 && received_.size() < 2 * kAnswerMax) {
      received_.append(room, static_cast<std::size_t>(n));
      continue;
    }
    why = n > 0    ? "an answer without end"
          : n == 0 ? "the server closed the connection"
                   : std::strerror(errno);
    return false;
  }
}

void HttpPipe::fail(const std::string& why, std::vector<Answer>& out) {
  close();
  out.push_back({waiting_.front().tag, 0, why});
  waiting_.pop_front();
}

void HttpPipe::poll(TimePoint now, std::vector<Answer>& out) {
  while (!waiting_.empty()) {
    Question& asked = waiting_.front();
    if (asked.since == TimePoint{}) asked.since = now;
    std::string why;
    const bool fresh = fd_ < 0;
    if (!connect(why)) return fail(why, out);
    const bool alive = transmit(why) && read(why);
    HttpAnswer answer;
    const std::size_t size = read_http_answer(received_, answer);
    if (answer.status < 0) return fail("what answers is no HTTP server", out);
    if (size == 0) {
      if (!alive && !fresh && !asked.repeated && received_.empty()) {  // it was closed meanwhile
        asked.repeated = true;
        close();
        continue;
      }
      if (!alive) return fail(why, out);
      if (now - asked.since > patience_) return fail("no answer in time", out);
      return;
    }
    received_.erase(0, size);
    sent_ = 0;
    out.push_back({asked.tag, answer.status, std::move(answer.body)});
    waiting_.pop_front();
    if (!alive) close();
  }
}

}  // namespace tandem::load
