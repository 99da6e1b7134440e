// One JSON-RPC POST and its answer over a kept connection, beside the same bytes echoed by a bare socket. The
// server's loop runs in a thread of its own, as it would in life; its clock is the fake host's, its sockets
// are real.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/fake_host.hpp"

extern "C" const td_plugin* tandem_plugin_http(void);

namespace {

using tandem::testing::FakeHost;

const std::string kBody =
    R"({"jsonrpc":"2.0","id":1,"method":"echo","params":{"call":"call-0123456789abcdef"}})";
const std::string kRequest =
    "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
    std::to_string(kBody.size()) + "\r\n\r\n" + kBody;

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  return fd;
}

void PostRoundTrip(benchmark::State& state) {
  FakeHost host(R"({"listen":"127.0.0.1:0"})");
  host.add_command("echo", [](const FakeHost::Call& call) { call.ok(call.params); });
  if (host.activate(tandem_plugin_http()) < 0) return state.SkipWithError(host.error().c_str());
  const std::string& line = host.log().at(0).text;
  const int port = std::atoi(line.c_str() + line.rfind(':') + 1);
  std::atomic<bool> stop{false};
  std::thread loop([&] {
    while (!stop) {
      host.poll_watches(std::chrono::milliseconds(1));
      host.advance(std::chrono::nanoseconds(1));
    }
  });
  const int fd = connect_to(port);
  char buffer[4096];
  for (auto _ : state) {
    if (::send(fd, kRequest.data(), kRequest.size(), 0) < 0) break;
    std::string answer;
    while (answer.find("}}") == std::string::npos) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) {
        state.SkipWithError("the connection ended");
        break;
      }
      answer.append(buffer, static_cast<std::size_t>(n));
    }
  }
  state.SetItemsProcessed(state.iterations());
  ::close(fd);
  stop = true;
  loop.join();
}
BENCHMARK(PostRoundTrip)->UseRealTime();

void BareSocketRoundTrip(benchmark::State& state) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return state.SkipWithError("no sockets");
  std::thread echo([&] {
    char buffer[4096];
    for (ssize_t n; (n = ::recv(pair[1], buffer, sizeof buffer, 0)) > 0;) {
      if (::send(pair[1], buffer, static_cast<std::size_t>(n), MSG_NOSIGNAL) < 0) break;
    }
  });
  char buffer[4096];
  for (auto _ : state) {
    if (::send(pair[0], kRequest.data(), kRequest.size(), 0) < 0) break;
    for (std::size_t got = 0; got < kRequest.size();) {
      const ssize_t n = ::recv(pair[0], buffer, sizeof buffer, 0);
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
  }
  state.SetItemsProcessed(state.iterations());
  ::shutdown(pair[0], SHUT_RDWR);
  echo.join();
  ::close(pair[0]);
  ::close(pair[1]);
}
BENCHMARK(BareSocketRoundTrip)->UseRealTime();

}  // namespace
