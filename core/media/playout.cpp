#include "core/media/playout.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace tandem::media {
namespace {

constexpr std::size_t kFifoMs = 240;  // the longest packet of 120 ms, what was played, a frame, room to move
constexpr std::uint32_t kMaxPacketMs = 120;
constexpr std::size_t kScratch = 48000 * (kMaxPacketMs + 20) / 1000;  // a packet, and room for merging
// Delay: what is too much or too little before anything is done, how often a period is taken out or put in,
// and above how much too much it is done in every frame, with less regard for how alike the periods are.
constexpr std::uint32_t kSlackMs = 8, kPaceMs = 60, kHurryMs = 60;
constexpr float kAlike = 0.85f, kAlikeInHurry = 0.5f;

// A leg always scales time.
jitter::JitterConfig scaled(jitter::JitterConfig config) {
  config.scaled = true;
  return config;
}

}  // namespace

Playout::Playout(jitter::PayloadPool& pool, const jitter::JitterConfig& config, std::vector<Codec> codecs)
    : pool_(pool),
      codecs_(std::move(codecs)),
      rate_(codecs_.front().decoder.codec().sample_rate),
      config_(scaled(config)),
      memory_(sizeof(Sound) + sizeof(std::int16_t) * rate_ * kFifoMs / 1000) {}

Playout::~Playout() {
  if (sound_ != nullptr) sound_->~Sound();
}

Playout::Sound& Playout::wake() {
  auto* const samples = reinterpret_cast<std::int16_t*>(memory_.data() + sizeof(Sound));
  sound_ = new (memory_.data()) Sound(pool_, config_, rate_, {samples, rate_ * kFifoMs / 1000});
  return *sound_;
}

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
    return sound().jitter.push(whole, payload, arrival);
  }
  const Codec* codec = find(packet.payload_type);
  if (codec == nullptr) return jitter::Push::malformed;
  whole.pauses = codec::pauses(codec->decoder.codec(), payload);
  whole.clock_rate = codec->decoder.codec().clock_rate;
  whole.ticks = codec::payload_ticks(codec->decoder.codec(), payload);
  if (whole.ticks > whole.clock_rate / 1000 * kMaxPacketMs) whole.ticks = 0;
  return sound().jitter.push(whole, payload, arrival);
}

void Playout::pull(TimePoint now, std::span<std::int16_t> frame) {
  Sound& s = sound();
  fresh_ = false;
  fill(now, frame.size());
  if (fresh_) {
    correct(frame.size());
    fill(now, frame.size());
  }
  const std::size_t n = std::min(s.waiting(), frame.size());
  std::copy_n(s.fifo.data() + s.begin, n, frame.data());
  std::fill(frame.begin() + static_cast<std::ptrdiff_t>(n), frame.end(), std::int16_t{0});
  s.begin += n;
  since_scaled_ += n;
}

void Playout::fill(TimePoint now, std::size_t frame) {
  // Each turn adds at least one tick, and a packet at least 1 ms: the bound is never met by a sane stream.
  for (unsigned turn = 0; sound_->waiting() < frame && turn < 64; ++turn) {
    const td_codec& codec = codecs_[active_].decoder.codec();
    const auto missing = static_cast<std::uint32_t>((frame - sound_->waiting()) * codec.clock_rate / rate_);
    play(sound_->jitter.pull(now, std::max(missing, 1u)), frame);
  }
}

void Playout::play(const jitter::Pulled& item, std::size_t frame) {
  if (item.kind == jitter::Pull::recover && recover(item)) return;
  if (item.kind == jitter::Pull::lost || item.kind == jitter::Pull::recover) return conceal(item);
  if (item.kind != jitter::Pull::packet) return make_up(codecs_[active_], item.ticks);
  if (noise_of(item.payload_type) != nullptr) {
    if (const auto noise = audio::parse_noise(item.payload)) sound_->noise.describe(*noise);
    codec_pauses_ = false;
    return make_up(codecs_[active_], item.ticks);
  }
  Codec* codec = find(item.payload_type);
  if (codec == nullptr) return;  // the payload map changed while it waited
  active_ = static_cast<std::size_t>(codec - codecs_.data());
  std::array<std::int16_t, kScratch> scratch;
  const int samples = decode(*codec, item, scratch);
  if (samples < 0) {
    ++counts_.undecodable;
    jitter::Pulled lost;
    lost.kind = jitter::Pull::lost;
    lost.ticks = item.ticks;
    return conceal(lost);
  }
  ++counts_.decoded;
  codec_pauses_ = codec::pauses(codec->decoder.codec(), item.payload);
  if (item.spliced) sound_->concealment.splice();
  surplus_ =
      static_cast<std::int32_t>(std::int64_t{item.surplus_ticks} * rate_ / codec->decoder.codec().clock_rate);
  fresh_ = true;
  take(*codec, scratch, static_cast<std::size_t>(samples), frame, item.put_off);
}

