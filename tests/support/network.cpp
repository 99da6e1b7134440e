#include "tests/support/network.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::testing {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  double uniform() {  // xorshift64*
    state_ ^= state_ >> 12, state_ ^= state_ << 25, state_ ^= state_ >> 27;
    return static_cast<double>((state_ * 0x2545F4914F6CDD1Du) >> 11) / 9007199254740992.0;
  }
  double exponential(double mean) { return -mean * std::log(1 - uniform()); }

 private:
  std::uint64_t state_;
};

}  // namespace

std::vector<std::optional<double>> arrivals(const Network& n, std::size_t packets, double ptime_ms,
                                            std::uint64_t seed) {
  Random random(seed);
  std::vector<std::optional<double>> out(packets);
  const double p = n.loss_percent / 100, leave = 1 / n.burst_packets;
  const double enter = p < 1 ? leave * p / (1 - p) : 1;
  bool losing = false;
  double stall_at = n.stall_every_s > 0 ? random.exponential(n.stall_every_s * 1000) : 1e18, stall_end = 0;
  double spike_at = n.spike_every_s > 0 ? random.exponential(n.spike_every_s * 1000) : 1e18, queue = 0;
  for (std::size_t i = 0; i < packets; ++i) {
    const double sent = static_cast<double>(i) * ptime_ms * (1 + n.drift_ppm * 1e-6);
    losing = random.uniform() < (losing ? 1 - leave : enter);
    double arrival = sent;
    if (n.jitter_ms > 0) arrival += std::min(random.exponential(n.jitter_ms), 10 * n.jitter_ms);
    queue = std::max(0.0, queue - ptime_ms / 2);
    if (sent >= spike_at) queue = n.spike_ms, spike_at = sent + random.exponential(n.spike_every_s * 1000);
    arrival += queue;
    if (sent >= stall_at) {
      stall_end = sent + n.stall_ms * (0.5 + random.uniform());
      stall_at = stall_end + random.exponential(n.stall_every_s * 1000);
    }
    arrival = std::max(arrival, stall_end);
    if (!losing) out[i] = arrival;
  }
  return out;
}

const std::vector<Network>& networks() {
  static const std::vector<Network> all{
      {.name = "clean"},
      {.name = "1 % loss", .loss_percent = 1},
      {.name = "3 % loss", .loss_percent = 3},
      {.name = "5 % loss", .loss_percent = 5},
      {.name = "10 % loss", .loss_percent = 10},
      {.name = "5 % loss in bursts of 3", .loss_percent = 5, .burst_packets = 3},
      {.name = "jitter, mean 5 ms", .jitter_ms = 5},
      {.name = "jitter, mean 20 ms", .jitter_ms = 20},
      {.name = "jitter, mean 40 ms", .jitter_ms = 40},
      {.name = "jitter 20 ms and 3 % loss", .loss_percent = 3, .jitter_ms = 20},
      {.name = "busy uplink",
       .loss_percent = 2,
       .burst_packets = 2,
       .jitter_ms = 10,
       .spike_every_s = 6,
       .spike_ms = 80},
      {.name = "Wi-Fi stalls", .jitter_ms = 3, .stall_every_s = 2, .stall_ms = 120},
      {.name = "spikes of 200 ms", .jitter_ms = 2, .spike_every_s = 8, .spike_ms = 200},
      {.name = "clock slow by 200 ppm", .jitter_ms = 1, .drift_ppm = 200},
      {.name = "clock fast by 200 ppm", .jitter_ms = 1, .drift_ppm = -200},
  };
  return all;
}

}  // namespace tandem::testing
