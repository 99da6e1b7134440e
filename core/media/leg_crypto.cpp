#include "core/media/leg_crypto.hpp"

#include <utility>

#include "core/media/media_loop.hpp"

namespace tandem::media {

Result<LegCrypto::Keys> LegCrypto::prepare(const std::optional<SrtpConfig>& before,
                                           const std::optional<SrtpConfig>& after, std::uint32_t ssrc) {
  Keys keys;
  const bool both = before.has_value() && after.has_value();
  keys.new_sender = both ? !(before->send == after->send) : before.has_value() != after.has_value();
  keys.new_receiver = both ? !(before->receive == after->receive) : before.has_value() != after.has_value();
  if (!after) return keys;
  if (keys.new_sender) {
    auto made = srtp::Sender::create(after->send, ssrc);
    if (!made) return made.error();
    keys.sender = std::move(*made);
  }
  if (keys.new_receiver) {
    auto made = srtp::Receiver::create(after->receive);
    if (!made) return made.error();
    keys.receiver = std::move(*made);
  }
  return keys;
}

void LegCrypto::swap_keys(Keys& keys) {
  if (keys.new_sender) sender_.swap(keys.sender);
  if (keys.new_receiver) receiver_.swap(keys.receiver);
}

bool LegCrypto::open_rtp(std::span<std::uint8_t>& packet, LoopCounters& counters) {
  return receiver_ == nullptr || judge(receiver_->unprotect(packet), counters);
}

bool LegCrypto::open_rtcp(std::span<std::uint8_t>& packet, LoopCounters& counters) {
  return receiver_ == nullptr || judge(receiver_->unprotect_rtcp(packet), counters);
}

bool LegCrypto::judge(srtp::Verdict verdict, LoopCounters& counters) {
  switch (verdict) {
    case srtp::Verdict::ok: return true;
    case srtp::Verdict::replayed:
      ++counts_.replayed;
      counters.srtp_replayed.add();
      return false;
    case srtp::Verdict::too_many: counters.srtp_sources_over_limit.add(); [[fallthrough]];
    case srtp::Verdict::forged:
    case srtp::Verdict::malformed:
      ++counts_.forged;
      counters.srtp_forged.add();
      return false;
  }
  return false;
}

std::size_t LegCrypto::seal_rtp(std::span<std::uint8_t> buffer, std::size_t bytes, LoopCounters& counters) {
  if (sender_ == nullptr) return bytes;
  const std::size_t sealed = sender_->protect(buffer, bytes);
  if (sealed == 0) counters.srtp_not_sent.add();
  return sealed;
}

std::size_t LegCrypto::seal_rtcp(std::span<std::uint8_t> buffer, std::size_t bytes, LoopCounters& counters) {
  if (sender_ == nullptr) return bytes;
  const std::size_t sealed = sender_->protect_rtcp(buffer, bytes);
  if (sealed == 0) counters.srtp_not_sent.add();
  return sealed;
}

}  // namespace tandem::media
