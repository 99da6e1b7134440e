// Reports: CSV. Each line says which run it is of, so that the runs of a series stand in one file.
#include <fmt/format.h>

#include <iterator>

#include "core/load/report.hpp"

namespace tandem::load {
namespace {

constexpr const char* kRunColumns = "run,server,round,load,";

// RFC 4180: what has a comma, a quote or a line's end stands in quotes.
std::string word(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

// Empty when it is not known.
std::string cell(bool known, double value) { return known ? fmt::format("{:.1f}", value) : ""; }
std::string count(bool known, std::uint64_t value) { return known ? std::to_string(value) : ""; }

std::string run_of(const Step& step) {
  return fmt::format("{},{},{},{},", word(step.label), word(step.server), step.round, step.load);
}

}  // namespace

std::string seconds_csv(std::span<const Step> steps) {
  std::string out =
      std::string(kRunColumns) +
      "second,legs,server_cpu_percent,server_resident_mb,sent,received,lost,late,wrong,failed_calls,"
      "delay_p50_ms,delay_p99_ms,lateness_p99_ms,generator_late_p99_ms,mos,first_audio_legs,"
      "first_audio_p50_ms,first_audio_max_ms,gaps,gap_ms,clicks,level_db\n";
  auto to = std::back_inserter(out);
  for (const Step& step : steps) {
    const std::string run = run_of(step);
    for (const Moment& m : step.outcome.moments)
      fmt::format_to(
          to, "{}{:.2f},{},{},{},{},{},{},{},{},{},{:.3f},{:.3f},{:.3f},{:.3f},{:.2f},{},{},{},{},{},{},{}\n",
          run, m.at_s, m.legs, cell(m.cpu_percent >= 0, m.cpu_percent),
          cell(m.resident_mb >= 0, m.resident_mb), m.sent, m.received, m.lost, m.late, m.wrong,
          m.failed_calls, m.delay_p50_ms, m.delay_p99_ms, m.lateness_p99_ms, m.own_p99_ms, m.mos,
          m.first_heard, cell(m.first_heard > 0, m.first_audio_p50_ms),
          cell(m.first_heard > 0, m.first_audio_max_ms), count(m.judged(), m.gaps),
          count(m.judged(), m.gap_ms), count(m.judged(), m.clicks), cell(m.scored > 0, m.level_db));
  }
  return out;
}

std::string legs_csv(std::span<const Step> steps) {
  std::string out =
      std::string(kRunColumns) +
      "leg,part,codec,sent,received,lost,late,duplicates,reordered,wrong,gaps,gap_ms,clicks,jumps,"
      "keys_right,keys_wrong,keys_missing,first_audio_ms,delay_ms,delay_change_ms,jitter_ms,drift_ppm,"
      "snr_db,level_db,mos\n";
  auto to = std::back_inserter(out);
  for (const Step& step : steps) {
    const std::string run = run_of(step);
    for (const LegRow& row : step.outcome.rows) {
      const LegFigures& f = row.figures;
      fmt::format_to(
          to, "{}{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.3f},{:.1f},{:.2f},{},{},{},{}\n",
          run, row.leg, word(row.part), word(row.codec), f.sent, f.packets, f.lost, f.late, f.duplicates,
          f.reordered, f.wrong + f.sound.wrong, f.sound.gaps, f.sound.gap_ms, f.sound.clicks, f.sound.shifts,
          f.digits_right, f.digits_wrong, f.digits_missing,
          cell(f.first_audio.count() >= 0, static_cast<double>(f.first_audio.count()) / 1e6), f.delay_ms_mean,
          f.delay_shift_ms, f.jitter_ms, cell(f.drift_known(), f.drift_ppm),
          cell(f.sound.levels > 0, f.sound.snr_db()), cell(f.sound.levels > 0, f.sound.level_db()),
          row.mos > 0 ? fmt::format("{:.2f}", row.mos) : "");
    }
  }
  return out;
}

}  // namespace tandem::load
