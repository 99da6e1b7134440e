// Voice: see the header. Payloads are made of tables by memcpy wherever no codec must run.
#include "core/load/voice.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/codec/g711.hpp"
#include "core/load/huge_pool.hpp"
#include "core/load/stamp.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::load {
namespace {

HugePool<Voice>& voices() {
  static HugePool<Voice> pool;
  return pool;
}

// Bytes of a packet that is never decoded, about what the codec would make of it.
unsigned opaque_bytes(const td_codec& codec, unsigned ptime_ms) {
  if (codec.static_type == 0 || codec.static_type == 8 || codec.static_type == 9) return 8 * ptime_ms;
  if (std::strcmp(codec.name, "opus") == 0) return std::max(3 * ptime_ms, 24U);
  return std::clamp(codec.max_payload * ptime_ms / 60, unsigned{kStampBytes}, 1280U);
}

}  // namespace

void* Voice::operator new(std::size_t) { return voices().take(); }
void Voice::operator delete(void* place) noexcept { voices().give(place); }

Voice::Voice(const PhoneSpec& spec, const Melody& melody, std::unique_ptr<codec::Encoder> encoder)
    : melody_(melody),
      interval_(milliseconds(spec.ptime_ms)),
      leg_(spec.leg),
      ssrc_(spec.goes_on ? spec.goes_on->ssrc : ssrc_of(spec.leg)),
      packet_ticks_(spec.codec->clock_rate / 1000 * spec.ptime_ms),
      payload_bytes_(opaque_bytes(*spec.codec, spec.ptime_ms)),
      says_(spec.says),
      payload_type_(spec.payload_type),
      impaired_(spec.impairment.any()),
      drifts_(spec.impairment.drift_ppm != 0),
      presses_(spec.digit_every.count() > 0 && spec.event_type != kNoPayloadType),
      pauses_(!spec.sends_silence && spec.says != Marks::none &&
              (spec.talk.share < 256 || spec.talk.members > 0 || spec.talk.keys_every > 0)),
      time_(spec.goes_on ? spec.goes_on->time : static_cast<std::uint32_t>(mixed(spec.leg + 9))),
      seq_(spec.goes_on ? spec.goes_on->seq
                        : static_cast<std::uint16_t>(mixed(spec.leg + 7) &
                                                     0x7fff)) /* RFC 3711 3.3.1: no rollover is missed */,
      packet_samples_(std::int64_t{8} * spec.ptime_ms),
      encoder_(std::move(encoder)),
      spec_(spec),
      pcm_(spec.codec->sample_rate / 1000 * spec.ptime_ms),
      impairment_(spec.impairment, mixed(spec.leg)),
      events_(spec.codec->clock_rate) {}

void Voice::prefetch() const {
  const auto* whole = reinterpret_cast<const std::uint8_t*>(this);
  for (std::size_t at = 0; at < 128; at += 64) __builtin_prefetch(whole + at, 1);
}

Voice::Made Voice::next(std::span<std::uint8_t> out) {
  Made made;
  made.tick = tick_;
  const bool speaks = !pauses_ || symbol(leg_, position() / kSymbolSamples, spec_.talk) != kSilence;
  if (presses_ && tick_ > 0 && tick_ * spec_.ptime_ms % spec_.digit_every.count() < spec_.ptime_ms) {
    if (events_.queue(key_of(spec_.leg, keys_), milliseconds(80), milliseconds(60))) ++keys_;
    keying_ = true;
  }
  rtp::EventTick event;
  if (keying_) {
    event = events_.tick(rtp::RtpTime(time_), packet_ticks_);
    keying_ = events_.busy();
  }
  rtp::Header header;
  header.ssrc = rtp::Ssrc(ssrc_);
  if (event.send) {
    header = {event.marker, spec_.event_type, rtp::SeqNum(seq_), event.time, header.ssrc};
    rtp::write_header(out, header);
    std::copy(event.payload.begin(), event.payload.end(), &out[rtp::kHeaderBytes]);
    made.bytes = rtp::kHeaderBytes + event.payload.size();
  } else if (speaks) {
    header = {spurt_, payload_type_, rtp::SeqNum(seq_), rtp::RtpTime(time_), header.ssrc};
    rtp::write_header(out, header);
    const std::size_t payload = write_payload(out.subspan(rtp::kHeaderBytes), made.stamped);
    made.bytes = payload == 0 ? 0 : rtp::kHeaderBytes + payload;
  }
  if (says_ != Marks::payload && spec_.talk.keys_every > 0) count_inband_keys();
  spurt_ = !speaks;
  ++tick_;
  time_ += packet_ticks_;
  if (made.bytes == 0) return made;
  ++seq_;
  ++sent_packets_;
  if (impaired_) made.fate = impairment_.next(interval_);
  if (made.fate.lost) ++dropped_;
  return made;
}

// Those whose last sample is in this packet, or was.
void Voice::count_inband_keys() {
  const std::int64_t every = std::int64_t{spec_.talk.keys_every} * kSymbolSamples;
  const std::int64_t over = position() + packet_samples_ - std::int64_t{kKeySymbols} * kSymbolSamples;
  if (over > 0) keys_ = static_cast<std::uint64_t>(over / every);
}

std::size_t Voice::write_payload(std::span<std::uint8_t> out, bool& stamped) {
  if (says_ == Marks::payload) {
    const std::span<std::uint8_t> payload = out.first(payload_bytes_);
    melody_.sing(leg_, std::int64_t{counter_} * payload_bytes_, Melody::Law::mu, payload);
    write_stamp(payload, {leg_, counter_++, TimePoint{}});
    stamped = true;
    return payload_bytes_;
  }
  const int law = spec_.codec->static_type;
  if (law == 0 || law == 8) {
    const auto size = static_cast<std::size_t>(packet_samples_);
    if (spec_.says == Marks::none)
      std::memset(out.data(), law == 0 ? codec::kUlawSilence : codec::kAlawSilence, size);
    else
      melody_.sing(spec_.leg, position(), law == 0 ? Melody::Law::mu : Melody::Law::a, out.first(size),
                   spec_.talk);
    return size;
  }
  if (spec_.says != Marks::none)
    melody_.sing(spec_.leg, position() * spec_.codec->sample_rate / 8000, spec_.codec->sample_rate, pcm_,
                 spec_.talk);
  const int bytes = encoder_ ? encoder_->encode(pcm_, out) : 0;
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

std::optional<TimePoint> Voice::sent_at(std::int64_t position) const {
  const std::int64_t tick = position / packet_samples_;
  if (position < 0 || tick >= tick_ || tick < first_tick_ ||
      tick_ - tick >= static_cast<std::int64_t>(kRemembered))
    return std::nullopt;
  const TimePoint at = sent_at_[static_cast<std::size_t>(tick) % kRemembered];
  return at + Nanos((position - tick * packet_samples_) * 125'000);
}

Nanos Voice::drifting_interval(TimePoint due) {
  if (!first_due_) first_due_ = due;
  const Nanos since = due - *first_due_;
  const std::int64_t plain = interval_.count();
  double ppm = spec_.impairment.drift_ppm;
  if (spec_.impairment.drift_turns_s > 0 &&
      static_cast<std::int64_t>(std::chrono::duration<double>(since).count() /
                                spec_.impairment.drift_turns_s) %
              2 ==
          1)
    ppm = -ppm;
  return Nanos(plain + std::llround(static_cast<double>(plain) * ppm / 1e6));
}

void Voice::begin_measure() {
  measured_from_ = counter_;
  dropped_ = 0;
  sent_packets_ = 0;
  keys_before_ = keys_;
}

}  // namespace tandem::load
