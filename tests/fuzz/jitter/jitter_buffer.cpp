// Random packets, pulls and resets: every block comes back, and nothing handed out is out of shape.
#include "core/jitter/jitter_buffer.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>

using namespace tandem;
using namespace tandem::jitter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  PayloadPool pool(110);
  {
    JitterBuffer buffer(pool, {.min_delay = milliseconds(size % 3 * 20), .scaled = size % 2 != 0});
    Incoming packet{.ssrc = 1, .ticks = 160, .clock_rate = 8000};
    TimePoint now{};
    const std::uint8_t payload[200] = {};
    while (size >= 4) {
      const std::uint8_t op = data[0], a = data[1], b = data[2], c = data[3];
      data += 4, size -= 4;
      now += milliseconds(c);
      if (op < 140) {  // the next packet, with small errors
        packet.sequence = static_cast<std::uint16_t>(packet.sequence + 1 + (a > 200 ? a - 228 : 0));
        packet.timestamp += 160u + (b > 200 ? (b - 228u) * 80u : 0u);
      } else if (op < 160) {  // anywhere
        packet.sequence = static_cast<std::uint16_t>(a << 8 | b);
        packet.timestamp = static_cast<std::uint32_t>(a << 24 | b << 16 | c << 8 | op);
      } else if (op < 165) {
        packet.ssrc = a;
      } else if (op < 170) {
        packet.ticks = static_cast<std::uint32_t>(a << 8 | b);
      } else if (op < 172) {
        packet.clock_rate = a < 128 ? 8000 : 48000;
      } else if (op < 173) {
        buffer.reset();
      }
      if (op < 160) (void)buffer.push(packet, {payload, a % 200u}, now);
      if (op >= 173) {
        const std::uint32_t want = a * 4u;
        const Pulled pulled = buffer.pull(now, want, b % 2 != 0 ? Quiet::yes : Quiet::no);
        if (pulled.kind == Pull::packet) {
          if (pulled.ticks == 0 || pulled.payload.empty() || pulled.payload.size() > 200) std::abort();
        } else if (pulled.kind == Pull::recover) {
          if (pulled.ticks == 0 || pulled.payload.empty() || pulled.ticks > 0xFFFF) std::abort();
        } else if (pulled.ticks > want || (want > 0 && pulled.ticks == 0)) {
          std::abort();
        }
      }
      if (buffer.size() > JitterBuffer::kMaxPackets) std::abort();
    }
  }
  if (pool.available() != pool.capacity()) std::abort();
  return 0;
}
