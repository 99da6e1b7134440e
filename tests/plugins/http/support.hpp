// The http plugin on a fake host with real sockets on loopback (port 0), and blocking clients in a thread
// beside it. Real time: every wait has a deadline. Thread: the host's is the test's own; clients touch
// sockets only.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_host.hpp"

extern "C" const td_plugin* tandem_plugin_http(void);

namespace tandem::http::testing {

using Json = nlohmann::json;
using tandem::testing::FakeHost;
using namespace std::chrono_literals;

// A blocking TCP client; reads give up after 5 s.
class Client {
 public:
  explicit Client(int port, bool ipv6 = false) {
    fd_ = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval wait{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = v4.sin_port;
    v6.sin6_addr = in6addr_loopback;
    connected_ = (ipv6 ? ::connect(fd_, reinterpret_cast<sockaddr*>(&v6), sizeof v6)
                       : ::connect(fd_, reinterpret_cast<sockaddr*>(&v4), sizeof v4)) == 0;
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Until `size` bytes are buffered; false at the end or the deadline.
  bool fill(std::size_t size) {
    while (in_.size() < size) {
      char buffer[16384];
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) return false;
      in_.append(buffer, static_cast<std::size_t>(n));
    }
    return true;
  }
  std::string take(std::size_t size) {
    if (!fill(size)) return "";
    std::string text = in_.substr(0, size);
    in_.erase(0, size);
    return text;
  }
  // One HTTP answer: head and body (by Content-Length). Status 0 when the connection ended.
  struct Answer {
    int status = 0;
    std::string head, body;
  };
  Answer answer() {
    Answer answer;
    std::size_t end;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill(in_.size() + 1)) return answer;
    }
    answer.head = take(end + 4);
    for (char& c : answer.head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (answer.head.size() > 12) answer.status = std::atoi(answer.head.c_str() + 9);
    const std::size_t length = answer.head.find("content-length:");
    if (length != std::string::npos)
      answer.body = take(static_cast<std::size_t>(std::atoll(answer.head.c_str() + length + 15)));
    return answer;
  }
  Answer request(const std::string& line, const std::string& headers = "", const std::string& body = "") {
    std::string text = line + " HTTP/1.1\r\nHost: localhost\r\n" + headers;
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(text + "\r\n" + body);
    return answer();
  }
  // Whether the other side has closed (within the deadline).
  bool ended() {
    while (fill(in_.size() + 1)) {
    }
    char byte;
    return ::recv(fd_, &byte, 1, 0) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }

  // ---- WebSocket (RFC 6455), client side
  int upgrade(const std::string& headers = "", const std::string& path = "/ws") {
    const Answer a = request("GET " + path,
                             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                                 headers);
    upgrade_head_ = a.head;
    return a.status;
  }
  const std::string& upgrade_head() const { return upgrade_head_; }
  bool send_frame(std::string_view text, int opcode = 1, bool final = true) {
    std::string frame;
    frame += static_cast<char>((final ? 0x80 : 0) | opcode);
    if (text.size() < 126) {
      frame += static_cast<char>(0x80 | text.size());
    } else if (text.size() < 65536) {
      frame += static_cast<char>(0x80 | 126);
      for (int shift = 8; shift >= 0; shift -= 8) frame += static_cast<char>(text.size() >> shift & 0xff);
    } else {
      frame += static_cast<char>(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(text.size() >> shift & 0xff);
    }
    frame.append(4, '\0');  // a mask of zeros
    frame.append(text);
    return send(frame);
  }
  struct Frame {
    int opcode = -1;
    std::string text;
    // A close frame's code.
    int close_code() const {
      return text.size() < 2
                 ? 0
                 : static_cast<unsigned char>(text[0]) * 256 + static_cast<unsigned char>(text[1]);
    }
  };
  Frame frame() {
    Frame frame;
    const std::string head = take(2);
    if (head.size() < 2) return frame;
    std::size_t size = static_cast<unsigned char>(head[1]) & 0x7f;
    const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (more > 0) {
      size = 0;
      for (const char c : take(more)) size = size << 8 | static_cast<unsigned char>(c);
    }
    frame.opcode = head[0] & 0x0f;
    frame.text = take(size);
    return frame;
  }
  Json message() { return Json::parse(frame().text, nullptr, false); }

 private:
  int fd_ = -1;
  bool connected_ = false;
  std::string in_, upgrade_head_;
};

class HttpTest : public ::testing::Test {
 protected:
  int start(Json options = Json::object()) {
    host_.reset();
    if (!options.contains("listen")) options["listen"] = "127.0.0.1:0";
    host_ = std::make_unique<FakeHost>(options.dump());
    host_->add_command("echo", [](const FakeHost::Call& call) { call.ok(call.params); });
    host_->add_command("whoami", [](const FakeHost::Call& call) {
      call.ok(Json({{"tenant", call.tenant}, {"role", call.role}}).dump());
    });
    const int code = host_->activate(tandem_plugin_http());
    ports_.clear();
    for (const auto& line : host_->log()) {
      const std::size_t colon = line.text.rfind(':');
      if (line.text.starts_with("listening")) ports_.push_back(std::atoi(line.text.c_str() + colon + 1));
    }
    return code;
  }
  int port() const { return ports_.at(0); }

  // Runs the control loop here while `client` runs in a thread; 20 s at most.
  void serve(const std::function<void()>& client) {
    std::atomic<bool> done{false};
    std::thread thread([&] {
      client();
      done = true;
    });
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!done && std::chrono::steady_clock::now() < deadline) turn();
    EXPECT_TRUE(done) << "the client did not finish";
    thread.join();
  }
  void turn() {
    const auto before = std::chrono::steady_clock::now();
    host_->poll_watches(1ms);
    host_->advance(std::chrono::steady_clock::now() - before);
    if (on_turn_) on_turn_();
  }
  void turns_for(std::chrono::milliseconds span) {
    const auto until = std::chrono::steady_clock::now() + span;
    while (std::chrono::steady_clock::now() < until) turn();
  }
  std::string rpc(const std::string& method, const Json& params = Json::object()) const {
    return Json({{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}}).dump();
  }

  std::unique_ptr<FakeHost> host_;
  std::vector<int> ports_;
  std::function<void()> on_turn_;  // on the host's thread
};

}  // namespace tandem::http::testing
