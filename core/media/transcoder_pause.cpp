// What is beside speech in a Transcoder's stream: pauses with their noise, and telephone-events in their
// places.
//
//   source's time ──next_time_──► what is made of a pause is counted in it; what was made too much, because
//   the speech came later than the clock thought, is owed by the next pause (surplus_): no lag is kept.
#include <algorithm>
#include <cstdlib>

#include "core/codec/registry.hpp"
#include "core/media/transcoder.hpp"
#include "core/rtp/telephone_event.hpp"

namespace tandem::media {

// `at`, in the source's time, is now.
void Transcoder::begin_pause(rtp::RtpTime at, TimePoint now, bool by_codec) {
  const std::int64_t second = clock_rate_;
  next_time_ = next_time_.plus(surplus_);
  surplus_ = 0;
  pause_made_ = std::clamp<std::int64_t>(next_time_ - at, -second, second);
  pause_since_ = now;
  pausing_ = true;
  codec_pauses_ = by_codec;
}

// Speech: the rest of the pause is made, and a packet begun ends with it where speech is not decoded.
void Transcoder::end_pause(const rtp::Header& header, const Work& work) {
  pausing_ = false;
  const std::int32_t most = static_cast<std::int32_t>(clock_rate_ / 5);
  std::int32_t gap = header.time - next_time_;
  const std::int32_t piece = static_cast<std::int32_t>(clock_rate_ / 100);
  if (gap <= most)
    for (; gap >= piece; gap -= piece) make_noise(static_cast<std::uint32_t>(piece), work);
  if (filled_ != 0 && (regrouped_ || ((law_ != nullptr || same_) && !repacketizes_))) {
    const std::size_t rest = (packet_.size() - filled_) / to_->channels;
    const auto ticks = codec::samples_to_ticks(*to_, static_cast<std::uint32_t>(rest));  // one clock
    fill_up(work);
    next_time_ = next_time_.plus(ticks);
  }
  const std::int32_t over = next_time_ - header.time;
  if (over > 0 && over <= most) {
    surplus_ = over;
    next_time_ = header.time;
  }
  seq_shift_ = out_seq_ - header.seq;
  time_shift_ = out_time_ - next_time_;
}

void Transcoder::make_noise(std::uint32_t ticks, const Work& work) {
  Playout::Codec& codec = work.decoders.own();
  const td_codec& kind = codec.decoder.codec();
  std::array<std::int16_t, 480 * 2> pcm;  // 10 ms
  const std::size_t samples = codec::ticks_to_samples(kind, ticks);
  const std::span<std::int16_t> all(pcm.data(), std::min(samples * kind.channels, pcm.size()));
  flush_regrouped(work);
  if (!codec_pauses_ || codec.decoder.conceal(all) != static_cast<int>(samples)) noise_.fill(all);
  next_time_ = next_time_.plus(ticks);
  heard(all, codec, work);
}

void Transcoder::push_noise(const rtp::Header& header, std::span<const std::uint8_t> payload,
                            std::uint32_t clock_rate, TimePoint now, Playout& decoders,
                            codec::Encoder& encoder, TranscodeSink& sink) {
  const Work work{decoders, encoder, sink};
  const auto noise = audio::parse_noise(payload);
  if (!noise || clock_rate != from_->clock_rate) return pass(header.seq);
  if (waits_) take_held(work);
  if (!begun_ || header.ssrc != ssrc_) {
    clock_rate_ = from_->clock_rate;
    begin(header);
  }
  const int ahead = header.seq - next_seq_;
  if (ahead < 0 || ahead > kDropoutMax) return;
  if (takes_noise_) return describe_on(header, payload, ahead, work);
  next_seq_ = header.seq.next();
  noise_.describe(*noise);
  begin_pause(header.time, now, false);
}

// To who takes descriptions, in its place. The shape of a spectrum holds for one sampling rate only.
void Transcoder::describe_on(const rtp::Header& header, std::span<const std::uint8_t> payload, int ahead,
                             const Work& work) {
  const std::span<const std::uint8_t> told =
      from_->sample_rate == to_->sample_rate ? payload : payload.first(1);
  next_seq_ = header.seq.next();
  if ((law_ != nullptr || same_) && !repacketizes_) {
    rtp::Header out = header;
    out.seq = header.seq.plus(seq_shift_);
    out.time = header.time.plus(time_shift_);
    out_seq_ = out.seq.next();
    work.sink.on_noise(out, told);
    return;
  }
  flush_regrouped(work);
  const std::int32_t gap = header.time - next_time_;
  if (gap > 0) {
    pause(static_cast<std::uint32_t>(gap), false, *from_, work);
    next_time_ = header.time;
  } else if (filled_ != 0) {
    const std::size_t rest = (packet_.size() - filled_) / to_->channels;
    fill_up(work);
    const auto ticks = codec::samples_to_ticks(*to_, static_cast<std::uint32_t>(rest));
    next_time_ = next_time_.plus(std::int64_t{ticks} * from_->clock_rate / to_->clock_rate);
  }
  out_seq_ = out_seq_.plus(std::min(ahead, 100));
  work.sink.on_noise({false, 0, out_seq_, out_time_, ssrc_}, told);
  out_seq_ = out_seq_.next();
  marker_ = true;
}

// Its repeats may share a sequence number (RFC 4733 section 2.5.1.4), and the audio goes on where it ends:
// the gap in the source's time is one in the destination's.
void Transcoder::push_event(const rtp::Header& header, std::span<const std::uint8_t> payload,
                            std::uint32_t clock_rate, Playout& decoders, codec::Encoder& encoder,
                            TranscodeSink& sink) {
  const Work work{decoders, encoder, sink};
  const auto event = rtp::parse_event(payload);
  if (!event) return pass(header.seq);
  const auto told = rtp::write_event(rtp::at_clock(*event, clock_rate, event_clock_));
  if (waits_) take_held(work);
  if (!begun_ || header.ssrc != ssrc_) {
    clock_rate_ = from_->clock_rate;
    begin(header);
  }
  const int ahead = header.seq - next_seq_;
  if (ahead < -1 || ahead > kDropoutMax) return;
  pausing_ = false;
  if ((law_ != nullptr || same_) && !repacketizes_) {
    rtp::Header out = header;
    out.seq = header.seq.plus(seq_shift_);
    out.time = header.time.plus(time_shift_);
    sink.on_transcoded(out, told);
    if (ahead >= 0) {
      next_seq_ = header.seq.next();
      out_seq_ = out.seq.next();
    }
    return;
  }
  flush_regrouped(work);
  if (filled_ != 0) {
    const std::size_t rest = (packet_.size() - filled_) / to_->channels;
    const auto ticks = codec::samples_to_ticks(*to_, static_cast<std::uint32_t>(rest));
    fill_up(work);
    next_time_ = next_time_.plus(std::int64_t{ticks} * from_->clock_rate / to_->clock_rate);
  }
  if (ahead >= 0) {
    out_seq_ = out_seq_.plus(std::min(ahead, 100) + 1);
    next_seq_ = header.seq.next();
  }
  // Some keep the event's timestamps by the event's clock beside an audio of another: then they tell nothing.
  const std::int64_t into = header.time - next_time_;
  const std::int64_t moved =
      std::abs(into) > 2 * std::int64_t{clock_rate_} ? 0 : into * to_->clock_rate / from_->clock_rate;
  sink.on_transcoded({header.marker, 0, out_seq_.plus(-1), out_time_.plus(moved), ssrc_}, told);
}

}  // namespace tandem::media
