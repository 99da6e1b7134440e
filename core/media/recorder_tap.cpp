#include "core/media/recorder_tap.hpp"

#include <algorithm>
#include <array>

namespace tandem::media {
namespace {

constexpr std::size_t kChunk = 480;  // samples a channel that are interleaved at a time

std::int16_t sum(std::int16_t a, std::int16_t b) {
  return static_cast<std::int16_t>(std::clamp(a + b, -32768, 32767));
}

}  // namespace

// Two seconds: the writer comes every 100 ms.
RecorderTap::RecorderTap(const Spec& spec)
    : spec_(spec), ring_(std::size_t{spec.rate} * 2 * (spec.stereo ? 2 : 1)), silence_(spec.rate) {}

void RecorderTap::feed(std::span<const std::int16_t> said, std::span<const std::int16_t> heard) {
  if (closed_.load(std::memory_order_relaxed)) return;
  std::array<std::int16_t, kChunk * 2> chunk;
  for (std::size_t at = 0; at < said.size(); at += kChunk) {
    const std::size_t n = std::min(kChunk, said.size() - at);
    std::size_t out = 0;
    for (std::size_t i = at; i < at + n; ++i) {
      const std::int16_t left = paused_ ? std::int16_t{0} : said[i];
      const std::int16_t right = paused_ ? std::int16_t{0} : heard[i];
      if (spec_.stereo) {
        chunk[out++] = left;
        chunk[out++] = right;
      } else {
        chunk[out++] = spec_.heard_too ? sum(left, right) : left;
      }
    }
    ring_.write({chunk.data(), out});
  }
  written_ += said.size();
  if (spec_.silence_ms != 0 && !paused_ && silence_.add(said) >= spec_.silence_ms) close(RecordEnd::silence);
  if (spec_.limit_samples != 0 && written_ >= spec_.limit_samples) close(RecordEnd::limit);
}

void RecorderTap::close(RecordEnd reason) {
  if (closed_.load(std::memory_order_relaxed)) return;
  end_ = reason;
  closed_.store(true, std::memory_order_release);
}

}  // namespace tandem::media