// Unless it was done ahead of its turn.
int Playout::decode(Codec& codec, const jitter::Pulled& item, std::span<std::int16_t> pcm) {
  const bool done = ahead_samples_ > 0 && ahead_timestamp_ == item.timestamp && !item.restarted;
  const std::size_t samples = std::exchange(ahead_samples_, 0);
  if (!done) return codec.decoder.decode_mono(item.payload, pcm);
  std::copy_n(sound_->ahead.begin(), samples, pcm.begin());
  return static_cast<int>(samples);
}

// What was decoded joins what was heard. Behind a loss it is where it belongs; if it only came late, it may
// be moved a little, to be in phase.
void Playout::take(Codec& codec, std::span<std::int16_t> pcm, std::size_t samples, std::size_t frame,
                   bool put_off) {
  const std::uint32_t rate = codec.decoder.codec().sample_rate;
  packet_ = samples * rate_ / rate;
  if (!sound_->concealment.making() || !put_off) {
    (void)sound_->concealment.good(pcm, samples, {});
  } else {
    audio::Concealment::Room room;
    room.longer = std::min(sound_->concealment.longest_pitch(), pcm.size() - samples);
    // Shorter only by what this frame does not need.
    const std::size_t after = sound_->waiting() + packet_;
    const std::size_t spare = after > frame && surplus_ > 0 ? (after - frame) * rate / rate_ : 0;
    const bool more = sound_->jitter.size() > 0 && surplus_ > static_cast<std::int32_t>(frame);
    room.shorter = more ? sound_->concealment.longest_pitch() : spare;
    samples = sound_->concealment.good(pcm, samples, room);
  }
  append(codec, pcm.first(samples));
}

// The delay is what the packet waited beyond the fastest, at the moment when the frame needed it. Whole
// frames of it can be saved only together: a period that leaves less than a frame behind saves nothing yet,
// and what is left behind (`spare`) can be taken out at no risk.
void Playout::correct(std::size_t frame) {
  Sound& s = *sound_;
  const auto slack = static_cast<std::int32_t>(rate_ * kSlackMs / 1000);
  const auto whole = static_cast<std::int32_t>(frame);
  const std::size_t pace = rate_ * kPaceMs / 1000;
  const std::span<std::int16_t> pcm(s.fifo.data(), s.end);
  // Where there is hardly any jitter, the least lateness would be heard: there is less to wait for.
  const auto low = std::min<std::int64_t>(slack, s.jitter.target().count() * rate_ / 2000);
  if (surplus_ < -low) {
    if (since_scaled_ < pace) return;
    const std::size_t room = std::min(s.scale.longest(), s.fifo.size() - s.end);
    const std::size_t n = s.scale.lengthen({s.fifo.data(), s.end + room}, s.begin, room, kAlike);
    s.end += n;
    counts_.lengthened += n;
    if (n > 0) since_scaled_ = 0;
    return;
  }
  const bool much = surplus_ >= whole + slack;
  const bool hurry = surplus_ >= whole + static_cast<std::int32_t>(rate_ * kHurryMs / 1000);
  if (!hurry && since_scaled_ < pace) return;
  const std::size_t spare = s.waiting() % frame;
  const bool uneven = packet_ % frame != 0;
  std::size_t most = 0;
  if (much)
    most = s.scale.longest();
  else if (surplus_ >= (uneven ? whole : 0))
    most = spare;
  const std::size_t n = s.scale.shorten(pcm, s.begin, most, hurry ? kAlikeInHurry : kAlike);
  s.end -= n;
  counts_.shortened += n;
  if (n > 0) since_scaled_ = 0;
}

// Redundancy is believed in until it was looked for in vain; without it, waiting for the next packet is of no
// use.
bool Playout::recover(const jitter::Pulled& item) {
  Codec* codec = find(item.payload_type);
  if (codec == nullptr || !codec->decoder.can_recover()) return false;
  std::array<std::int16_t, kScratch> scratch;
  const std::size_t samples =
      std::min<std::size_t>(codec::ticks_to_samples(codec->decoder.codec(), item.ticks), scratch.size());
  const std::span<std::int16_t> pcm(scratch.data(), samples);
  const bool made = codec->decoder.recover_mono(item.payload, pcm) == static_cast<int>(samples);
  if (++tries_ >= 64) tries_ /= 2, hits_ /= 2;
  if (made) ++hits_, ++counts_.recovered;
  if (made) append(*codec, pcm);
  return made;
}

