// Run: a call from its placing to its figures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/load/run.hpp"
#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

constexpr std::uint8_t kDynamicType = 96, kEventType = 101;

}  // namespace

void Run::place_due(TimePoint now) {
  const auto apart = seconds_of(1 / std::max(profile_.rate, 0.001));
  for (int i = 0; i < 64 && next_place_ <= now && calls_.size() < wanted_calls_; ++i) {
    place(now);
    next_place_ += apart;
  }
  if (calls_.size() >= wanted_calls_) next_place_ = std::max(next_place_, now);
  if (now - next_place_ > seconds(1)) next_place_ = now;  // the driver was slow: no storm afterwards
}

// Fills in what the call's phones are to say and hear; false when a codec is missing.
bool Run::specify(Call& call) {
  const Part& part = profile_.parts[call.part];
  const std::array<std::string, 2> names{part.codec, part.peer_codec.empty() ? part.codec : part.peer_codec};
  call.specs.assign(legs_of(part), {});
  for (unsigned i = 0; i < call.legs(); ++i) {
    PhoneSpec& spec = call.specs[i];
    spec.leg = call.number * stride_ + i;
    const auto codec = phone_codec(codecs_, names[i % 2], part.ptime_ms);
    if (!codec) return false;
    spec.codec = *codec;
    if (part.srtp == Secured::both || (part.srtp == Secured::one && i == call.legs() - 1))
      spec.key = srtp::Key::random(part.srtp_suite);
    spec.payload_type = spec.codec->static_type >= 0 ? static_cast<std::uint8_t>(spec.codec->static_type)
                                                     : static_cast<std::uint8_t>(kDynamicType + i % 2);
    spec.event_type = kEventType;
    spec.tolerance = tolerance_of(names[0]).with(tolerance_of(names[1]));
    spec.ptime_ms = part.ptime_ms;
    spec.talk.share = spec.partner_talk.share =
        static_cast<std::uint16_t>(std::lround(part.talk_percent * 2.56));
    spec.talk.speech = spec.partner_talk.speech = part.speech;
    spec.sends_silence = part.digits_inband;  // codecs end a key's sound in the packet after it
    if (part.digits_inband)
      spec.talk.keys_every = spec.partner_talk.keys_every =
          static_cast<std::uint16_t>(part.digit_every_ms / kSymbolMs);
    else
      spec.digit_every = milliseconds(part.digit_every_ms);
    spec.impairment = part.impairment;
    spec.late_after = Nanos(static_cast<std::int64_t>(profile_.late_ms * 1e6));
    Station& station = stations_[call.station];
    const std::size_t sockets = station.wire->sockets();
    spec.socket = static_cast<std::uint16_t>(profile_.generator.sockets == 0
                                                 ? spec.leg % sockets
                                                 : call.number * sockets / wanted_calls_ % sockets);
    const bool decoded = names[0] != names[1] || part.audio_marks || part.digits_inband || part.speech ||
                         part.kind == Kind::play || part.kind == Kind::echo || part.kind == Kind::room;
    spec.says = spec.expects = decoded ? Marks::audio : Marks::payload;
    const bool pair = part.kind == Kind::bridge || part.kind == Kind::queue;
    spec.hears = pair ? spec.leg ^ 1U : part.kind == Kind::echo ? spec.leg : kPromptSinger;
    if (part.kind == Kind::room) {
      spec.hears = spec.leg;
      spec.talk = {.members = static_cast<std::uint16_t>(part.members),
                   .seat = static_cast<std::uint16_t>(i),
                   .talkers = static_cast<std::uint16_t>(part.talkers)};
      spec.sends_silence = true;
    }
    if (part.kind == Kind::number) {
      spec.hears = kNobody;
      spec.says = Marks::audio;
      spec.expects = Marks::none;
    }
    if (part.kind == Kind::play) spec.says = Marks::none;
    // Through a relay the heard clock is the partner's; what is decoded comes on the server's.
    if (!decoded && pair) spec.partner_drift_ppm = part.impairment.drift_ppm;
  }
  return true;
}

void Run::place(TimePoint) {
  std::uint32_t number = next_number_;
  if (free_numbers_.empty()) {
    ++next_number_;
  } else {
    number = free_numbers_.back();
    free_numbers_.pop_back();
  }
  Call& call = calls_[number];
  call.number = number;
  call.part = order_[placed_++ % order_.size()];
  call.station = number % stations_.size();
  ++outcome_.calls;
  if (!specify(call)) {
    const Part& part = profile_.parts[call.part];
    fail(call, fmt::format("no codec {} or {} is built in", part.codec, part.peer_codec));
    return;
  }
  CallPlan plan;
  plan.call = number;
  plan.part = &profile_.parts[call.part];
  for (const PhoneSpec& spec : call.specs)
    plan.legs.push_back({spec.codec, spec.payload_type, spec.event_type,
                         stations_[call.station].wire->local(spec.socket), spec.key});
  driver_.place(plan);
}

void Run::count_failed(const std::string& reason) {
  ++outcome_.failed_calls;
  if (outcome_.reasons.size() < 20 || outcome_.reasons.count(reason) > 0) ++outcome_.reasons[reason];
}

void Run::fail(Call& call, const std::string& reason) {
  count_failed(reason);
  call.state = State::dropped;
  ending_ = true;
  call.come_back = call.legs();  // nothing to wait for
}

