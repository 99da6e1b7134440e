// The generator: phones that send and receive RTP on time, and say how late they were themselves.
//
//   every ms: send the packets that are due ──► server ──► receive, with the kernel's times ──► Figures
//
// Eight sockets serve all legs; a leg is known by the server's port. Each packet says when it was sent.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/load/server.hpp"

namespace tandem::load {

struct Figures {
  double us_per_leg_second = 0;
  double kb_per_leg = 0;
  std::uint64_t sent = 0, received = 0, lost = 0, late = 0;  // late: over 5 ms after its time
  double p50_ms = 0, p99_ms = 0,
         max_ms = 0;  // play: lateness against the leg's own clock; else delay through the server
  double generator_cpu_percent = 0, generator_late_p99_ms = 0;
};

class Generator {
 public:
  Generator(const Options& options, Server& server);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Warms up for a second, measures for options.seconds, and lets the last packets arrive.
  Figures run();

 private:
  struct Leg {
    std::uint16_t port = 0;
    std::uint16_t seq = 0;
    std::uint32_t time = 0;
    std::uint64_t phase_ns = 0;
    std::uint64_t next_ns = 0;
    std::uint64_t mark_sent_ns = 0;
    // receiving
    bool any = false;
    std::uint16_t first_seq = 0, last_seq = 0;
    std::uint64_t received = 0;
    std::int64_t base_ns = 0;
    std::vector<std::int64_t> arrivals;  // play: arrival minus media time
  };
  void send_due(std::uint64_t now);
  void receive(bool measuring);
  void take(Leg& leg, const std::uint8_t* bytes, std::size_t size, std::uint64_t at);
  void take_marked(Leg& leg, std::size_t index, const std::uint8_t* payload, std::size_t size,
                   std::uint64_t at);

  const Options options_;
  Server& server_;
  int sockets_[kGeneratorSockets];
  std::vector<Leg> legs_;
  std::vector<std::uint16_t> by_port_;
  std::vector<double> delays_ms_, own_late_ms_;
  std::int64_t real_minus_mono_ = 0;
  bool measuring_ = false;
  Figures figures_;
};

}  // namespace tandem::load
