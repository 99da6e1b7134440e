// TcpClient: one outgoing TCP connection that never waits: it is asked again and again.
//
//   connect_to ──► connecting ──state()──► open ──write (what fits)──► …      failed: closed, make another
//
// Thread: [any], one owner; a system call each. No name look-ups, no TLS.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/base/address.hpp"

namespace tandem::loop {

class TcpClient {
 public:
  enum class State : std::uint8_t { closed, connecting, open, failed };

  TcpClient() = default;
  ~TcpClient() { close(); }
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  // Begins; an old connection is closed first. Failure is told by state().
  void connect_to(const Address& peer);
  // Looks how far it is. What the peer sent is thrown away; when it has closed, the state is failed.
  State state();
  // How many bytes the kernel took, from 0 to all; 0 when it is not open.
  std::size_t write(std::span<const std::uint8_t> bytes);
  void close();
  // Of the last failure: "connection refused".
  const std::string& problem() const { return problem_; }

 private:
  State fail(int number);
  int fd_ = -1;
  State state_ = State::closed;
  std::string problem_;
};

}  // namespace tandem::loop
