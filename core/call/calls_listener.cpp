// Calls: what the SIP side and the media plane report, each led to who acts on it. Thread: [control].
// All that comes here was said by a stranger: unknown legs and impossible orders are ignored or refused,
// never assumed.
#include "core/base/log.hpp"
#include "core/call/calls.hpp"
#include "core/call/cause.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::call {

void Calls::on_link_up() {
  if (std::exchange(link_up_, true)) return;
  Event event;
  event.name = "link.up";
  exchange_.emit(std::move(event));
}

void Calls::on_link_down() {
  if (!std::exchange(link_up_, false)) return;
  Event event;
  event.name = "link.down";
  exchange_.emit(std::move(event));
}

void Calls::turn_away(const std::string& leg, int code, const std::string& reason, int q850) {
  exchange_.around().signaling.reject(leg, code, reason.empty() ? std::string(sip_reason(code)) : reason,
                                      q850);
}

void Calls::on_incoming(const Incoming& incoming) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (exchange_.leg(incoming.leg) != nullptr) return;  // told twice
  if (!incoming.replaces.empty()) return turn_away(incoming.leg, 501, "Replaces Not Supported", 79);
  auto call = exchange_.open_call("", Direction::inbound);
  if (!call) return turn_away(incoming.leg, 503, "Too Many Calls", cause::kCongestion);
  auto opened = exchange_.open_leg(**call, Direction::inbound, incoming.leg);
  if (!opened) {
    exchange_.release((*call)->id);
    return turn_away(incoming.leg, 503, "Too Many Legs", cause::kCongestion);
  }
  Leg& leg = **opened;
  leg.from = incoming.from;
  leg.to = incoming.to;
  leg.dialed = incoming.dialed;
  leg.auth_user = incoming.auth_user;
  leg.source = incoming.source;
  leg.user_agent = incoming.user_agent;
  leg.sip_call_id = incoming.call_id;
  exchange_.index_sip_call_id(leg);
  arriving_[incoming.leg] = incoming;
  if (incoming.auth_user.empty()) return admit(incoming, exchange_.config().guest_tenant, std::nullopt);
  exchange_.around().directory.find_device(incoming.auth_user,
                                           [this, id = incoming.leg](const std::optional<Device>& device) {
                                             const auto it = arriving_.find(id);
                                             if (it == arriving_.end()) return;  // cancelled meanwhile
                                             const Incoming arrived = it->second;
                                             admit(arrived, device ? device->tenant : "", device);
                                           });
}

// The caller is known (or a stranger): is the offer acceptable, is the number one of ours?
void Calls::admit(const Incoming& incoming, const std::string& tenant, const std::optional<Device>& device) {
  arriving_.erase(incoming.leg);
  Leg* leg = exchange_.standing(incoming.leg);
  if (leg == nullptr) return;
  if (tenant.empty()) {
    exchange_.counters().refused_stranger.add();
    return exchange_.refuse(*leg, 403, "Forbidden", cause::kRejected);
  }
  leg->tenant = tenant;
  if (Call* call = exchange_.call(leg->call)) call->tenant = tenant;
  if (device && !device->extension.empty()) {  // what its digest proves counts, not what its From says
    leg->from.user = device->extension;
    leg->from.name = device->name;
  }
  const std::string number = incoming.dialed;
  const Route* route = exchange_.around().routes.match(tenant, number);
  leg->media.set_peer(media_with(exchange_.config().peers, incoming.source, incoming.auth_user,
                                 route == nullptr ? PeerMedia{} : route->media));
  if (!incoming.sdp.empty()) {
    if (auto taken = leg->media.take_offer(incoming.sdp); !taken) {
      exchange_.counters().refused_sdp.add();
      const int code = sdp::sip_code(taken.error());
      log::info("call", "leg {}: offer refused with {}: {}", leg->id, code, taken.error().message);
      exchange_.announce(*leg);
      return exchange_.refuse(*leg, code, taken.error().message, sip_to_cause(code));
    }
  }
  if (route == nullptr) {
    exchange_.counters().refused_unknown_number.add();
    exchange_.announce(*leg);
    return exchange_.refuse(*leg, 404, "Not Found", cause::kUnallocated);
  }
  exchange_.announce(*leg);
  if (leg->standing()) (void)exchange_.route(*leg, number);
}

void Calls::on_progress(const Progress& progress) {
  Leg* leg = exchange_.standing(progress.leg);
  if (leg != nullptr && leg->direction == Direction::outbound && !leg->answered())
    dials_.on_progress(*leg, progress);
}

