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

constexpr int kFailed = 1, kBadProfile = 3, kNoServer = 4, kDoubtful = 5;

std::atomic<bool> interrupted{false};

void on_signal(int) {
  if (interrupted.exchange(true)) _exit(130);  // twice: at once
}

struct Options {
  std::string profile = "relay", server = "engine", against;
  unsigned legs = 0, loops = 1, rounds = 3, repeat = 1;
  double seconds = 0, rate = 0, noise = 10;
  std::string bare_codec, swaps_found;
  std::string json, csv, html, baseline, user = "1001", password, peer, peer_password, agents, recordings,
                                         io = "auto";
  std::vector<int> pids;
  int core = -2;  // -2: the last one when there are several
  bool search = false, quiet = false, forward_on_tick = false, forward_at_once = false;
  int serve_engine = -1;
  std::string command;
};

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

class Bench {
 public:
  Bench(const Options& options, std::span<const plugin::Builtin> builtins) : o_(options), codecs_(builtins) {
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
    if (!read.errors.empty()) return kBadProfile;
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
  static void raise_files() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }

  Result<std::unique_ptr<load::Driver>> make_phones_of_sip(const Address& server) const {
    auto agents = read_accounts(o_.agents);
    if (!agents) return agents.error();
    std::erase_if(*agents, [this](const load::SipAccount& one) { return one.user == o_.user; });
    // Without a file, who is called from phone to phone serves queues; both would register the same user.
    const bool queue = std::any_of(profile_.parts.begin(), profile_.parts.end(),
                                   [](const load::Part& part) { return part.kind == load::Kind::queue; });
    const bool bridge = std::any_of(profile_.parts.begin(), profile_.parts.end(),
                                    [](const load::Part& part) { return part.kind == load::Kind::bridge; });
    load::SipAccount peer{o_.peer, o_.peer_password};
    if (!queue) agents->clear();
    if (queue && agents->empty() && !peer.user.empty()) agents->push_back(peer);
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
    return error.code == ErrorCode::unavailable || error.code == ErrorCode::timeout ? kNoServer : kFailed;
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
    return write_reports({{profile_.name, std::move(*outcome)}}, status);
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
      steps.push_back({fmt::format("{} legs", *legs), std::move(*outcome)});
    }
    fmt::print("largest load that held: {} legs\n", search.best());
    if (steps.empty()) return kFailed;
    return write_reports(steps, search.best() > 0 ? 0 : kFailed);
  }

  // The same profile against two servers in turn, first one then the other first, so that what changes on the
  // machine meanwhile hurts both.
  int compare() {
    std::vector<load::Step> steps;
    bool held = true;
    for (unsigned round = 0; round < o_.rounds && !interrupted.load(); ++round) {
      std::array<load::Outcome, 2> pair;
      for (unsigned i = 0; i < 2 && !interrupted.load(); ++i) {
        const unsigned which = (i + round) % 2;
        auto outcome = load_once(which == 0 ? o_.server : o_.against, profile_);
        if (!outcome) return refuse(outcome.error());
        held = held && outcome->held() && outcome->doubts.empty();
        pair[which] = *outcome;
        steps.push_back({fmt::format("{} {}", which == 0 ? "A" : "B", round + 1), std::move(*outcome)});
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
      for (const load::Outcome& one : pair)
        for (const std::string& doubt : one.doubts) fmt::print("DOUBT      {}: {}\n", one.server, doubt);
      std::fflush(stdout);
    }
    if (steps.empty()) return kFailed;
    return write_reports(steps, held ? 0 : kFailed);
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
      steps.push_back({fmt::format("run {}", round), std::move(*outcome)});
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

  const Options o_;
  BenchCodecs codecs_;
  int core_ = -1;
  load::Profile profile_;
};

}  // namespace

