// Random bytes as SRTP and SRTCP packets: nothing may pass but what the sender made, and nothing may crash.
// The first byte picks the suite, the second whether a good packet is sent first, changed by what follows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/srtp/context.hpp"

using namespace tandem::srtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const Key keys[] = {Key::random(Suite::aes_cm_128_hmac_sha1_80),
                             Key::random(Suite::aes_cm_128_hmac_sha1_32),
                             Key::random(Suite::aes_256_cm_hmac_sha1_80),
                             Key::random(Suite::aead_aes_128_gcm), Key::random(Suite::aead_aes_256_gcm)};
  auto receiver = Receiver::create({keys[data[0] % 5]});
  if (!receiver) std::abort();
  std::vector<std::uint8_t> packet(data + 2, data + size);
  if (packet.size() > 1600) packet.resize(1600);
  if ((data[1] & 1) != 0 && packet.size() >= 12) {  // a real one, with one bit wrong
    auto sender =
        Sender::create({keys[data[0] % 5]}, std::uint32_t{packet[8]} << 24 | std::uint32_t{packet[9]} << 16 |
                                                std::uint32_t{packet[10]} << 8 | packet[11]);
    if (!sender) std::abort();
    const std::size_t bytes = packet.size();
    packet.resize(bytes + kTrailerBytesMax);
    packet.resize((*sender)->protect(packet, bytes));
    if (!packet.empty()) packet[data[1] % packet.size()] ^= 0x10;
  }
  std::vector<std::uint8_t> other = packet;
  std::span<std::uint8_t> rtp(packet), rtcp(other);
  if ((*receiver)->unprotect(rtp) == Verdict::ok) std::abort();  // 2^-32 at best
  if ((*receiver)->unprotect_rtcp(rtcp) == Verdict::ok) std::abort();
  return 0;
}
