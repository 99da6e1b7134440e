// PortRange: see port_range.hpp. Thread: [control].
#include "core/loop/port_range.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tandem::loop {
namespace {

constexpr std::size_t kBindsMax =
    512;  // of one open(): a range full of foreign ports must not hold up the loop

std::uint16_t even(std::uint16_t port) { return static_cast<std::uint16_t>(port + (port & 1)); }

std::size_t pairs_in(std::uint16_t first, std::uint16_t last) {
  const int from = first + (first & 1);
  return last <= from ? 0 : static_cast<std::size_t>((last - from + 1) / 2);
}

}  // namespace

Result<void> PortRange::check(const Config& config) {
  if (!config.host.valid())
    return Error{ErrorCode::invalid, "RTP port range: expected an IP address to bind"};
  if (config.first == 0 || pairs_in(config.first, config.last) == 0) {
    return Error{ErrorCode::invalid,
                 fmt::format("RTP port range: expected first and last port with at least an even "
                             "port and the odd one after it between them, found {} to {}",
                             config.first, config.last)};
  }
  return {};
}

PortRange::PortRange(PortBinder& binder, const Config& config, std::uint64_t random)
    : binder_(binder),
      config_(config),
      first_(even(config.first)),
      pairs_(pairs_in(config.first, config.last)) {
  next_ = pairs_.empty() ? 0 : static_cast<std::size_t>(random % pairs_.size());
}

Result<PortPair> PortRange::open(TimePoint now) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  std::size_t binds = 0;
  for (std::size_t i = 0; i < pairs_.size() && binds < kBindsMax; ++i) {
    const std::size_t at = next_;
    next_ = (next_ + 1) % pairs_.size();
    Pair& pair = pairs_[at];
    if (pair.state == State::resting && now >= pair.free_at) pair.state = State::free;
    if (pair.state != State::free) continue;
    ++binds;
    auto bound = bind_pair(at);
    if (bound) {
      pair.state = State::used;
      ++in_use_;
      return bound;
    }
    if (bound.error().code != ErrorCode::conflict) return bound;
    ++foreign_;
  }
  ++exhausted_;
  return exhausted_error(now);
}

Result<PortPair> PortRange::bind_pair(std::size_t pair) {
  Address local = config_.host;
  local.set_port(static_cast<std::uint16_t>(first_ + 2 * pair));
  auto rtp = binder_.bind(local, config_.options);
  if (!rtp) return rtp.error();
  local.set_port(static_cast<std::uint16_t>(first_ + 2 * pair + 1));
  auto rtcp = binder_.bind(local, config_.options);
  if (!rtcp) return rtcp.error();
  return PortPair{std::move(*rtp), std::move(*rtcp)};
}

Error PortRange::exhausted_error(TimePoint now) const {
  const auto resting = std::count_if(pairs_.begin(), pairs_.end(), [now](const Pair& pair) {
    return pair.state == State::resting && now < pair.free_at;
  });
  return {
      ErrorCode::exhausted,
      fmt::format(
          "no free pair of RTP ports on {}: of {} pairs in {} to {}, {} are in use, {} rest for {} s after "
          "use, the others are held by other programs; widen the port range",
          config_.host.host(), pairs_.size(), config_.first, config_.last, in_use_, resting,
          std::chrono::duration_cast<seconds>(kRest).count())};
}

void PortRange::release(std::uint16_t rtp_port, TimePoint now) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (rtp_port < first_ || (rtp_port & 1) != 0) return;
  const std::size_t at = static_cast<std::size_t>(rtp_port - first_) / 2;
  if (at >= pairs_.size() || pairs_[at].state != State::used) return;
  pairs_[at] = {State::resting, now + kRest};
  --in_use_;
}

}  // namespace tandem::loop
