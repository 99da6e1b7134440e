// The path of a packet through a leg, in and out. Changes by command are in leg_changes.cpp, what
// runs beside it in leg_upkeep.cpp.
#include "core/media/leg.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/audio/mix.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {

// ---- in

void Leg::on_packet(std::span<std::uint8_t> bytes, const Address& source, TimePoint arrival) {
  if (ice_ != nullptr && stun::is_stun(bytes)) return on_check(bytes, source, Port::rtp, arrival);
  if (opaque_) return pass_datagram(bytes, source, Port::rtp, arrival);
  if (rtp::is_rtcp(bytes)) return on_rtcp_packet(bytes, source, arrival);
  if (!crypto_.open_rtp(bytes, loop_->counters())) return;
  rtp::Packet packet;
  if (rtp::parse(bytes, packet) != rtp::ParseVerdict::ok) {
    ++malformed_;
    loop_->counters().malformed.add();
    return;
  }
  PayloadKind kind = kinds_[packet.header.payload_type & 127u];
  if (kind == PayloadKind::unknown) kind = by_its_own_number(packet.header);
  if (setup_ == nullptr || !admit(packet, kind, source, arrival)) return;
  const bool event = kind == PayloadKind::event;
  const rtp::Received received = rx_.push(packet.header, packet.payload.size(), arrival,
                                          event ? rtp::Timing::held : rtp::Timing::sampled);
  if (received.skipped != 0) loop_->counters().lost.add(received.skipped);
  if (received.verdict == rtp::RxVerdict::restarted) {
    rtp::RxStats before = rx_.stats();  // this packet is the new source's
    --before.packets, before.bytes -= packet.payload.size();
    sources_.begin(packet.header.ssrc.value(), before);
  }
  last_heard_ = arrival;
  timed_out_ = false;
  if (!started_ && rtp::usable(received.verdict)) {
    started_ = true;
    loop_->events().push({.kind = Event::Kind::media_started, .leg = id_});
  }
  if (received.verdict == rtp::RxVerdict::restarted && plan_.forward_to != nullptr)
    plan_.forward_to->tx_.begin_run();
  if (received.verdict == rtp::RxVerdict::restarted && plan_.transcode_to != nullptr) restart_transcoding();
  if (received.verdict == rtp::RxVerdict::restarted) restart_feeds();
  if (event) return take_event(packet, arrival);  // its repeats may share a sequence number
  if (!rtp::usable(received.verdict)) {
    loop_->counters().duplicate.add();
    return;
  }
  in_pause_ = kind == PayloadKind::noise;
  if (in_pause_) return take_noise(packet, arrival);
  take_audio(packet, arrival);
}

// Some that answer with a number of their own send with it, too, where ours of the offer is meant (RFC 3264
// 6.1).
PayloadKind Leg::by_its_own_number(rtp::Header& header) const {
  const int ours = setup_ == nullptr ? -1 : receive_type_of(setup_->config, header.payload_type);
  if (ours < 0) return PayloadKind::unknown;
  header.payload_type = static_cast<std::uint8_t>(ours);
  return kinds_[header.payload_type & 127u];
}

// A negotiated payload type, from the peer and nobody else.
bool Leg::admit(const rtp::Packet& packet, PayloadKind kind, const Address& source, TimePoint arrival) {
  if (kind == PayloadKind::unknown) {
    ++unknown_payload_;
    loop_->counters().unknown_payload.add();
    return false;
  }
  if (!is_of_peer(source, packet.header.ssrc, arrival)) {
    loop_->counters().strangers.add();
    return false;
  }
  return receives_;
}

// What is not ours to understand (video, UDPTL, SRTP whose keys the ends have): from the peer only, on as it
// is.
void Leg::pass_datagram(std::span<const std::uint8_t> bytes, const Address& source, Port port,
                        TimePoint arrival) {
  if (port == Port::rtp) {
    if (!is_of_peer(source, rtp::Ssrc(0), arrival)) {
      loop_->counters().strangers.add();
      return;
    }
    last_heard_ = arrival;
    timed_out_ = false;
    if (!std::exchange(started_, true))
      loop_->events().push({.kind = Event::Kind::media_started, .leg = id_});
  } else if (!is_rtcp_of_peer(source, arrival)) {
    loop_->counters().strangers.add();
    return;
  }
  if (!setup_->config.receive) return;
  feed_datagram(bytes, port);
  Leg* to = session_->peer_of(*this);
  if ((to == nullptr || !to->send_datagram(bytes, port)) && feeds_out_ == 0) return;
  ++passed_in_, passed_bytes_in_ += bytes.size();
}

