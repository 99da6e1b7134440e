// tandem bench: see the header. What a run does is core/load.
#include "core/app/bench_command.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/app/ask.hpp"
#include "core/app/bench_codec_alone.hpp"
#include "core/app/bench_codecs.hpp"
#include "core/app/bench_options.hpp"
#include "core/app/bench_profile.hpp"
#include "core/app/listen_address.hpp"
#include "core/app/version.hpp"
#include "core/base/log.hpp"
#include "core/load/agreement.hpp"
#include "core/load/engine_driver.hpp"
#include "core/load/janus_driver.hpp"
#include "core/load/ng_driver.hpp"
#include "core/load/recorded.hpp"
#include "core/load/report.hpp"
#include "core/load/run.hpp"
#include "core/load/search.hpp"
#include "core/load/sip_driver.hpp"

namespace tandem::app {
namespace {

constexpr int kFailed = 1, kUsage = 2, kBadProfile = 3, kNoServer = 4, kDoubtful = 5;

std::atomic<bool> interrupted{false};

void on_signal(int) {
  if (interrupted.exchange(true)) _exit(130);  // twice: at once
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out.fail()) return true;
  fmt::print(stderr, "{}: cannot be written\n", path);
  return false;
}

// {"accounts": [{"user", "password"}]} of a server's accounts.json; none without a file. Errors: not_found,
// invalid.
Result<std::vector<load::SipAccount>> read_accounts(const std::string& path) {
  std::vector<load::SipAccount> out;
  if (path.empty()) return out;
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::not_found, fmt::format("--agents: {} cannot be read", path)};
  const auto all = nlohmann::json::parse(file, nullptr, false);
  for (const auto& one : list_field(all, "accounts"))
    out.push_back({text_field(one, "user"), text_field(one, "password")});
  const bool whole =
      std::none_of(out.begin(), out.end(), [](const load::SipAccount& one) { return one.user.empty(); });
  if (out.empty() || !whole)
    return Error{ErrorCode::invalid,
                 fmt::format("--agents: {}: expected {{\"accounts\": [{{\"user\", \"password\"}}]}}", path)};
  return out;
}

