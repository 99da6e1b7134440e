// What commands change of a leg: setup, player, recorders, digits to send, the session's plan.
#include <algorithm>
#include <utility>

#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {

// A relayed call is to take 40 KB at most, all that control and the plugins keep of it included.
static_assert(sizeof(Leg) <= 4096 && sizeof(LegSetup) <= 2048);

Leg::Leg(const Identity& identity)
    : session_(&solo_), tx_(identity.origin, 8000), id_(identity.id), solo_(*this), rtcp_(identity.rtcp) {}

Leg::~Leg() = default;

void Leg::attach(MediaLoop& loop, loop::PortId rtp, loop::PortId rtcp, TimePoint now) {
  loop_ = &loop;
  rtp_port_ = rtp;
  rtcp_port_ = rtcp;
  last_heard_ = now;
}

void Leg::detach(TimePoint now) {
  if (setup_ != nullptr) {
    if (tx_.active() && !setup_->config.opaque) send_rtcp(now, true);
    setup_->playout.reset();
  }
  finish_player(PlayEnd::leg_closed);
  for (std::size_t i = 0; i < recorder_count_; ++i) {
    if (recorders_[i]->closed()) continue;
    recorders_[i]->close(RecordEnd::leg_closed);
    loop_->events().push({.kind = Event::Kind::recording_ended,
                          .record_end = RecordEnd::leg_closed,
                          .leg = id_,
                          .object = recorders_[i]->id()});
  }
  loop_->io().close(rtp_port_);
  loop_->io().close(rtcp_port_);
}

void Leg::swap_setup(std::unique_ptr<LegSetup>& setup, TimePoint now) {
  const bool first = setup_ == nullptr;
  setup_.swap(setup);
  if (setup != nullptr) setup->playout.reset();  // the old one leaves its blocks here
  tx_.set_clock_rate(setup_->clock_rate, now);
  tx_.begin_run();
  const auto& payloads = setup_->config.payloads;
  const auto received = std::find_if(payloads.begin(), payloads.end(),
                                     [](const PayloadMap& one) { return one.receive_type != kNotReceived; });
  rx_.set_clock_rate((received == payloads.end() ? payloads.front() : *received).codec->clock_rate);
  if (first) rtcp_.start(now);
  apply_config(now);
}

void Leg::swap_config(LegConfig& config, TimePoint now) {
  std::swap(setup_->config, config);
  apply_config(now);
}

void Leg::apply_config(TimePoint now) {
  const LegConfig& config = setup_->config;
  classify(config, kinds_);
  opaque_ = config.opaque;
  receives_ = config.receive;
  heeds_type_ =
      setup_->encoder.heeds() ? std::int16_t{config.payloads.front().receive_type} : std::int16_t{-1};
  idle_until_ = TimePoint{};
  events_out_.set_clock_rate(sent_event_clock(config));
  in_pause_ = false;
  latch_.reset({.announced = config.remote_rtp,
                .symmetric = config.symmetric,
                .window = config.learn_window,
                .sends_elsewhere = config.sends_elsewhere},
               now);
  pin_selected(now);
  loop_->io().set_dscp(rtp_port_, config.dscp);
  last_heard_ = now;
  timed_out_ = false;
  forward_blocked_ = false;
  setup_->packet_filled = 0;
  session_->replan();
}

void Leg::swap_player(std::unique_ptr<Player>& player, PlayEnd reason) {
  finish_player(reason);
  player_.swap(player);
  session_->replan();
}

void Leg::finish_player(PlayEnd reason) {
  if (player_ == nullptr || player_->reported()) return;
  player_->set_reported();
  const std::uint64_t played_ms = setup_ == nullptr ? 0 : player_->played_samples() * 1000 / setup_->rate;
  loop_->events().push({.kind = Event::Kind::playback_finished,
                        .play_end = reason,
                        .duration_ms = static_cast<std::uint32_t>(played_ms),
                        .leg = id_,
                        .object = player_->id()});
}

void Leg::render_player(std::span<std::int16_t> frame) {
  if (player_->render(frame)) return;
  finish_player(PlayEnd::done);
}

bool Leg::add_recorder(std::shared_ptr<RecorderTap>& tap) {
  if (recorder_count_ == kRecordersMax) return false;
  recorders_[recorder_count_++] = std::move(tap);
  session_->replan();
  return true;
}

