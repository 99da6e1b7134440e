// Latch: see latch.hpp. Thread: [media].
#include "core/rtp/latch.hpp"

namespace tandem::rtp {

void Latch::reset(const Config& config, TimePoint now) {
  symmetric_ = config.symmetric;
  elsewhere_ = config.sends_elsewhere;
  const bool known = config.announced.valid() && !config.announced.is_unspecified();
  const Address announced = known ? config.announced : Address();
  if (learned_ && !pinned_ && announced == announced_) return;

  previous_ = learned_ ? source_ : Address();
  previous_until_ = now + kSilentAfter;
  announced_ = announced;
  window_end_ = now + config.window;
  learned_ = false;
  locked_ = false;
  pinned_ = false;
}

void Latch::pin(const Address& source, TimePoint now) {
  source_ = source;
  source_rank_ = Rank::exact;
  heard_at_ = now;
  symmetric_ = learned_ = locked_ = pinned_ = true;
  elsewhere_ = false;
}

LatchVerdict Latch::check(const Address& source, Ssrc ssrc, TimePoint now) {
  if (!symmetric_) return source.same_host(announced_) && source.valid() ? LatchVerdict::accept : refuse();
  if (!learned_) {
    // The path before the re-INVITE may still carry a little; it must not win back the address.
    if (now < previous_until_ && source == previous_ && rank(source) != Rank::exact)
      return LatchVerdict::accept;
    return take(source, ssrc, now);
  }
  if (source == source_) {
    heard_at_ = now;
    ssrc_ = ssrc;
    locked_ = locked_ || now >= window_end_;
    return LatchVerdict::accept;
  }
  return judge_other(source, ssrc, now);
}

LatchVerdict Latch::judge_other(const Address& source, Ssrc ssrc, TimePoint now) {
  if (pinned_) return refuse();
  const Rank theirs = rank(source);
  // What the SDP named may always claim its place, else whoever sends first could keep the peer out.
  if (theirs == Rank::exact) return take(source, ssrc, now);
  const Nanos silent = now - heard_at_;
  if (locked_ || now >= window_end_) {
    locked_ = true;
    const bool moved = source.same_host(source_) && ssrc == ssrc_ && silent >= kMovedAfter;
    return moved ? take(source, ssrc, now) : refuse();
  }
  if (theirs > source_rank_) return take(source, ssrc, now);
  if (theirs == source_rank_ && (ssrc == ssrc_ || silent >= kSilentAfter)) return take(source, ssrc, now);
  return refuse();
}

LatchVerdict Latch::take(const Address& source, Ssrc ssrc, TimePoint now) {
  const bool same = source == this->source();
  source_ = source;
  source_rank_ = rank(source);
  ssrc_ = ssrc;
  heard_at_ = now;
  learned_ = true;
  locked_ = source_rank_ == Rank::exact || now >= window_end_;
  return same ? LatchVerdict::accept : LatchVerdict::relearn;
}

LatchVerdict Latch::refuse() {
  ++strangers_;
  return LatchVerdict::stranger;
}

Latch::Rank Latch::rank(const Address& source) const {
  if (!announced_.valid() || !source.same_host(announced_)) return Rank::any;
  return source.port() == announced_.port() ? Rank::exact : Rank::host;
}

}  // namespace tandem::rtp
