#include "core/media/feed.hpp"

#include <algorithm>
#include <array>

#include "core/codec/registry.hpp"
#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {
namespace {

constexpr std::size_t kPacketsCrossing = 64;     // 640 ms of packets of 10 ms
constexpr std::size_t kDatagramsCrossing = 256;  // a video's burst

// What the leg says: without what it is only sent.
LegConfig as_taken(const LegConfig& config) {
  LegConfig out = config;
  std::erase_if(out.payloads, [](const PayloadMap& one) { return one.receive_type == kNotReceived; });
  return out;
}

}  // namespace

// The listener's end of the transcoder.
class Feed::Onward final : public TranscodeSink {
 public:
  Onward(Leg& to, std::uint8_t type, rtp::Timing timing, TimePoint now)
      : to_(to), type_(type), timing_(timing), now_(now) {}
  void on_transcoded(const rtp::Header& made, std::span<const std::uint8_t> payload) override {
    to_.send_fed(made, payload, type_, timing_, now_);
  }
  void on_noise(const rtp::Header& made, std::span<const std::uint8_t> payload) override {
    const int type = noise_send_type(to_.setup()->config, to_.setup()->clock_rate);
    if (type >= 0) to_.send_fed(made, payload, static_cast<std::uint8_t>(type), rtp::Timing::sampled, now_);
  }

 private:
  Leg& to_;
  const std::uint8_t type_;
  const rtp::Timing timing_;
  const TimePoint now_;
};

Result<std::unique_ptr<Feed>> Feed::create(jitter::PayloadPool& pool, Leg& from, const LegConfig& said,
                                           Leg& to, const LegConfig& wanted, Loops loops, As as) {
  std::unique_ptr<Feed> feed(new Feed(from, to));
  feed->peer_ = as == As::peer;
  if (loops == Loops::two)
    feed->ring_ = std::make_unique<PacketRing>(said.opaque ? kDatagramsCrossing : kPacketsCrossing);
  if (said.opaque != wanted.opaque)
    return Error{ErrorCode::unsupported, "datagrams that pass as they are cannot be made audio, nor back"};
  if (said.opaque) return feed;
  const LegConfig taken = as_taken(said);
  auto ears = LegSetup::create(pool, taken, nullptr);
  if (!ears) return ears.error();
  feed->ears_ = std::move(*ears);
  feed->alike_ = wanted.may_relay && speak_alike(taken, wanted);
  auto transcoder = Transcoder::create(taken, wanted);
  if (!transcoder && !feed->alike_) return transcoder.error();
  if (transcoder) feed->transcoder_ = std::move(*transcoder);
  return feed;
}

Result<std::unique_ptr<Feed>> Feed::create_own(jitter::PayloadPool& pool, Leg& leg, const LegConfig& config,
                                               std::uint8_t output) {
  const LegConfig wanted = output_of(config, output);
  if (wanted.payloads.empty()) return Error{ErrorCode::invalid, "the leg has no such output"};
  auto feed = create(pool, leg, wanted, leg, wanted);
  if (!feed) return feed.error();
  auto mouth = LegSetup::create(pool, wanted, nullptr);
  if (!mouth) return mouth.error();
  (*feed)->mouth_ = std::move(*mouth);
  if (const std::uint32_t heard = config.payloads.front().codec->sample_rate; (*feed)->ears_->rate != heard) {
    auto resampler = audio::Resampler::create((*feed)->ears_->rate, heard);
    if (!resampler) return resampler.error();
    (*feed)->to_mix_.emplace(std::move(*resampler));
  }
  return feed;
}

void Feed::set_mode(Mode mode) {
  if (mode == mode_) return;
  mode_ = mode;
  relaying_ = false;
  detach();
  if (transcoder_ != nullptr) transcoder_->reset();
  if (mode == Mode::direct) to_->begin_run();
}

void Feed::detach() {
  if (ears_ != nullptr) ears_->playout.reset();
}

void Feed::restart() {
  if (ring_ == nullptr) return begin_anew();
  (void)ring_->put(CrossingPacket::What::restart, {}, {}, {});
}