void Leg::take_recorder(RecordingId id, std::shared_ptr<RecorderTap>& out) {
  for (std::size_t i = 0; i < recorder_count_; ++i) {
    if (recorders_[i]->id() != id) continue;
    out = std::move(recorders_[i]);
    recorders_[i] = std::move(recorders_[--recorder_count_]);
    session_->replan();
    return;
  }
}

void Leg::swap_mask(std::unique_ptr<KeyMask>& mask) {
  tell_tone_ended(milliseconds(0));  // whatever was begun under the old one
  tone_told_ = false;
  mask_.swap(mask);
}

void Leg::queue_digit(char digit, milliseconds duration, milliseconds gap, Reported reported) {
  if (setup_ == nullptr) return;
  if (reported == Reported::yes) digits_reported_ = true;
  if (setup_->config.event_send_type >= 0) {
    (void)events_out_.queue(digit, duration, gap);
  } else if (tones_count_ < tones_.size()) {
    const auto short_ms = [](milliseconds span) {
      return static_cast<std::uint16_t>(std::clamp<std::int64_t>(span.count(), 0, 0xffff));
    };
    tones_[(tones_first_ + tones_count_++) % tones_.size()] = {digit, short_ms(duration), short_ms(gap)};
  }
  session_->replan();
}

// As soon as it is known: the event sounds while the tone does, and what is said after it is not cut.
void Leg::tell_tone(char digit) {
  Leg* peer = session_->peer_of(*this);
  tone_told_ = setup_->config.keys.tell && peer != nullptr && peer->setup_ != nullptr &&
               peer->setup_->config.event_send_type >= 0 && peer->events_out_.begin(digit, kGapBehindKey);
  if (tone_told_) session_->replan();
}

void Leg::tell_tone_ended(milliseconds duration) {
  if (!tone_told_) return;
  if (Leg* peer = session_->peer_of(*this)) peer->events_out_.end(duration);
}

void Leg::start_next_tone() {
  const ToneDigit next = tones_[tones_first_];
  tones_first_ = (tones_first_ + 1) % tones_.size();
  --tones_count_;
  if (next.digit == 'w') {
    (void)setup_->tone.start('1', 0, 500);  // no tone, only its gap
  } else {
    (void)setup_->tone.start(next.digit, next.duration_ms, next.gap_ms);
  }
}

bool Leg::sends_digits() const {
  return events_out_.busy() || tones_count_ != 0 || (setup_ != nullptr && setup_->tone.active());
}

bool Leg::hears_only_its_peer() const {
  return !sends_digits() && (player_ == nullptr || player_->finished()) && (feeds_in_ == 0 || fed_directly_);
}

bool Leg::may_forward_to(const Leg& other) const {
  if (forward_blocked_ || setup_ == nullptr || other.setup_ == nullptr) return false;
  if (!setup_->config.may_relay || is_masked()) return false;
  if (!other.hears_only_its_peer()) return false;
  return speak_alike(setup_->config, other.setup_->config);
}

bool Leg::can_detect() const {
  return (mask_ != nullptr && mask_->listens()) || (setup_ != nullptr && setup_->detector != nullptr);
}

void Leg::set_plan(const Plan& plan) {
  if (plan_.send && !plan.send && setup_ != nullptr && setup_->packet_filled != 0) send_rest();
  if (plan.decode != plan_.decode && setup_ != nullptr) setup_->playout.reset();
  // Another way to the peer: its stream goes on with a switch.
  if (plan.forward_to != nullptr && plan.forward_to != plan_.forward_to) plan.forward_to->tx_.begin_run();
  if (plan.transcode_to != nullptr && plan.transcode_to != plan_.transcode_to) {
    session_->transcoder_to(*plan.transcode_to)->reset();
    plan.transcode_to->tx_.begin_run();
  }
  if (plan.send && !plan_.send) {
    tx_.begin_run();
    if (setup_ != nullptr) setup_->packet_filled = 0;
    if (setup_ != nullptr && setup_->silence != nullptr) setup_->silence->reset();
  }
  plan_ = plan;
  idle_until_ = TimePoint{};
  learn_forwarded_types();
}

// The number under which the peer is sent what came under this one; -1: it cannot take it.
int Leg::forwarded_type(const Leg& to, std::uint8_t payload_type, PayloadKind kind) const {
  const LegConfig& theirs = to.setup_->config;
  if (kind == PayloadKind::event) return theirs.event_send_type;
  if (kind == PayloadKind::noise) return noise_send_type(theirs, noise_clock(setup_->config, payload_type));
  const Playout::Codec* codec = setup_->playout.find(payload_type);
  int type = -1;
  for (const PayloadMap& payload : theirs.payloads)
    if (codec != nullptr && payload.codec == &codec->decoder.codec()) type = payload.send_type;
  return type;
}

