// Sockets: the ng protocol over UDP datagrams and over plain TCP, straight on the control loop.
//
//   UDP: one datagram a message, its answer to where it came from
//   TCP: messages one after the other; where one ends is what its dictionary says (MessageEnd)
//
// Thread: [control].
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ng/commands.hpp"
#include "ng/options.hpp"
#include "tandem/sdk.hpp"

namespace tandem::ng {

// Where the first message of a stream ends: "cookie d…e" by its lengths, "cookie {…}" by its brackets.
class MessageEnd {
 public:
  enum class Verdict : std::uint8_t { incomplete, complete, malformed };
  // `size` is set when complete. Looks at the whole of `stream` each time it is asked, which is bounded.
  static Verdict find(std::string_view stream, std::size_t& size);
};

class UdpDoor {
 public:
  UdpDoor(const sdk::Host& host, Commands& commands) : host_(host), commands_(commands) {}
  ~UdpDoor();
  UdpDoor(const UdpDoor&) = delete;
  UdpDoor& operator=(const UdpDoor&) = delete;
  // False with `error` naming the address that could not be had.
  bool open(const Listen& listen, std::string& error);
  int port() const { return port_; }

 private:
  void on_readable();
  sdk::Host host_;
  Commands& commands_;
  int fd_ = -1, port_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::unique_ptr<sdk::Watch> watch_;
};

class TcpDoor {
 public:
  static constexpr std::size_t kInMax = 512U << 10U, kOutMax = 4U << 20U;

  TcpDoor(const sdk::Host& host, Commands& commands, std::size_t connections_max)
      : host_(host), commands_(commands), connections_max_(connections_max) {}
  ~TcpDoor();
  TcpDoor(const TcpDoor&) = delete;
  TcpDoor& operator=(const TcpDoor&) = delete;
  bool open(const Listen& listen, std::string& error);
  int port() const { return port_; }
  std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    int fd = -1;
    std::string peer, in, out;
    std::unique_ptr<sdk::Watch> watch;
  };
  void on_acceptable();
  void turn_away();
  void on_ready(std::uint64_t id, int events);
  void take_messages(std::uint64_t id);
  void send(std::uint64_t id, std::string_view text);
  bool flush(Connection& connection);
  void close(std::uint64_t id);

  sdk::Host host_;
  Commands& commands_;
  const std::size_t connections_max_;
  int fd_ = -1, port_ = 0;
  int spare_ = -1;  // given up for a moment when there are no descriptors left
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Connection> connections_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::unique_ptr<sdk::Watch> watch_;
};

}  // namespace tandem::ng
