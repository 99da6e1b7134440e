#include "tests/support/media_phone.hpp"

#include <algorithm>
#include <array>

#include "core/audio/dtmf_tone.hpp"

namespace tandem::testing {

namespace {
constexpr std::uint8_t kEventType = 101;
}

MediaPhone::MediaPhone(loop::MemoryNetwork& network, const Address& local, const td_codec* codec,
                       unsigned ptime_ms)
    : phone_(network, local),
      codec_(codec),
      encoder_(codec->create_encoder({})),
      decoder_(codec->create_decoder({})),
      ptime_ms_(ptime_ms),
      // Close to both wraps, so that every call crosses them.
      tx_({rtp::Ssrc(0x11110000u + local.port()), rtp::SeqNum(65500), rtp::RtpTime(0xffffe000u)},
          codec->clock_rate) {}

std::uint8_t MediaPhone::type_of(const td_codec* codec) {
  return static_cast<std::uint8_t>(codec->static_type >= 0 ? codec->static_type : 96);
}

MediaPhone::~MediaPhone() {
  codec_->destroy_encoder(encoder_);
  codec_->destroy_decoder(decoder_);
}

void MediaPhone::restart_stream(std::uint32_t ssrc) {
  tx_ = rtp::TxStream({rtp::Ssrc(ssrc), rtp::SeqNum(7), rtp::RtpTime(1234567)}, codec_->clock_rate);
}

void MediaPhone::secure(const srtp::Protection& send, const srtp::Protection& receive) {
  sealer_ = std::move(*srtp::Sender::create(send, tx_.ssrc().value()));
  opener_ = std::move(*srtp::Receiver::create(receive));
}

void MediaPhone::unsecure() {
  sealer_.reset();
  opener_.reset();
}

void MediaPhone::send_packet(TimePoint now, std::span<std::uint8_t> room, std::size_t bytes) {
  if (sealer_ != nullptr) bytes = sealer_->protect(room, bytes);
  if (bytes == 0) return;
  last_sent_.assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(bytes));
  phone_.send(now, remote_, room.first(bytes));
}

void MediaPhone::step(TimePoint now) {
  if (sending_ && remote_.valid() && now >= next_) {
    next_ = now + milliseconds(ptime_ms_);
    send(now);
  }
  phone_.receive(now, [this](std::span<const std::uint8_t> got, const Address&, TimePoint at) {
    std::vector<std::uint8_t> copy(got.begin(), got.end());
    std::span<std::uint8_t> bytes(copy);
    const bool rtcp = rtp::is_rtcp(bytes);
    if (opener_ != nullptr &&
        (rtcp ? opener_->unprotect_rtcp(bytes) : opener_->unprotect(bytes)) != srtp::Verdict::ok) {
      ++unopened_;
      return;
    }
    if (rtcp) {
      ++rtcp_;
      return;
    }
    take(bytes, at);
  });
  for (const rtp::Digit& digit : events_in_.tick(now))
    if (digit.phase == rtp::DigitPhase::ended) digits_ += digit.digit;
}

void MediaPhone::take(std::span<const std::uint8_t> bytes, TimePoint at) {
  rtp::Packet packet;
  if (rtp::parse(bytes, packet) != rtp::ParseVerdict::ok) return;
  if (packet.header.payload_type == kEventType) {
    for (const rtp::Digit& digit : events_in_.push(packet.header, packet.payload, at))
      if (digit.phase == rtp::DigitPhase::ended) digits_ += digit.digit;
    return;
  }
  got_.push_back({packet.header, {packet.payload.begin(), packet.payload.end()}, at});
  std::array<std::int16_t, 5760> pcm;
  const int n =
      codec_->decode(decoder_, packet.payload.data(), static_cast<std::uint32_t>(packet.payload.size()),
                     pcm.data(), static_cast<std::uint32_t>(pcm.size() / codec_->channels));
  heard_.insert(heard_.end(), pcm.begin(), pcm.begin() + std::max(0, n) * int(codec_->channels));
}

void MediaPhone::send(TimePoint now) {
  const std::uint32_t samples = codec_->sample_rate / 1000 * ptime_ms_;
  const std::uint32_t ticks = codec_->clock_rate / 1000 * ptime_ms_;
  std::vector<std::int16_t> frame(samples * codec_->channels);
  for (std::int16_t& sample : frame) sample = said_ < pcm_.size() ? pcm_[said_++] : std::int16_t{0};
  std::array<std::uint8_t, 1600> out;
  if (events_.busy()) {
    const rtp::EventTick event = events_.tick(tx_.next_time(now), ticks);
    if (event.send) {
      const rtp::Header header = tx_.at(kEventType, event.time, event.marker);
      rtp::write_header(out, header);
      std::copy(event.payload.begin(), event.payload.end(), out.begin() + rtp::kHeaderBytes);
      send_packet(now, out, rtp::kHeaderBytes + event.payload.size());
      if (!leak_) {
        tx_.skip(ticks, now, rtp::TxStream::Spurt::goes_on);
        return;
      }
      audio::DtmfTone tone(codec_->sample_rate);
      tone.start('5', 100, 0);
      (void)tone.fill(frame);
    }
  }
  const rtp::Header header = tx_.next(type_of(codec_), ticks, now);
  rtp::write_header(out, header);
  const int bytes = codec_->encode(encoder_, frame.data(), samples, out.data() + rtp::kHeaderBytes, 1500);
  if (bytes <= 0) return;
  send_packet(now, out, rtp::kHeaderBytes + static_cast<std::size_t>(bytes));
}

}  // namespace tandem::testing
