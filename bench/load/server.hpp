// The server under load: a child process with a MediaEngine, its threads and sockets, and nothing else.
//
//   Server(options) forks ──ports of all legs──► parent       sample(): CPU and memory of the child, now
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/loop/packet_io.hpp"

namespace tandem::load {

enum class Mode { play, relay, relay_tick, transcode };
std::optional<Mode> mode_of(std::string_view name);

struct Options {
  Mode mode = Mode::play;
  unsigned legs = 1000;
  unsigned seconds = 10;
  unsigned loops = 1;
  loop::PacketBackend io = loop::PacketBackend::sockets;
  std::uint16_t generator_port = 47000;  // and the seven after it
};

inline constexpr unsigned kGeneratorSockets = 8;

struct Sample {
  std::uint64_t cpu_ns = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t resident_before_bytes = 0;  // before any leg was opened
};

class Server {
 public:
  // Forks, opens and joins the legs. Ends the program with a message when it cannot.
  explicit Server(const Options& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::vector<std::uint16_t>& ports() const { return ports_; }  // RTP port of each leg
  Sample sample();

 private:
  pid_t child_ = -1;
  int ask_ = -1, answer_ = -1;
  std::vector<std::uint16_t> ports_;
};

}  // namespace tandem::load
