// Outcome: everything that one run found, as a value: what reports print, baselines compare and searches ask.
// Thread: [any]; the judging is pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/load/figures.hpp"
#include "core/load/profile.hpp"

namespace tandem::load {

// One second of a run.
struct Moment {
  double at_s = 0;
  unsigned legs = 0;
  double cpu_percent = 0, resident_mb = 0;  // the server's
  std::uint64_t sent = 0, received = 0, lost = 0, late = 0, wrong = 0, failed_calls = 0;
  double delay_p50_ms = 0, delay_p99_ms = 0, lateness_p99_ms = 0, own_p99_ms = 0;
  double mos = 0;
  std::uint64_t first_heard = 0;  // legs that heard the right sound for the first time; after so long:
  double first_audio_p50_ms = 0, first_audio_max_ms = 0;
  std::uint64_t symbols = 0, gaps = 0, gap_ms = 0, clicks = 0, scored = 0;  // of the sound
  double level_db = 0;                                                      // mean of what was scored

  bool judged() const { return symbols > 0; }  // the sound was listened to; else holes are not known
};

struct LegRow {
  std::uint32_t leg = 0;
  std::string part, codec, heard_codec;
  double mos = 0;  // 0: not known
  LegFigures figures;
};

// Of calls to queues.
struct QueueFigures {
  std::uint64_t joined = 0, served = 0, abandoned = 0, still_waiting = 0, out_of_turn = 0;
  std::uint64_t waiters = 0, hurt = 0, lost = 0;  // whose music was listened to; not whole; packets
  unsigned agents = 0;
  double talk_s = 0;  // of all agents, while measured
  Histogram wait;     // of those who were served
};

struct Verdict {
  std::string what, wanted, measured;
  bool held = true;
};

struct Outcome {
  // the run
  std::string profile, server, machine, command, version, began;
  double seconds = 0;
  unsigned legs = 0;  // at most at once
  bool interrupted = false;
  // calls
  std::uint64_t calls = 0, failed_calls = 0, dropped_calls = 0;  // dropped: the server ended them
  std::map<std::string, std::uint64_t> reasons;
  Histogram setup;
  QueueFigures queue;
  // packets and sound
  Tally total;
  std::uint64_t lost = 0, duplicates = 0, reordered = 0, restarts = 0, other_port = 0, malformed = 0;
  std::uint64_t wrong = 0, gaps = 0, gap_ms = 0, clicks = 0, shifts = 0, delay_steps = 0;
  std::uint64_t symbols = 0, poor_symbols = 0;
  std::uint64_t turns = 0, turns_missed = 0, own_turns_ms = 0;  // of rooms
  std::uint64_t digits_sent = 0, digits_right = 0, digits_wrong = 0, digits_missing = 0;
  std::uint64_t expected = 0;  // packets that should have come
  unsigned measured_legs = 0, deaf_legs = 0, silent_legs = 0, drifting_legs = 0, hurt_legs = 0,
           damaged_legs = 0, scored_legs = 0;
  unsigned odd_legs = 0;  // that got packets twice, from other ports, or of no agreed type
  double drift_ppm_worst = 0, delay_shift_ms_worst = 0, jitter_ms_mean = 0, level_db = 0;
  double snr_db_mean = -1, snr_db_worst = -1;  // below 0: nothing was decoded
  Histogram first_audio;
  double mos_mean = 0, mos_min = 0;
  unsigned mos_legs = 0;        // of these: whoever lived too short to be heard has none
  double mos_delay_ms = 0;      // E-model's input besides loss: mean one-way delay, with what was added to it
  double mos_lost_percent = 0;  // and mean loss, what was too late to be played among it
  // cost; below 0: not known
  double cpu_percent = -1, us_per_leg_second = -1, kb_per_leg = -1, resident_mb = -1;
  double own_cpu_percent = 0, own_us_per_leg_second = 0, own_late_p99_ms = 0;
  bool realtime = false;
  bool server_gone = false;  // a process of the server's that was there before is not
  // judgement
  std::vector<std::string> findings;  // what went wrong, in words, the first of each kind
  std::vector<Verdict> verdicts;
  std::vector<std::string> doubts;  // why the figures can't be trusted; empty: they can
  std::vector<Moment> moments;
  std::vector<LegRow> rows;

  double failed_percent() const;
  double lost_percent() const;
  double late_percent() const;
  double agents_busy_percent() const;
  bool held() const;
};

// What a mouth-to-ear delay has besides the server's part: one packet time and a jitter buffer of two.
inline constexpr double kMosExtraDelayMs = 60;

// E-model (ITU-T G.107) of a leg: `lost_percent` after lateness.
double mos_of(double delay_ms, double lost_percent, const std::string& codec, const std::string& other_codec);

// Adds a leg's figures to the sums, and what they mean to the findings.
void add_leg(Outcome& outcome, LegRow row, const Part& part);

// Means of sums; the verdicts of the objective; the doubts.
void conclude(Outcome& outcome, const Profile& profile);

}  // namespace tandem::load
