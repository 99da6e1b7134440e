#include "core/media/media_loop.hpp"

#include <algorithm>

#include "core/media/feed.hpp"
#include "core/media/leg.hpp"
#include "core/media/session.hpp"

namespace tandem::media {

MediaLoop::MediaLoop(loop::MediaIo& io, const Limits& limits)
    : io_(io),
      pool_(limits.payload_blocks),
      events_(limits.events),
      inbox_(limits.commands),
      returned_(limits.commands),
      commands_max_(limits.commands),
      ports_(limits.legs * 2) {
  for (std::vector<Session*>& slot : slots_) slot.reserve(limits.legs);
  crossings_.reserve(limits.crossings);
}

MediaLoop::~MediaLoop() = default;

// ---- [control]

bool MediaLoop::post(std::unique_ptr<Command>& command) {
  if (under_way_ >= commands_max_ || !inbox_.try_push(std::move(command))) {
    refused_.add();
    return false;
  }
  ++under_way_;
  return true;
}

void MediaLoop::collect() {
  std::unique_ptr<Command> command;
  while (returned_.try_pop(command)) {
    --under_way_;
    command->done();
    command.reset();
  }
}

// ---- [media]

void MediaLoop::on_tick(TimePoint now, Nanos late, unsigned passed) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  now_ = now;
  run_commands();
  counters_.packets_received.add(io_.drain(now, *this));
  for (Feed* feed : crossings_) {
    feed->cross();
    feed->keep_up(now);
  }
  // Missed ticks are made up, at most one frame's worth: what is older nobody wants to hear.
  const unsigned due = std::clamp(passed, 1u, kSlots);
  if (passed > 1) counters_.missed_ticks.add(passed - 1);
  if (passed > kSlots) slot_ = (slot_ + passed - kSlots) % kSlots;
  for (unsigned i = 0; i < due; ++i) {
    run_slot(slot_, now);
    slot_ = (slot_ + 1) % kSlots;
  }
  io_.flush();
  counters_.ticks.add();
  counters_.lateness_us.add(
      static_cast<std::uint32_t>(std::chrono::duration_cast<microseconds>(late).count()));
  if (events_.take_pushed()) wake_control_ = true;
}

void MediaLoop::on_readable(TimePoint now) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  now_ = now;
  run_commands();  // before the packets: a leg that was just joined must forward its first one
  counters_.packets_received.add(io_.drain(now, *this));
  io_.flush();
  if (events_.take_pushed()) wake_control_ = true;
}

bool MediaLoop::take_wake_control() { return std::exchange(wake_control_, false); }

void MediaLoop::run_commands() {
  std::unique_ptr<Command> command;
  while (inbox_.try_pop(command)) {
    command->run(*this);
    // Never full: as many places as commands may be under way.
    (void)returned_.try_push(std::move(command));
    wake_control_ = true;
  }
}

void MediaLoop::on_datagram(const loop::Datagram& datagram) {
  const Port& port = ports_[loop::index(datagram.port)];
  if (port.leg == nullptr) return;
  counters_.bytes_received.add(datagram.bytes.size());
  if (port.rtcp) {
    port.leg->on_rtcp_packet(datagram.bytes, datagram.source, datagram.at);
  } else {
    port.leg->on_packet(datagram.bytes, datagram.source, datagram.at);
  }
}

// In steps, two packets apart, as each finds in what the one before fetched where to go on: the leg, then its
// SRTP and the leg that it is relayed to, then that one's SRTP.
void MediaLoop::on_datagram_near(loop::PortId port) {
  const auto leg_of = [this](loop::PortId id) {
    return loop::index(id) < ports_.size() ? ports_[loop::index(id)].leg : nullptr;
  };
  if (const Leg* leg = leg_of(port)) leg->expect_packet();
  if (const Leg* leg = leg_of(near_[(nearest_ + 2) % near_.size()])) leg->expect_relay();
  if (const Leg* leg = leg_of(near_[nearest_])) leg->expect_send();
  near_[nearest_] = port;
  nearest_ = (nearest_ + 1) % near_.size();
}

void MediaLoop::run_slot(unsigned slot, TimePoint now) {
  for (Session* session : slots_[slot]) session->process(now);
  // Sessions with frames of 10 ms run in the slot across as well.
  for (Session* session : slots_[(slot + 2) % kSlots])
    if (session->frame_ms() == 10) session->process(now);
}

bool MediaLoop::add(Leg& leg, loop::BoundPort rtp, loop::BoundPort rtcp) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const loop::PortId rtp_id = io_.adopt(std::move(rtp));
  const loop::PortId rtcp_id = io_.adopt(std::move(rtcp));
  const auto fits = [this](loop::PortId port) {
    return port != loop::kNoPort && loop::index(port) < ports_.size();
  };
  if (!fits(rtp_id) || !fits(rtcp_id)) {
    io_.close(rtp_id);
    io_.close(rtcp_id);
    return false;
  }
  note_port(rtp_id, &leg, false);
  note_port(rtcp_id, &leg, true);
  leg.attach(*this, rtp_id, rtcp_id, now_);
  place(leg.solo());
  counters_.legs.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void MediaLoop::remove(Leg& leg) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (&leg.session() != &leg.solo()) split(leg.session());
  unplace(leg.solo());
  note_port(leg.rtp_port(), nullptr, false);
  note_port(leg.rtcp_port(), nullptr, false);
  leg.detach(now_);
  counters_.legs.fetch_sub(1, std::memory_order_relaxed);
}

void MediaLoop::join(Session& session) {
  for (Leg* leg : session.legs()) {
    if (&leg->session() != &leg->solo()) split(leg->session());
    unplace(leg->solo());
    leg->set_session(session);
  }
  place(session);
  session.replan();
}

void MediaLoop::split(Session& session) {
  unplace(session);
  for (Leg* leg : session.legs()) {
    leg->set_session(leg->solo());
    place(leg->solo());
    leg->solo().replan();
  }
}

void MediaLoop::add_crossing(Feed& feed) {
  if (crossings_.size() < crossings_.capacity()) crossings_.push_back(&feed);
}

void MediaLoop::remove_crossing(Feed& feed) { std::erase(crossings_, &feed); }

// The emptiest slot: the load stays flat.
void MediaLoop::place(Session& session) {
  const auto slot = std::min_element(slots_.begin(), slots_.end(),
                                     [](const auto& a, const auto& b) { return a.size() < b.size(); });
  session.set_slot(static_cast<unsigned>(slot - slots_.begin()));
  slot->push_back(&session);
}

void MediaLoop::unplace(Session& session) {
  std::vector<Session*>& slot = slots_[session.slot()];
  const auto found = std::find(slot.begin(), slot.end(), &session);
  if (found == slot.end()) return;
  *found = slot.back();
  slot.pop_back();
}

void MediaLoop::note_port(loop::PortId port, Leg* leg, bool rtcp) {
  if (port != loop::kNoPort && loop::index(port) < ports_.size()) ports_[loop::index(port)] = {leg, rtcp};
}

}  // namespace tandem::media
