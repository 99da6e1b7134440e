// The load generator's profiles: see the header.
#include "core/app/bench_profile.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/app/toml_reader.hpp"
#include "core/load/melody.hpp"

namespace tandem::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPartsMax = 16;

void read_impairment(TomlReader& part, const std::string& folder, load::ImpairmentSpec& out,
                     std::vector<ConfigError>& errors) {
  const toml::table* table = part.table("impairment");
  if (table == nullptr) return;
  TomlReader at(part.name().empty() ? "impairment" : part.name() + ".impairment", *table, errors);
  at.real("loss_percent", out.loss_percent, 0, 90);
  at.real("burst_packets", out.burst_packets, 1, 1000);
  at.real("jitter_ms", out.jitter_ms, 0, 1000);
  at.real("reorder_percent", out.reorder_percent, 0, 100);
  at.real("duplicate_percent", out.duplicate_percent, 0, 100);
  at.real("drift_ppm", out.drift_ppm, -100'000, 100'000);
  at.real("drift_turns_s", out.drift_turns_s, 0, 3600);
  std::string trace;
  at.text("trace", trace);
  if (!trace.empty()) {
    auto read = load::load_trace((fs::path(folder) / trace).string());
    if (read)
      out.trace = std::move(*read);
    else
      at.wrong("trace", table->get("trace"), "a trace: a delay in ms or \"lost\" a line",
               read.error().message);
  }
  at.finish();
}

