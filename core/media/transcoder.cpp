// See transcoder.hpp. Times: next_seq_ and next_time_ are what the source should say next, in its clock;
// out_time_ is where the packet being filled begins, in the destination's.
#include "core/media/transcoder.hpp"

#include <algorithm>

#include "core/codec/g711.hpp"
#include "core/codec/registry.hpp"
#include "core/media/leg_setup.hpp"

namespace tandem::media {
namespace {

constexpr int kMisorderMax = 100;                     // RFC 3550 A.1: a greater step back is another stream
constexpr std::size_t kLongest = 48000 * 120 / 1000;  // samples of the longest packet

const std::array<std::uint8_t, 256>* law_between(const td_codec* from, const td_codec* to) {
  if (from == codec::pcmu() && to == codec::pcma()) return &codec::kUlawToAlaw;
  if (from == codec::pcma() && to == codec::pcmu()) return &codec::kAlawToUlaw;
  return nullptr;
}

bool one_codec(const LegConfig& from, const LegConfig& to) {
  const PayloadMap &ours = from.payloads.front(), &theirs = to.payloads.front();
  return ours.codec == theirs.codec && codec::relayable(*ours.codec, ours.our_fmtp, theirs.peer_fmtp);
}

}  // namespace

bool speak_alike(const LegConfig& from, const LegConfig& to) {
  const PayloadMap& ours = from.payloads.front();
  if (to.ptime_fixed) return false;
  if (to.ptime_asked && from.send_ptime_ms != to.send_ptime_ms) return false;
  for (const ClockedType& noise : from.noise)
    if (noise.clock_rate == ours.codec->clock_rate && noise_send_type(to, noise.clock_rate) < 0) return false;
  for (const PayloadMap& theirs : to.payloads) {
    if (theirs.codec != ours.codec) continue;
    return codec::relayable(*ours.codec, ours.our_fmtp, theirs.peer_fmtp);
  }
  return false;
}

Result<std::unique_ptr<Transcoder>> Transcoder::create(const LegConfig& from, const LegConfig& to) {
  std::unique_ptr<Transcoder> made(new Transcoder(from, to));
  const std::uint32_t in = made->from_->sample_rate, out = made->to_->sample_rate;
  if (in == out) return made;
  const unsigned channels = std::min(made->from_->channels, made->to_->channels);
  for (unsigned i = 0; i < channels; ++i) {
    auto resampler = audio::Resampler::create(in, out);
    if (!resampler) return resampler.error();
    made->resamplers_[i].emplace(std::move(*resampler));
  }
  return made;
}

Transcoder::Transcoder(const LegConfig& from, const LegConfig& to)
    : concealment_(from.payloads.front().codec->sample_rate),
      packet_(std::size_t{to.payloads.front().codec->sample_rate} / 1000 * to.send_ptime_ms *
              to.payloads.front().codec->channels),
      held_(std::make_unique<Held>()),
      silence_(SilenceSender::for_leg(to)),
      noise_(from.payloads.front().codec->sample_rate),
      from_(from.payloads.front().codec),
      to_(to.payloads.front().codec),
      ptime_ms_(to.send_ptime_ms),
      packet_ticks_(to_->clock_rate / 1000 * to.send_ptime_ms),
      law_(law_between(from_, to_)),
      same_(one_codec(from, to)),
      any_length_(!to.ptime_fixed && (!to.ptime_asked || from.send_ptime_ms == to.send_ptime_ms)),
      takes_noise_(noise_send_type(to, to_->clock_rate) >= 0),
      event_clock_(to.event_clock_rate != 0 ? to.event_clock_rate : to_->clock_rate) {
  const auto two = [](const auto& payload) { return payload.codec->channels == 2; };
  if (std::any_of(from.payloads.begin(), from.payloads.end(), two))
    stereo_ = std::make_unique<audio::StereoConcealment>(from_->sample_rate);
  if (same_ && !any_length_ && codec::can_repacket(*to_))
    regrouped_ = std::make_unique<Repacketizer>(*to_, to_->sample_rate / 1000 * to.send_ptime_ms);
}

bool Transcoder::fits(const LegConfig& from, const LegConfig& to) const {
  return !from.payloads.empty() && !to.payloads.empty() && from.payloads.front().codec == from_ &&
         to.payloads.front().codec == to_ && to.send_ptime_ms == ptime_ms_ &&
         takes_noise_ == (noise_send_type(to, to_->clock_rate) >= 0) && same_ == one_codec(from, to);
}

void Transcoder::reset() {
  begun_ = waits_ = pausing_ = codec_pauses_ = false;
  filled_ = 0;
  surplus_ = 0;
  concealment_.reset();
  if (stereo_) stereo_->reset();
  if (regrouped_) regrouped_->clear();
  if (silence_) silence_->reset();
  for (auto& resampler : resamplers_)
    if (resampler) resampler->reset();
}

std::size_t Transcoder::resample(std::span<const std::int16_t> in, std::span<std::int16_t> out) {
  if (resamplers_[0]) return resamplers_[0]->process(in, out);
  const std::size_t n = std::min(in.size(), out.size());
  std::copy_n(in.begin(), n, out.begin());
  return n;
}

// ---- order

void Transcoder::push(const rtp::Header& header, std::span<const std::uint8_t> payload, TimePoint now,
                      Playout& decoders, codec::Encoder& encoder, TranscodeSink& sink) {
  const Work work{decoders, encoder, sink};
  Playout::Codec* codec = decoders.find(header.payload_type);
  if (codec == nullptr) return;
  now_ = now;
  const int ahead = header.seq - next_seq_;
  if (!begun_ || header.ssrc != ssrc_ || codec->decoder.codec().clock_rate != clock_rate_ ||
      ahead > kDropoutMax || ahead < -kMisorderMax) {
    waits_ = false;
    clock_rate_ = codec->decoder.codec().clock_rate;
    begin(header);
  }
  if (pausing_ && !header.seq.is_before(next_seq_)) end_pause(header, work);
  if (translate(header, payload, codec->decoder.codec(), work)) return;
  if (header.seq.is_before(next_seq_)) {  // its place was made up or passed over
    ++counts_.late;
    reorders_ = true;
    reordered_at_ = now;
    return;
  }
  if (waits_ && header.seq != next_seq_) take_held(work);
  if (header.seq.is_before(next_seq_)) return;  // a second copy of the one that waited
  if (header.seq != next_seq_ && hold(header, payload, now)) return;
  take(header, payload, work);
  if (waits_ && held_->header.seq == next_seq_) take_held(work);
}

// One packet waits for what should have come before it, where packets were seen to change places lately.
bool Transcoder::hold(const rtp::Header& header, std::span<const std::uint8_t> payload, TimePoint now) {
  if (!reorders_ || waits_ || payload.size() > held_->payload.size()) return false;
  if (now - reordered_at_ > kReorderMemory) {
    reorders_ = false;
    return false;
  }
  held_->header = header;
  held_->bytes = payload.size();
  held_->since = now;
  std::copy(payload.begin(), payload.end(), held_->payload.begin());
  waits_ = true;
  return true;
}

void Transcoder::take_held(const Work& work) {
  waits_ = false;
  if (work.decoders.find(held_->header.payload_type) == nullptr) return;
  take(held_->header, {held_->payload.data(), held_->bytes}, work);
}

void Transcoder::keep_up(TimePoint now, Playout& decoders, codec::Encoder& encoder, TranscodeSink& sink) {
  const Work work{decoders, encoder, sink};
  now_ = now;
  if (waits_ && now - held_->since >= kReorderWait) take_held(work);
  if (!pausing_) return;
  constexpr int kMost = 12;  // 120 ms, after a stall of ours; the rest with the next call
  const std::uint32_t piece = clock_rate_ / 100;
  const auto passed =
      std::chrono::duration_cast<milliseconds>(now - pause_since_).count() * clock_rate_ / 1000;
  for (int i = 0; i < kMost && pause_made_ + piece <= passed; ++i) {
    pause_made_ += piece;
    make_noise(piece, work);
  }
}

void Transcoder::pass(rtp::SeqNum seq) {
  if (begun_ && seq == next_seq_) next_seq_ = seq.next();
}

// The destination's stream goes on where it is; only the source's numbers are new.
void Transcoder::begin(const rtp::Header& header) {
  if (!begun_) {
    out_seq_ = header.seq;
    out_time_ = header.time;
  }
  begun_ = marker_ = true;
  pausing_ = codec_pauses_ = false;
  seq_shift_ = 0;
  time_shift_ = surplus_ = 0;
  if (regrouped_) regrouped_->clear();
  ssrc_ = header.ssrc;
  next_seq_ = header.seq;
  next_time_ = header.time;
  filled_ = 0;
}

// ---- decoded and coded

void Transcoder::take(const rtp::Header& header, std::span<const std::uint8_t> payload, const Work& work) {
  Playout::Codec& codec = *work.decoders.find(header.payload_type);
  const td_codec& kind = codec.decoder.codec();
  const std::uint32_t ticks = codec::payload_ticks(kind, payload);
  std::array<std::int16_t, kLongest * 2> pcm;
  if (ticks == 0 || codec::ticks_to_samples(kind, ticks) > kLongest) {
    ++counts_.undecodable;  // its number stays open: the next packet makes up for it
    return;
  }
  if (regroup(header, payload, ticks, work)) return;
  const std::int32_t ahead = header.time - next_time_;
  const bool lost = header.seq != next_seq_;
  int samples = 0;
  if (ahead > 0 && (lost || static_cast<std::uint32_t>(ahead) > clock_rate_ / 1000 * kJitterOfClockMs))
    samples = bridge(static_cast<std::uint32_t>(ahead), lost, codec, payload, pcm, work);
  next_seq_ = header.seq.next();
  next_time_ = header.time.plus(ticks);
  if (samples == 0) samples = codec.decoder.decode(payload, pcm);
  if (samples < 0) {
    ++counts_.undecodable;
    make_up(codec::ticks_to_samples(kind, ticks), codec, work);
    return;
  }
  ++counts_.decoded;
  good({pcm.data(), static_cast<std::size_t>(samples) * kind.channels}, codec, work);
  if (codec::pauses(kind, payload)) begin_pause(header.time, now_, true);
}

// `ticks` of the source's time are missing before `next`. What decoding that gave, into `next_pcm`, when it
// was decoded already, as its beginning tells where the sound must lead; else 0.
int Transcoder::bridge(std::uint32_t ticks, bool lost, Playout::Codec& codec,
                       std::span<const std::uint8_t> next, std::span<std::int16_t> next_pcm,
                       const Work& work) {
  const td_codec& kind = codec.decoder.codec();
  const auto most = static_cast<std::uint32_t>(clock_rate_ / 1000 * kConcealMax.count());
  if (!lost || ticks > most) {
    pause(ticks, lost, kind, work);
    return 0;
  }
  const std::size_t missing = codec::ticks_to_samples(kind, ticks);
  const std::size_t tail =
      std::min<std::size_t>(missing, codec::ticks_to_samples(kind, codec::payload_ticks(kind, next)));
  // Whatever is before the last lost packet has to be made up first: decoders go forward only.
  std::array<std::int16_t, kLongest * 2> pcm;
  if (missing > tail) make_up(missing - tail, codec, work);
  const std::span<std::int16_t> end(pcm.data(), tail * kind.channels);
  if (codec.decoder.recover(next, end) > 0) {
    ++counts_.recovered;
    good(end, codec, work);
    return 0;
  }
  if (kind.channels != 1 || missing > tail) {
    make_up(tail, codec, work);
    return 0;
  }
  ++counts_.concealed;
  int samples = 0;
  if (codec.decoder.conceal(end) != static_cast<int>(tail)) {
    samples = codec.decoder.decode(next, next_pcm);
    concealment_.bridge(end, next_pcm.first(static_cast<std::size_t>(std::max(samples, 0))));
  }
  heard(end, codec, work);
  return samples;
}

void Transcoder::good(std::span<std::int16_t> pcm, Playout::Codec& codec, const Work& work) {
  if (codec.decoder.codec().channels == 1)
    concealment_.good(pcm);
  else
    stereo_->good(pcm);
  heard(pcm, codec, work);
}

void Transcoder::make_up(std::size_t samples, Playout::Codec& codec, const Work& work) {
  const td_codec& kind = codec.decoder.codec();
  std::array<std::int16_t, kLongest * 2> pcm;
  const std::span<std::int16_t> all(pcm.data(), std::min(samples, kLongest) * kind.channels);
  ++counts_.concealed;
  if (codec.decoder.conceal(all) == static_cast<int>(all.size() / kind.channels))
    return heard(all, codec, work);
  kind.channels == 1 ? concealment_.conceal(all) : stereo_->conceal(all);
  heard(all, codec, work);
}

// The source was silent, or lost more than is made up: the packet begun is filled up with silence, and the
// time goes on without any.
void Transcoder::pause(std::uint32_t ticks, bool lost, const td_codec& kind, const Work& work) {
  std::uint64_t out = std::uint64_t{ticks} * to_->clock_rate / kind.clock_rate;
  if (filled_ != 0) {
    const std::size_t rest = packet_.size() - filled_;
    const auto rest_ticks = codec::samples_to_ticks(*to_, static_cast<std::uint32_t>(rest / to_->channels));
    if (out < rest_ticks) {  // shorter than that: silence up to where the source goes on
      const std::size_t some = codec::ticks_to_samples(*to_, static_cast<std::uint32_t>(out));
      std::fill_n(packet_.data() + filled_, some * to_->channels, std::int16_t{0});
      filled_ += some * to_->channels;
      return;
    }
    fill_up(work);
    out -= rest_ticks;
  }
  out_time_ = out_time_.plus(static_cast<std::int64_t>(out));
  if (lost) out_seq_ = out_seq_.plus(static_cast<int>(std::min<std::uint64_t>(out / packet_ticks_, 100)));
  if (!lost) marker_ = true;
  concealment_.splice();
  if (stereo_) stereo_->splice();
}

// ---- sound

// What the source says, at its codec's rate and channels, brought to the destination's.
void Transcoder::heard(std::span<const std::int16_t> pcm, Playout::Codec& codec, const Work& work) {
  const td_codec& kind = codec.decoder.codec();
  if (kind.channels == 2 && to_->channels == 2 && !codec.to_leg_rate) return append(pcm, 2, work);
  std::array<std::int16_t, kLongest> mono, converted;
  if (kind.channels == 2) {
    for (std::size_t i = 0; i < pcm.size() / 2; ++i)
      mono[i] = static_cast<std::int16_t>((pcm[2 * i] + pcm[2 * i + 1]) / 2);
    pcm = {mono.data(), pcm.size() / 2};
  }
  if (codec.to_leg_rate) {
    if (codec.to_leg_rate->max_out(pcm.size()) > converted.size()) return;
    pcm = {converted.data(), codec.to_leg_rate->process(pcm, converted)};
  }
  append(pcm, 1, work);
}

// At the source leg's rate, one channel or both, into packets.
void Transcoder::append(std::span<const std::int16_t> pcm, std::size_t channels, const Work& work) {
  std::array<std::array<std::int16_t, kLongest>, 2> planes;
  std::size_t samples = pcm.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    std::array<std::int16_t, kLongest> one;
    for (std::size_t i = 0; i < samples; ++i) one[i] = pcm[i * channels + c];
    if (!resamplers_[c]) {
      std::copy_n(one.begin(), samples, planes[c].begin());
      continue;
    }
    if (resamplers_[c]->max_out(samples) > planes[c].size()) return;
    const std::size_t n = resamplers_[c]->process({one.data(), samples}, planes[c]);
    if (c + 1 == channels) samples = n;
  }
  const std::size_t width = to_->channels;
  for (std::size_t i = 0; i < samples;) {
    const std::size_t n = std::min(samples - i, (packet_.size() - filled_) / width);
    std::int16_t* into = packet_.data() + filled_;
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t c = 0; c < width; ++c) *into++ = planes[c < channels ? c : 0][i + k];
    filled_ += n * width;
    i += n;
    if (filled_ == packet_.size()) send(work);
  }
}

