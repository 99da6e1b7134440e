// Frame: a stretch of mono PCM on its way through a graph: up to 60 ms at 48 kHz, held inside.
// Thread: [media]. A value of about 6 KB: a loop keeps a few and passes them by reference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem::graph {

struct Frame {
  static constexpr std::size_t kMaxSamples = 48000 * 60 / 1000;

  std::uint32_t rate = 8000;
  std::uint32_t samples = 0;
  std::array<std::int16_t, kMaxSamples> storage;  // not cleared: only [0, samples) means anything

  std::span<std::int16_t> pcm() { return {storage.data(), samples}; }
  std::span<const std::int16_t> pcm() const { return {storage.data(), samples}; }
  // [media] Sets the length, clipped to what fits, and clears it.
  void clear(std::uint32_t to_rate, std::size_t to_samples);
};

}  // namespace tandem::graph