void Feed::begin_anew() {
  if (mode_ != Mode::direct) return;  // the jitter buffer sees it for itself
  if (transcoder_ != nullptr) transcoder_->reset();
  to_->begin_run();
}

bool Feed::can_transcode() const {
  return transcoder_ != nullptr && transcoder_->fits(said(), mouth().config);
}

// What the listener is sent is made by.
LegSetup& Feed::mouth() const { return mouth_ != nullptr ? *mouth_ : *to_->setup(); }

// False: this codec is another output's.
bool Feed::take_floor(std::uint8_t payload_type, TimePoint now) {
  if (ears_->playout.find(payload_type) == nullptr) return false;
  if (!to_->give_floor(*this, mouth().clock_rate, now)) return true;
  relaying_ = false;
  if (transcoder_ != nullptr) transcoder_->reset();
  return true;
}

// Its own, where the leg's is another loop's or has more than it says.
const LegConfig& Feed::said() const {
  return ring_ != nullptr || own() ? ears_->config : from_->setup()->config;
}

void Feed::push(const rtp::Packet& packet, Kind kind, TimePoint arrival) {
  using What = CrossingPacket::What;
  const bool passes = from_->passes_event();
  if (ring_ == nullptr) return take(packet, kind, passes, arrival);
  const What what = kind == Kind::audio   ? What::audio
                    : kind == Kind::noise ? What::noise
                    : passes              ? What::event
                                          : What::blocked_event;
  (void)ring_->put(what, packet.header, packet.payload, arrival);
}

void Feed::push_datagram(std::span<const std::uint8_t> bytes, bool rtcp) {
  using What = CrossingPacket::What;
  if (ring_ == nullptr) return to_->send_fed_datagram(bytes, rtcp);
  (void)ring_->put(rtcp ? What::rtcp_datagram : What::rtp_datagram, {}, bytes, {});
}

void Feed::push_digit(char digit, milliseconds duration) {
  if (ring_ == nullptr || !peer_) return;
  const auto ms = static_cast<std::uint16_t>(std::clamp<std::int64_t>(duration.count(), 0, 0xffff));
  const std::array<std::uint8_t, 3> told = {
      static_cast<std::uint8_t>(digit), static_cast<std::uint8_t>(ms >> 8U), static_cast<std::uint8_t>(ms)};
  (void)ring_->put(CrossingPacket::What::digit, {}, told, {});
}

void Feed::take_digit(std::span<const std::uint8_t> told) {
  if (to_->setup() == nullptr) return;
  if (mode_ == Mode::direct && to_->setup()->config.event_send_type >= 0) return;  // its packets went on
  to_->queue_digit(static_cast<char>(told[0]), milliseconds(told[1] << 8U | told[2]), kGapBehindKey,
                   Reported::no);
}

void Feed::cross() {
  using What = CrossingPacket::What;
  while (const CrossingPacket* packet = ring_->front()) {
    rtp::Packet told;
    told.header = packet->header;
    told.payload = packet->view();
    switch (packet->what) {
      case What::audio: take(told, Kind::audio, true, packet->arrival); break;
      case What::noise: take(told, Kind::noise, true, packet->arrival); break;
      case What::event: take(told, Kind::event, true, packet->arrival); break;
      case What::blocked_event: take(told, Kind::event, false, packet->arrival); break;
      case What::restart: begin_anew(); break;
      case What::digit: take_digit(packet->view()); break;
      case What::rtp_datagram: to_->send_fed_datagram(packet->view(), false); break;
      case What::rtcp_datagram: to_->send_fed_datagram(packet->view(), true); break;
    }
    ring_->pop();
  }
}

