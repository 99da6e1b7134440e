// Stamp: see the header.
#include "core/load/stamp.hpp"

#include <bit>
#include <cstring>

#include "core/load/melody.hpp"

namespace tandem::load {
namespace {

constexpr std::uint32_t kMagic = 0x54424d31;

template <typename Int>
Int turned(Int value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(Int) == 8) return __builtin_bswap64(value);
  return static_cast<Int>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
}

template <typename Int>
void put(std::uint8_t* at, Int value) {
  value = turned(value);
  std::memcpy(at, &value, sizeof value);
}

template <typename Int>
Int get(const std::uint8_t* at) {
  Int value = 0;
  std::memcpy(&value, at, sizeof value);
  return turned(value);
}

std::uint32_t check(std::uint32_t singer, std::uint32_t counter) {
  return static_cast<std::uint32_t>(mixed(std::uint64_t{singer} << 32 | counter));
}

}  // namespace

void write_stamp(std::span<std::uint8_t> payload, const Stamp& stamp) {
  put(&payload[0], kMagic);
  put(&payload[4], stamp.singer);
  put(&payload[8], stamp.counter);
  write_stamp_time(payload, stamp.sent);
  put(&payload[20], check(stamp.singer, stamp.counter));
}

void write_stamp_time(std::span<std::uint8_t> payload, TimePoint sent) {
  put(&payload[12], static_cast<std::uint64_t>(sent.time_since_epoch().count()));
}

std::optional<Stamp> read_stamp(std::span<const std::uint8_t> payload) {
  if (payload.size() < kStampBytes || get<std::uint32_t>(&payload[0]) != kMagic) return std::nullopt;
  Stamp stamp;
  stamp.singer = get<std::uint32_t>(&payload[4]);
  stamp.counter = get<std::uint32_t>(&payload[8]);
  stamp.sent = TimePoint(Nanos(static_cast<std::int64_t>(get<std::uint64_t>(&payload[12]))));
  if (get<std::uint32_t>(&payload[20]) != check(stamp.singer, stamp.counter)) return std::nullopt;
  return stamp;
}

}  // namespace tandem::load
