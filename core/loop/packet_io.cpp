#include "core/loop/packet_io.hpp"

#include <algorithm>

#include "core/loop/shared_io.hpp"
#include "core/loop/udp_io.hpp"

namespace tandem::loop {

std::optional<PacketBackend> packet_backend_named(std::string_view name) {
  if (name == "auto") return PacketBackend::automatic;
  if (name == "sockets") return PacketBackend::sockets;
  if (name == "shared") return PacketBackend::shared;
  return std::nullopt;
}

Result<std::unique_ptr<PacketIo>> PacketIo::open(PacketBackend wanted, std::size_t loops, std::size_t ports) {
  std::unique_ptr<PacketIo> made(new PacketIo);
  if (wanted != PacketBackend::sockets) {
    auto shared = made->open_shared(loops, ports);
    if (shared) return made;
    if (wanted == PacketBackend::shared)
      return Error{shared.error().code,
                   "the shared packet I/O (media.io = \"shared\"): " + shared.error().message};
    made->made_.clear();
    made->binder_.reset();
    made->steering_.reset();
    made->why_not_ = shared.error().message;
  }
  if (auto sockets = made->open_sockets(loops, ports); !sockets) return sockets.error();
  return made;
}

Result<void> PacketIo::open_shared(std::size_t loops, std::size_t ports) {
  constexpr std::size_t kTableMax = 131'072;  // RTP and RTCP of every port number there is
  auto steering = PortSteering::create(std::min(loops * ports, kTableMax), loops);
  if (!steering) return steering.error();
  steering_ = std::move(*steering);
  binder_ = std::make_unique<SharedBinder>(*steering_);
  for (std::size_t i = 0; i < loops; ++i) {
    auto io = SharedIo::create(*steering_, static_cast<std::uint32_t>(i), ports);
    if (!io) return io.error();
    made_.push_back(std::move(*io));
  }
  return {};
}

Result<void> PacketIo::open_sockets(std::size_t loops, std::size_t ports) {
  binder_ = std::make_unique<UdpBinder>();
  for (std::size_t i = 0; i < loops; ++i) {
    auto io = UdpIo::create(ports);
    if (!io) return io.error();
    made_.push_back(std::move(*io));
  }
  return {};
}

std::unique_ptr<MediaIo> PacketIo::take() {
  return taken_ < made_.size() ? std::move(made_[taken_++]) : nullptr;
}

}  // namespace tandem::loop
