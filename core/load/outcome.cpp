// Outcome: summing up and judging.
#include "core/load/outcome.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/rtp/mos.hpp"

namespace tandem::load {
namespace {

constexpr std::size_t kFindingsMax = 40;
constexpr std::size_t kRowsMax = 20'000;
constexpr double kDriftPpm = 40;  // a clock is off when by more, and by four times the error
constexpr double kDriftErrorPpm = 12, kDriftMs = 0.7;  // and by so much in all
constexpr double kShiftMs = 15;
constexpr Nanos kDeafAfter = seconds(2);
constexpr Nanos kDeafMin = seconds(1);  // a leg that lived shorter had no chance to be recognised

double percent(std::uint64_t part, std::uint64_t of) {
  return of == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(of);
}

void find(Outcome& outcome, std::string text) {
  if (outcome.findings.size() < kFindingsMax)
    outcome.findings.push_back(std::move(text));
  else if (outcome.findings.size() == kFindingsMax)
    outcome.findings.emplace_back("… and more");
}

double score_of(const SoundFigures& s) {
  return s.levels == 0 ? 0 : s.snr_db_sum / static_cast<double>(s.levels);
}

// Of 3 s of sound and more.
bool damaged(const LegFigures& f) { return f.sound.levels >= 75 && score_of(f.sound) < f.snr_db_wanted; }

// What a phone's own network doubles, a server passes on.
std::uint64_t doubled(const LegFigures& f, const Part& part) {
  return part.impairment.duplicate_percent > 0 ? 0 : f.duplicates;
}

// What is wrong with a leg, in words.
std::vector<std::string> faults(const LegFigures& f, const Part& part) {
  std::vector<std::string> out;
  const SoundFigures& s = f.sound;
  if (f.lost > 0) out.push_back(fmt::format("{} packets lost", f.lost));
  if (f.wrong > 0) out.push_back(fmt::format("{} packets of somebody else", f.wrong));
  if (s.wrong > 0) out.push_back(fmt::format("{} ms of somebody else's sound", s.wrong * 40));
  if (s.gaps > 0) out.push_back(fmt::format("{} gaps, {} ms", s.gaps, s.gap_ms));
  if (s.clicks > 0) out.push_back(fmt::format("{} clicks", s.clicks));
  if (s.shifts > 0)
    out.push_back(fmt::format("the sound jumped {} times, by up to {:.1f} ms", s.shifts, s.shift_ms_max));
  if (damaged(f))
    out.push_back(fmt::format("its score of {:.1f} dB is below the {:.1f} dB that its codecs leave",
                              score_of(s), f.snr_db_wanted));
  if (s.turns_missed > 0)
    out.push_back(fmt::format("others were not heard in {} of their {} turns", s.turns_missed, s.turns));
  if (s.own_turns_ms > 0) out.push_back(fmt::format("{} ms of sound in its own turns", s.own_turns_ms));
  if (f.digits_wrong > 0) out.push_back(fmt::format("{} wrong keys", f.digits_wrong));
  if (f.digits_missing > 0) out.push_back(fmt::format("{} missing keys", f.digits_missing));
  if (doubled(f, part) > 0) out.push_back(fmt::format("{} packets twice", f.duplicates));
  if (f.restarts > 0) out.push_back(fmt::format("the stream began anew {} times", f.restarts));
  if (f.other_port > 0)
    out.push_back(fmt::format("{} packets from a port that was not agreed", f.other_port));
  if (f.malformed > 0) out.push_back(fmt::format("{} packets of no agreed type", f.malformed));
  if (!part.impairment.any() && part.kind != Kind::room && f.delay_shift_ms > kShiftMs)
    out.push_back(fmt::format("delay changed by {:.0f} ms", f.delay_shift_ms));
  if (f.drift_error_ppm < kDriftErrorPpm && std::abs(f.drift_ppm) > kDriftPpm &&
      std::abs(f.drift_ppm) > 4 * f.drift_error_ppm &&
      std::abs(f.drift_ppm) * std::chrono::duration<double>(f.lived).count() / 1e3 > kDriftMs)
    out.push_back(fmt::format("its clock is off by {:.0f} ppm", f.drift_ppm));
  return out;
}

// Why the figures can't be trusted.
void find_doubts(Outcome& o, const GeneratorSpec& generator) {
  if (o.own_late_p99_ms > generator.late_p99_ms)
    o.doubts.push_back(
        fmt::format("the generator itself sent late: p99 {:.1f} ms, at most {:g} may be: fewer legs, or a "
                    "core of its own",
                    o.own_late_p99_ms, generator.late_p99_ms));
  if (o.total.overflowed > 0)
    o.doubts.push_back(
        fmt::format("the generator's sockets dropped {} packets that had come: raise net.core.rmem_max or "
                    "generator.sockets",
                    o.total.overflowed));
  if (o.total.send_failed > 0)
    o.doubts.push_back(fmt::format(
        "{} packets could not be sent: no room in the socket, or nobody listens there", o.total.send_failed));
  // An agent's phone listens once both are joined: what the caller said before is nobody's.
  constexpr std::uint64_t kBeforeJoined = 20;
  if (o.total.unknown > o.total.received / 100 + 100 + kBeforeJoined * o.queue.served)
    o.doubts.push_back(
        fmt::format("{} packets came that belong to no leg: another run's, or a flood", o.total.unknown));
}

bool tonal(const Part& part) { return part.kind != Kind::number; }

}  // namespace

double Outcome::failed_percent() const { return percent(failed_calls + dropped_calls, calls); }
double Outcome::lost_percent() const { return percent(lost, expected); }
double Outcome::late_percent() const { return percent(total.late, total.lateness.count()); }
double Outcome::agents_busy_percent() const {
  const double all = queue.agents * seconds;
  return all <= 0 ? 0 : 100 * queue.talk_s / all;
}
bool Outcome::held() const {
  return std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& v) { return v.held; });
}