void Transcoder::send(const Work& work) {
  std::array<std::uint8_t, rtp::kPacketBytesMax> payload;
  filled_ = 0;
  const rtp::Header header{marker_, 0, out_seq_, out_time_, ssrc_};
  out_time_ = out_time_.plus(packet_ticks_);
  const auto say = silence_ && to_->channels == 1 ? silence_->judge(packet_) : SilenceSender::Say::speech;
  if (say == SilenceSender::Say::noise) {
    out_seq_ = out_seq_.next();
    work.sink.on_noise({false, 0, header.seq, header.time, ssrc_}, silence_->payload());
  }
  const int bytes = say == SilenceSender::Say::speech ? work.encoder.encode(packet_, payload) : 0;
  marker_ = bytes <= 0;  // after silence: described here, or the encoder's own
  if (bytes <= 0) return;
  ++counts_.encoded;
  out_seq_ = out_seq_.next();
  work.sink.on_transcoded(header, {payload.data(), static_cast<std::size_t>(bytes)});
}

// The packet begun is ended with silence, and sent.
void Transcoder::fill_up(const Work& work) {
  if (filled_ == 0) return;
  const std::size_t rest = packet_.size() - filled_;
  std::fill_n(packet_.data() + filled_, rest, std::int16_t{0});
  send(work);
}

}  // namespace tandem::media
