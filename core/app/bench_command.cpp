// tandem bench: see the header. What a run does is core/load.
#include "core/app/bench_command.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/app/bench_codec_alone.hpp"
#include "core/app/bench_codecs.hpp"
#include "core/app/bench_drivers.hpp"
#include "core/app/bench_options.hpp"
#include "core/app/bench_profile.hpp"
#include "core/app/version.hpp"
#include "core/base/log.hpp"
#include "core/load/agreement.hpp"
#include "core/load/engine_server.hpp"
#include "core/load/recorded.hpp"
#include "core/load/report.hpp"
#include "core/load/run.hpp"
#include "core/load/search.hpp"

namespace tandem::app {
namespace {

constexpr int kFailed = 1, kUsage = 2, kBadProfile = 3, kNoServer = 4, kDoubtful = 5;

std::atomic<bool> interrupted{false};

void on_signal(int) {
  if (interrupted.exchange(true)) _exit(130);  // twice: at once
}

// What keeps a report from being written there, told before hours are spent on it; "" when nothing does.
std::string unwritable(const std::string& path) {
  struct stat there {};
  const auto why = [&](const char* reason) { return fmt::format("{}: cannot be written: {}", path, reason); };
  if (stat(path.c_str(), &there) == 0) {
    if (S_ISDIR(there.st_mode)) return why("it is a folder, a file's name was expected");
    return access(path.c_str(), W_OK) == 0 ? "" : why(std::strerror(errno));
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  return access(folder.c_str(), W_OK) == 0 ? "" : why(std::strerror(errno));
}

bool write_file(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out.fail()) return true;
  fmt::print(stderr, "{}: cannot be written whole ({} bytes): {}\n", path, text.size(), std::strerror(errno));
  return false;
}

class Bench {
 public:
  Bench(const BenchOptions& options, std::span<const plugin::Builtin> builtins)
      : o_(options), codecs_(builtins) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    core_ = o_.core != -2 ? o_.core : cores >= 2 ? cores - 1 : -1;
  }

  int serve() {
    load::EngineOptions engine;
    engine.loops = o_.loops;
    engine.legs_max = o_.legs;
    engine.io = o_.io;
    engine.folder = o_.folder;
    engine.forward_on_tick = o_.forward_on_tick;
    engine.forward_at_once = o_.forward_at_once;
    return load::serve_engine(o_.serve_engine, engine, codecs_.registry());
  }

  int codec_alone() const {
    const auto line = o_.swaps_found.empty() ? bare_cost_line(codecs_.registry(), o_.bare_codec, o_.legs)
                                             : swaps_found_line(codecs_.registry(), o_.swaps_found, o_.legs);
    if (!line) return refuse(line.error());
    fmt::print("{}\n", *line);
    return 0;
  }

  int run() {
    std::string path;
    auto read = load_profile(o_.profile, profile_folders(), path);
    for (const auto& error : read.errors) fmt::print(stderr, "{}\n", error.text(path));
    if (!read.errors.empty() || !codecs_there(read.profile, path)) return kBadProfile;
    profile_ = std::move(read.profile);
    if (o_.legs > 0) profile_.legs = o_.legs;
    if (o_.seconds > 0) profile_.seconds = o_.seconds;
    if (o_.rate > 0) profile_.rate = o_.rate;
    for (const std::string& report : report_paths())
      if (const std::string why = unwritable(report); !why.empty()) {
        fmt::print(stderr, "{}\n", why);
        return kUsage;
      }
    if (!o_.baseline.empty()) {
      if (const auto good = load::check_baseline(baseline(), profile_.name, profile_.legs); !good) {
        fmt::print(stderr, "--baseline {}: {}\n", o_.baseline, good.error().message);
        return kUsage;
      }
    }
    raise_files();
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    if (!o_.against.empty()) return compare();
    if (o_.repeat > 1) return repeat();
    return o_.search ? search() : one();
  }

 private:
  bool codecs_there(const load::Profile& profile, const std::string& path) const {
    bool all = true;
    for (const load::Part& part : profile.parts)
      for (const std::string& name : {part.codec, part.peer_codec.empty() ? part.codec : part.peer_codec}) {
        const auto found = load::phone_codec(codecs_.registry(), name, part.ptime_ms);
        if (found) continue;
        fmt::print(stderr, "{}: [call] \"{}\": codec: {}\n", path, part.name, found.error().message);
        all = false;
        break;
      }
    return all;
  }

  std::vector<std::string> report_paths() const {
    std::vector<std::string> out;
    if (!o_.json.empty()) out.push_back(o_.json);
    if (!o_.html.empty()) out.push_back(o_.html);
    if (!o_.csv.empty()) out.insert(out.end(), {o_.csv + "-seconds.csv", o_.csv + "-legs.csv"});
    return out;
  }

