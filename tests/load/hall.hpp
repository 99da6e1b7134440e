// Hall: phones of the load generator and a server in memory on a counted clock, with faults planted on
// demand.
//
//   Crew ─► HallWire ─► (relay, or A-law ↔ µ-law) ─► fault ─► HallWire ─► Crew
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/load/crew.hpp"
#include "core/load/outcome.hpp"

namespace tandem::load::test {

// A packet on its way out of the server.
struct Passing {
  unsigned to = 0;  // leg that is to hear it
  std::vector<std::uint8_t> bytes;
  Nanos delay = microseconds(300);
  bool lost = false;
  std::uint16_t from_port = 0;
  unsigned copies = 1;
};

class HallWire final : public Wire {
 public:
  TimePoint clock{seconds(1000)};
  std::function<void(Passing&, TimePoint)> fault;
  bool transcodes = false;

  static Address port_of(unsigned leg) {
    return *Address::parse("127.0.0.1", static_cast<std::uint16_t>(10000 + 2 * leg));
  }
  TimePoint now() override { return clock; }
  std::size_t send(std::span<const Outgoing> batch) override;
  std::size_t receive(WireSink& sink, std::size_t most) override;
  std::uint64_t overflowed() const override { return 0; }

 private:
  struct Due {
    Passing passing;
  };
  std::multimap<TimePoint, Passing> under_way_;
};

class Hall {
 public:
  // Calls of two phones each; the second one's codec is PCMA when the server transcodes.
  Hall(unsigned calls, Marks marks, const std::function<void(PhoneSpec&)>& change = {});

  HallWire wire;
  void run(Nanos span);
  // Two seconds pass, then what comes counts.
  void begin();
  // All fall silent; their figures by leg.
  std::vector<LegFigures> end();
  // The same as one outcome, judged.
  Outcome outcome();
  Tally tally;

 private:
  Melody melody_;
  Crew crew_;
  unsigned legs_;
};

}  // namespace tandem::load::test