void Leg::take_audio(const rtp::Packet& packet, TimePoint arrival) {
  if (mask_ != nullptr && mask_->mutes_packets()) {
    if (plan_.transcode_to != nullptr) session_->transcoder_to(*plan_.transcode_to)->pass(packet.header.seq);
    if (plan_.decode) buffer(packet, arrival);
    return;
  }
  if (plan_.forward_to != nullptr) forward(packet, PayloadKind::audio, arrival);
  if (packet.header.payload_type == heeds_type_) setup_->encoder.heed(packet.payload);
  if (plan_.transcode_to != nullptr) transcode(packet, arrival);
  feed_packet(packet, Feed::Kind::audio, arrival);
  if (plan_.decode) buffer(packet, arrival);
}

// RFC 3389: the peer is silent from here on, and tells how it sounds.
void Leg::take_noise(const rtp::Packet& packet, TimePoint arrival) {
  if (plan_.forward_to != nullptr) forward(packet, PayloadKind::noise, arrival);
  if (plan_.transcode_to != nullptr) transcode_noise(packet, arrival);
  feed_packet(packet, Feed::Kind::noise, arrival);
  if (plan_.decode) buffer(packet, arrival);
}

void Leg::buffer(const rtp::Packet& packet, TimePoint arrival) {
  const jitter::Incoming incoming{.sequence = packet.header.seq.value(),
                                  .timestamp = packet.header.time.value(),
                                  .ssrc = packet.header.ssrc.value(),
                                  .payload_type = packet.header.payload_type,
                                  .marker = packet.header.marker};
  switch (setup_->playout.push(incoming, packet.payload, arrival)) {
    case jitter::Push::late:
      rx_.count_late();
      loop_->counters().late.add();
      break;
    case jitter::Push::no_memory: loop_->counters().pool_exhausted.add(); break;
    case jitter::Push::malformed: ++malformed_, loop_->counters().malformed.add(); break;
    default: break;
  }
}

void Leg::take_event(const rtp::Packet& packet, TimePoint arrival) {
  idle_until_ = TimePoint{};  // its end may have to be told though no packet says it
  filter_.on_event();
  const std::uint32_t clock = event_clock(setup_->config, packet.header.payload_type);
  events_in_.set_clock_rate(clock);
  take_keys(events_in_.push(packet.header, packet.payload, arrival));
  rtp::Packet told = packet;
  std::array<std::uint8_t, rtp::kEventBytes> other, scaled;
  const auto event = rtp::parse_event(packet.payload);
  const auto digit = event ? rtp::digit_of_event(event->event) : std::nullopt;
  event_passes_ = digit ? told_ != '\0' : passes_keys();
  if (event_passes_ && digit && *digit != told_) {
    rtp::EventPayload changed = *event;
    changed.event = rtp::event_of_digit(told_).value_or(event->event);
    told.payload = other = rtp::write_event(changed);
  }
  if (plan_.transcode_to != nullptr) transcode_event(told, arrival);
  feed_packet(told, Feed::Kind::event, arrival);
  Leg* to = plan_.forward_to;
  if (to != nullptr && to->setup_->config.event_send_type >= 0 && event_passes_) {
    const std::uint32_t theirs = sent_event_clock(to->setup_->config);
    if (const auto seen = rtp::parse_event(told.payload); seen && clock != theirs)
      told.payload = scaled = rtp::write_event(rtp::at_clock(*seen, clock, theirs));
    forward(told, PayloadKind::event, arrival);
  }
}

// Relay: the peer's header on the same payload, out at once.
void Leg::forward(const rtp::Packet& packet, PayloadKind kind, TimePoint now) {
  Leg& to = *plan_.forward_to;
  if (!peer_takes_) return;
  const std::int8_t send_type = forwarded_types_[packet.header.payload_type & 127u];
  if (send_type < 0) {  // the peer cannot take this codec: from here on it is transcoded
    forward_blocked_ = forward_blocked_ || kind == PayloadKind::audio;
    session_->replan();
    return;
  }
  const rtp::Timing timing = kind == PayloadKind::event ? rtp::Timing::held : rtp::Timing::sampled;
  rtp::Header header;
  if (to.tx_.relay(packet.header, static_cast<std::uint8_t>(send_type), now, header, timing) !=
      rtp::RelayVerdict::forward)
    return;
  loop_->counters().relayed.add();
  to.send_rtp(header, packet.payload);
}

// ---- tick

void Leg::pull(TimePoint now, unsigned frame_ms) {
  frame_samples_ = setup_->rate / 1000 * frame_ms;
  std::fill_n(setup_->heard.data(), frame_samples_, std::int16_t{0});
  if (!plan_.decode) {
    std::fill_n(setup_->said.data(), frame_samples_, std::int16_t{0});
    return;
  }
  const Playout::Counts before = setup_->playout.counts();
  setup_->playout.pull(now, said());
  loop_->counters().decoded.add(setup_->playout.counts().decoded - before.decoded);
  loop_->counters().concealed.add(setup_->playout.counts().concealed - before.concealed);
  if (plan_.detect) detect_tones(now);
  if (mask_ != nullptr) mask_->run(said());
}

