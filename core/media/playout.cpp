#include "core/media/playout.hpp"

#include <algorithm>
#include <array>

#include "core/audio/level.hpp"
#include "core/codec/registry.hpp"

namespace tandem::media {
namespace {

constexpr std::size_t kFifoMs = 200;  // the longest packet of 120 ms, a frame, and room to move
constexpr std::uint32_t kMaxPacketMs = 120;
constexpr std::uint32_t kQuietEnergy = 160 * 160;  // mean square; about -46 dBov

}  // namespace

Playout::Playout(jitter::PayloadPool& pool, const jitter::JitterConfig& config, std::vector<Codec> codecs)
    : codecs_(std::move(codecs)),
      jitter_(pool, config),
      concealment_(codecs_.front().decoder.codec().sample_rate),
      noise_(codecs_.front().decoder.codec().sample_rate),
      fifo_(codecs_.front().decoder.codec().sample_rate * kFifoMs / 1000),
      rate_(codecs_.front().decoder.codec().sample_rate) {}

Playout::Codec* Playout::find(std::uint8_t payload_type) {
  for (Codec& codec : codecs_)
    if (codec.payload_type == payload_type) return &codec;
  return nullptr;
}

jitter::Push Playout::push(const jitter::Incoming& packet, std::span<const std::uint8_t> payload,
                           TimePoint arrival) {
  jitter::Incoming whole = packet;
  if (const ClockedType* noise = noise_of(packet.payload_type)) {
    whole.clock_rate = noise->clock_rate;
    whole.ticks = noise->clock_rate / 100;  // the pause goes on as long as nothing comes
    whole.pauses = true;
    return jitter_.push(whole, payload, arrival);
  }
  const Codec* codec = find(packet.payload_type);
  if (codec == nullptr) return jitter::Push::malformed;
  whole.pauses = codec::pauses(codec->decoder.codec(), payload);
  whole.clock_rate = codec->decoder.codec().clock_rate;
  whole.ticks = codec::payload_ticks(codec->decoder.codec(), payload);
  if (whole.ticks > whole.clock_rate / 1000 * kMaxPacketMs) whole.ticks = 0;
  return jitter_.push(whole, payload, arrival);
}

void Playout::pull(TimePoint now, std::span<std::int16_t> frame) {
  // Each turn adds at least one tick, and a packet at least 1 ms: the bound is never met by a sane stream.
  for (unsigned turn = 0; waiting() < frame.size() && turn < 64; ++turn) {
    const td_codec& codec = codecs_[active_].decoder.codec();
    const auto missing = static_cast<std::uint32_t>((frame.size() - waiting()) * codec.clock_rate / rate_);
    play(jitter_.pull(now, std::max(missing, 1u), quiet_ ? jitter::Quiet::yes : jitter::Quiet::no));
  }
  const std::size_t n = std::min(waiting(), frame.size());
  std::copy_n(fifo_.data() + begin_, n, frame.data());
  std::fill(frame.begin() + static_cast<std::ptrdiff_t>(n), frame.end(), std::int16_t{0});
  begin_ += n;
  quiet_ = audio::energy(frame) < kQuietEnergy;
}

void Playout::play(const jitter::Pulled& item) {
  if (item.kind != jitter::Pull::packet) {
    make_up(codecs_[active_], item.ticks, item.kind == jitter::Pull::lost);
    return;
  }
  if (noise_of(item.payload_type) != nullptr) {
    if (const auto noise = audio::parse_noise(item.payload)) noise_.describe(*noise);
    codec_pauses_ = false;
    return make_up(codecs_[active_], item.ticks, false);
  }
  Codec* codec = find(item.payload_type);
  if (codec == nullptr) return;  // the payload map changed while it waited
  active_ = static_cast<std::size_t>(codec - codecs_.data());
  std::array<std::int16_t, codec::kMaxFrameSamples> scratch;
  const int samples = codec->decoder.decode_mono(item.payload, scratch);
  if (samples < 0) {
    ++counts_.undecodable;
    make_up(*codec, item.ticks, true);
    return;
  }
  ++counts_.decoded;
  codec_pauses_ = codec::pauses(codec->decoder.codec(), item.payload);
  if (item.spliced) concealment_.splice();
  const std::span<std::int16_t> pcm(scratch.data(), static_cast<std::size_t>(samples));
  concealment_.good(pcm);
  append(*codec, pcm);
}

void Playout::make_up(Codec& codec, std::uint32_t ticks, bool conceal) {
  std::array<std::int16_t, codec::kMaxFrameSamples> scratch;
  const std::size_t samples =
      std::min<std::size_t>(codec::ticks_to_samples(codec.decoder.codec(), ticks), scratch.size());
  const std::span<std::int16_t> pcm(scratch.data(), samples);
  if (!conceal) {
    pause(codec, pcm);
  } else {
    ++counts_.concealed;
    if (codec.decoder.conceal_mono(pcm) != static_cast<int>(samples)) concealment_.conceal(pcm);
  }
  append(codec, pcm);
}

const ClockedType* Playout::noise_of(std::uint8_t payload_type) const {
  for (const ClockedType& type : noise_types_)
    if (type.receive_type == payload_type) return &type;
  return nullptr;
}

// The sender is silent: with the noise that its codec goes on with, or that it described, or with nothing.
void Playout::pause(Codec& codec, std::span<std::int16_t> pcm) {
  if (codec_pauses_ && codec.decoder.conceal_mono(pcm) == static_cast<int>(pcm.size())) return;
  noise_.fill(pcm);
}

void Playout::append(Codec& codec, std::span<const std::int16_t> pcm) {
  if (begin_ > 0) {
    std::copy(fifo_.begin() + static_cast<std::ptrdiff_t>(begin_),
              fifo_.begin() + static_cast<std::ptrdiff_t>(end_), fifo_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  std::array<std::int16_t, codec::kMaxFrameSamples * 3> resampled;
  if (codec.to_leg_rate) {
    if (codec.to_leg_rate->max_out(pcm.size()) > resampled.size()) return;
    const std::size_t n = codec.to_leg_rate->process(pcm, resampled);
    pcm = {resampled.data(), n};
  }
  const std::size_t n = std::min(pcm.size(), fifo_.size() - end_);
  std::copy_n(pcm.data(), n, fifo_.data() + end_);
  end_ += n;
}

void Playout::reset() {
  jitter_.reset();
  concealment_.reset();
  noise_.reset();
  codec_pauses_ = false;
  begin_ = end_ = 0;
}

}  // namespace tandem::media
