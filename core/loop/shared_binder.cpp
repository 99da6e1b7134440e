// SharedBinder: ports of backend B, made on [control]; see shared_io.hpp.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop/shared_io.hpp"

namespace tandem::loop {
namespace {

bool shareable(const Address& local) { return local.family() == Family::v4 && !local.is_unspecified(); }

}  // namespace

Result<BoundPort> SharedBinder::bind(const Address& local, const PortOptions& options) {
  if (!shareable(local)) return sockets_.bind(local, options);
  auto bound = sockets_.bind(local, options);
  if (!bound) return bound;
  const Address held = bound->local();
  if (!steering_.reserve(held))
    return Error{ErrorCode::conflict,
                 fmt::format("UDP port {}: it is taken in the table of shared ports", held.text())};
  return BoundPort(*this, bound->release(), held);
}

void SharedBinder::unbind(int handle) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  if (::getsockname(handle, reinterpret_cast<sockaddr*>(&name), &size) == 0)
    steering_.remove(Address::from(reinterpret_cast<const sockaddr*>(&name), size));
  ::close(handle);
}

}  // namespace tandem::loop