void Feed::take(const rtp::Packet& packet, Kind kind, bool passes, TimePoint arrival) {
  if (ears_ == nullptr || to_->setup() == nullptr || mode_ == Mode::idle) return;
  if (mode_ == Mode::mix) {
    if (kind == Kind::event) return;
    const jitter::Incoming incoming{.sequence = packet.header.seq.value(),
                                    .timestamp = packet.header.time.value(),
                                    .ssrc = packet.header.ssrc.value(),
                                    .payload_type = packet.header.payload_type,
                                    .marker = packet.header.marker};
    (void)ears_->playout.push(incoming, packet.payload, arrival);  // late, malformed: counted at the leg
    return;
  }
  if (!to_->setup()->config.send) return;
  if (own() && kind == Kind::audio && !take_floor(packet.header.payload_type, arrival)) return;
  if (kind == Kind::event) return pass_event(packet, passes, arrival);
  if (kind == Kind::noise) return pass_noise(packet, arrival);
  if (relay(packet, arrival)) return;
  if (!can_transcode()) return;
  if (std::exchange(relaying_, false)) {  // a codec that the listener has not: from here on it is made
    transcoder_->reset();
    to_->begin_run();
  }
  Onward onward(*to_, mouth().config.payloads.front().send_type, rtp::Timing::sampled, arrival);
  transcoder_->push(packet.header, packet.payload, arrival, ears_->playout, mouth().encoder, onward);
}

// True when the packet went on as it is.
bool Feed::relay(const rtp::Packet& packet, TimePoint now) {
  if (!alike_) return false;
  Playout::Codec* codec = ears_->playout.find(packet.header.payload_type);
  if (codec == nullptr) return false;
  const auto& taken = mouth().config.payloads;
  const auto same = std::find_if(taken.begin(), taken.end(), [&](const PayloadMap& payload) {
    return payload.codec == &codec->decoder.codec();
  });
  if (same == taken.end()) return false;
  if (own() && same != taken.begin()) return false;  // it takes that one, and sends another
  if (!std::exchange(relaying_, true)) to_->begin_run();
  to_->send_fed(packet.header, packet.payload, same->send_type, rtp::Timing::sampled, now);
  return true;
}

void Feed::pass_event(const rtp::Packet& packet, bool allowed, TimePoint now) {
  const int type = to_->setup()->config.event_send_type;
  const bool passes = type >= 0 && allowed;
  if (relaying_ || transcoder_ == nullptr) {
    if (passes)
      to_->send_fed(packet.header, packet.payload, static_cast<std::uint8_t>(type), rtp::Timing::held, now);
    return;
  }
  if (!can_transcode()) return;
  if (!passes) return transcoder_->pass(packet.header.seq);
  Onward onward(*to_, static_cast<std::uint8_t>(type), rtp::Timing::held, now);
  transcoder_->push_event(packet.header, packet.payload, event_clock(said(), packet.header.payload_type),
                          ears_->playout, mouth().encoder, onward);
}

// Described on to who takes that, else made.
void Feed::pass_noise(const rtp::Packet& packet, TimePoint now) {
  const std::uint32_t clock = noise_clock(said(), packet.header.payload_type);
  const int type = noise_send_type(to_->setup()->config, clock);
  if (relaying_ && type >= 0)
    return to_->send_fed(packet.header, packet.payload, static_cast<std::uint8_t>(type), rtp::Timing::sampled,
                         now);
  if (relaying_ || !can_transcode()) return;
  Onward onward(*to_, mouth().config.payloads.front().send_type, rtp::Timing::sampled, now);
  transcoder_->push_noise(packet.header, packet.payload, clock, now, ears_->playout, mouth().encoder, onward);
}

void Feed::keep_up(TimePoint now) {
  if (mode_ != Mode::direct || relaying_ || to_->setup() == nullptr || !can_transcode()) return;
  if (own() && !to_->has_floor(*this)) return;
  Onward onward(*to_, mouth().config.payloads.front().send_type, rtp::Timing::sampled, now);
  transcoder_->keep_up(now, ears_->playout, mouth().encoder, onward);
}

void Feed::pull(TimePoint now, unsigned frame_ms) {
  if (mode_ != Mode::mix || ears_ == nullptr || !can_transcode()) return;
  std::array<std::int16_t, codec::kMaxFrameSamples> said, converted;
  const std::span<std::int16_t> frame(said.data(), std::size_t{ears_->rate} / 1000 * frame_ms);
  ears_->playout.pull(now, frame);
  if (ears_->rate == to_->setup()->rate) return to_->hear(frame);
  to_->hear({converted.data(),
             to_mix_ ? to_mix_->process(frame, converted) : transcoder_->resample(frame, converted)});
}

}  // namespace tandem::media
