#include "core/audio/stereo_concealment.hpp"

#include <algorithm>

namespace tandem::audio {
namespace {

void take_out(std::span<const std::int16_t> both, std::size_t channel, std::span<std::int16_t> one) {
  for (std::size_t i = 0; i < one.size(); ++i) one[i] = both[2 * i + channel];
}

void put_in(std::span<const std::int16_t> one, std::size_t channel, std::span<std::int16_t> both) {
  for (std::size_t i = 0; i < one.size(); ++i) both[2 * i + channel] = one[i];
}

}  // namespace

void StereoConcealment::good(std::span<std::int16_t> pcm) {
  std::array<std::int16_t, kPiece> piece;
  for (std::size_t at = 0; at < pcm.size() / 2; at += kPiece) {
    const std::span<std::int16_t> one(piece.data(), std::min(kPiece, pcm.size() / 2 - at));
    for (std::size_t c = 0; c < 2; ++c) {
      take_out(pcm.subspan(2 * at), c, one);
      channels_[c].good(one);
      put_in(one, c, pcm.subspan(2 * at));
    }
  }
}

void StereoConcealment::conceal(std::span<std::int16_t> out) {
  const std::size_t first = channels_[1].loudness() > channels_[0].loudness() ? 1 : 0;
  std::array<std::int16_t, kPiece> piece;
  for (std::size_t at = 0; at < out.size() / 2; at += kPiece) {
    const std::span<std::int16_t> one(piece.data(), std::min(kPiece, out.size() / 2 - at));
    for (const std::size_t c : {first, 1 - first}) {
      c == first ? channels_[c].conceal(one) : channels_[c].conceal(one, channels_[first]);
      put_in(one, c, out.subspan(2 * at));
    }
  }
}

void StereoConcealment::splice() {
  for (Concealment& one : channels_) one.splice();
}

void StereoConcealment::reset() {
  for (Concealment& one : channels_) one.reset();
}

}  // namespace tandem::audio