// "0.52 (0.49 to 0.61)"; "unknown" where a server's figure is.
std::string spread(std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  if (!(ratios.front() > 0) || !std::isfinite(ratios.back())) return "unknown";
  const double median = (ratios[(ratios.size() - 1) / 2] + ratios[ratios.size() / 2]) / 2;
  return fmt::format("{:.2f} ({:.2f} to {:.2f})", median, ratios.front(), ratios.back());
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

  static void raise_files() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }

  Result<std::unique_ptr<load::Driver>> make_phones_of_sip(const Address& server) const {
    auto agents = read_accounts(o_.agents);
    if (!agents) return agents.error();
    // Who calls, who is called from phone to phone, and whom other parts dial, serve no queue.
    std::erase_if(*agents, [this](const load::SipAccount& one) {
      return one.user == o_.user || one.user == o_.peer ||
             std::any_of(profile_.parts.begin(), profile_.parts.end(),
                         [&](const load::Part& part) { return part.number == one.user; });
    });
    const bool queue = std::any_of(profile_.parts.begin(), profile_.parts.end(),
                                   [](const load::Part& part) { return part.kind == load::Kind::queue; });
    const bool bridge = std::any_of(profile_.parts.begin(), profile_.parts.end(),
                                    [](const load::Part& part) { return part.kind == load::Kind::bridge; });
    load::SipAccount peer{o_.peer, o_.peer_password};
    if (!queue) agents->clear();
    // Without a file the one who is called serves the queue, when nobody calls it from phone to phone.
    if (queue && !bridge && o_.agents.empty() && !peer.user.empty()) agents->push_back(peer);
    if (!bridge) peer = {"", ""};
    return load::make_sip_driver(server, {o_.user, o_.password}, peer, *agents);
  }

  Result<std::unique_ptr<load::Driver>> make_driver(const std::string& server, unsigned legs) const {
    if (server == "engine") {
      load::EngineOptions engine;
      engine.loops = o_.loops;
      engine.legs_max = legs * 2 + 16;
      engine.io = o_.io;
      engine.forward_on_tick = o_.forward_on_tick;
      engine.forward_at_once = o_.forward_at_once;
      return load::make_engine_driver(engine, core_);
    }
    if (server.starts_with("ng:")) {
      if (const auto at = parse_listen(server.substr(3))) return load::make_ng_driver(*at);
    }
    if (server.starts_with("sip:")) {
      if (const auto at = parse_listen(server.substr(4))) return make_phones_of_sip(*at);
    }
    if (server.starts_with("janus:")) {
      if (const auto at = parse_listen(server.substr(6))) return load::make_janus_driver(*at);
    }
    return Error{
        ErrorCode::invalid,
        fmt::format("--server: expected engine, ng:ADDRESS:PORT, janus:ADDRESS:PORT or sip:ADDRESS:PORT, "
                    "found \"{}\"",
                    server)};
  }

  Result<load::Outcome> load_once(const std::string& server, const load::Profile& profile) {
    auto driver = make_driver(server, profile.legs);
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
    int status = outcome->held() ? outcome->doubts.empty() ? 0 : kDoubtful : kFailed;
    if (!o_.baseline.empty()) status = compare_with_baseline(*outcome, status);
    return write_reports({{profile_.name, std::move(*outcome), {}}}, status);
  }

  // The largest load that holds the objective.
  int search() {
    load::Search search(profile_.search);
    std::vector<load::Step> steps;
    while (const auto legs = search.next()) {
      load::Profile profile = profile_;
      profile.legs = *legs;
      profile.rate = std::max(profile_.rate, *legs / 8.0);
      auto outcome = load_once(o_.server, profile);
      if (!outcome) return refuse(outcome.error());
      if (interrupted.load()) break;
      const bool held = outcome->held() && outcome->doubts.empty();
      fmt::print("{:>6} legs: {}; CPU {:.0f} %, delay p99 {:.2f} ms, {} lost, {} hurt legs{}\n", *legs,
                 held ? "holds" : "fails", outcome->cpu_percent, outcome->total.delay.percentile_ms(.99),
                 outcome->lost, outcome->hurt_legs,
                 outcome->doubts.empty() ? "" : "; the generator itself was too late");
      std::fflush(stdout);
      search.judged(*legs, held);
      steps.push_back({fmt::format("{} legs", *legs), std::move(*outcome), {}});
    }
    fmt::print("largest load that held: {} legs\n", search.best());
    if (steps.empty()) return kFailed;
    return write_reports(steps, search.best() > 0 ? 0 : kFailed);
  }

  // The same profile against two servers in turn, first one then the other first, so that what changes on the
  // machine meanwhile hurts both.
  int compare() {
    std::vector<load::Step> steps;
    std::vector<double> cpu, p50;  // ratios
    bool held = true, doubtful = false;
    for (unsigned round = 0; round < o_.rounds && !interrupted.load(); ++round) {
      std::array<load::Outcome, 2> pair;
      for (unsigned i = 0; i < 2 && !interrupted.load(); ++i) {
        const unsigned which = (i + round) % 2;
        auto outcome = load_once(which == 0 ? o_.server : o_.against, profile_);
        if (!outcome) return refuse(outcome.error());
        held = held && outcome->held();
        doubtful = doubtful || !outcome->doubts.empty();
        pair[which] = *outcome;
        const std::string side = which == 0 ? "A" : "B";
        steps.push_back({fmt::format("{} {}", side, round + 1), std::move(*outcome), side});
      }
      if (interrupted.load()) break;
      if (round == 0) fmt::print("A: {}\nB: {}\n", pair[0].server, pair[1].server);
      const auto ratio = [](double a, double b) {
        return a > 0 && b > 0 ? fmt::format("{:.2f}", a / b) : std::string("?");
      };
      fmt::print(
          "pair {}: A / B: CPU a leg {} ({:.0f} / {:.0f} us/s), delay p50 {} ({:.2f} / {:.2f} ms), p99 {} "
          "({:.2f} / {:.2f} ms), memory a leg {} "
          "({:.1f} / {:.1f} KB), lost {} / {}, hurt legs {} / {}\n",
          round + 1, ratio(pair[0].us_per_leg_second, pair[1].us_per_leg_second), pair[0].us_per_leg_second,
          pair[1].us_per_leg_second,
          ratio(pair[0].total.delay.percentile_ms(.5), pair[1].total.delay.percentile_ms(.5)),
          pair[0].total.delay.percentile_ms(.5), pair[1].total.delay.percentile_ms(.5),
          ratio(pair[0].total.delay.percentile_ms(.99), pair[1].total.delay.percentile_ms(.99)),
          pair[0].total.delay.percentile_ms(.99), pair[1].total.delay.percentile_ms(.99),
          ratio(pair[0].kb_per_leg, pair[1].kb_per_leg), pair[0].kb_per_leg, pair[1].kb_per_leg, pair[0].lost,
          pair[1].lost, pair[0].hurt_legs, pair[1].hurt_legs);
      cpu.push_back(pair[0].us_per_leg_second / pair[1].us_per_leg_second);
      p50.push_back(pair[0].total.delay.percentile_ms(.5) / pair[1].total.delay.percentile_ms(.5));
      for (const load::Outcome& one : pair)
        for (const std::string& doubt : one.doubts) fmt::print("DOUBT      {}: {}\n", one.server, doubt);
      std::fflush(stdout);
    }
    if (steps.empty()) return kFailed;
    if (cpu.size() > 1)
      fmt::print("A / B, median of {} pairs (lowest to highest): CPU a leg {}, delay p50 {}\n", cpu.size(),
                 spread(cpu), spread(p50));
    return write_reports(steps, !held ? kFailed : doubtful ? kDoubtful : 0);
  }

  // The same run several times: do they tell the same?
  int repeat() {
    std::vector<load::Step> steps;
    bool held = true, doubtful = false;
    for (unsigned round = 1; round <= o_.repeat && !interrupted.load(); ++round) {
      auto outcome = load_once(o_.server, profile_);
      if (!outcome) return refuse(outcome.error());
      if (interrupted.load()) break;
      fmt::print("run {}: {:.0f} us per leg-second, delay p50 {:.2f}, p99 {:.2f} ms, {} lost, {} hurt legs\n",
                 round, outcome->us_per_leg_second, outcome->total.delay.percentile_ms(.5),
                 outcome->total.delay.percentile_ms(.99), outcome->lost, outcome->hurt_legs);
      for (const std::string& doubt : outcome->doubts) fmt::print("{:<11}{}\n", "DOUBT", doubt);
      std::fflush(stdout);
      held = held && outcome->held();
      doubtful = doubtful || !outcome->doubts.empty();
      steps.push_back({fmt::format("run {}", round), std::move(*outcome), "run"});
    }
    if (steps.empty()) return kFailed;
    std::string text;
    const bool same = load::all_agree(load::agreement(steps, o_.noise), o_.noise, text);
    const bool whole = steps.size() == o_.repeat;  // not interrupted
    if (whole)
      fmt::print("{}{} runs {} within {:g} %\n", text, steps.size(), same ? "agree" : "do not agree",
                 o_.noise);
    return write_reports(steps, !whole || !same || !held ? kFailed : doubtful ? kDoubtful : 0);
  }

  int compare_with_baseline(const load::Outcome& outcome, int status) const {
    std::ifstream file(o_.baseline);
    std::stringstream text;
    text << file.rdbuf();
    const auto worse = load::regressions(outcome, text.str(), o_.noise);
    if (!worse) {
      fmt::print(stderr, "--baseline {}: {}\n", o_.baseline, worse.error().message);
      return kFailed;
    }
    for (const std::string& one : *worse) fmt::print("{:<11}{}\n", "WORSE", one);
    if (worse->empty()) fmt::print("{:<11}no worse than {}\n", "baseline", o_.baseline);
    return worse->empty() ? status : kFailed;
  }

  int write_reports(const std::vector<load::Step>& steps, int status) const {
    const load::Outcome& last = steps.back().outcome;
    bool good = true;
    if (!o_.json.empty()) good = write_file(o_.json, load::report_json(last, 5000)) && good;
    if (!o_.csv.empty())
      good = write_file(o_.csv + "-seconds.csv", load::seconds_csv(last)) &&
             write_file(o_.csv + "-legs.csv", load::legs_csv(last)) && good;
    if (!o_.html.empty())
      good = write_file(o_.html, load::report_html(steps, fmt::format("tandem bench: {}", profile_.name))) &&
             good;
    return good ? status : kFailed;
  }

  const BenchOptions o_;
  BenchCodecs codecs_;
  int core_ = -1;
  load::Profile profile_;
};

}  // namespace

void add_bench_command(CLI::App& root, std::span<const plugin::Builtin> builtins, int& status) {
  auto options = std::make_shared<BenchOptions>();  // owner: the callback
  auto* bench = add_bench_options(root, *options);
  bench->callback([options, builtins, &status] {
    std::ifstream line("/proc/self/cmdline", std::ios::binary);
    for (std::string word; std::getline(line, word, '\0');)
      options->command +=
          (options->command.empty() ? "" : " ") + (options->command.empty() ? "tandem" : word);
    log::set_level(log::Level::warn);
    Bench one(*options, builtins);
    status = options->serve_engine >= 0                                      ? one.serve()
             : !options->bare_codec.empty() || !options->swaps_found.empty() ? one.codec_alone()
                                                                             : one.run();
  });
}

}  // namespace tandem::app
