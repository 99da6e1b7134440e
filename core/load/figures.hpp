// What is measured: LegFigures of one leg, Tally of a span of time over all legs of one crew. Values only.
// Thread: written by the crew's thread, handed over whole.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/time.hpp"
#include "core/load/histogram.hpp"

namespace tandem::load {

// What a phone's jitter buffer is taken to wait for; MOS counts what is later as lost.
inline constexpr Nanos kPlayout = milliseconds(40);

// What the sound itself told (Tune). Symbols are 40 ms.
struct SoundFigures {
  std::uint64_t symbols = 0;  // looked at whole
  std::uint64_t good = 0;
  std::uint64_t poor = 0;    // the right tone, damaged
  std::uint64_t wrong = 0;   // something else than was said: cross-talk, or noise
  std::uint64_t gaps = 0;    // holes in the sound
  std::uint64_t gap_ms = 0;  //
  std::uint64_t clicks = 0;
  std::uint64_t shifts = 0;                                        // the sound jumped in time
  double shift_ms_max = 0;                                         // by so much, either way
  std::uint64_t keys_right = 0, keys_wrong = 0, keys_missing = 0;  // pressed in the sound
  std::uint64_t turns = 0;                                         // of a room's other members
  std::uint64_t turns_missed = 0;                                  // in which that member was not heard
  std::uint64_t own_turns_ms = 0;  // of sound in the own turns, which are silent for oneself
  double snr_db_sum = 0;           // over good and poor symbols, each -10 … 40
  double snr_db_min = 99;
  double level_db_sum = 0;  // against what was said
  std::uint64_t levels = 0;

  // Means of what was scored; 0 when nothing was.
  double snr_db() const { return levels == 0 ? 0 : snr_db_sum / static_cast<double>(levels); }
  double level_db() const { return levels == 0 ? 0 : level_db_sum / static_cast<double>(levels); }
};

struct LegFigures {
  // of what it heard; first what each packet changes
  std::uint64_t packets = 0;  // that are its own: RTP of the agreed types
  Nanos silent_max{0};        // longest time without a packet
  Nanos first_audio{-1};      // from the call being up to that; below 0: never
  bool heard = false;         // the right audio, at least once
  // of what it sent
  std::uint64_t sent = 0, dropped_on_purpose = 0, digits_sent = 0;
  // of what it heard
  std::uint64_t lost = 0;      // sent by the partner or numbered by the server, and never came
  std::uint64_t late = 0;      // more than the profile's limit behind the stream's own grid
  std::uint64_t too_late = 0;  // so late (kPlayout) that a phone would not play it
  std::uint64_t duplicates = 0, reordered = 0, restarts = 0;
  std::uint64_t other_port = 0;  // came from an address that was not agreed
  std::uint64_t malformed = 0;   // no RTP, or a payload type that was not agreed
  std::uint64_t wrong = 0;       // packets of somebody else, or with a changed payload
  std::uint64_t digits_right = 0, digits_wrong = 0, digits_missing = 0;
  SoundFigures sound;
  double jitter_ms = 0;           // RFC 3550
  double snr_db_wanted = -100;    // of the mean score: what the codecs leave by themselves, less a margin
  double delay_ms_mean = 0;       // one way, through the server
  double delay_shift_ms = 0;      // between the quickest and the slowest 200 ms
  std::uint64_t delay_steps = 0;  // changes of more than 10 ms between two 200 ms
  double drift_ppm = 0;          // of the stream's clock against ours, less what the sender was told to drift
  double drift_error_ppm = 1e9;  // its standard error
  bool drift_known() const { return drift_error_ppm < 1e6; }
  Nanos lived{0};
  Nanos sounded{0}, quiet_max{0};  // Marks::any: how long there was sound, and the longest without
};

// A second, or a whole run, of one crew.
struct Tally {
  std::uint64_t sent = 0, received = 0, unknown = 0, overflowed = 0, send_failed = 0;
  std::uint64_t wrong = 0, late = 0;
  std::int64_t missing = 0;     // sequence numbers that did not come, less those that came after all
  std::uint64_t held_back = 0;  // never sent, as the impairment wants it
  std::uint64_t symbols = 0, gaps = 0, gap_ms = 0, clicks = 0, levels = 0;  // of the sound, as SoundFigures
  double level_db_sum = 0;
  Histogram delay;         // one way, of each marked packet
  Histogram lateness;      // of each packet against its stream's grid
  Histogram own_lateness;  // of the generator's sending
  Histogram first_audio;   // of legs that heard the right sound for the first time

  // Lost on the way. What a transcoder numbers anew hides what was held back, not what it lost itself.
  std::uint64_t lost() const {
    const auto holes = static_cast<std::uint64_t>(std::max<std::int64_t>(missing, 0));
    return holes > held_back ? holes - held_back : 0;
  }
  // What a packet's sound told: the leg's figures before it and after it.
  void add_sound(const SoundFigures& before, const SoundFigures& after) {
    wrong += after.wrong - std::min(before.wrong, after.wrong);  // doubtful ones are taken back
    symbols += after.symbols - before.symbols;
    gaps += after.gaps - before.gaps;
    gap_ms += after.gap_ms - before.gap_ms;
    clicks += after.clicks - before.clicks;
    levels += after.levels - before.levels;
    level_db_sum += after.level_db_sum - before.level_db_sum;
  }
  void merge(const Tally& other) {
    sent += other.sent;
    received += other.received;
    unknown += other.unknown;
    overflowed += other.overflowed;
    send_failed += other.send_failed;
    wrong += other.wrong;
    late += other.late;
    missing += other.missing;
    held_back += other.held_back;
    symbols += other.symbols;
    gaps += other.gaps;
    gap_ms += other.gap_ms;
    clicks += other.clicks;
    levels += other.levels;
    level_db_sum += other.level_db_sum;
    delay.merge(other.delay);
    lateness.merge(other.lateness);
    own_lateness.merge(other.own_lateness);
    first_audio.merge(other.first_audio);
  }
};

}  // namespace tandem::load
