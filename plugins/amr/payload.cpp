// See payload.hpp. Both kinds are read and written as one run of bits; only the filling differs.
#include "amr/payload.hpp"

#include <algorithm>

namespace tandem::amr {
namespace {

// RFC 4867 3.1, 3.2; 3GPP TS 26.101 and 26.201 table 1a.
constexpr int kNarrow[16] = {95, 103, 118, 134, 148, 159, 204, 244, 39, -1, -1, -1, -1, -1, -1, 0};
constexpr int kWide[16] = {132, 177, 253, 285, 317, 365, 397, 461, 477, 40, -1, -1, -1, -1, 0, 0};

class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool has(std::size_t bits) const { return at_ + bits <= bytes_.size() * 8; }
  unsigned take(std::size_t bits) {
    unsigned value = 0;
    for (; bits != 0; --bits, ++at_)
      value = value << 1 | (static_cast<unsigned>(bytes_[at_ / 8]) >> (7 - at_ % 8) & 1u);
    return value;
  }
  void align() { at_ = (at_ + 7) / 8 * 8; }
  std::size_t left() const { return bytes_.size() * 8 - std::min(at_, bytes_.size() * 8); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

class BitWriter {
 public:
  explicit BitWriter(std::span<std::uint8_t> bytes) : bytes_(bytes) {}
  void put(unsigned value, std::size_t bits) {
    for (; bits != 0; --bits, ++at_) {
      if (at_ / 8 >= bytes_.size()) {
        full_ = true;
        return;
      }
      if (at_ % 8 == 0) bytes_[at_ / 8] = 0;
      const unsigned bit = value >> (bits - 1) & 1u;
      bytes_[at_ / 8] = static_cast<std::uint8_t>(bytes_[at_ / 8] | bit << (7 - at_ % 8));
    }
  }
  void align() { at_ = (at_ + 7) / 8 * 8; }
  std::size_t bytes() const { return full_ ? 0 : (at_ + 7) / 8; }

 private:
  std::span<std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool full_ = false;
};

// The table of contents: a header byte for each frame. 0 when it is broken.
std::size_t read_contents(Band band, bool octet_align, BitReader& in, unsigned& request,
                          std::array<std::uint8_t, kFramesMax>& heads) {
  const std::size_t fill = octet_align ? 2 : 0;
  if (!in.has(4 + 2 * fill)) return 0;
  request = in.take(4);
  (void)in.take(2 * fill);
  std::size_t frames = 0, bits = 0;
  for (bool more = true; more;) {
    if (frames == kFramesMax || !in.has(6 + fill)) return 0;
    more = in.take(1) != 0;
    const unsigned type = in.take(4), good = in.take(1);
    (void)in.take(fill);
    const int size = frame_bits(band, type);
    if (size < 0) return 0;
    const auto whole = static_cast<std::size_t>(size);
    bits += octet_align ? (whole + 7) / 8 * 8 : whole;
    heads[frames++] = static_cast<std::uint8_t>(type << 3 | good << 2);
  }
  return bits <= in.left() ? frames : 0;
}

}  // namespace

int frame_bits(Band band, unsigned type) { return (band == Band::narrow ? kNarrow : kWide)[type & 15u]; }

std::size_t count_frames(Band band, bool octet_align, std::span<const std::uint8_t> payload) {
  BitReader in(payload);
  unsigned request = 0;
  std::array<std::uint8_t, kFramesMax> heads;
  return read_contents(band, octet_align, in, request, heads);
}

bool parse(Band band, bool octet_align, std::span<const std::uint8_t> payload, Parsed& out) {
  BitReader in(payload);
  std::array<std::uint8_t, kFramesMax> heads;
  out.frames = read_contents(band, octet_align, in, out.request, heads);
  for (std::size_t i = 0; i < out.frames; ++i) {
    Frame& frame = out.frame[i];
    frame.fill(0);
    frame[0] = heads[i];
    auto bits = static_cast<std::size_t>(frame_bits(band, heads[i] >> 3u));
    for (std::size_t at = 1; bits != 0; ++at) {
      const std::size_t n = std::min<std::size_t>(bits, 8);
      frame[at] = static_cast<std::uint8_t>(in.take(n) << (8 - n));
      bits -= n;
    }
    if (octet_align) in.align();
  }
  return out.frames != 0;
}

std::size_t build(Band band, bool octet_align, unsigned request, std::span<const Frame> frames,
                  std::span<std::uint8_t> out) {
  const std::size_t fill = octet_align ? 2 : 0;
  BitWriter into(out);
  into.put(request, 4);
  into.put(0, 2 * fill);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    into.put(i + 1 < frames.size() ? 1 : 0, 1);
    into.put(frames[i][0] >> 3u & 15u, 4);
    into.put(frames[i][0] >> 2u & 1u, 1);
    into.put(0, fill);
  }
  for (const Frame& frame : frames) {
    auto bits = static_cast<std::size_t>(std::max(0, frame_bits(band, frame[0] >> 3u)));
    for (std::size_t at = 1; bits != 0; ++at) {
      const std::size_t n = std::min<std::size_t>(bits, 8);
      into.put(static_cast<unsigned>(frame[at]) >> (8 - n), n);
      bits -= n;
    }
    if (octet_align) into.align();
  }
  return into.bytes();
}

}  // namespace tandem::amr
