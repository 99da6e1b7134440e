// PortRange: pairs of local UDP ports, RTP on an even one and RTCP on the odd one after it (RFC 3550 11), out
// of a configured range on one address. One a family, and one an address where there are several.
//
//   open(now) ──► PortPair (bound) ──► media loop … closed there ──► release(pair, now) ──rest──► free again
//
// The first pair is random; from there the range is walked, so that a port comes round as late as it can, and
// not before kRest has passed: late packets of the old call must not reach the new one. Thread: [control].
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/affinity.hpp"
#include "core/loop/media_io.hpp"

namespace tandem::loop {

struct PortPair {
  BoundPort rtp;
  BoundPort rtcp;
};

class PortRange {
 public:
  static constexpr Nanos kRest = seconds(5);

  struct Config {
    Address host;                 // bind address; its port is ignored. 0.0.0.0 and :: are allowed
    std::uint16_t first = 20000;  // made even upwards
    std::uint16_t last = 29999;   // inclusive
    PortOptions options;
  };

  // Errors: invalid: host without a family, first port 0, or a range that holds no pair; the message says
  // which.
  static Result<void> check(const Config& config);

  // `config` has passed check(). `binder` is borrowed. `random` places the walk's beginning. [control]
  PortRange(PortBinder& binder, const Config& config, std::uint64_t random);
  PortRange(const PortRange&) = delete;
  PortRange& operator=(const PortRange&) = delete;

  // Binds the next free pair. Pairs that other programs hold are stepped over. Errors: exhausted (all pairs
  // in use or resting; the message says how many of each and what to widen), or what bind() says when it is
  // not a conflict. [control]
  Result<PortPair> open(TimePoint now);

  // The pair with this RTP port is closed (or about to be): after kRest it is free. Others' ports are
  // ignored. [control]
  void release(std::uint16_t rtp_port, TimePoint now);

  std::size_t pairs() const { return pairs_.size(); }
  std::size_t in_use() const { return in_use_; }
  std::uint64_t foreign() const { return foreign_; }      // pairs found held by others
  std::uint64_t exhausted() const { return exhausted_; }  // open() calls refused for want of a pair

 private:
  enum class State : std::uint8_t { free, used, resting };
  struct Pair {
    State state = State::free;
    TimePoint free_at{};
  };
  Result<PortPair> bind_pair(std::size_t pair);
  Error exhausted_error(TimePoint now) const;

  Affinity affinity_;
  PortBinder& binder_;
  const Config config_;
  const std::uint16_t first_;
  std::vector<Pair> pairs_;
  std::size_t next_ = 0;
  std::size_t in_use_ = 0;
  std::uint64_t foreign_ = 0;
  std::uint64_t exhausted_ = 0;
};

}  // namespace tandem::loop
