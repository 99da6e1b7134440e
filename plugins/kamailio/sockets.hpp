// Sockets: the addresses Kamailio listens on, and which of them a request to a given place leaves by, so that
// our Contact names the address the far end can reach. Thread: one ([control]). No socket of ours.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kamailio/wire.hpp"

namespace tandem::kamailio {

class Sockets {
 public:
  struct Choice {
    std::string socket;   // "udp:192.0.2.1:5060"; "": Kamailio chooses
    std::string contact;  // "sip:tandem@192.0.2.1:5060;transport=tcp"
    std::string host;     // "192.0.2.1", "[2001:db8::1]"
  };

  // Reads the result of core.sockets_list; wrong rows are skipped.
  void learn(const nlohmann::json& list);
  // A registered contact's own socket, else one of the same transport and family, on loopback if the target
  // is.
  Choice choose(const Contact& target) const;
  std::size_t size() const { return sockets_.size(); }

 private:
  struct Socket {
    std::string proto, address;
    int port = 0;
  };
  std::vector<Socket> sockets_;
};

}  // namespace tandem::kamailio
