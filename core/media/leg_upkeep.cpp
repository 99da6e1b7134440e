// What a leg does beside its audio: RTCP both ways, a peer that is silent for too long, floods of strangers.
#include <algorithm>
#include <array>

#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {

void Leg::on_rtcp_packet(std::span<std::uint8_t> bytes, const Address& source, TimePoint arrival) {
  if (ice_ != nullptr && stun::is_stun(bytes)) return on_check(bytes, source, Port::rtcp, arrival);
  if (setup_ == nullptr) return;
  if (setup_->config.opaque) return pass_datagram(bytes, source, Port::rtcp, arrival);
  if (!crypto_.open_rtcp(bytes, loop_->counters())) return;
  if (!is_rtcp_of_peer(source, arrival)) {
    loop_->counters().strangers.add();
    return;
  }
  if (rtcp_.on_packet(bytes, arrival, tx_, rx_, setup_->clock_rate) != rtp::RtcpVerdict::ok) {
    ++malformed_;
    loop_->counters().malformed.add();
  } else if (in_pause_) {  // one description may be all that comes for minutes
    last_heard_ = arrival;
  }
}

// A leg that has nothing running looks after itself so often; its RTCP is due to the frame.
constexpr milliseconds kLookAround{100};

void Leg::keep_up(TimePoint now) {
  if (now < idle_until_ || setup_ == nullptr) return;
  if (plan_.transcode_to != nullptr) keep_transcoding(now);
  keep_feeding(now);
  if (events_in_.active()) take_keys(events_in_.tick(now));
  if (!setup_->config.opaque && rtcp_.due(now)) send_rtcp(now, false);
  const LegConfig& config = setup_->config;
  if (!config.receive || !config.send) last_heard_ = now;  // on hold nobody need speak
  if (config.inactivity_timeout > seconds(0) && !timed_out_ &&
      now - last_heard_ >= config.inactivity_timeout) {
    timed_out_ = true;
    loop_->events().push({.kind = Event::Kind::media_timed_out, .leg = id_});
  }
  defend(now);
  const bool busy = plan_.transcode_to != nullptr || feeds_out_ != 0 || events_in_.active();
  idle_until_ = busy ? TimePoint{} : std::min(now + kLookAround, rtcp_.next());
}

// A stranger's flood would fill the socket's buffer and push the peer's packets out: the kernel then keeps it
// away.
void Leg::defend(TimePoint now) {
  constexpr std::uint64_t kFloodPerSecond = 200;
  if (now - stranger_second_ < seconds(1)) return;
  const std::uint64_t strangers = latch_.strangers() + stun_refused_;
  const std::uint64_t fresh = strangers - strangers_before_;
  strangers_before_ = strangers;
  stranger_second_ = now;
  const bool known = latch_.locked() && (ice_ == nullptr || latch_.pinned());
  if (!focused_ && known && fresh > kFloodPerSecond) {
    focused_ = loop_->io().focus(rtp_port_, latch_.source());
  } else if (focused_ && now - last_heard_ > milliseconds(1500)) {  // the peer may have moved
    (void)loop_->io().focus(rtp_port_, Address{});
    focused_ = false;
  }
}

Address Leg::rtcp_destination() const {
  const LegConfig& config = setup_->config;
  Address to = latch_.remote();
  if (config.rtcp_mux) return to;
  if (ice_ != nullptr)
    if (const Address chosen = ice_->selected(stun::Component::rtcp); chosen.valid()) return chosen;
  // Symmetric: where RTP really comes from, the port that the SDP says relative to the announced one.
  if (latch_.learned() && !(to == config.remote_rtp)) {
    to.set_port(static_cast<std::uint16_t>(to.port() + 1));
    return to;
  }
  return config.remote_rtcp;
}

void Leg::send_rtcp(TimePoint now, bool bye) {
  if (!bye) sources_.sample(rx_.stats(), conditions(), now);
  std::array<std::uint8_t, rtp::RtcpSession::kBytesMax + srtp::kTrailerBytesMax> out;
  std::size_t bytes = bye ? rtcp_.build_bye(now, tx_, rx_, out) : rtcp_.build(now, tx_, rx_, out);
  const Address to = rtcp_destination();
  if (bytes == 0 || !to.valid() || to.is_unspecified() || to.port() == 0) return;
  bytes = crypto_.seal_rtcp(out, bytes, loop_->counters());
  if (bytes == 0) return;
  loop_->io().queue_send(setup_->config.rtcp_mux ? rtp_port_ : rtcp_port_, to, {out.data(), bytes});
  LoopCounters& counters = loop_->counters();
  counters.jitter_ms.add(static_cast<std::uint32_t>(rx_.jitter_ms()));
  if (plan_.decode) counters.delay_ms.add(static_cast<std::uint32_t>(setup_->playout.delay().count()));
}

}  // namespace tandem::media
