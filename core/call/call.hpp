// Call: a conversation: the legs that belong together under one id, through every transfer, recording and
// record. Thread: [control]. A value with an id: Exchange owns it and ends it when its last leg is gone.
#pragma once

#include <string>
#include <vector>

#include "core/base/time.hpp"
#include "core/call/leg.hpp"

namespace tandem::call {

struct Call {
  std::string id, tenant;
  Direction direction = Direction::inbound;
  Party from, to;
  std::string dialed;
  WallTime started{};
  TimePoint started_at{};
  bool answered = false;
  std::vector<std::string> legs;  // that stand, in order of arrival
  int pending = 0;                // dials without an owner leg that may still add legs
  int transfers = 0;
  int q850 = 0;            // of the last leg that ended and was no loser of a dial
  bool announced = false;  // call.started was emitted
};

}  // namespace tandem::call
