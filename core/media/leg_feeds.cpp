// Feeds of a leg: who hears a copy of what it says, and what it hears beside its peer.
#include <algorithm>
#include <utility>

#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {
namespace {

void take_out(std::span<Feed*> feeds, std::uint32_t& count, const Feed& feed) {
  const auto end = feeds.begin() + static_cast<std::ptrdiff_t>(count);
  const auto found = std::find(feeds.begin(), end, &feed);
  if (found == end) return;
  *found = feeds[--count];
}

}  // namespace

void Leg::say_to(Feed& feed) {
  if (feeds_out_ != feeds_from_.size()) feeds_from_[feeds_out_++] = &feed;
  idle_until_ = TimePoint{};
}

void Leg::listen_to(Feed& feed) {
  if (feeds_in_ == feeds_to_.size()) return;
  feeds_to_[feeds_in_++] = &feed;
  session_->replan();
}

void Leg::say_no_more_to(Feed& feed) { take_out(feeds_from_, feeds_out_, feed); }

void Leg::listen_no_more_to(Feed& feed) {
  take_out(feeds_to_, feeds_in_, feed);
  if (floor_ == &feed) floor_ = nullptr;
  feed.detach();
  session_->replan();
}

bool Leg::give_floor(const Feed& feed, std::uint32_t clock_rate, TimePoint now) {
  if (std::exchange(floor_, &feed) == &feed) return false;
  tx_.set_clock_rate(clock_rate, now);
  tx_.begin_run();
  return true;
}

// A leg that hears nothing but one other leg, or itself, is sent its packets as they come; else they are
// mixed.
void Leg::plan_feeds(const Leg* peer) {
  const auto in = std::span(feeds_to_).first(feeds_in_);
  const bool one = feeds_in_ == 1 || std::all_of(in.begin(), in.end(),
                                                 [this](const Feed* feed) { return &feed->from() == this; });
  const bool only = one && peer == nullptr && !sends_digits() &&
                    (player_ == nullptr || player_->finished()) && !has_recorder();
  const bool opaque = setup_ != nullptr && setup_->config.opaque;
  fed_directly_ = feeds_in_ != 0 && (only || opaque);
  for (std::size_t i = 0; i < feeds_in_; ++i)
    feeds_to_[i]->set_mode(setup_ == nullptr ? Feed::Mode::idle
                           : fed_directly_   ? Feed::Mode::direct
                                             : Feed::Mode::mix);
}

void Leg::hear_feeds(TimePoint now, unsigned frame_ms) {
  for (std::size_t i = 0; i < feeds_in_; ++i) feeds_to_[i]->pull(now, frame_ms);
}

void Leg::feed_packet(const rtp::Packet& packet, Feed::Kind kind, TimePoint arrival) {
  for (std::size_t i = 0; i < feeds_out_; ++i) feeds_from_[i]->push(packet, kind, arrival);
}

void Leg::tell_feeds(char digit, milliseconds duration) {
  for (std::size_t i = 0; i < feeds_out_; ++i) feeds_from_[i]->push_digit(digit, duration);
}

void Leg::restart_feeds() {
  for (std::size_t i = 0; i < feeds_out_; ++i) feeds_from_[i]->restart();
}

void Leg::keep_feeding(TimePoint now) {
  for (std::size_t i = 0; i < feeds_out_; ++i)
    if (!feeds_from_[i]->crosses()) feeds_from_[i]->keep_up(now);
}

void Leg::feed_datagram(std::span<const std::uint8_t> bytes, Port port) {
  for (std::size_t i = 0; i < feeds_out_; ++i) feeds_from_[i]->push_datagram(bytes, port == Port::rtcp);
}

void Leg::send_fed_datagram(std::span<const std::uint8_t> bytes, bool rtcp) {
  (void)send_datagram(bytes, rtcp ? Port::rtcp : Port::rtp);
}

void Leg::send_fed(const rtp::Header& in, std::span<const std::uint8_t> payload, std::uint8_t type,
                   rtp::Timing timing, TimePoint now) {
  rtp::Header header;
  if (tx_.relay(in, type, now, header, timing) != rtp::RelayVerdict::forward) return;
  loop_->counters().fed.add();
  send_rtp(header, payload);
}

// False: there is nowhere to send it.
bool Leg::send_datagram(std::span<const std::uint8_t> bytes, Port port) {
  if (setup_ == nullptr || !setup_->config.opaque || !setup_->config.send) return false;
  const Address destination = port == Port::rtp ? latch_.remote() : rtcp_destination();
  if (!destination.valid() || destination.is_unspecified() || destination.port() == 0) return false;
  loop_->counters().relayed.add();
  loop_->io().queue_send(port == Port::rtp || setup_->config.rtcp_mux ? rtp_port_ : rtcp_port_, destination,
                         bytes);
  tx_.count_sent(bytes.size());
  return true;
}

}  // namespace tandem::media
