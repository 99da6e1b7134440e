// PacketIo: which backend of MediaIo this machine gets: tried at start-up, the best first.
//
//   open(automatic) ─ shared: BPF program, shared and raw sockets ─ all of it works? ─► B
//                                └─ no: why_not() says what failed ──────────────────► A, one socket a port
//
// EPERM, ENOSYS and ENOMEM mean the same: take the next. Thread: [control]; made before the media loops, gone
// after.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/loop/media_io.hpp"
#include "core/loop/port_steering.hpp"

namespace tandem::loop {

enum class PacketBackend : std::uint8_t { automatic, sockets, shared };
// [any] "auto", "sockets", "shared"; nothing for another word.
std::optional<PacketBackend> packet_backend_named(std::string_view name);

class PacketIo {
 public:
  // Backends for `loops` media loops of `ports` ports each. Errors: those of the backend that was asked for;
  // with `automatic` only those of A.
  static Result<std::unique_ptr<PacketIo>> open(PacketBackend wanted, std::size_t loops, std::size_t ports);

  PortBinder& binder() { return *binder_; }
  // The MediaIo of the next loop; null when all `loops` are taken. This object outlives it.
  std::unique_ptr<MediaIo> take();
  const char* name() const { return steering_ ? "shared" : "sockets"; }
  // Why it is not the shared one; "" when it is, or was not tried.
  const std::string& why_not() const { return why_not_; }

 private:
  PacketIo() = default;
  Result<void> open_shared(std::size_t loops, std::size_t ports);
  Result<void> open_sockets(std::size_t loops, std::size_t ports);

  std::unique_ptr<PortSteering> steering_;  // null: sockets
  std::unique_ptr<PortBinder> binder_;
  std::vector<std::unique_ptr<MediaIo>> made_;
  std::size_t taken_ = 0;
  std::string why_not_;
};

}  // namespace tandem::loop
