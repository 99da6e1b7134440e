// What a leg says, in the peer's codec, as it comes. The work is the Transcoder's; here are the two ends of
// it.
#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {

// The peer's end: a place in its stream, and out.
class Leg::Onward final : public TranscodeSink {
 public:
  Onward(Leg& to, TimePoint now) : to_(to), now_(now) {}
  void on_transcoded(const rtp::Header& made, std::span<const std::uint8_t> payload) override {
    rtp::Header header;
    const std::uint8_t type = to_.setup_->config.payloads.front().send_type;
    if (to_.tx_.relay(made, type, now_, header) == rtp::RelayVerdict::forward) to_.send_rtp(header, payload);
  }

 private:
  Leg& to_;
  const TimePoint now_;
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