  static void raise_files() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }

  Result<load::Outcome> load_once(const std::string& server, const load::Profile& profile) {
    auto driver = make_bench_driver(o_, server, profile, core_);
    if (!driver) return driver.error();
    if (auto started = (*driver)->start(); !started) return started.error();
    load::RunSettings settings;
    settings.core = core_;
    settings.pids = o_.pids;
    if (!o_.quiet)
      settings.on_moment = [](const load::Moment& moment, const char* phase) {
        fmt::print(stderr, "{}\n", load::live_line(moment, phase));
      };
    auto outcome = load::Run(profile, codecs_.registry(), **driver, settings).run(interrupted);
    if (outcome) {
      outcome->command = o_.command;
      outcome->version = kVersion;
    }
    return outcome;
  }

  int refuse(const Error& error) const {
    fmt::print(stderr, "{}: {}\n", to_string(error.code), error.message);
    switch (error.code) {
      case ErrorCode::unavailable:
      case ErrorCode::timeout: return kNoServer;
      case ErrorCode::invalid: return kUsage;
      default: return kFailed;
    }
  }

  int one() {
    const WallTime began = std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
    auto outcome = load_once(o_.server, profile_);
    if (!outcome) return refuse(outcome.error());
    if (!o_.recordings.empty()) {
      std::this_thread::sleep_for(seconds(3));  // until the last ones are whole
      if (auto checked = load::check_recordings(*outcome, o_.recordings, began); !checked)
        return refuse(checked.error());
    }
    fmt::print("{}", load::report_text(*outcome));
    return finish({load::SeriesKind::one,
                   {{profile_.name, std::move(*outcome), {}, o_.server, 1, profile_.legs}},
                   0,
                   o_.noise,
                   {}});
  }

  // The largest load that holds the objective.
  int search() {
    load::Search search(profile_.search);
    load::Series series{load::SeriesKind::search, {}, 0, o_.noise, {}};
    while (const auto legs = search.next()) {
      load::Profile profile = profile_;
      profile.legs = *legs;
      profile.rate = std::max(profile_.rate, *legs / 8.0);
      auto outcome = load_once(o_.server, profile);
      if (!outcome) return give_up(series, outcome.error());
      const bool held = outcome->held() && outcome->doubts.empty();
      series.steps.push_back({fmt::format("{} legs", *legs),
                              std::move(*outcome),
                              {},
                              o_.server,
                              static_cast<unsigned>(series.steps.size() + 1),
                              *legs});
      const load::Outcome& o = series.steps.back().outcome;
      if (o.interrupted) break;
      fmt::print("{:>6} legs: {}; CPU {}, delay p99 {:.2f} ms, {} lost, {} hurt legs{}\n", *legs,
                 held ? "holds" : "fails",
                 o.cpu_percent < 0 ? "unknown" : fmt::format("{:.0f} %", o.cpu_percent),
                 o.total.delay.percentile_ms(.99), o.lost, o.hurt_legs,
                 o.doubts.empty() ? "" : "; the generator itself was too late");
      std::fflush(stdout);
      search.judged(*legs, held);
      series.largest_legs = search.best();
    }
    fmt::print("largest load that held: {} legs{}\n", search.best(), series.interrupted() ? " so far" : "");
    return write_reports(series, search.best() > 0 && !series.interrupted() ? 0 : kFailed);
  }

  // The same profile against two servers in turn, first one then the other first, so that what changes on the
  // machine meanwhile hurts both.
  int compare() {
    load::Series series{load::SeriesKind::against, {}, 0, o_.noise, {}};
    for (unsigned round = 1; round <= o_.rounds && !interrupted.load(); ++round) {
      for (unsigned i = 0; i < 2 && !interrupted.load(); ++i) {
        const bool first = (i + round) % 2 == 1;
        const std::string& server = first ? o_.server : o_.against;
        auto outcome = load_once(server, profile_);
        if (!outcome) return give_up(series, outcome.error());
        const std::string side = first ? "A" : "B";
        series.steps.push_back(
            {fmt::format("{} {}", side, round), std::move(*outcome), side, server, round, profile_.legs});
        if (round == 1) fmt::print("{}: {}\n", side, series.steps.back().outcome.server);
        tell_doubts(series.steps.back());
      }
      fmt::print("{}", load::pair_line(series.steps, round));
      std::fflush(stdout);
    }
    fmt::print("{}", load::ratios_line(series.steps));
    return finish(series);
  }

