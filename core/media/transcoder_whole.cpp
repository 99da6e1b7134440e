// What goes through a Transcoder without being decoded: whole packets by table or as they are, and one
// codec's payloads cut and joined to another length. Order and loss stay the source's.
#include <algorithm>

#include "core/codec/g711.hpp"
#include "core/codec/registry.hpp"
#include "core/media/transcoder.hpp"

namespace tandem::media {

// Nothing to decode, so nothing to wait for: order, loss and time stay the source's.
bool Transcoder::translate(const rtp::Header& header, std::span<const std::uint8_t> payload,
                           const td_codec& codec, const Work& work) {
  if ((law_ == nullptr && !same_) || repacketizes_) return false;
  const std::uint32_t ticks =
      law_ != nullptr ? static_cast<std::uint32_t>(payload.size()) : codec::payload_ticks(codec, payload);
  if (&codec != from_ || (ticks != packet_ticks_ && !(same_ && any_length_ && ticks != 0))) {
    repacketizes_ = true;  // and stays so: each change of the way is a seam
    return false;
  }
  rtp::Header out = header;
  out.seq = header.seq.plus(seq_shift_);
  out.time = header.time.plus(time_shift_);
  ++counts_.translated;
  if (law_ != nullptr) {
    std::array<std::uint8_t, 480> bytes;  // 60 ms
    codec::transcode(*law_, payload, bytes.data());
    work.sink.on_transcoded(out, {bytes.data(), payload.size()});
  } else {
    work.sink.on_transcoded(out, payload);
  }
  if (header.seq.is_before(next_seq_)) return true;
  next_seq_ = header.seq.next();
  next_time_ = header.time.plus(ticks);
  out_seq_ = out.seq.next();
  out_time_ = out.time.plus(ticks);
  marker_ = false;
  return true;
}

// True when the packet was taken: the same codec, in packets of another length.
bool Transcoder::regroup(const rtp::Header& header, std::span<const std::uint8_t> payload,
                         std::uint32_t ticks, const Work& work) {
  if (!regrouped_) return false;
  if (&work.decoders.find(header.payload_type)->decoder.codec() != to_) {
    flush_regrouped(work);
    return false;
  }
  const std::int32_t ahead = header.time - next_time_;
  const bool lost = header.seq != next_seq_;
  if (lost || ahead > static_cast<std::int32_t>(clock_rate_ / 1000 * kJitterOfClockMs)) {
    flush_regrouped(work);
    out_time_ = out_time_.plus(std::max(ahead, 0));
    if (lost) {  // at least one: the far end is to see that something is missing
      const int packets = std::max(ahead, 0) / static_cast<int>(packet_ticks_);
      out_seq_ = out_seq_.plus(std::clamp(packets, 1, 100));
    } else {
      marker_ = true;
    }
  }
  const auto samples = codec::ticks_to_samples(*to_, ticks);
  if (!regrouped_->push(payload, samples)) {
    flush_regrouped(work);
    if (!regrouped_->push(payload, samples)) return false;
  }
  next_seq_ = header.seq.next();
  next_time_ = header.time.plus(ticks);
  std::array<std::uint8_t, rtp::kPacketBytesMax> out;
  while (regrouped_->ready()) {
    const Repacketizer::Packet packet = regrouped_->take(out);
    if (packet.bytes == 0) {  // it cannot be cut here: from now on it is coded anew
      decode_regrouped(work);
      break;
    }
    send_regrouped(packet, out, work);
  }
  return true;
}

void Transcoder::send_regrouped(Repacketizer::Packet packet, std::span<const std::uint8_t> payload,
                                const Work& work) {
  ++counts_.translated;
  work.sink.on_transcoded({marker_, 0, out_seq_, out_time_, ssrc_}, payload.first(packet.bytes));
  out_seq_ = out_seq_.next();
  out_time_ = out_time_.plus(codec::samples_to_ticks(*to_, packet.samples));
  marker_ = false;
}

// What waits goes out in packets as short as they are.
void Transcoder::flush_regrouped(const Work& work) {
  std::array<std::uint8_t, rtp::kPacketBytesMax> out;
  while (regrouped_ && !regrouped_->empty()) {
    const Repacketizer::Packet packet = regrouped_->flush(out);
    if (packet.bytes == 0) return decode_regrouped(work);
    send_regrouped(packet, out, work);
  }
}

void Transcoder::decode_regrouped(const Work& work) {
  Playout::Codec& codec = work.decoders.own();
  std::array<std::int16_t, codec::kMaxFrameSamples * 2 * 2> pcm;
  while (!regrouped_->empty()) {
    const Repacketizer::Part part = regrouped_->first();
    const int samples = codec.decoder.decode(part.payload, pcm);
    const std::size_t width = codec.decoder.codec().channels, from = part.from * width;
    const std::size_t all = samples < 0 ? 0 : static_cast<std::size_t>(samples) * width;
    if (all > from) good(std::span(pcm).subspan(from, all - from), codec, work);
    regrouped_->drop();
  }
  regrouped_.reset();
}

}  // namespace tandem::media
