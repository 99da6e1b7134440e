// What UdpBinder and UdpIo both do to a socket. Private to core/loop. Thread: [any], one system call each.
#pragma once

#include <cstdint>

#include "core/base/address.hpp"

namespace tandem::loop {

// Sets the DSCP (RFC 2474: upper six bits of TOS or traffic class) of what the socket sends. False: errno
// says why.
bool set_socket_dscp(int fd, Family family, std::uint8_t dscp);

}  // namespace tandem::loop
