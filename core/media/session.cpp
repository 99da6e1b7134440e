#include "core/media/session.hpp"

#include <algorithm>
#include <utility>

#include "core/codec/registry.hpp"
#include "core/media/leg.hpp"

namespace tandem::media {
namespace {

bool plays_to_both(const Leg& leg) {
  return leg.player() != nullptr && leg.player()->for_bridge() && !leg.player()->finished();
}

}  // namespace

bool Session::ready() const {
  return std::all_of(legs_.begin(), legs_.begin() + static_cast<std::ptrdiff_t>(size_),
                     [](const Leg* leg) { return leg->setup() != nullptr; });
}

Leg* Session::peer_of(const Leg& leg) const {
  if (echo_) return legs_[0];
  if (size_ == 1) return nullptr;
  return legs_[0] == &leg ? legs_[1] : legs_[0];
}

void Session::replan() {
  frame_ms_ = 20;
  for (Leg* leg : legs())
    if (leg->setup() != nullptr && leg->setup()->config.send_ptime_ms % 20 != 0) frame_ms_ = 10;
  for (Leg* leg : legs()) leg->plan_feeds(ready() ? peer_of(*leg) : nullptr);
  for (Leg* leg : legs()) {
    Leg* peer = ready() ? peer_of(*leg) : nullptr;
    const bool forwards = peer != nullptr && !plays_to_both(*leg) && leg->may_forward_to(*peer);
    const bool transcodes = peer != nullptr && !forwards && may_transcode(*leg, *peer);
    const bool peer_sends_on = peer != nullptr && ((!plays_to_both(*peer) && peer->may_forward_to(*leg)) ||
                                                   may_transcode(*peer, *leg));
    Leg::Plan plan;
    plan.forward_to = forwards ? peer : nullptr;
    plan.transcode_to = transcodes ? peer : nullptr;
    plan.detect = (peer == nullptr || leg->is_masked()) && leg->setup() != nullptr && leg->can_detect();
    plan.decode = (peer != nullptr && !forwards && !transcodes) || plan.detect || leg->has_recorder() ||
                  (peer != nullptr && peer->has_recorder());
    plan.send = !peer_sends_on && !leg->fed_directly();
    leg->set_plan(plan);
  }
  sounds_ = std::any_of(legs().begin(), legs().end(),
                        [](const Leg* leg) { return leg->plan().decode || leg->plan().send; });
}

// Packet by packet, when nobody needs the sound itself: no recorder, and nothing else to be heard.
bool Session::may_transcode(const Leg& from, const Leg& to) const {
  const Transcoder* transcoder = &from == &to ? nullptr : transcoder_to(to);
  const LegConfig& config = from.setup()->config;
  if (!config.may_relay && !config.receive) return false;  // silence is to be made in its place
  return transcoder != nullptr && transcoder->fits(from.setup()->config, to.setup()->config) &&
         !from.is_masked() && !from.has_recorder() && !to.has_recorder() && !plays_to_both(from) &&
         to.hears_only_its_peer();
}

void Session::swap_transcoders(Transcoders& transcoders) {
  for (Leg* leg : legs()) leg->set_plan({});  // each way begins anew
  transcoders_.swap(transcoders);
  replan();
}

void Session::process(TimePoint now) {
  if (sounds_ && ready() && !legs_[0]->setup()->config.opaque) {
    for (Leg* leg : legs()) leg->pull(now, frame_ms_);
    for (std::size_t i = 0; i < size_; ++i) mix(i, now);
    for (Leg* leg : legs()) leg->push(now);
    if (std::exchange(played_out_, false)) replan();  // not before its last frame is out
  }
  for (Leg* leg : legs()) leg->keep_up(now);
}

// What leg i hears in this frame: the other leg, at this leg's rate, and what is played to it.
void Session::mix(std::size_t i, TimePoint now) {
  Leg& leg = *legs_[i];
  Leg* peer = peer_of(leg);
  if (peer != nullptr && peer->plan().decode) {
    if (transcoders_[i] != nullptr) {
      std::array<std::int16_t, codec::kMaxFrameSamples> converted;
      // A frame is a whole number of ms, and so the same time at every rate.
      const std::size_t n = transcoders_[i]->resample(peer->said(), converted);
      leg.hear({converted.data(), n});
    } else {
      leg.hear(peer->said());
    }
  }
  leg.hear_feeds(now, frame_ms_);
  if (leg.player() == nullptr || leg.player()->finished()) return;
  std::array<std::int16_t, codec::kMaxFrameSamples> played;
  const std::span<std::int16_t> frame(played.data(), leg.heard().size());
  const bool for_bridge = leg.player()->for_bridge();
  leg.render_player(frame);
  leg.hear(frame);
  if (for_bridge && peer != nullptr && peer != &leg && peer->setup()->rate == leg.setup()->rate)
    peer->hear(frame);
  played_out_ = played_out_ || leg.player()->finished();
}

}  // namespace tandem::media
