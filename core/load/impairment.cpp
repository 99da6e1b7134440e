// Impairment: the models and the reading of traces.
#include "core/load/impairment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "core/base/text.hpp"
#include "core/load/melody.hpp"

namespace tandem::load {
namespace {

constexpr std::size_t kTraceMax = 10'000'000;

Nanos ms(double value) { return Nanos(static_cast<std::int64_t>(value * 1e6)); }

}  // namespace

double Impairment::uniform() {
  random_ = mixed(random_ + 1);
  return static_cast<double>(random_ >> 11) * 0x1p-53;
}

Fate Impairment::next(Nanos packet_time) {
  Fate fate;
  if (spec_.trace && !spec_.trace->empty()) {
    const double delay = (*spec_.trace)[at_++ % spec_.trace->size()];
    fate.lost = delay < 0;
    fate.delay = ms(std::max(delay, 0.0));
    return fate;
  }
  if (spec_.loss_percent > 0) {
    // Gilbert: leaves a loss with 1 / burst, enters it so that the share of lost packets is the stated one.
    const double loss = std::min(spec_.loss_percent / 100, 0.99);
    const double leave = 1 / std::max(spec_.burst_packets, 1.0);
    const double enter = spec_.burst_packets <= 1 ? loss : leave * loss / (1 - loss);
    losing_ = spec_.burst_packets <= 1 ? uniform() < loss : losing_ ? uniform() >= leave : uniform() < enter;
    fate.lost = losing_;
  }
  if (spec_.jitter_ms > 0)
    fate.delay += ms(std::min(-std::log(1 - uniform()) * spec_.jitter_ms, 10 * spec_.jitter_ms));
  if (spec_.reorder_percent > 0 && uniform() * 100 < spec_.reorder_percent)
    fate.delay += packet_time + packet_time / 2;
  if (spec_.duplicate_percent > 0 && uniform() * 100 < spec_.duplicate_percent) fate.copies = 2;
  return fate;
}

Result<std::shared_ptr<const Trace>> load_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::not_found, fmt::format("{}: {}", path, std::strerror(errno))};
  auto trace = std::make_shared<Trace>();
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    line.resize(std::min(line.find('#'), line.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t'))
      line.pop_back();
    if (line.empty()) continue;
    const auto delay = tandem::number(line, 0.0, 10'000.0);
    if (line != "lost" && !delay)
      return Error{ErrorCode::invalid,
                   fmt::format("{}:{}: expected a delay of 0 to 10000 ms or \"lost\", found \"{}\"", path,
                               number, line.substr(0, 40))};
    trace->push_back(delay.value_or(-1));
    if (trace->size() > kTraceMax)
      return Error{ErrorCode::invalid, fmt::format("{}: longer than {} packets", path, kTraceMax)};
  }
  if (trace->empty()) return Error{ErrorCode::invalid, fmt::format("{}: no packet in it", path)};
  return std::shared_ptr<const Trace>(std::move(trace));
}

}  // namespace tandem::load