void Leg::detect_tones(TimePoint now) {
  graph::Notes& notes = loop_->notes();
  graph::Frame& frame = loop_->frame();
  frame.rate = setup_->rate;
  frame.samples = static_cast<std::uint32_t>(frame_samples_);
  std::copy_n(setup_->said.data(), frame_samples_, frame.storage.data());
  notes.clear();
  const bool masked = mask_ != nullptr && mask_->listens();
  (masked ? mask_->detector() : setup_->detector.get())->process(frame, notes);
  for (const graph::Notes::Note& note : notes.all()) {
    if (note.note.length_ms == 0) {  // it has just begun; the end tells how long it was
      if (masked) mask_->on_tone_begun(static_cast<char>(note.note.kind), note.note.at_sample);
      tell_tone(static_cast<char>(note.note.kind));
      continue;
    }
    if (masked) mask_->on_tone_ended(note.note.at_sample);
    tell_tone_ended(milliseconds(note.note.length_ms));
    const DigitFilter::Tone tone{static_cast<char>(note.note.kind), milliseconds(note.note.length_ms)};
    if (const auto ready = filter_.on_tone(tone, setup_->config.event_receive_type >= 0, now))
      report_digit(ready->digit, ready->duration, DigitSource::inband);
  }
  if (const auto ready = filter_.on_time(now))
    report_digit(ready->digit, ready->duration, DigitSource::inband);
}

void Leg::hear(std::span<const std::int16_t> pcm) {
  audio::add(heard(), pcm.first(std::min(pcm.size(), frame_samples_)));
}

void Leg::push(TimePoint now) {
  if (setup_->tone.active() || tones_count_ != 0) {
    std::array<std::int16_t, 960> tone;
    const std::span<std::int16_t> frame(tone.data(), frame_samples_);
    if (!setup_->tone.active()) start_next_tone();
    const std::size_t made = setup_->tone.fill(frame);
    std::copy_n(frame.data(), made, setup_->heard.data());  // in place of what else is heard: a clean digit
    if (!setup_->tone.active() && tones_count_ == 0) {
      report_digits_sent();
      session_->replan();
    }
  }
  feed_recorders();
  if (plan_.send && setup_->config.send) send_packets(now);
  if (mask_ != nullptr && mask_->settled()) session_->replan();
}

// ---- out

void Leg::send_packets(TimePoint now) {
  LegSetup& setup = *setup_;
  std::span<const std::int16_t> pcm = heard();
  while (!pcm.empty()) {
    const std::size_t n = std::min(pcm.size(), setup.packet.size() - setup.packet_filled);
    std::copy_n(pcm.data(), n, setup.packet.data() + setup.packet_filled);
    setup.packet_filled += n;
    pcm = pcm.subspan(n);
    if (setup.packet_filled < setup.packet.size()) return;
    setup.packet_filled = 0;
    send_audio(setup.packet, now);
  }
}

// The last samples, when what comes next is packets of others.
void Leg::send_rest() {
  LegSetup& setup = *setup_;
  std::fill(setup.packet.begin() + static_cast<std::ptrdiff_t>(setup.packet_filled), setup.packet.end(),
            std::int16_t{0});
  setup.packet_filled = 0;
  if (setup.config.send && !events_out_.busy()) send_audio(setup.packet, loop_->now());
}

void Leg::send_audio(std::span<const std::int16_t> pcm, TimePoint now) {
  const std::uint32_t ticks =
      codec::samples_to_ticks(setup_->encoder.codec(), static_cast<std::uint32_t>(pcm.size()));
  if (events_out_.busy() && send_event(ticks, now)) return;
  if (setup_->silence != nullptr && send_silence(pcm, ticks, now)) return;
  std::array<std::uint8_t, rtp::kPacketBytesMax> payload;
  const int bytes = setup_->encoder.encode_mono(pcm, payload);
  if (bytes <= 0) {
    tx_.skip(ticks, now);
    return;
  }
  loop_->counters().encoded.add();
  const rtp::Header header = tx_.next(setup_->config.payloads.front().send_type, ticks, now);
  send_rtp(header, {payload.data(), static_cast<std::size_t>(bytes)});
}

// True when nobody speaks: a description of the noise went out, or nothing.
bool Leg::send_silence(std::span<const std::int16_t> pcm, std::uint32_t ticks, TimePoint now) {
  const SilenceSender::Say say = setup_->silence->judge(pcm);
  if (say == SilenceSender::Say::speech) return false;
  if (say == SilenceSender::Say::noise) {
    const int type = noise_send_type(setup_->config, setup_->clock_rate);
    rtp::Header header = tx_.next(static_cast<std::uint8_t>(type), ticks, now);
    header.marker = false;  // a talk spurt does not begin with it
    send_rtp(header, setup_->silence->payload());
    tx_.skip(0, now);
  } else {
    tx_.skip(ticks, now);
  }
  return true;
}

