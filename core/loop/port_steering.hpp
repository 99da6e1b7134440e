// PortSteering: a BPF program (sk_lookup, Linux 5.9) that brings the datagrams of many local UDP ports into
// few sockets: one a media loop. Nobody binds those ports; a table says which socket each belongs to.
//
//   datagram to 192.0.2.1:20000 ──► sk_lookup: table[192.0.2.1, 20000] ─► { loop 1, peer? } ──► socket of
//   loop 1
//                                            not in the table ──► whoever bound the port, as ever
//
// Ports of one host are found in an array by their number, where they lie together (with a thousand calls the
// hash table's entries cost each packet two fetches from far memory); what else there is, in the hash table.
// The program sees every datagram of this machine that no connected socket takes: those to numbers that were
// never ours leave it after that one look.
// A focused port takes its peer's datagrams only; the kernel drops others before any queue. IPv4 only. The
// program is written as instructions and loaded with bpf(2): nothing to build, no library. It goes when this
// object goes. Thread: create [control]; the table's methods [any]: each is one system call on a map of the
// kernel's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace tandem::loop {

class PortSteering {
 public:
  static constexpr std::uint32_t kNobody =
      0xffffffff;  // reserved: its datagrams go where they would without us

  // Loads and attaches the program in this network namespace, for at most `ports` ports and `loops` sockets.
  // Errors: denied (CAP_BPF or CAP_NET_ADMIN is missing), unsupported (kernel), exhausted (memory); the
  // message names the step and errno. [control]
  static Result<std::unique_ptr<PortSteering>> create(std::size_t ports, std::size_t loops);
  ~PortSteering();
  PortSteering(const PortSteering&) = delete;
  PortSteering& operator=(const PortSteering&) = delete;

  // The socket that the ports of `loop` lead to. Errors: as create. [control]
  Result<void> set_socket(std::uint32_t loop, int fd);

  // Takes a port for us; false: it is taken, or the table is full. [any]
  [[nodiscard]] bool reserve(const Address& local);
  // Where its datagrams go from now on; kNobody: back to reserved. With a valid `peer`, only that one's.
  // [any]
  [[nodiscard]] bool lead(const Address& local, std::uint32_t loop, const Address& peer);
  void remove(const Address& local);  // [any]

  // A port's place in what the program asks first, shared with the kernel.
  struct Owned {
    std::uint64_t owner;      // below the host (network order), above the loop; 0: never anybody's
    std::uint32_t peer_host;  // network order; 0: anyone
    std::uint32_t peer_port;  // network order
  };

 private:
  PortSteering() = default;
  Result<void> attach();
  void give_up(const Address& local);
  int by_port_ = -1, table_ = -1, sockets_ = -1, program_ = -1, link_ = -1;
  Owned* owned_ = nullptr;
};

}  // namespace tandem::loop