double mos_of(double delay_ms, double lost_percent, const std::string& codec,
              const std::string& other_codec) {
  const auto one = rtp::impairment_of(codec), other = rtp::impairment_of(other_codec);
  return rtp::mos_of_r(rtp::r_factor(delay_ms + kMosExtraDelayMs, lost_percent,
                                     {std::max(one.ie, other.ie), std::min(one.bpl, other.bpl)}));
}

void add_leg(Outcome& outcome, LegRow row, const Part& part) {
  const LegFigures& f = row.figures;
  ++outcome.measured_legs;
  outcome.lost += f.lost;
  outcome.expected += f.packets + f.lost;
  outcome.duplicates += f.duplicates;
  outcome.reordered += f.reordered;
  outcome.restarts += f.restarts;
  outcome.other_port += f.other_port;
  outcome.malformed += f.malformed;
  outcome.wrong += f.wrong + f.sound.wrong;
  outcome.gaps += f.sound.gaps;
  outcome.gap_ms += f.sound.gap_ms;
  outcome.clicks += f.sound.clicks;
  outcome.turns += f.sound.turns;
  outcome.turns_missed += f.sound.turns_missed;
  outcome.own_turns_ms += f.sound.own_turns_ms;
  outcome.damaged_legs += damaged(f) ? 1 : 0;
  outcome.shifts += f.sound.shifts;
  outcome.symbols += f.sound.symbols;
  outcome.poor_symbols += f.sound.poor;
  outcome.delay_steps += f.delay_steps;
  outcome.digits_sent += f.digits_sent;
  outcome.digits_right += f.digits_right;
  outcome.digits_wrong += f.digits_wrong;
  outcome.digits_missing += f.digits_missing;
  outcome.jitter_ms_mean += f.jitter_ms;
  outcome.delay_shift_ms_worst = std::max(outcome.delay_shift_ms_worst, f.delay_shift_ms);
  if (f.sound.levels > 0) ++outcome.scored_legs;
  if (f.sound.levels > 0) outcome.level_db += f.sound.level_db_sum / static_cast<double>(f.sound.levels);
  const std::uint64_t scored = f.sound.levels;
  if (scored > 0) {
    const double snr = f.sound.snr_db_sum / static_cast<double>(std::max<std::uint64_t>(scored, 1));
    outcome.snr_db_mean = std::max(outcome.snr_db_mean, 0.0) + snr;
    outcome.snr_db_worst = outcome.snr_db_worst < 0 ? snr : std::min(outcome.snr_db_worst, snr);
  }
  if (f.first_audio.count() >= 0) outcome.first_audio.add(f.first_audio);
  if (f.drift_error_ppm < kDriftErrorPpm && std::abs(f.drift_ppm) > std::abs(outcome.drift_ppm_worst))
    outcome.drift_ppm_worst = f.drift_ppm;
  std::vector<std::string> wrong = faults(f, part);
  if (tonal(part) && !f.heard && f.lived > kDeafMin) {
    ++outcome.deaf_legs;
    wrong.insert(wrong.begin(), "never heard what it should");
  } else if (f.silent_max > kDeafAfter && part.talk_percent >= 100) {
    ++outcome.silent_legs;
    wrong.insert(wrong.begin(),
                 fmt::format("no packet for {:.1f} s", std::chrono::duration<double>(f.silent_max).count()));
  }
  for (const std::string& one : wrong)
    if (one.starts_with("its clock")) ++outcome.drifting_legs;
  if (!wrong.empty()) ++outcome.hurt_legs;
  if (!wrong.empty())
    find(outcome, fmt::format("leg {} ({}): {}", row.leg, row.part, fmt::join(wrong, "; ")));
  if (doubled(f, part) + f.other_port + f.malformed > 0) ++outcome.odd_legs;
  const bool hearable = f.heard || part.kind == Kind::number;
  if (hearable || f.lived > kDeafMin) {
    const double lost = percent(f.lost + f.too_late, f.packets + f.lost);
    row.mos = hearable ? mos_of(f.delay_ms_mean, lost, row.codec, row.heard_codec) : 1;
    outcome.mos_lost_percent += lost;
    outcome.mos_delay_ms += f.delay_ms_mean;
    outcome.mos_mean += row.mos;
    outcome.mos_min = outcome.mos_legs == 0 ? row.mos : std::min(outcome.mos_min, row.mos);
    ++outcome.mos_legs;
  }
  if (outcome.rows.size() < kRowsMax) outcome.rows.push_back(std::move(row));
}