void Calls::on_answered(const Answered& answered) {
  Leg* leg = exchange_.leg(answered.leg);
  if (leg == nullptr || leg->ended() || leg->answered() || leg->direction != Direction::outbound) return;
  if (leg->ending) {  // our CANCEL and its 200 crossed
    exchange_.around().signaling.hangup(leg->id, leg->ending_q850, cause_name(leg->ending_q850));
    return;
  }
  if (!dials_.on_answered(*leg, answered)) exchange_.hang_up(*leg, cause::kNormal);
}

void Calls::on_failed(const Failed& failed) {
  Leg* leg = exchange_.leg(failed.leg);
  if (leg == nullptr || leg->ended()) return;
  Ending ending{"remote", failed.q850 != 0 ? failed.q850 : sip_to_cause(failed.code), failed.code,
                failed.reason};
  if (leg->ending) {
    ending.by = "local";
    ending.q850 = leg->ending_q850;
  } else {
    dials_.on_failed(*leg, failed);
  }
  exchange_.ended(*leg, ending);
}

void Calls::on_confirmed(const std::string& id, const std::string& sdp) {
  Leg* leg = exchange_.standing(id);
  if (leg == nullptr) return;
  if (leg->media.offer_out() || !sdp.empty()) {
    if (auto taken = leg->media.take_answer(sdp); !taken) {
      log::warn("call", "leg {}: the answer in its ACK is refused: {}", id, taken.error().message);
      exchange_.hang_up(*leg, cause::kIncompatible, taken.error().message);
      return;
    }
    update_hold(*leg);
  }
  const auto waiting = std::exchange(leg->awaiting_ack, {});
  exchange_.emit(*leg, Event{"leg.confirmed", {}, {}, {}, {}});
  for (const auto& agreed : waiting) agreed({});
}

void Calls::on_ended(const Ended& ended) {
  arriving_.erase(ended.leg);
  Leg* leg = exchange_.leg(ended.leg);
  if (leg == nullptr) return;
  Ending ending{ended.by, ended.q850, ended.code, ended.reason};
  if (leg->ending && ended.by == "local") {
    ending.q850 = leg->ending_q850;
  } else if (ending.q850 == 0) {
    ending.q850 = ended.code >= 300 ? sip_to_cause(ended.code) : cause::kNormal;
  }
  exchange_.ended(*leg, ending);
}

void Calls::on_reoffer(const Reoffer& reoffer) {
  Leg* leg = exchange_.standing(reoffer.leg);
  if (leg == nullptr) return;
  const auto answer = leg->media.take_reoffer(reoffer.sdp, reoffer.refresh);
  if (!answer) {
    const int code = answer.error().code == ErrorCode::conflict ? 491 : sdp::sip_code(answer.error());
    log::info("call", "leg {}: re-INVITE refused with {}: {}", leg->id, code, answer.error().message);
    exchange_.around().signaling.reanswer(leg->id, code, "");
    return;
  }
  exchange_.around().signaling.reanswer(leg->id, 200, *answer);
  if (leg->standing()) update_hold(*leg);
}

void Calls::on_reanswered(const Reanswered& reanswered) {
  Leg* leg = exchange_.standing(reanswered.leg);
  if (leg == nullptr || !leg->media.offer_out()) return;
  if (reanswered.code >= 200 && reanswered.code < 300) {
    const auto taken = leg->media.take_answer(reanswered.sdp);
    if (taken) {
      update_hold(*leg);
      return;
    }
    log::warn("call", "leg {}: the answer to our re-INVITE is refused: {}", leg->id, taken.error().message);
  }
  leg->media.drop_reoffer();
  leg->holding = !leg->holding;  // as before
  if (!leg->holding) exchange_.stop_inside(*leg);
  if (reanswered.code == 481 || reanswered.code == 408) {  // RFC 3261 12.2.1.2: the dialog is gone
    exchange_.hang_up(*leg, sip_to_cause(reanswered.code));
  }
}

void Calls::update_hold(Leg& leg) {
  const bool held = leg.media.held_by_peer();
  if (held == leg.held) return;
  leg.held = held;
  exchange_.emit(leg, Event{held ? "leg.held" : "leg.resumed", {}, {}, {}, {}});
  Leg* peer = leg.peer == leg.id ? nullptr : exchange_.standing(leg.peer);
  if (peer == nullptr) return;
  if (held) {
    exchange_.play_hold_music(*peer);
  } else {
    exchange_.stop_inside(*peer);
  }
}