void Run::on_event(const DriverEvent& event, TimePoint now) {
  if (event.what == DriverEvent::What::ended && gone_.erase(event.call) > 0) {
    if (!event.reason.empty()) count_failed("at hang-up: " + event.reason);  // it may live on in the server
    free_numbers_.push_back(event.call);
    return;
  }
  const auto at = calls_.find(event.call);
  if (at == calls_.end()) return;
  Call& call = at->second;
  switch (event.what) {
    case DriverEvent::What::waiting:
      outcome_.setup.add(event.took);
      begin_waiting(call, event, now);
      break;
    case DriverEvent::What::up:
      if (call.state == State::waiting) {
        if (!call.serving) served(call, event);
        break;
      }
      outcome_.setup.add(event.took);
      bring_up(call, event, now);
      break;
    case DriverEvent::What::failed:
      if (call.state == State::placed) fail(call, event.reason);
      break;
    case DriverEvent::What::ended:
      if (call.state == State::waiting) {
        stop_waiting(call);
        fail(call, "the server ended a call that waited");
        break;
      }
      if (call.state != State::up) break;
      ++outcome_.dropped_calls;
      ++outcome_.reasons["the server ended the call" +
                         (event.reason.empty() ? std::string() : ": " + event.reason)];
      hush(call, now);
      break;
  }
}

void Run::bring_up(Call& call, const DriverEvent& event, TimePoint now) {
  if (call.state != State::placed) return;
  for (std::size_t i = 0; i < std::min(call.specs.size(), event.legs.size()); ++i) {
    const DriverEvent::Leg& leg = event.legs[i];
    PhoneSpec& spec = call.specs[i];
    spec.remote = leg.remote;
    if (leg.payload_type != kNoPayloadType) spec.payload_type = leg.payload_type;
    spec.peer_fmtp = leg.fmtp;
    spec.peer_key = leg.key;
  }
  auto phones = make_phones(call.specs, melody_, now);
  if (!phones) {
    fail(call, phones.error().message);
    driver_.hang_up(call.number);
    return;
  }
  Crew& crew = *stations_[call.station].crew;
  for (PhonePtr& phone : *phones)
    if (!crew.add(std::move(phone))) return fail(call, "the generator has too many phones");
  call.state = State::up;
  call.up_at = now;
  call.measured = measuring_;
  legs_come_up(call.legs());
  const double hold = profile_.parts[call.part].hold_s;
  if (hold > 0)
    call.hush_at =
        now + seconds_of(std::min(std::exponential_distribution<double>(1 / hold)(random_), 10 * hold) + 0.5);
  next_hush_ = std::min(next_hush_, call.hush_at);
  if (!placing_) hush(call, now);
}

void Run::end_due(TimePoint now) {
  ending_ = false;
  next_hush_ = TimePoint::max();
  for (auto at = calls_.begin(); at != calls_.end();) {
    Call& call = at->second;
    if (call.state == State::up && now >= call.hush_at) hush(call, now);
    if (call.state == State::waiting && now >= call.hush_at) {
      ++outcome_.queue.abandoned;
      leave_queue(call);
      at = calls_.erase(at);
      continue;
    }
    if (call.state == State::hushed && now >= call.drop_at) {
      Crew& crew = *stations_[call.station].crew;
      for (const PhoneSpec& spec : call.specs)
        if (!crew.drop(spec.leg)) ++call.come_back;
      call.state = State::dropped;
    }
    if (call.state == State::dropped && call.come_back >= call.specs.size()) {
      finish(call);
      at = calls_.erase(at);
      continue;
    }
    if (call.state == State::up || call.state == State::waiting)
      next_hush_ = std::min(next_hush_, call.hush_at);
    ending_ = ending_ || call.state == State::hushed || call.state == State::dropped;
    ++at;
  }
}

void Run::hush(Call& call, TimePoint now) {
  for (const PhoneSpec& spec : call.specs)
    if (!stations_[call.station].crew->hush(spec.leg)) ++outcome_.total.send_failed;
  call.state = State::hushed;
  ending_ = true;
  call.hushed_at = now;
  count_talk(call);
  call.drop_at = now + kLinger;
  legs_up_ -= call.legs();
}

void Run::collect() {
  for (Station& one : stations_) {
    while (PhonePtr phone = one.crew->take_back()) {
      if (is_waiter(*phone)) {
        on_waiter(*phone, loop::monotonic_now());
        continue;
      }
      const auto at = calls_.find(phone->spec.leg / stride_);
      if (at == calls_.end()) continue;
      Call& call = at->second;
      call.back.resize(call.specs.size());
      call.back[phone->spec.leg % stride_] = std::move(phone);
      ++call.come_back;
    }
  }
}

// The phones are back, or were never there: their figures, and the end of the call.
void Run::finish(Call& call) {
  call.back.resize(call.specs.size());
  for (std::size_t i = 0; i < call.specs.size(); ++i) {
    const Phone* phone = call.back[i].get();
    if (phone == nullptr || !measuring_ || !call.measured) continue;
    LegRow row;
    row.leg = phone->spec.leg;
    row.part = profile_.parts[call.part].name;
    row.codec = phone->spec.codec->name;
    row.heard_codec = call.legs() == 2 ? call.specs[1 - i].codec->name : row.codec;
    row.figures = phone->ear->figures(call.hushed_at);
    row.figures.sent = phone->voice->sent_packets();
    row.figures.dropped_on_purpose = phone->voice->dropped();
    row.figures.digits_sent = phone->voice->keys() - phone->voice->keys_before();
    add_leg(outcome_, std::move(row), profile_.parts[call.part]);
  }
  if (call.hushed_at == TimePoint{}) {  // never was up: the driver knows nothing of it any more
    free_numbers_.push_back(call.number);
    return;
  }
  gone_[call.number] = call.number;
  driver_.hang_up(call.number);
}

}  // namespace tandem::load