  // The same run several times: do they tell the same?
  int repeat() {
    load::Series series{load::SeriesKind::repeat, {}, 0, o_.noise, {}};
    for (unsigned round = 1; round <= o_.repeat && !interrupted.load(); ++round) {
      auto outcome = load_once(o_.server, profile_);
      if (!outcome) return give_up(series, outcome.error());
      series.steps.push_back(
          {fmt::format("run {}", round), std::move(*outcome), "run", o_.server, round, profile_.legs});
      const load::Outcome& o = series.steps.back().outcome;
      if (o.interrupted) break;
      fmt::print("run {}: {} us per leg-second, delay p50 {:.2f}, p99 {:.2f} ms, {} lost, {} hurt legs\n",
                 round, o.us_per_leg_second < 0 ? "unknown" : fmt::format("{:.0f}", o.us_per_leg_second),
                 o.total.delay.percentile_ms(.5), o.total.delay.percentile_ms(.99), o.lost, o.hurt_legs);
      tell_doubts(series.steps.back());
      std::fflush(stdout);
    }
    bool same = false;
    if (!series.interrupted()) {
      std::string text;
      same = load::all_agree(load::agreement(series.steps, o_.noise), o_.noise, text);
      fmt::print("{}{} runs {} within {:g} %\n", text, series.steps.size(), same ? "agree" : "do not agree",
                 o_.noise);
    }
    return finish(series, same);
  }

  static void tell_doubts(const load::Step& step) {
    for (const std::string& doubt : step.outcome.doubts)
      fmt::print("{:<11}{}: {}\n", "DOUBT", step.label, doubt);
  }

  // The reports, and the exit status of what was found.
  int finish(const load::Series& series, bool good = true) const {
    int status = !good || series.interrupted() || !series.held() ? kFailed : series.trusted() ? 0 : kDoubtful;
    if (!o_.baseline.empty()) status = compare_with_baseline(series, status);
    return write_reports(series, status);
  }

  // What was measured before a server failed is not thrown away.
  int give_up(load::Series& series, const Error& error) const {
    const int status = refuse(error);
    if (series.steps.empty()) return status;
    series.stopped = error.message;
    return write_reports(series, status);
  }

  std::string baseline() const {
    std::ifstream file(o_.baseline);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  int compare_with_baseline(const load::Series& series, int status) const {
    const auto found = load::against_baseline(series.steps, baseline(), o_.noise);
    if (!found) {
      fmt::print(stderr, "--baseline {}: {}\n", o_.baseline, found.error().message);
      return kFailed;
    }
    for (const std::string& one : found->notes) fmt::print("{:<11}{}: {}\n", "NOTE", o_.baseline, one);
    for (const std::string& one : found->worse) fmt::print("{:<11}{}\n", "WORSE", one);
    if (found->worse.empty()) fmt::print("{:<11}no worse than {}\n", "baseline", o_.baseline);
    return found->worse.empty() ? status : kFailed;
  }

  int write_reports(const load::Series& series, int status) const {
    bool good = true;
    if (!o_.json.empty()) good = write_file(o_.json, load::report_json(series, 5000));
    if (!o_.csv.empty()) {
      good = write_file(o_.csv + "-seconds.csv", load::seconds_csv(series.steps)) && good;
      good = write_file(o_.csv + "-legs.csv", load::legs_csv(series.steps)) && good;
    }
    if (!o_.html.empty())
      good = write_file(o_.html,
                        load::report_html(series.steps, fmt::format("tandem bench: {}", profile_.name))) &&
             good;
    return good ? status : kFailed;
  }

  const BenchOptions o_;
  BenchCodecs codecs_;
  int core_ = -1;
  load::Profile profile_;
};

// As a shell takes it, without passwords: reports are shown around.
std::string command_line() {
  std::ifstream line("/proc/self/cmdline", std::ios::binary);
  std::string out, before;
  for (std::string word; std::getline(line, word, '\0'); before = word) {
    if (out.empty()) word = "tandem";
    const std::size_t is = word.starts_with("--") ? word.find('=') : word.npos;
    const std::string option = word.substr(0, is);
    if (before == "--password" || before == "--peer-password") word = "...";
    if (is != word.npos && (option == "--password" || option == "--peer-password")) word = option + "=...";
    if (word.empty() || word.find_first_of(" \t\"'$&|;<>*?()") != word.npos) word = "'" + word + "'";
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

}  // namespace

void add_bench_command(CLI::App& root, std::span<const plugin::Builtin> builtins, int& status) {
  auto options = std::make_shared<BenchOptions>();  // owner: the callback
  auto* bench = add_bench_options(root, *options);
  bench->callback([options, builtins, &status] {
    options->command = command_line();
    log::set_level(log::Level::warn);
    Bench one(*options, builtins);
    status = options->serve_engine >= 0                                      ? one.serve()
             : !options->bare_codec.empty() || !options->swaps_found.empty() ? one.codec_alone()
                                                                             : one.run();
  });
}

}  // namespace tandem::app
