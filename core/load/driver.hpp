// Driver: how calls are made at the server under load: on the media engine alone, by the ng protocol, by SIP.
//
//   place(plan) … poll() ─► up (where to send) | failed (why) … hang_up() ─► poll() ─► ended
//
// Thread: [control]; poll() waits, nothing else does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/load/profile.hpp"
#include "core/srtp/key.hpp"
#include "tandem/codec.h"

namespace tandem::load {

struct PlannedLeg {
  const td_codec* codec = nullptr;
  std::uint8_t payload_type = 0;
  std::uint8_t event_type = 101;
  Address local;                 // where the phone listens
  std::optional<srtp::Key> key;  // what it protects with; none: plain RTP
};

struct CallPlan {
  std::uint32_t call = 0;
  const Part* part = nullptr;  // outlives the call
  std::array<PlannedLeg, 2> legs;
  unsigned leg_count = 2;
};

struct DriverEvent {
  enum class What : std::uint8_t { up, failed, ended };
  What what = What::up;
  std::uint32_t call = 0;
  std::array<Address, 2> remote;                         // up: where each leg sends to
  std::array<std::uint8_t, 2> payload_type{0xff, 0xff};  // up: of each leg when it is not the planned one
  std::array<std::string, 2> fmtp;                       // up: how the server wants each leg's codec
  std::array<std::optional<srtp::Key>, 2> key;           // up: what the server protects with
  Nanos took{0};                                         // up, failed: since place()
  std::string reason;                                    // failed; ended by the server
};

class Driver {
 public:
  virtual ~Driver() = default;
  // Reaches the server. Errors: unavailable, timeout, with what to do.
  virtual Result<void> start() = 0;
  virtual void place(const CallPlan& plan) = 0;
  virtual void hang_up(std::uint32_t call) = 0;
  // Waits for at most `wait`; adds what happened.
  virtual void poll(Nanos wait, std::vector<DriverEvent>& out) = 0;
  // The server's processes; empty when they are elsewhere or not known.
  virtual std::vector<int> pids() const = 0;
  // What it is, with its version where it tells.
  virtual std::string describe() const = 0;
  // Which kinds of call it can make; "" or why not.
  virtual std::string refuses(const Part& part) const = 0;
};

}  // namespace tandem::load
