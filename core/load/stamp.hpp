// Stamp: the first 24 bytes of a packet's payload, when the server under load is to forward payloads as they
// are: who sent it, which one it is, when it went out.
//
//   "TBM1" · singer · counter · sent (ns, monotonic) · check over singer and counter       big-endian
//
// Thread: [any]; pure. Not for transcoding: that is what Melody is for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/time.hpp"

namespace tandem::load {

inline constexpr std::size_t kStampBytes = 24;

struct Stamp {
  std::uint32_t singer = 0;
  std::uint32_t counter = 0;
  TimePoint sent{};
};

// `payload` holds at least kStampBytes. [any]
void write_stamp(std::span<std::uint8_t> payload, const Stamp& stamp);
// Only the time, in a payload that has its stamp: just before it goes out. [any]
void write_stamp_time(std::span<std::uint8_t> payload, TimePoint sent);
// Nothing when there is none, or it was damaged. [any]
std::optional<Stamp> read_stamp(std::span<const std::uint8_t> payload);

}  // namespace tandem::load
