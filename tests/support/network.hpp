// Network: what happens to each packet of a call, drawn from a seed: the same seed, the same network.
//
//   loss (Gilbert: bursts of a mean length), exponential jitter, stalls (all that was sent meanwhile arrives
//   at once behind them), spikes (a queue that fills at once and drains), a sender whose clock is off
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem::testing {

struct Network {
  std::string name;
  double loss_percent = 0, burst_packets = 1;
  double jitter_ms = 0;                    // mean of an exponential delay
  double stall_every_s = 0, stall_ms = 0;  // mean time between stalls; each half to one and a half so long
  double spike_every_s = 0, spike_ms = 0;  // the queue's delay at once, drained at half the media's speed
  double drift_ppm = 0;                    // above 0: the sender's clock is slow
};

// When each packet arrives, ms after the first could have been there; nothing: it is lost. `ptime_ms` apart.
std::vector<std::optional<double>> arrivals(const Network& network, std::size_t packets, double ptime_ms,
                                            std::uint64_t seed);

// Those of the table.
const std::vector<Network>& networks();

}  // namespace tandem::testing