void Calls::on_refer(const Refer& refer) { transfers_.on_refer(refer); }
void Calls::on_refer_progress(const ReferProgress& progress) { transfers_.on_refer_progress(progress); }

void Calls::on_info(const Info& info) {
  log::debug("call", "leg {}: INFO {} ignored", info.leg, sdp::printable(info.ctype));
}

void Calls::on_info_digit(const InfoDigit& digit) {
  const Leg* leg = exchange_.standing(digit.leg);
  if (leg == nullptr || std::string_view("0123456789*#ABCD").find(digit.digit) == std::string_view::npos)
    return;
  exchange_.emit(*leg, Event{"leg.digit", {}, {}, {}, {}}
                           .with("digit", std::string(1, digit.digit))
                           .with("duration_ms", digit.duration_ms)
                           .with("source", "info"));
}

void Calls::on_message(const Message& message) {
  exchange_.around().signaling.message_reply(message.id,
                                             501);  // no message app yet: refused, not lost in silence
}
void Calls::on_message_sent(const std::string&, int) {}

void Calls::on_registered(const Registered& registered) {
  exchange_.around().directory.find_device(
      registered.user, exchange_.guarded([this, registered](const std::optional<Device>& device) {
        emit_device(registered, device ? device->tenant : "");
      }));
}

void Calls::emit_device(const Registered& registered, const std::string& tenant) {
  Event event;
  event.name = registered.expires > 0 ? "device.registered" : "device.unregistered";
  event.tenant = tenant;
  exchange_.emit(std::move(event)
                     .with("user", registered.user)
                     .with("contact", registered.contact)
                     .with("source", registered.source)
                     .with("user_agent", registered.user_agent)
                     .with("expires", registered.expires));
}

void Calls::on_contacts(const std::string& id, const std::string&, const std::vector<Contact>& contacts) {
  dials_.on_contacts(id, contacts);
}

void Calls::on_subscribed(const Subscribed& subscribed) {
  exchange_.around().directory.find_device(
      subscribed.user, exchange_.guarded([this, subscribed](const std::optional<Device>& device) {
        Event event;
        event.name = "device.subscribed";
        event.tenant = device ? device->tenant : "";
        exchange_.emit(std::move(event)
                           .with("user", subscribed.user)
                           .with("package", subscribed.event)
                           .with("expires", subscribed.expires));
      }));
}

void Calls::on_digit_received(const session::DigitEvent& digit) {
  const Leg* leg = exchange_.leg_of(digit.leg);
  if (leg == nullptr || leg->ended()) return;
  exchange_.emit(
      *leg, Event{"leg.digit", {}, {}, {}, {}}
                .with("digit", std::string(1, digit.digit))
                .with("duration_ms", static_cast<std::int64_t>(digit.duration.count()))
                .with("source", digit.source == session::DigitEvent::Source::rfc4733 ? "rfc4733" : "inband"));
}

void Calls::on_digits_sent(session::MediaId media) {
  const Leg* leg = exchange_.leg_of(media);
  if (leg != nullptr && !leg->ended()) exchange_.emit(*leg, Event{"digits.sent", {}, {}, {}, {}});
}

void Calls::on_playback_finished(session::PlaybackId id, session::MediaId media, session::PlayEnd how,
                                 milliseconds played) {
  playbacks_.on_finished(id, media, how, played);
}

void Calls::on_recording_finished(session::RecordingId id, session::MediaId, session::RecordEnd how,
                                  const std::string& path, milliseconds length, const std::string& error) {
  recordings_.on_finished(id, how, path, length, error);
}

void Calls::on_media_started(session::MediaId media) {
  const Leg* leg = exchange_.leg_of(media);
  if (leg != nullptr && !leg->ended()) exchange_.emit(*leg, Event{"leg.media_started", {}, {}, {}, {}});
}

void Calls::on_media_timed_out(session::MediaId media) {
  Leg* leg = exchange_.leg_of(media);
  if (leg == nullptr || !leg->standing() || leg->held || leg->holding) return;  // on hold nothing is expected
  exchange_.counters().media_timeouts.add();
  exchange_.emit(*leg, Event{"leg.media_timeout", {}, {}, {}, {}});
  if (exchange_.config().hang_up_on_media_timeout && leg->answered())
    exchange_.hang_up(*leg, cause::kMediaTimeout, "no media");
}

}  // namespace tandem::call
