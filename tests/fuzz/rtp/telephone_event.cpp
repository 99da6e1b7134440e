// Fuzz: the telephone-event receiver. Each began has its ended, never two of a kind in a row, and only
// digits.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/rtp/telephone_event.hpp"

using namespace tandem;

namespace {

class Checker {
 public:
  void take(const rtp::Digits& digits) {
    for (const rtp::Digit& digit : digits) {
      const bool began = digit.phase == rtp::DigitPhase::began;
      if (began == (down_ != 0)) std::abort();
      if (!began && digit.digit != down_) std::abort();
      if (std::strchr("0123456789*#ABCD", digit.digit) == nullptr || digit.digit == 0) std::abort();
      if (digit.duration < milliseconds(0)) std::abort();
      down_ = began ? digit.digit : char{0};
    }
  }
  bool down() const { return down_ != 0; }

 private:
  char down_ = 0;
};

}  // namespace

// Nine bytes a packet: timestamp step (2, signed), time step, SSRC and marker bits, payload (4), length of
// the payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rtp::TelephoneEventReceiver receiver;
  Checker checker;
  TimePoint now{};
  rtp::RtpTime time(0xffffff00);
  for (; size >= 9; data += 9, size -= 9) {
    std::int16_t step = 0;
    std::memcpy(&step, data, 2);
    time = time.plus(step * 4);
    now += milliseconds(data[2]) * 2;
    checker.take(receiver.tick(now));
    const rtp::Header header{(data[3] & 1) != 0, 101, rtp::SeqNum(0), time,
                             rtp::Ssrc(std::uint32_t{data[3]} >> 6)};
    const std::size_t length = data[8] % 5;
    std::uint8_t* payload = new std::uint8_t[length];  // exactly as long: ASan sees one byte too far
    std::memcpy(payload, data + 4, length);
    checker.take(receiver.push(header, {payload, length}, now));
    delete[] payload;
    if (receiver.active() != checker.down()) std::abort();
  }
  checker.take(receiver.tick(now + seconds(1)));
  if (receiver.active() || checker.down()) std::abort();
  return 0;
}
