// ProcessProbe: what processes use, from /proc: user and system time, resident memory.
// Thread: [any] one owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::load {

struct ProcessSample {
  bool known = false;
  unsigned processes = 0;  // of them that live
  double cpu_s = 0;
  double resident_kb = 0;
};

// The sum over `pids`; unknown when none of them is there.
ProcessSample sample_processes(const std::vector<int>& pids);

// This process's own.
ProcessSample sample_self();

// Who has a port of this machine open (by TCP: listens there); empty when nobody, or it may not be seen.
enum class Transport : std::uint8_t { udp, tcp };
std::vector<int> owners_of_port(Transport transport, std::uint16_t port);

// "2 cores of …, 23.5 GB, Linux 6.18".
std::string describe_machine();

}  // namespace tandem::load
