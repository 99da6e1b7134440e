// RpcClient: HTTP answers as servers send them, whole and broken; a server on loopback that is not there.
#include "core/app/rpc_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace tandem::app {
namespace {

using ::testing::HasSubstr;

TEST(RpcClient, ReadsTheBodyOfAnAnswer) {
  const struct {
    const char* response;
    const char* body;
  } rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}"},
      {"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n{}", "{}"},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "{}"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "{}"},
  };
  for (const auto& row : rows) {
    const auto body = http_body(row.response);
    ASSERT_TRUE(body) << row.response;
    EXPECT_EQ(*body, row.body);
  }
}

TEST(RpcClient, SaysWhatIsWrongWithAnAnswer) {
  const struct {
    const char* response;
    ErrorCode code;
    const char* message;
  } rows[] = {
      {"", ErrorCode::invalid, "expected an HTTP answer"},
      {"SSH-2.0-x\r\n\r\n", ErrorCode::invalid, "expected an HTTP answer"},
      {"HTTP/1.1\r\n\r\n", ErrorCode::invalid, "expected an HTTP answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", ErrorCode::invalid, "cut short: 2 of 9 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", ErrorCode::invalid, "cut short"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz", ErrorCode::invalid, "chunks do not fit"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", ErrorCode::invalid,
       "cut short"},
      {"HTTP/1.1 401 No\r\n\r\n", ErrorCode::denied, "refused the token"},
      {"HTTP/1.1 503 Later\r\n\r\nbusy", ErrorCode::unavailable, "HTTP 503: busy"},
  };
  for (const auto& row : rows) {
    const auto body = http_body(row.response);
    ASSERT_FALSE(body) << row.response;
    EXPECT_EQ(body.error().code, row.code) << row.response;
    EXPECT_THAT(body.error().message, HasSubstr(row.message));
  }
}

// A listener that answers one connection with `response`, on a port of the kernel's choice.
class OneAnswer {
 public:
  explicit OneAnswer(std::string response) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    Address local = *Address::parse("127.0.0.1", 0);
    ::bind(fd_, local.raw(), local.raw_size());
    ::listen(fd_, 1);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size);
    at = Address::from(reinterpret_cast<sockaddr*>(&bound), size);
    thread_ = std::thread([this, response = std::move(response)] {
      const int peer = ::accept(fd_, nullptr, nullptr);
      char bytes[4096];
      const ssize_t got = ::recv(peer, bytes, sizeof bytes, 0);
      asked.assign(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
      ::send(peer, response.data(), response.size(), MSG_NOSIGNAL);
      ::close(peer);
    });
  }
  ~OneAnswer() {
    join();
    ::close(fd_);
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  Address at;
  std::string asked;

 private:
  int fd_;
  std::thread thread_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(RpcClient, SendsTheTokenAndReadsTheResult) {
  OneAnswer server(ok(R"({"jsonrpc":"2.0","id":1,"result":{"calls":[]}})"));
  const auto result = rpc({server.at, "0123456789abcdef"}, "call.list", nlohmann::json::object());
  server.join();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->dump(), R"({"calls":[]})");
  EXPECT_THAT(server.asked, HasSubstr("POST /rpc HTTP/1.1\r\n"));
  EXPECT_THAT(server.asked, HasSubstr("Authorization: Bearer 0123456789abcdef\r\n"));
  EXPECT_THAT(server.asked, HasSubstr(R"("method":"call.list")"));
}

TEST(RpcClient, KeepsTheCommandsErrorCodeAndMessage) {
  OneAnswer server(ok(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no call call-1",
    "data":{"code":"not_found","message":"no call call-1"}}})"));
  const auto result = rpc({server.at, "t"}, "call.show", nlohmann::json::object());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::not_found);
  EXPECT_EQ(result.error().message, "no call call-1");
}

TEST(RpcClient, RefusesAnAnswerThatIsNoJsonRpc) {
  for (const char* body : {"hello", "[]", "{}", R"({"error":7})"}) {
    OneAnswer server(ok(body));
    const auto result = rpc({server.at, "t"}, "status", nlohmann::json::object());
    ASSERT_FALSE(result) << body;
    EXPECT_EQ(result.error().code, ErrorCode::invalid) << body;
  }
}

TEST(RpcClient, SaysThatNobodyIsThere) {
  Address nowhere;
  {
    OneAnswer once("");
    nowhere = once.at;
    (void)rpc({nowhere, "t"}, "status", nlohmann::json::object());
  }
  const auto result = rpc({nowhere, "t"}, "status", nlohmann::json::object());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::unavailable);
  EXPECT_THAT(result.error().message, HasSubstr("is tandem running there"));
}

}  // namespace
}  // namespace tandem::app