void read_part(const std::string& name, const toml::table& table, const std::string& folder, load::Part& out,
               std::vector<ConfigError>& errors) {
  TomlReader at(name, table, errors);
  at.text("name", out.name, 64);
  std::string kind = "bridge";
  at.choice("kind", kind, {"bridge", "play", "echo", "number", "queue", "room"});
  out.kind = kind == "play"     ? load::Kind::play
             : kind == "echo"   ? load::Kind::echo
             : kind == "number" ? load::Kind::number
             : kind == "queue"  ? load::Kind::queue
             : kind == "room"   ? load::Kind::room
                                : load::Kind::bridge;
  at.real("share", out.share, 0.001, 1000);
  at.text("codec", out.codec, 24);
  at.text("peer_codec", out.peer_codec, 24);
  at.number("ptime_ms", out.ptime_ms, 10, 60);
  if (out.ptime_ms % 10 != 0)
    at.wrong("ptime_ms", table.get("ptime_ms"), "10, 20, 30, 40, 50 or 60", std::to_string(out.ptime_ms));
  at.number("members", out.members, 2, 500);
  at.number("talkers", out.talkers, 1, load::kTalkersMax);
  if (out.talkers > out.members)
    at.wrong("talkers", table.get("talkers"), "at most as many as members", std::to_string(out.talkers));
  at.boolean("record", out.record);
  at.text("number", out.number, 128);
  if ((out.kind == load::Kind::number || out.kind == load::Kind::queue) && out.number.empty())
    at.wrong("number", table.get("kind"), fmt::format("what is to be dialed, since kind is \"{}\"", kind),
             "nothing");
  at.real("patience_s", out.patience_s, 0, 86'400);
  at.real("hold_s", out.hold_s, 0, 86'400);
  at.number("digit_every_ms", out.digit_every_ms, 0, 600'000);
  if (out.digit_every_ms > 0 && out.digit_every_ms < 300)
    at.wrong("digit_every_ms", table.get("digit_every_ms"), "0, or 300 and more: a key takes 140 ms",
             std::to_string(out.digit_every_ms));
  std::string digits = "events";
  at.choice("digits", digits, {"events", "inband"});
  out.digits_inband = digits == "inband" && out.digit_every_ms > 0;
  at.real("talk_percent", out.talk_percent, 1, 100);
  at.boolean("audio_marks", out.audio_marks);
  std::string signal = "melody";
  at.choice("signal", signal, {"melody", "speech"});
  out.speech = signal == "speech";
  std::string srtp = "none", suite = srtp::facts(out.srtp_suite).name;
  at.choice("srtp", srtp, {"none", "one", "both"});
  out.srtp = srtp == "one" ? load::Secured::one : srtp == "both" ? load::Secured::both : load::Secured::none;
  at.text("srtp_suite", suite, 32);
  if (const auto found = srtp::suite_named(suite))
    out.srtp_suite = *found;
  else
    at.wrong("srtp_suite", table.get("srtp_suite"), "a suite of SDES, for instance AES_CM_128_HMAC_SHA1_80",
             suite);
  read_impairment(at, folder, out.impairment, errors);
  // What comes later than this is behind the window in which SRTP takes packets (RFC 3711 3.3.2).
  const load::ImpairmentSpec& network = out.impairment;
  const double behind_ms = 100.0 * out.ptime_ms;
  const bool late = 10 * network.jitter_ms > behind_ms ||
                    (network.trace && std::any_of(network.trace->begin(), network.trace->end(),
                                                  [=](double delay) { return delay > behind_ms; }));
  if (out.srtp != load::Secured::none && late)
    at.wrong(
        "srtp", table.get("srtp"),
        fmt::format("with SRTP, at most {} ms of jitter_ms and {} ms in a trace", behind_ms / 10, behind_ms),
        srtp);
  at.finish();
}

void read_objective(TomlReader& root, load::Objective& out, std::vector<ConfigError>& errors) {
  const toml::table* table = root.table("objective");
  if (table == nullptr) return;
  TomlReader at("objective", *table, errors);
  at.real("failed_calls_percent", out.failed_calls_percent, -1, 100);
  at.real("lost_percent", out.lost_percent, -1, 100);
  at.real("late_percent", out.late_percent, -1, 100);
  at.real("p99_delay_ms", out.p99_delay_ms, -1, 10'000);
  at.real("p99_setup_ms", out.p99_setup_ms, -1, 60'000);
  at.real("p99_wait_s", out.p99_wait_s, -1, 86'400);
  at.real("cpu_percent", out.cpu_percent, -1, 100'000);
  at.real("mos_min", out.mos_min, -1, 4.5);
  at.boolean("sound", out.sound);
  at.finish();
}

void read_generator(TomlReader& root, load::GeneratorSpec& out, std::vector<ConfigError>& errors) {
  const toml::table* table = root.table("generator");
  if (table == nullptr) return;
  TomlReader at("generator", *table, errors);
  at.text("host", out.host, 64);
  at.number("port", out.port, 1024, 65'000);
  at.number("sockets", out.sockets, 0, 1024);
  at.number("threads", out.threads, 1, 64);
  at.text("speech", out.speech);
  at.real("late_p99_ms", out.late_p99_ms, 0.1, 1000);
  at.finish();
}

void read_search(TomlReader& root, load::SearchSpec& out, std::vector<ConfigError>& errors) {
  const toml::table* table = root.table("search");
  if (table == nullptr) return;
  TomlReader at("search", *table, errors);
  at.number("from", out.from, 2, 100'000);
  at.number("to", out.to, 2, 100'000);
  at.number("step", out.step, 0, 100'000);
  at.real("within_percent", out.within_percent, 1, 50);
  if (out.to < out.from)
    at.wrong("to", table->get("to"), fmt::format("at least search.from, which is {}", out.from),
             std::to_string(out.to));
  at.finish();
}

void read_parts(TomlReader& root, const std::string& folder, load::Profile& out,
                std::vector<ConfigError>& errors) {
  const toml::node* node = root.take("call");
  if (node == nullptr) return;
  if (const toml::table* one = node->as_table()) return read_part("call", *one, folder, out.parts[0], errors);
  const toml::array* many = node->as_array();
  if (many == nullptr || many->empty() || many->size() > kPartsMax || !many->is_array_of_tables()) {
    root.wrong("call", node, fmt::format("[call], or 1 to {} times [[call]]", kPartsMax), describe(*node));
    return;
  }
  out.parts.clear();
  for (const toml::node& one : *many) {
    load::Part part;
    part.name = fmt::format("calls {}", out.parts.size() + 1);
    read_part(fmt::format("call[{}]", out.parts.size() + 1), *one.as_table(), folder, part, errors);
    out.parts.push_back(std::move(part));
  }
}

}  // namespace

ProfileOutcome parse_profile(std::string_view text, const std::string& folder) {
  ProfileOutcome out;
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    out.errors.push_back({where.line, where.column, "", "TOML", std::string(error.description())});
    return out;
  }
  load::Profile& p = out.profile;
  TomlReader root("", table, out.errors);
  root.text("name", p.name, 64);
  root.text("description", p.description);
  root.number("legs", p.legs, 1, 100'000);
  root.real("rate", p.rate, 0.01, 10'000);
  root.real("warm_s", p.warm_s, 0, 3600);
  root.real("seconds", p.seconds, 0.5, 7 * 86'400);
  root.real("late_ms", p.late_ms, 0.1, 1000);
  read_parts(root, folder, p, out.errors);
  read_objective(root, p.objective, out.errors);
  read_generator(root, p.generator, out.errors);
  read_search(root, p.search, out.errors);
  root.finish();
  return out;
}

ProfileOutcome load_profile(const std::string& name, const std::vector<std::string>& folders,
                            std::string& path) {
  std::vector<std::string> places{name};
  if (name.find('/') == name.npos)
    for (const std::string& folder : folders) places.push_back(folder + "/" + name + ".toml");
  for (const std::string& place : places) {
    std::error_code failed;
    if (!fs::is_regular_file(place, failed) || fs::file_size(place, failed) > 1U << 20) continue;
    std::ifstream file(place);
    std::stringstream text;
    text << file.rdbuf();
    path = place;
    return parse_profile(text.str(), fs::path(place).parent_path().string());
  }
  path = name;
  ProfileOutcome out;
  std::vector<std::string> known;
  for (const std::string& folder : folders) {
    std::error_code failed;
    for (const auto& one : fs::directory_iterator(folder, failed))
      if (one.path().extension() == ".toml") known.push_back(one.path().stem());
  }
  std::sort(known.begin(), known.end());
  out.errors.push_back({0, 0, "", fmt::format("a profile's file, or one of: {}", fmt::join(known, ", ")),
                        "none of that name"});
  return out;
}

std::vector<std::string> profile_folders() {
  std::vector<std::string> out;
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  fs::path at = program.parent_path();
  for (int up = 0; up < 4 && !at.empty(); ++up, at = at.parent_path()) {
    const fs::path folder = at / "bench" / "profiles";
    if (fs::is_directory(folder, failed)) out.push_back(folder.string());
  }
  out.push_back((program.parent_path() / "../share/tandem/bench/profiles").lexically_normal().string());
  return out;
}

}  // namespace tandem::app
