// Driver: how calls are made at the server under load: on the media engine alone, by the ng protocol, by SIP.
//
//   place(plan) … poll() ─► (waiting, in a queue) up (where to send) | failed (why) … hang_up() ─► poll() ─►
//   ended
//
// Thread: [control]; poll() waits, nothing else does.
#pragma once

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
  const Part* part = nullptr;    // outlives the call
  std::vector<PlannedLeg> legs;  // 1, 2, or a room's members
};

struct DriverEvent {
  enum class What : std::uint8_t { waiting, up, failed, ended };
  What what = What::up;
  std::uint32_t call = 0;
  struct Leg {
    Address remote;                    // where it sends to
    std::uint8_t payload_type = 0xff;  // when it is not the planned one
    std::string fmtp;                  // how the server wants its codec
    std::optional<srtp::Key> key;      // what the server protects with
  };
  std::vector<Leg> legs;     // up: as planned; waiting: the caller's
  Nanos took{0};             // up, failed: since place(); waiting: until that; up after it: since then
  bool out_of_turn = false;  // up: others waited longer
  std::string reason;        // failed; ended by the server
};

// What drivers say that cannot make a room.
inline constexpr const char* kNoRooms =
    "conferences (kind = \"room\") are made at Janus only (--server janus:ADDRESS:PORT): Tandem has none yet";

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
  // How many agents serve queues.
  virtual unsigned agents() const { return 0; }
  // Which kinds of call it can make; "" or why not.
  virtual std::string refuses(const Part& part) const = 0;
};

}  // namespace tandem::load
