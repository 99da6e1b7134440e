// Routes: which app handles a dialed number, by tenant. Patterns are Asterisk's: "5000" exact, or after "_":
// X 0-9, Z 1-9, N 2-9, [15-7] a set, "." one or more of anything, "!" none or more (both only at the end).
// The most specific row wins: exact before pattern, then position by position the smaller set, "." and "!"
// last. Thread: [control]. Source: Asterisk's extension pattern matching.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/call/peer_media.hpp"

namespace tandem::call {

struct Route {
  std::string pattern, app, args;
  std::string tenant;  // "" : every tenant
  PeerMedia media{};   // with who calls this number
};

class Routes {
 public:
  // Errors: invalid (bad pattern; says where), exhausted (over 10,000 rows), conflict (same tenant and
  // pattern).
  Result<void> add(const Route& route);
  // The route of a number, or null. A tenant's own row wins over one for every tenant that is as specific.
  const Route* match(std::string_view tenant, std::string_view number) const;
  std::size_t size() const { return rows_.size(); }
  void clear() { rows_.clear(); }

 private:
  // One position: which of the 13 dialable characters and letters it accepts, as a bit set over ASCII.
  struct Position {
    std::uint64_t low = 0, high = 0;  // bits 0-63, 64-127
    int count = 0;
  };
  enum class Tail : std::uint8_t { none, one_or_more, any };
  struct Row {
    Route route;
    bool exact = false;
    std::vector<Position> positions;
    Tail tail = Tail::none;
  };
  static Result<Row> parse(const Route& route);
  static bool matches(const Row& row, std::string_view number);
  static bool more_specific(const Row& a, const Row& b);

  std::vector<Row> rows_;
};

}  // namespace tandem::call
