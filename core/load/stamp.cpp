// Stamp: see the header.
#include "core/load/stamp.hpp"

#include "core/load/melody.hpp"

namespace tandem::load {
namespace {

constexpr std::uint32_t kMagic = 0x54424d31;

void put(std::uint8_t* at, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)));
}

std::uint64_t get(const std::uint8_t* at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}

std::uint32_t check(std::uint32_t singer, std::uint32_t counter) {
  return static_cast<std::uint32_t>(mixed(std::uint64_t{singer} << 32 | counter));
}

}  // namespace

void write_stamp(std::span<std::uint8_t> payload, const Stamp& stamp) {
  put(&payload[0], kMagic, 4);
  put(&payload[4], stamp.singer, 4);
  put(&payload[8], stamp.counter, 4);
  write_stamp_time(payload, stamp.sent);
  put(&payload[20], check(stamp.singer, stamp.counter), 4);
}

void write_stamp_time(std::span<std::uint8_t> payload, TimePoint sent) {
  put(&payload[12], static_cast<std::uint64_t>(sent.time_since_epoch().count()), 8);
}

std::optional<Stamp> read_stamp(std::span<const std::uint8_t> payload) {
  if (payload.size() < kStampBytes || get(&payload[0], 4) != kMagic) return std::nullopt;
  Stamp stamp;
  stamp.singer = static_cast<std::uint32_t>(get(&payload[4], 4));
  stamp.counter = static_cast<std::uint32_t>(get(&payload[8], 4));
  stamp.sent = TimePoint(Nanos(static_cast<std::int64_t>(get(&payload[12], 8))));
  if (get(&payload[20], 4) != check(stamp.singer, stamp.counter)) return std::nullopt;
  return stamp;
}

}  // namespace tandem::load
