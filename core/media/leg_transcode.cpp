// What a leg says, in the peer's codec, as it comes. The work is the Transcoder's; here are the two ends of
// it.
#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {

// The peer's end: a place in its stream, and out.
class Leg::Onward final : public TranscodeSink {
 public:
  Onward(Leg& to, TimePoint now) : to_(to), now_(now) {}
  // What comes now is a telephone-event: its type, and its time stands still.
  void carries_event() {
    type_ = static_cast<std::uint8_t>(to_.setup_->config.event_send_type);
    timing_ = rtp::Timing::held;
  }
  void on_transcoded(const rtp::Header& made, std::span<const std::uint8_t> payload) override {
    rtp::Header header;
    if (to_.tx_.relay(made, type_, now_, header, timing_) == rtp::RelayVerdict::forward)
      to_.send_rtp(header, payload);
  }
  void on_noise(const rtp::Header& made, std::span<const std::uint8_t> payload) override {
    const int type = noise_send_type(to_.setup_->config, to_.setup_->clock_rate);
    rtp::Header header;
    if (type >= 0 &&
        to_.tx_.relay(made, static_cast<std::uint8_t>(type), now_, header) == rtp::RelayVerdict::forward)
      to_.send_rtp(header, payload);
  }

 private:
  Leg& to_;
  const TimePoint now_;
  std::uint8_t type_ = to_.setup_->config.payloads.front().send_type;
  rtp::Timing timing_ = rtp::Timing::sampled;
};

namespace {

void count(LoopCounters& counters, const Transcoder::Counts& before, const Transcoder::Counts& after) {
  counters.decoded.add(after.decoded - before.decoded);
  counters.encoded.add(after.encoded - before.encoded);
  counters.translated.add(after.translated - before.translated);
  counters.concealed.add(after.concealed - before.concealed + after.recovered - before.recovered);
  counters.undecodable.add(after.undecodable - before.undecodable);
}

}  // namespace

void Leg::transcode(const rtp::Packet& packet, TimePoint now) {
  Leg& to = *plan_.transcode_to;
  if (!to.setup_->config.send) return;
  Transcoder& transcoder = *session_->transcoder_to(to);
  const Transcoder::Counts before = transcoder.counts();
  Onward onward(to, now);
  transcoder.push(packet.header, packet.payload, now, setup_->playout, to.setup_->encoder, onward);
  count(loop_->counters(), before, transcoder.counts());
  if (transcoder.counts().late != before.late) {
    rx_.count_late();
    loop_->counters().late.add();
  }
}

// The packets of a telephone-event go on themselves; where the peer takes none, tones are made
// (pass_digit_on), for which that direction runs on the tick.
bool Leg::events_go_on() const {
  const Leg* to = plan_.transcode_to;
  return to != nullptr && to->setup_->config.event_send_type >= 0 && event_passes_ && to->setup_->config.send;
}

void Leg::transcode_event(const rtp::Packet& packet, TimePoint now) {
  Leg& to = *plan_.transcode_to;
  Transcoder& transcoder = *session_->transcoder_to(to);
  if (!events_go_on()) return transcoder.pass(packet.header.seq);
  Onward onward(to, now);
  onward.carries_event();
  transcoder.push_event(packet.header, packet.payload,
                        event_clock(setup_->config, packet.header.payload_type), setup_->playout,
                        to.setup_->encoder, onward);
}

void Leg::transcode_noise(const rtp::Packet& packet, TimePoint now) {
  Leg& to = *plan_.transcode_to;
  if (!to.setup_->config.send) return;
  Transcoder& transcoder = *session_->transcoder_to(to);
  Onward onward(to, now);
  transcoder.push_noise(packet.header, packet.payload,
                        noise_clock(setup_->config, packet.header.payload_type), now, setup_->playout,
                        to.setup_->encoder, onward);
}

void Leg::keep_transcoding(TimePoint now) {
  Leg& to = *plan_.transcode_to;
  Transcoder& transcoder = *session_->transcoder_to(to);
  const Transcoder::Counts before = transcoder.counts();
  Onward onward(to, now);
  transcoder.keep_up(now, setup_->playout, to.setup_->encoder, onward);
  count(loop_->counters(), before, transcoder.counts());
}

void Leg::restart_transcoding() {
  session_->transcoder_to(*plan_.transcode_to)->reset();
  plan_.transcode_to->tx_.begin_run();
}

}  // namespace tandem::media
