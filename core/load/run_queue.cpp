// Run: calls to a queue, which wait before they are up.
//
//   placed ─► waiting: a phone of its own hears the music ─► up: the caller's phone and an agent's, as any
//   pair
//                └─ patience over: abandoned
//
// The phone that waits has the call's third number. Thread: [control].
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/load/run.hpp"

namespace tandem::load {
namespace {

constexpr std::uint32_t kWaiter = 2;             // its place among the call's numbers
constexpr Nanos kHole = seconds(2);              // music may rest, but not so long
constexpr Nanos kNoPacket = milliseconds(1000);  // what the change to the agent may take
constexpr Nanos kWaiterLivedMin = milliseconds(1500);

}  // namespace

bool Run::is_waiter(const Phone& phone) const {
  const std::size_t place = phone.spec.leg % stride_;
  return place == kWaiter && phone.spec.expects == Marks::any;
}

void Run::begin_waiting(Call& call, const DriverEvent& event, TimePoint now) {
  if (call.state != State::placed || event.legs.empty()) return;
  const Part& part = profile_.parts[call.part];
  PhoneSpec spec = call.specs[0];
  spec.leg = call.number * stride_ + kWaiter;
  spec.remote = event.legs[0].remote;
  if (event.legs[0].payload_type != kNoPayloadType) spec.payload_type = event.legs[0].payload_type;
  spec.peer_fmtp = event.legs[0].fmtp;
  spec.peer_key = event.legs[0].key;
  spec.hears = kPromptSinger;
  spec.says = Marks::audio;
  spec.expects = Marks::any;
  spec.impairment = {};
  spec.digit_every = milliseconds(0);
  auto phones = make_phones(std::span(&spec, 1), melody_, now);
  if (!phones || !stations_[call.station].crew->add(std::move(phones->front()))) {
    fail(call, phones ? "the generator has too many phones" : phones.error().message);
    driver_.hang_up(call.number);
    return;
  }
  ++outcome_.queue.joined;
  call.state = State::waiting;
  legs_come_up(1);
  if (part.patience_s > 0) {
    call.hush_at =
        now + seconds_of(std::exponential_distribution<double>(1 / part.patience_s)(random_) + 0.5);
    next_hush_ = std::min(next_hush_, call.hush_at);
  }
}

void Run::stop_waiting(const Call& call) {
  --legs_up_;
  if (!stations_[call.station].crew->drop(call.number * stride_ + kWaiter)) ++outcome_.total.send_failed;
}

void Run::served(Call& call, const DriverEvent& event) {
  QueueFigures& queue = outcome_.queue;
  ++queue.served;
  queue.wait.add(event.took);
  queue.out_of_turn += event.out_of_turn ? 1 : 0;
  stop_waiting(call);
  call.serving = event;
  call.hush_at = TimePoint::max();
}

// A caller is one stream to the server: the phone that talks goes on where the one that waited stopped.
void Run::on_waiter(const Phone& phone, TimePoint now) {
  judge_waiter(phone, now);
  const auto at = calls_.find(phone.spec.leg / stride_);
  if (at == calls_.end() || !at->second.serving) return;
  Call& call = at->second;
  const DriverEvent event = *std::exchange(call.serving, std::nullopt);
  call.specs[0].goes_on = phone.voice->place();
  call.state = State::placed;  // and from here on as any other
  bring_up(call, event, now);
}

// The caller does not wait any longer; the call is to be erased.
void Run::leave_queue(const Call& call) {
  stop_waiting(call);
  gone_[call.number] = call.number;
  driver_.hang_up(call.number);
}

// What a waiting phone heard. It may come back when its call is gone already.
void Run::judge_waiter(const Phone& phone, TimePoint now) {
  const LegFigures f = phone.ear->figures(now);
  if (f.lived < kWaiterLivedMin) return;
  QueueFigures& queue = outcome_.queue;
  ++queue.waiters;
  queue.lost += f.lost;
  const auto hurt = [&](const std::string& what) {
    ++queue.hurt;
    if (outcome_.findings.size() < 20)
      outcome_.findings.push_back(fmt::format("caller {}, waiting: {}", phone.spec.leg / stride_, what));
  };
  const auto in_s = [](Nanos span) { return std::chrono::duration<double>(span).count(); };
  if (!f.heard)
    hurt("no music");
  else if (f.quiet_max > kHole || f.silent_max > kNoPacket)
    hurt(fmt::format("{:.1f} s without music", in_s(std::max(f.quiet_max, f.silent_max))));
  else if (f.lost > 0)
    hurt(fmt::format("{} packets of music lost", f.lost));
}

void Run::count_talk(const Call& call) {
  if (profile_.parts[call.part].kind != Kind::queue || !measuring_) return;
  const Nanos talked = call.hushed_at - std::max(call.up_at, measured_from_);
  if (talked.count() > 0) outcome_.queue.talk_s += std::chrono::duration<double>(talked).count();
}

}  // namespace tandem::load
