// SignalSocket: the UDP socket by which a driver talks to one server: connected, so that only the server's
// datagrams come in, with room for the answers of a set-up storm. Thread: [control].
#pragma once

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace tandem::load {

struct SignalSocket {
  int fd = -1;    // non-blocking; its owner closes it
  Address local;  // by which the server sees us

  // Errors: unavailable (no socket, no way to that address; the message holds errno's).
  static Result<SignalSocket> connect(const Address& server);
};

}  // namespace tandem::load
