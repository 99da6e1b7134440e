// Ear: the hearing half of a phone: every packet is checked for whose it is, when it was sent, whether it is
// whole, and when it should have come.
//
//   packet ─► RxStream (order, loss, jitter) ─► its stream's own grid (lateness, drift)
//                  └─► stamp, and the bytes behind it │ decode ─► Tune          ─► LegFigures, Tally
//
// Thread: one owner, the crew's; no allocation after construction, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/load/choir.hpp"
#include "core/load/figures.hpp"
#include "core/load/phone_spec.hpp"
#include "core/load/stamp.hpp"
#include "core/load/tune.hpp"
#include "core/load/voice.hpp"
#include "core/rtp/packet.hpp"
#include "core/rtp/rx_stream.hpp"
#include "core/rtp/telephone_event.hpp"

namespace tandem::load {

// PCM of `rate` (a multiple of 8000) to 8 kHz in place, by averaging: enough for tones below 3 kHz. Returns
// how many samples are left. [any]
std::size_t to_8k(std::span<std::int16_t> pcm, unsigned rate);

class Ear {
 public:
  static void* operator new(std::size_t);
  static void operator delete(void* place) noexcept;

  // `melody` and `partner` (whose voice it is; null: the server's) outlive this. `decoder`: for audio marks.
  // In a room, `partner` is one's own, and `choir` all members' voices.
  Ear(const PhoneSpec& spec, const Melody& melody, const Voice* partner,
      std::unique_ptr<codec::Decoder> decoder, TimePoint born, std::vector<const Voice*> choir = {});

  // What take() needs is fetched into the cache meanwhile, but what it asks the partner: nothing here is read
  // for it.
  void prefetch() const;
  const Voice* partner() const { return partner_; }

  // One datagram that came to this leg. `at`: the kernel's time. `searches`: see Tune.
  void take(std::span<const std::uint8_t> bytes, TimePoint at, int& searches, Tally& tally);
  // One that its SRTP refused: seen before, or not to be opened.
  void came_sealed(bool replayed) { ++(replayed ? figures_.duplicates : figures_.malformed); }
  void came_from_other_port() { ++figures_.other_port; }

  // The partner falls silent: from now on only what it sent before still counts.
  void end() { ending_ = true; }

  // What was counted so far is forgotten; what was learned (alignment, base) stays.
  void begin_measure(TimePoint now);

  // The figures up to now. `now`: when the partner fell silent.
  LegFigures figures(TimePoint now) const;

 private:
  // A line through (time, value) by least squares.
  struct Line {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    void add(double at, double value);
    double slope() const;
    double error() const;
  };
  void take_event(const rtp::Packet& packet, TimePoint at);
  void take_key(char key);
  void take_stamped(std::span<const std::uint8_t> payload, TimePoint at, Tally& tally);
  void take_sound(const rtp::Packet& packet, TimePoint at, int& searches, Tally& tally);
  void take_any(const rtp::Packet& packet, TimePoint at, Tally& tally);
  void track_grid(const rtp::Header& header, TimePoint at, bool restarted, Tally& tally);
  void track_delay(Nanos delay, TimePoint at, Tally& tally);
  void close_window(TimePoint at);
  void right(TimePoint at, Tally& tally);
  bool body_differs(std::uint32_t counter, std::span<const std::uint8_t> payload);

  // what each packet needs, close together: thousands of phones take turns
  const Melody& melody_;
  const Voice* partner_;
  const std::uint32_t hears_, clock_rate_;
  const Nanos late_after_;
  const Marks expects_;
  const std::uint8_t payload_type_, event_type_;
  bool any_stamp_ = false, ending_ = false, grid_ = false;
  std::uint32_t newest_ = 0;
  std::uint64_t unique_ = 0;
  std::uint64_t doubled_ = 0;  // since measuring began
  TimePoint last_at_{};
  rtp::RtpTime grid_time_;
  std::int64_t grid_ticks_ = 0;
  TimePoint grid_begin_{};
  Nanos base_{Nanos::max()}, base_next_{Nanos::max()};
  TimePoint base_until_{};
  // windows of 200 ms
  TimePoint window_until_{};
  Nanos window_offset_{Nanos::max()}, window_delay_{Nanos::max()};
  double delay_sum_ms_ = 0;
  std::uint64_t delays_ = 0;
  rtp::RxStream rx_;
  std::array<std::uint64_t, 16> seen_{};  // bits of the last 1,024 counters
  LegFigures figures_;                    // its first line
  // borrowed
  const PhoneSpec spec_;
  // owned
  std::unique_ptr<codec::Decoder> decoder_;
  std::unique_ptr<Choir> choir_;  // null: not in a room
  Tune tune_;
  std::vector<std::int16_t> pcm_;
  // state
  TimePoint born_, measured_from_{};
  rtp::RxStats rx_before_;
  rtp::TelephoneEventReceiver events_;
  std::uint64_t keys_heard_ = 0;
  TimePoint sounded_at_{};  // Marks::any: when there was sound last
  Nanos delay_low_{Nanos::max()}, delay_high_{Nanos::min()}, delay_last_{Nanos::min()};
  Line drift_;
};

}  // namespace tandem::load