void conclude(Outcome& o, const Profile& profile) {
  const double legs = std::max(1.0, static_cast<double>(o.measured_legs));
  const double with_mos = std::max(1.0, static_cast<double>(o.mos_legs));
  o.mos_mean /= with_mos;
  o.mos_lost_percent /= with_mos;
  o.mos_delay_ms = o.mos_delay_ms / with_mos + kMosExtraDelayMs;
  o.jitter_ms_mean /= legs;
  o.level_db /= std::max(1.0, static_cast<double>(o.scored_legs));
  if (o.snr_db_mean >= 0) o.snr_db_mean /= std::max(1.0, static_cast<double>(o.scored_legs));
  o.own_late_p99_ms = o.total.own_lateness.percentile_ms(0.99);
  for (const auto& [reason, count] : o.reasons) find(o, fmt::format("{} calls failed: {}", count, reason));
  const Objective& want = profile.objective;
  // What nothing was measured of does not hold.
  const auto at_most = [&](const char* what, double limit, std::uint64_t count, double value,
                           const char* unit, const char* unknown = "") {
    if (limit >= 0)
      o.verdicts.push_back(
          {what, fmt::format("at most {:g} {}", limit, unit),
           count > 0 ? fmt::format("{:.4g} {}", value, unit) : fmt::format("not known: {}", unknown),
           count > 0 && value <= limit});
  };
  constexpr const char *kNoPacket = "no packet was due while it was measured",
                       *kNoMark = "no marked packet came";
  at_most("failed calls", want.failed_calls_percent, 1, o.failed_percent(), "%");
  at_most("lost packets", want.lost_percent, o.expected, o.lost_percent(), "%", kNoPacket);
  at_most("late packets", want.late_percent, o.total.lateness.count(), o.late_percent(), "%",
          "no packet came");
  at_most("delay p99", want.p99_delay_ms, o.total.delay.count(), o.total.delay.percentile_ms(0.99), "ms",
          kNoMark);
  at_most("set-up p99", want.p99_setup_ms, o.setup.count(), o.setup.percentile_ms(0.99), "ms",
          "no call was set up");
  at_most("wait p99", want.p99_wait_s, o.queue.wait.count(), o.queue.wait.percentile_ms(0.99) / 1000, "s",
          "nobody was served");
  if (o.queue.joined > 0)
    o.verdicts.push_back({"order of service", "nobody out of turn",
                          fmt::format("{} of {} out of turn", o.queue.out_of_turn, o.queue.served),
                          o.queue.out_of_turn == 0 && o.queue.served > 0});
  if (o.queue.joined > 0 && want.sound)
    o.verdicts.push_back({"music", "whole for all who wait",
                          fmt::format("{} of {} hurt", o.queue.hurt, o.queue.waiters), o.queue.hurt == 0});
  at_most("CPU", want.cpu_percent, o.cpu_percent >= 0, o.cpu_percent, "%",
          "name the server's process with --pid");
  if (want.mos_min >= 0)
    o.verdicts.push_back(
        {"MOS, worst leg", fmt::format("at least {:g}", want.mos_min),
         o.mos_legs == 0 ? "not known: nobody lived long enough" : fmt::format("{:.2f}", o.mos_min),
         o.mos_min >= want.mos_min});
  if (want.sound) {
    const std::uint64_t wrong = o.wrong + o.gaps + o.clicks + o.shifts + o.turns_missed + o.own_turns_ms +
                                o.damaged_legs + o.digits_wrong + o.digits_missing + o.deaf_legs +
                                o.silent_legs + o.drifting_legs + o.odd_legs;
    o.verdicts.push_back(
        {"sound", "right on every leg",
         o.expected == 0 ? fmt::format("not known: {}", kNoPacket)
         : wrong == 0    ? fmt::format("right on {} legs{}", o.measured_legs,
                                    o.hurt_legs == 0 ? "" : fmt::format("; {} hurt otherwise", o.hurt_legs))
                         : fmt::format("{} of {} legs hurt", o.hurt_legs, o.measured_legs),
         wrong == 0 && o.expected > 0});
  }
  if (o.server_gone)
    o.verdicts.push_back(
        {"server", "runs to the end", "its process ended during the run: see its log", false});
  if (o.measured_legs == 0) o.verdicts.push_back({"legs", "at least one measured", "none", false});
  find_doubts(o, profile.generator);
}

}  // namespace tandem::load