// With each plan, so that a packet need not look at what SDP agreed.
void Leg::learn_forwarded_types() {
  forwarded_types_.fill(-1);
  const Leg* to = plan_.forward_to;
  peer_takes_ = to != nullptr && to->setup_->config.send;
  for (std::size_t type = 0; to != nullptr && type < kinds_.size(); ++type)
    if (kinds_[type] != PayloadKind::unknown)
      forwarded_types_[type] =
          static_cast<std::int8_t>(forwarded_type(*to, static_cast<std::uint8_t>(type), kinds_[type]));
}

void Leg::expect_packet() const {
  const auto* const first = reinterpret_cast<const char*>(this);
  const auto* const last = reinterpret_cast<const char*>(&crypto_);
  for (const char* line = first; line <= last; line += 64) __builtin_prefetch(line, 1);
  __builtin_prefetch(kinds_.data());
  __builtin_prefetch(forwarded_types_.data());
}

void Leg::expect_relay() const {
  crypto_.expect_packet();
  const Leg* const to = plan_.forward_to;
  if (to == nullptr) return;
  __builtin_prefetch(&to->latch_);
  const auto* const last = reinterpret_cast<const char*>(&to->tx_ + 1);
  for (const auto* line = reinterpret_cast<const char*>(&to->crypto_); line < last; line += 64)
    __builtin_prefetch(line, 1);
}

void Leg::expect_send() const {
  if (plan_.forward_to != nullptr) plan_.forward_to->crypto_.expect_send();
}

rtp::SourceLog::Conditions Leg::conditions() const {
  return {.jitter_ms = rx_.jitter_ms(),
          .round_trip_ms = rtcp_.remote().round_trip_ms,
          .buffer_ms = plan_.decode ? static_cast<double>(setup_->playout.delay().count()) : 0,
          .impairment = rtp::impairment_of(setup_->config.payloads.front().codec->name)};
}

LegFigures Leg::figures() const {
  LegFigures out;
  if (setup_ != nullptr) {
    out.codec = setup_->config.payloads.front().codec;
    out.delay_ms = plan_.decode ? static_cast<double>(setup_->playout.delay().count()) : 0;
  }
  out.received = rx_.stats();
  if (setup_ != nullptr && setup_->config.opaque) {
    out.received.packets = passed_in_;
    out.received.bytes = passed_bytes_in_;
  }
  out.jitter_ms = rx_.jitter_ms();
  out.at = loop_->now();
  out.ssrc_sent = tx_.ssrc().value();
  out.source_count = sources_.read(rx_.stats(), out.sources);
  if (out.source_count != 0 && out.sources.front().samples == 0 && setup_ != nullptr) {
    rtp::SourceLog short_one = sources_;  // too short for a report: measured until now
    short_one.sample(rx_.stats(), conditions(), out.at);
    (void)short_one.read(rx_.stats(), out.sources);
  }
  out.loss_percent = rx_.loss_percent();
  out.late = rx_.stats().late;
  out.packets_sent = tx_.packets();
  out.bytes_sent = tx_.bytes();
  out.remote = rtcp_.remote();
  out.rtcp_packets = rtcp_.received();
  out.rtcp_bytes = rtcp_.received_bytes();
  out.rtcp_malformed = rtcp_.malformed();
  out.strangers = latch_.strangers();
  out.malformed = malformed_;
  out.unknown_payload = unknown_payload_;
  out.remote_address = latch_.remote();
  out.srtp_forged = crypto_.counts().forged;
  out.srtp_replayed = crypto_.counts().replayed;
  out.ice = ice_ != nullptr;
  out.ice_selected = out.ice && ice_->selected(stun::Component::rtp).valid();
  out.stun_refused = stun_refused_;
  if (setup_ != nullptr && setup_->config.srtp)
    out.srtp_suite = srtp::facts(setup_->config.srtp->receive.key.suite()).name;
  out.relaying = plan_.forward_to != nullptr || (fed_directly_ && feeds_to_[0]->relaying());
  out.joined = session_->peer_of(*this) != nullptr || feeds_in_ != 0;
  out.playing = player_ != nullptr && !player_->finished();
  return out;
}

}  // namespace tandem::media