void add_bench_command(CLI::App& root, std::span<const plugin::Builtin> builtins, int& status) {
  auto options = std::make_shared<Options>();  // owner: the callback
  auto* bench = root.add_subcommand("bench", "Loads a media server, verifies every leg's sound, and reports");
  bench->add_option("PROFILE", options->profile, "a profile's name or file (bench/profiles)")
      ->capture_default_str();
  bench
      ->add_option(
          "--server", options->server,
          "engine (this program's media alone), ng:ADDRESS:PORT, janus:ADDRESS:PORT or sip:ADDRESS:PORT")
      ->capture_default_str();
  bench->add_option("--legs", options->legs, "in place of the profile's")->check(CLI::Range(1, 1'000'000));
  bench->add_option("--seconds", options->seconds, "measured, in place of the profile's")
      ->check(CLI::Range(0.5, 7 * 86'400.0));
  bench->add_option("--rate", options->rate, "calls begun a second, in place of the profile's")
      ->check(CLI::Range(0.01, 10'000.0));
  bench->add_option("--user", options->user, "sip: who calls")->capture_default_str();
  bench->add_option("--password", options->password, "sip: of that user")->envname("TANDEM_BENCH_PASSWORD");
  bench->add_option("--agents", options->agents,
                    "sip: who serves queues: a file of accounts as the server writes it, all but --user");
  bench->add_option("--peer", options->peer, "sip: who is called from phone to phone; registers itself");
  bench->add_option("--peer-password", options->peer_password, "sip: of that user")
      ->envname("TANDEM_BENCH_PEER_PASSWORD");
  bench->add_option("--recordings", options->recordings,
                    "where the server writes what it records: each phone's sound must be there");
  bench->add_option("--pid", options->pids, "the server's processes, for CPU and memory");
  bench->add_option("--core", options->core, "of the generator; -1: any (default: the last one)");
  bench->add_option("--loops", options->loops, "media loops of the engine")->check(CLI::Range(1, 64));
  bench->add_option("--io", options->io, "packet I/O of the engine")
      ->check(CLI::IsMember({"auto", "sockets", "shared"}));
  bench->add_flag("--forward-on-tick", options->forward_on_tick, "engine: relays wait for the tick");
  bench->add_flag("--forward-at-once", options->forward_at_once, "engine: relays never wait");
  bench->add_option("--bare-codec", options->bare_codec,
                    "no server: what a codec alone costs, with --legs of it in turn, as a line of JSON");
  bench->add_option("--swaps-found", options->swaps_found,
                    "no server: how short a swap of two legs (80 pairs, or --legs) is found through a codec, "
                    "as a line of JSON");
  bench->add_flag("--search", options->search, "finds the largest load that holds the objective");
  bench->add_option("--against", options->against, "a second server: both in turn, ratios pair by pair");
  bench->add_option("--rounds", options->rounds, "pairs of runs of --against")->check(CLI::Range(1, 100));
  bench
      ->add_option("--repeat", options->repeat,
                   "so many runs of the same: exit status 1 when they differ by more than --noise")
      ->check(CLI::Range(1, 100));
  bench->add_option("--html", options->html, "writes a page with plots");
  bench->add_option("--json", options->json, "writes the report there");
  bench->add_option("--csv", options->csv, "writes PREFIX-seconds.csv and PREFIX-legs.csv");
  bench
      ->add_option("--baseline", options->baseline,
                   "an earlier --json report: exit status 1 when this run is worse")
      ->check(CLI::ExistingFile);
  bench->add_option("--noise", options->noise, "percent that a figure may be worse, or runs may differ")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1000.0));
  bench->add_flag("--quiet", options->quiet, "no line a second");
  bench->add_option("--serve-engine", options->serve_engine, "")->group("");
  bench->footer(
      "Examples:\n  tandem bench relay --legs 1000\n  tandem bench transcode --server ng:127.0.0.1:22231\n\n"
      "Exit status: 0 the objective held, 1 it did not, 2 usage, 3 wrong profile, 4 no server there, "
      "5 the figures can't be trusted.");
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