void Playout::conceal(const jitter::Pulled& item) {
  Codec& codec = codecs_[active_];
  std::array<std::int16_t, kScratch> scratch;
  const std::size_t samples =
      std::min<std::size_t>(codec::ticks_to_samples(codec.decoder.codec(), item.ticks), scratch.size());
  const std::span<std::int16_t> pcm(scratch.data(), samples);
  ++counts_.concealed;
  counts_.made_up += samples * rate_ / codec.decoder.codec().sample_rate;
  if (codec.decoder.conceal_mono(pcm) != static_cast<int>(samples)) {
    const std::span<const std::int16_t> next = decode_ahead(codec, item);
    next.empty() ? sound_->concealment.conceal(pcm) : sound_->concealment.bridge(pcm, next);
  }
  sound_->jitter.expect_redundancy(codec.decoder.can_recover() && (tries_ < 8 || hits_ * 4 >= tries_));
  append(codec, pcm);
}

// The packet behind what is lost, where it is there: its sound is kept until its turn, as a decoder takes
// each packet but once. Nothing if it is another codec's, or longer than there is room for.
std::span<const std::int16_t> Playout::decode_ahead(Codec& codec, const jitter::Pulled& item) {
  if (item.kind != jitter::Pull::recover || find(item.payload_type) != &codec) return {};
  const td_codec& kind = codec.decoder.codec();
  const std::uint32_t ticks = codec::payload_ticks(kind, item.payload);
  if (codec::ticks_to_samples(kind, ticks) > sound_->ahead.size()) return {};
  std::array<std::int16_t, kScratch> scratch;
  const int samples = codec.decoder.decode_mono(item.payload, scratch);
  if (samples <= 0 || static_cast<std::size_t>(samples) > sound_->ahead.size()) return {};
  ahead_samples_ = static_cast<std::size_t>(samples);
  ahead_timestamp_ = item.timestamp + item.ticks;
  std::copy_n(scratch.begin(), ahead_samples_, sound_->ahead.begin());
  return {sound_->ahead.data(), ahead_samples_};
}

// What the sender does not say, while it is silent.
void Playout::make_up(Codec& codec, std::uint32_t ticks) {
  std::array<std::int16_t, kScratch> scratch;
  const std::size_t samples =
      std::min<std::size_t>(codec::ticks_to_samples(codec.decoder.codec(), ticks), scratch.size());
  pause(codec, {scratch.data(), samples});
  append(codec, {scratch.data(), samples});
}

const ClockedType* Playout::noise_of(std::uint8_t payload_type) const {
  for (const ClockedType& type : noise_types_)
    if (type.receive_type == payload_type) return &type;
  return nullptr;
}

// The sender is silent: with the noise that its codec goes on with, or that it described, or with nothing.
void Playout::pause(Codec& codec, std::span<std::int16_t> pcm) {
  if (codec_pauses_ && codec.decoder.conceal_mono(pcm) == static_cast<int>(pcm.size())) return;
  sound_->noise.fill(pcm);
}

void Playout::append(Codec& codec, std::span<const std::int16_t> pcm) {
  Sound& s = *sound_;
  if (s.begin > s.scale.memory()) {
    const std::size_t old = s.begin - s.scale.memory();
    std::copy(s.fifo.begin() + static_cast<std::ptrdiff_t>(old),
              s.fifo.begin() + static_cast<std::ptrdiff_t>(s.end), s.fifo.begin());
    s.end -= old;
    s.begin -= old;
  }
  std::array<std::int16_t, kScratch * 2> resampled;
  if (codec.to_leg_rate) {
    if (codec.to_leg_rate->max_out(pcm.size()) > resampled.size()) return;
    const std::size_t n = codec.to_leg_rate->process(pcm, resampled);
    pcm = {resampled.data(), n};
  }
  const std::size_t n = std::min(pcm.size(), s.fifo.size() - s.end);
  std::copy_n(pcm.data(), n, s.fifo.data() + s.end);
  s.end += n;
}

void Playout::reset() {
  codec_pauses_ = false;
  ahead_samples_ = 0;
  if (sound_ == nullptr) return;
  sound_->jitter.reset();
  sound_->concealment.reset();
  sound_->noise.reset();
  sound_->begin = sound_->end = 0;
}

}  // namespace tandem::media