// True when an event packet went out in place of the audio.
bool Leg::send_event(std::uint32_t ticks, TimePoint now) {
  const auto counted = static_cast<std::uint32_t>(std::uint64_t{ticks} * sent_event_clock(setup_->config) /
                                                  setup_->clock_rate);
  const rtp::EventTick event = events_out_.tick(tx_.next_time(now), counted);
  if (event.send) {
    const auto type = static_cast<std::uint8_t>(setup_->config.event_send_type);
    const rtp::Header header = tx_.at(type, event.time, event.marker);
    tx_.skip(ticks, now, rtp::TxStream::Spurt::goes_on);
    send_rtp(header, event.payload);
  }
  if (event.drained) report_digits_sent();
  if (!events_out_.busy()) session_->replan();  // the gap behind the last one is over, too
  return event.send;
}

void Leg::report_digits_sent() {
  if (std::exchange(digits_reported_, false))
    loop_->events().push({.kind = Event::Kind::digits_sent, .leg = id_});
}

void Leg::send_rtp(const rtp::Header& header, std::span<const std::uint8_t> payload) {
  const Address& to = latch_.remote();
  if (!to.valid() || to.is_unspecified() || to.port() == 0) return;
  std::array<std::uint8_t, rtp::kPacketBytesMax + rtp::kHeaderBytes + srtp::kTrailerBytesMax> packet;
  const std::size_t bytes =
      rtp::write_header(packet, header) + std::min(payload.size(), rtp::kPacketBytesMax);
  std::copy_n(payload.data(), bytes - rtp::kHeaderBytes, packet.data() + rtp::kHeaderBytes);
  const std::size_t sealed = crypto_.seal_rtp(packet, bytes, loop_->counters());
  if (sealed == 0) return;
  loop_->io().queue_send(rtp_port_, to, {packet.data(), sealed});
  loop_->counters().packets_sent.add();
  loop_->counters().bytes_sent.add(sealed);
  tx_.count_sent(payload.size());
}

// ---- digits and recorders

// Before anything of the event goes on. What a key is told as is settled at its begin: its last packets may
// come after a change.
void Leg::take_keys(const rtp::Digits& digits) {
  for (const rtp::Digit& digit : digits) {
    if (digit.phase == rtp::DigitPhase::ended) {
      if (mask_ != nullptr)
        mask_->on_event_ended((plan_.decode ? setup_->playout.delay() : milliseconds(0)) + milliseconds(20));
      report_digit(digit.digit, digit.duration, DigitSource::rfc4733);
    } else {
      if (mask_ != nullptr) mask_->on_event_begun(digit.digit, plan_.decode);
      told_ = mask_ != nullptr ? mask_->told(digit.digit) : passes_keys() ? digit.digit : '\0';
    }
  }
  if (mask_ != nullptr && !digits.empty() && mask_->needs_sound() != plan_.decode) session_->replan();
}

bool Leg::passes_keys() const {
  return mask_ != nullptr ? mask_->passes_events() : setup_->config.keys.act != KeyAct::drop;
}

void Leg::report_digit(char digit, milliseconds duration, DigitSource source) {
  loop_->events().push({.kind = Event::Kind::digit_received,
                        .source = source,
                        .digit = digit,
                        .duration_ms = static_cast<std::uint32_t>(duration.count()),
                        .leg = id_});
  if (source == DigitSource::inband) {
    if (!setup_->config.keys.tell || std::exchange(tone_told_, false)) return;
    told_ = digit;
  }
  pass_digit_on(duration);
}

// To the joined peer, unless the packets of the event went there themselves.
void Leg::pass_digit_on(milliseconds duration) {
  Leg* peer = session_->peer_of(*this);
  if (told_ == '\0') return;
  if (peer == nullptr) return tell_feeds(told_, duration);
  if (peer->setup_ == nullptr) return;
  if ((plan_.forward_to == peer && peer->setup_->config.event_send_type >= 0) || events_go_on()) return;
  peer->queue_digit(told_, duration, kGapBehindKey, Reported::no);
}

void Leg::feed_recorders() {
  for (std::size_t i = 0; i < recorder_count_; ++i) {
    RecorderTap& tap = *recorders_[i];
    if (tap.closed()) continue;
    tap.feed(said(), heard());
    if (tap.closed())
      loop_->events().push(
          {.kind = Event::Kind::recording_ended, .record_end = tap.end(), .leg = id_, .object = tap.id()});
  }
}

}  // namespace tandem::media
