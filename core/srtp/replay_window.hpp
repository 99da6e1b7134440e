// ReplayWindow: the packets of one stream that were seen, by index: RFC 3711 3.3.1 and appendix A (rollover),
// 3.3.2 (replay), with a window of 128.
//
//   seq ─guess─► index (rollover << 16 | seq) ─is_fresh─► authenticated ─accept─►
//
// SRTCP, whose packets tell their index, uses the last two alone. Thread: [any], one owner; a plain value.
#pragma once

#include <cstdint>

namespace tandem::srtp {

class ReplayWindow {
 public:
  static constexpr std::uint64_t kSize = 128;

  // The index nearest to the highest one so far; never one before the stream began.
  std::uint64_t guess(std::uint16_t seq) const {
    const auto ahead = static_cast<std::int16_t>(seq - static_cast<std::uint16_t>(highest_));
    const std::int64_t index = static_cast<std::int64_t>(highest_) + ahead;
    return index < 0 ? seq : static_cast<std::uint64_t>(index);
  }

  // False: it was accepted before, or is too old to know.
  bool is_fresh(std::uint64_t index) const {
    if (index > highest_) return true;
    const std::uint64_t back = highest_ - index;
    if (back >= kSize) return false;
    return ((back < 64 ? near_ >> back : far_ >> (back - 64)) & 1) == 0;
  }

  // Of an authentic packet only, and a fresh one.
  void accept(std::uint64_t index) {
    if (index > highest_) {
      advance(index - highest_);
      highest_ = index;
    }
    const std::uint64_t back = highest_ - index;
    (back < 64 ? near_ : far_) |= std::uint64_t{1} << back % 64;
  }

 private:
  void advance(std::uint64_t by) {
    if (by >= kSize) {
      near_ = far_ = 0;
    } else if (by >= 64) {
      far_ = near_ << (by - 64);
      near_ = 0;
    } else {
      far_ = far_ << by | near_ >> (64 - by);  // by is not 0
      near_ <<= by;
    }
  }

  std::uint64_t highest_ = 0;
  std::uint64_t near_ = 0, far_ = 0;  // bit i: highest_ - i, and 64 further back
};

}  // namespace tandem::srtp
