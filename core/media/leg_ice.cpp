// ICE on a leg: the peer's checks are answered on the port that they came to, and the address that the peer
// has nominated is where media goes from then on (RFC 8445; a lite agent, core/stun/ice_lite.hpp).
#include <array>
#include <utility>

#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"

namespace tandem::media {

void Leg::swap_ice(std::unique_ptr<stun::IceLite>& ice, TimePoint now) {
  ice_.swap(ice);
  if (ice_ != nullptr && ice != nullptr) ice_->follow(*ice);
  if (std::exchange(focused_, false)) (void)loop_->io().focus(rtp_port_, Address{});  // others may check now
  pin_selected(now);
}

void Leg::pin_selected(TimePoint now) {
  if (ice_ == nullptr) return;
  if (const Address chosen = ice_->selected(stun::Component::rtp); chosen.valid()) latch_.pin(chosen, now);
}

void Leg::on_check(std::span<const std::uint8_t> bytes, const Address& source, Port port, TimePoint arrival) {
  using Verdict = stun::IceLite::Verdict;
  std::array<std::uint8_t, stun::IceLite::kAnswerBytesMax> answer;
  const auto component = port == Port::rtp ? stun::Component::rtp : stun::Component::rtcp;
  const stun::IceLite::Outcome outcome = ice_->on_datagram(bytes, source, component, arrival, answer);
  LoopCounters& counters = loop_->counters();
  switch (outcome.verdict) {
    case Verdict::answered: counters.stun_answered.add(); break;
    case Verdict::unauthorized: ++stun_refused_, counters.stun_unauthorized.add(); break;
    case Verdict::refused: ++stun_refused_, counters.stun_refused.add(); break;
    case Verdict::ignored: counters.stun_ignored.add(); break;
    case Verdict::over_limit: ++stun_refused_, counters.stun_over_limit.add(); break;
  }
  if (outcome.answer_bytes != 0)
    loop_->io().queue_send(port == Port::rtp ? rtp_port_ : rtcp_port_, source,
                           {answer.data(), outcome.answer_bytes});
  if (!outcome.selected) return;
  counters.ice_selected.add();
  pin_selected(arrival);
}

// Once the peer has nominated an address, only addresses that it has checked are its own.
bool Leg::is_of_peer(const Address& source, rtp::Ssrc ssrc, TimePoint arrival) {
  if (ice_ == nullptr) return latch_.check(source, ssrc, arrival) != rtp::LatchVerdict::stranger;
  const bool checked = ice_->admits(source, stun::Component::rtp, arrival);
  if (checked && latch_.pinned()) return true;
  return latch_.check(source, ssrc, arrival) != rtp::LatchVerdict::stranger || checked;
}

// The peer's host is enough: RTCP may come from another port than RTP.
bool Leg::is_rtcp_of_peer(const Address& source, TimePoint arrival) {
  if (ice_ != nullptr && (ice_->admits(source, stun::Component::rtcp, arrival) ||
                          ice_->admits(source, stun::Component::rtp, arrival)))
    return true;
  return source.same_host(latch_.source()) || source.same_host(setup_->config.remote_rtcp);
}

}  // namespace tandem::media
