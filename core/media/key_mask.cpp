#include "core/media/key_mask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/audio/dtmf_tone.hpp"

namespace tandem::media {

KeyMask::KeyMask(const KeyPolicy& policy, std::uint32_t rate, std::uint64_t seed)
    : policy_(policy),
      rate_(rate),
      amplitude_(32767 * std::pow(10, (policy.level_dbm0 - 3.14) / 20)),
      random_(seed | 1U) {}

Result<std::unique_ptr<KeyMask>> KeyMask::create(const KeyPolicy& policy, std::uint32_t rate,
                                                 const td_stage_type* dtmf, std::uint64_t seed) {
  if (policy.delay < milliseconds(0) || policy.delay > kDelayMax)
    return Error{ErrorCode::invalid, fmt::format("sound waits for 0 to {} ms, asked were {}",
                                                 kDelayMax.count(), policy.delay.count())};
  std::unique_ptr<KeyMask> mask(new KeyMask(policy, rate, seed));
  milliseconds delay = policy.delay;
  if (policy.listen) {
    if (dtmf == nullptr)
      return Error{ErrorCode::unsupported, "keys in the audio cannot be found: the plugin dtmf is not there"};
    auto stage = graph::PluginStage::create(dtmf, rate, "{}");
    if (!stage) return stage.error();
    mask->detector_ = std::move(*stage);
    if (mask->replaces()) delay = std::max(delay, kDetectorLag);
  }
  mask->ring_.resize(mask->samples(delay));
  return mask;
}

// ---- keys

void KeyMask::choose(char digit) {
  ++keys_;
  if (policy_.act == KeyAct::digit) chosen_ = policy_.digit;
  if (policy_.act != KeyAct::random) return;
  random_ ^= random_ << 13U, random_ ^= random_ >> 7U, random_ ^= random_ << 17U;
  const auto digits = static_cast<unsigned>(random_ >> 11U & 0xffffU);
  unsigned other = digits % 10;
  if (static_cast<unsigned>(digit) - '0' == other) other = (other + 1 + digits / 10 % 9) % 10;
  chosen_ = static_cast<char>('0' + other);
}

char KeyMask::told(char digit) const {
  if (policy_.act == KeyAct::pass) return digit;
  return policy_.act == KeyAct::random || policy_.act == KeyAct::digit ? chosen_ : '\0';
}

bool KeyMask::passes_events() const {
  return policy_.act == KeyAct::pass || policy_.act == KeyAct::random || policy_.act == KeyAct::digit;
}

void KeyMask::on_event_begun(char digit, bool decoded) {
  choose(digit);
  event_sounds_ = true;
  if (!replaces() || !(decoded || makes_sound())) return;
  open(said_, policy_.act == KeyAct::tone ? Sound::tone : Sound::silence);
}

void KeyMask::on_event_ended(milliseconds rest) {
  event_sounds_ = false;
  close(said_ + samples(rest));
}

void KeyMask::on_tone_begun(char digit, std::uint32_t at_sample) {
  if (!replaces()) return;
  choose(digit);
  const std::uint64_t known = said_ + at_sample;
  open(known - std::min(known, samples(kDetectorLag)), policy_.act == KeyAct::silence ? Sound::silence
                                                       : policy_.act == KeyAct::tone  ? Sound::tone
                                                                                      : Sound::key);
}

void KeyMask::on_tone_ended(std::uint32_t at_sample) { close(said_ + at_sample); }

// ---- what is masked

void KeyMask::open(std::uint64_t begin, Sound sound) {
  close(begin);
  Range range{begin, kOpen, sound, 0, 0};
  unsigned low = 0, high = 0;
  if (sound == Sound::tone) {
    std::size_t listed = 0;
    while (listed < policy_.tones_hz.size() && policy_.tones_hz[listed] != 0) ++listed;
    range.first_hz = listed == 0 ? std::uint16_t{400} : policy_.tones_hz[(keys_ - 1) % listed];
  } else if (sound == Sound::key && audio::dtmf_frequencies(chosen_, low, high)) {
    range.first_hz = static_cast<std::uint16_t>(low);
    range.second_hz = static_cast<std::uint16_t>(high);
  }
  if (count_ == kRanges) {  // more keys than that within the delay: the last one goes on
    ranges_[(first_ + count_ - 1) % kRanges].end = kOpen;
    return;
  }
  ranges_[(first_ + count_++) % kRanges] = range;
  was_busy_ = true;
}

void KeyMask::close(std::uint64_t end) {
  if (count_ == 0) return;
  Range& last = ranges_[(first_ + count_ - 1) % kRanges];
  if (last.end == kOpen) last.end = std::max(end, last.begin);
}

bool KeyMask::busy() const { return count_ != 0; }

bool KeyMask::settled() { return count_ == 0 && std::exchange(was_busy_, false); }

void KeyMask::run(std::span<std::int16_t> pcm) {
  const std::uint64_t first = said_ - std::min<std::uint64_t>(said_, ring_.size());  // of what leaves now
  const std::uint64_t early = ring_.size() - (said_ - first);  // nothing had been said then
  said_ += pcm.size();
  if (!ring_.empty()) {
    for (std::int16_t& sample : pcm) {
      std::swap(sample, ring_[ring_at_]);
      if (++ring_at_ == ring_.size()) ring_at_ = 0;
    }
  }
  if (early >= pcm.size()) return;
  const std::span<std::int16_t> out = pcm.subspan(early);
  for (std::size_t i = 0; i < count_; ++i) fill(ranges_[(first_ + i) % kRanges], first, out);
  while (count_ != 0 && ranges_[first_].end <= first + out.size()) {
    first_ = (first_ + 1) % kRanges;
    --count_;
  }
}

void KeyMask::fill(const Range& range, std::uint64_t first, std::span<std::int16_t> pcm) const {
  const std::uint64_t begin = std::max(range.begin, first);
  const std::uint64_t end = std::min(range.end, first + pcm.size());
  const std::uint64_t ramp = rate_ / 500;  // 2 ms: no click
  for (std::uint64_t at = begin; at < end; ++at) {
    double value = 0;
    if (range.sound != Sound::silence) {
      const auto t = 2 * std::numbers::pi * static_cast<double>(at - range.begin) / rate_;
      value = std::sin(range.first_hz * t);
      if (range.second_hz != 0) value = 0.8 * value + std::sin(range.second_hz * t);  // Q.23: 2 dB of twist
      const std::uint64_t edge = std::min({at - range.begin + 1, range.end - at, ramp});
      value *= amplitude_ * static_cast<double>(edge) / static_cast<double>(ramp);
    }
    pcm[at - first] = static_cast<std::int16_t>(std::lrint(std::clamp(value, -32768.0, 32767.0)));
  }
}

}  // namespace tandem::media
