// Run: the course of a run. What it makes of calls is in run_calls.cpp.
#include "core/load/run.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include "core/load/speech.hpp"
#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

double lost_percent(std::uint64_t lost, std::uint64_t received) {
  return lost == 0 ? 0 : 100 * static_cast<double>(lost) / static_cast<double>(lost + received);
}

constexpr Nanos kPoll = milliseconds(5);
constexpr Nanos kSteadyPoll = milliseconds(25);  // all calls are up, and none ends by itself
constexpr Nanos kUpPatience = seconds(30);
constexpr Nanos kEndPatience = seconds(5);
constexpr Nanos kAfterCrews = milliseconds(100);  // their seconds are read when they are over

double to_s(Nanos span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

Run::Run(const Profile& profile, const codec::CodecRegistry& codecs, Driver& driver,
         const RunSettings& settings)
    : profile_(profile), codecs_(codecs), driver_(driver), settings_(settings) {}

Run::~Run() {
  for (Station& one : stations_) {
    if (one.crew) one.crew->stop();
    if (one.thread.joinable()) one.thread.join();
  }
}

std::vector<int> Run::pids() const { return settings_.pids.empty() ? driver_.pids() : settings_.pids; }

Result<void> Run::prepare() {
  double shares = 0, legs = 0;
  for (const Part& part : profile_.parts) {
    if (const std::string why = driver_.refuses(part); !why.empty())
      return Error{ErrorCode::unsupported, fmt::format("{}: {}", part.name, why)};
    for (const std::string& name : {part.codec, part.peer_codec}) {
      if (name.empty()) continue;
      if (auto codec = phone_codec(codecs_, name, part.ptime_ms); !codec)
        return Error{codec.error().code, fmt::format("{}: {}", part.name, codec.error().message)};
    }
    shares += part.share;
    legs += part.share * legs_of(part);
    if (part.kind == Kind::queue) stride_ = std::max(stride_, 4U);  // and one who waits
    stride_ = std::max(stride_, legs_of(part) + legs_of(part) % 2);
  }
  if (std::any_of(profile_.parts.begin(), profile_.parts.end(),
                  [](const Part& part) { return part.speech; })) {
    const auto text = load_speech(profile_.generator.speech);
    if (!text) return text.error();
    if (auto given = melody_.give_speech(*text); !given) return given.error();
  }
  wanted_calls_ = std::max(1U, static_cast<unsigned>(std::lround(profile_.legs / (legs / shares))));
  // Each part comes as often as its share says, evenly mixed.
  std::vector<double> owed(profile_.parts.size(), 0);
  for (int i = 0; i < 1000; ++i) {
    std::size_t most = 0;
    for (std::size_t p = 0; p < owed.size(); ++p) {
      owed[p] += profile_.parts[p].share / shares;
      if (owed[p] > owed[most]) most = p;
    }
    owed[most] -= 1;
    order_.push_back(most);
  }
  return make_stations();
}

Result<void> Run::make_stations() {
  const unsigned threads = std::max(1U, profile_.generator.threads);
  const unsigned phones = profile_.legs / threads + stride_ * threads + 64;
  std::uint16_t port = profile_.generator.port;
  const unsigned each =
      profile_.generator.sockets == 0 ? phones : std::max(1U, profile_.generator.sockets / threads);
  for (unsigned i = 0; i < threads; ++i) {
    auto wire = UdpWire::open(profile_.generator.host, port, each);
    if (!wire) return wire.error();
    port = static_cast<std::uint16_t>((*wire)->local((*wire)->sockets() - 1).port() + 2);
    Station station;
    station.wire = std::move(*wire);
    station.crew = std::make_unique<Crew>(*station.wire, phones * 2);
    Crew* crew = station.crew.get();
    const int core = settings_.core < 0 ? -1 : std::max(0, settings_.core - static_cast<int>(i));
    station.thread = std::thread([crew, core] { crew->run(core); });
    stations_.push_back(std::move(station));
  }
  return {};
}

Result<Outcome> Run::run(const std::atomic<bool>& interrupted) {
  if (auto good = prepare(); !good) return good.error();
  outcome_.profile = profile_.name;
  outcome_.server = driver_.describe();
  outcome_.machine = describe_machine();
  outcome_.began = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  idle_ = sample_processes(pids());
  began_ = next_place_ = last_at_ = loop::monotonic_now();
  next_second_ = began_ + seconds(1);
  const bool churns = std::any_of(profile_.parts.begin(), profile_.parts.end(),
                                  [](const Part& part) { return part.hold_s > 0; });
  TimePoint warm_until = TimePoint::max();
  TimePoint end = TimePoint::max();
  for (TimePoint now = began_; now < end && !interrupted.load(); now = loop::monotonic_now()) {
    turn(now);
    // Warm is what all calls are up for, or as many as will be; what comes and goes is warm by time alone.
    const auto all_up = [this] {
      return placed_ >= wanted_calls_ && std::none_of(calls_.begin(), calls_.end(), [](const auto& one) {
               return one.second.state == State::placed;
             });
    };
    if (warm_until == TimePoint::max() &&
        (churns || now - began_ > kUpPatience + seconds_of(wanted_calls_ / profile_.rate) || all_up()))
      warm_until = now + seconds_of(profile_.warm_s);
    if (!measuring_ && now >= warm_until) {
      begin_measure(now);
      end = now + seconds_of(profile_.seconds);
    }
  }
  outcome_.interrupted = interrupted.load();
  wind_up(loop::monotonic_now());
  conclude(outcome_, profile_);
  return std::move(outcome_);
}

// One turn of control: the driver's news, calls to begin and to end, phones that came back, the second's
// figures.
void Run::turn(TimePoint now) {
  events_.clear();
  const bool steady =
      measuring_ && placing_ && !ending_ && calls_.size() >= wanted_calls_ && next_hush_ == TimePoint::max();
  driver_.poll(steady ? kSteadyPoll : kPoll, events_);
  for (const DriverEvent& event : events_) on_event(event, loop::monotonic_now());
  if (placing_) place_due(now);
  if (now >= next_end_ && (ending_ || now >= next_hush_)) {  // looks at every call: not at every turn
    end_due(now);
    next_end_ = now + milliseconds(20);
  }
  collect();
  if (now >= next_second_) each_second(now);
}

void Run::begin_measure(TimePoint now) {
  for (Station& one : stations_) {
    if (!one.crew->measure()) continue;
    while (auto tally = one.crew->take_tally()) one.crew->give_tally(std::move(tally));
  }
  measuring_ = true;
  measured_from_ = now;
  before_ = sample_processes(pids());
  own_before_ = sample_self();
  last_ = before_;
  last_at_ = now;
  next_second_ = now + seconds(1) + kAfterCrews;
  for (auto& [number, call] : calls_) call.measured = call.state == State::up;
  // What was set up before counts: a call that failed is a failed call.
}

// Of all sorts of call, by how many legs they have.
double Run::mos_now(double delay_ms, double lost_percent) const {
  double sum = 0, legs = 0;
  for (const Part& part : profile_.parts) {
    const std::string& other = part.peer_codec.empty() ? part.codec : part.peer_codec;
    const double weight = part.share * legs_of(part);
    sum += weight *
           (mos_of(delay_ms, lost_percent, part.codec, other) +
            mos_of(delay_ms, lost_percent, other, part.codec)) /
           2;
    legs += weight;
  }
  return legs == 0 ? 0 : sum / legs;
}

void Run::each_second(TimePoint now) {
  next_second_ += seconds(1);
  Tally tally;
  for (Station& one : stations_) {
    while (auto part = one.crew->take_tally()) {
      tally.merge(*part);
      one.crew->give_tally(std::move(part));
    }
  }
  const ProcessSample sample = sample_processes(pids());
  Moment moment;
  moment.at_s = to_s(now - (measuring_ ? measured_from_ + kAfterCrews : began_));
  moment.legs = placing_ ? legs_up() : legs_last_;
  const double passed = std::max(to_s(now - last_at_), 1e-3);
  moment.cpu_percent = sample.known ? 100 * (sample.cpu_s - last_.cpu_s) / passed : -1;
  moment.resident_mb = sample.known ? sample.resident_kb / 1024 : -1;
  outcome_.server_gone = outcome_.server_gone || sample.processes < idle_.processes;
  last_ = sample;
  last_at_ = now;
  moment.sent = tally.sent;
  moment.received = tally.received;
  moment.late = tally.late;
  moment.wrong = tally.wrong;
  moment.failed_calls = outcome_.failed_calls + outcome_.dropped_calls - failed_before_;
  failed_before_ = outcome_.failed_calls + outcome_.dropped_calls;
  moment.delay_p50_ms = tally.delay.percentile_ms(0.5);
  moment.delay_p99_ms = tally.delay.percentile_ms(0.99);
  moment.lateness_p99_ms = tally.lateness.percentile_ms(0.99);
  moment.own_p99_ms = tally.own_lateness.percentile_ms(0.99);
  moment.lost = tally.lost();
  moment.first_heard = tally.first_audio.count();
  moment.first_audio_p50_ms = tally.first_audio.percentile_ms(0.5);
  moment.first_audio_max_ms = tally.first_audio.max_ms();
  moment.symbols = tally.symbols;
  moment.gaps = tally.gaps;
  moment.gap_ms = tally.gap_ms;
  moment.clicks = tally.clicks;
  moment.scored = tally.levels;
  moment.level_db = tally.levels == 0 ? 0 : tally.level_db_sum / static_cast<double>(tally.levels);
  moment.mos = mos_now(moment.delay_p50_ms, lost_percent(moment.lost, tally.received));
  if (measuring_) {
    outcome_.total.merge(tally);
    outcome_.moments.push_back(moment);
    leg_seconds_ += legs_up() * passed;
  }
  if (settings_.on_moment) settings_.on_moment(moment, !measuring_ ? "warm" : placing_ ? "measure" : "end");
}

// All phones fall silent, the last packets arrive, the calls are hung up.
void Run::wind_up(TimePoint now) {
  if (!measuring_) begin_measure(now);
  const ProcessSample after = sample_processes(pids()), own_after = sample_self();
  outcome_.server_gone = outcome_.server_gone || after.processes < idle_.processes;
  placing_ = false;
  outcome_.seconds = to_s(now - measured_from_);
  for (const Station& one : stations_) outcome_.realtime = outcome_.realtime || one.crew->realtime();
  leg_seconds_ += legs_up() * to_s(now - last_at_);
  if (leg_seconds_ > 0) {
    if (after.known && before_.known) {
      outcome_.cpu_percent = 100 * (after.cpu_s - before_.cpu_s) / outcome_.seconds;
      outcome_.us_per_leg_second = 1e6 * (after.cpu_s - before_.cpu_s) / leg_seconds_;
      outcome_.resident_mb = after.resident_kb / 1024;
      outcome_.kb_per_leg = (after.resident_kb - idle_.resident_kb) / std::max(1U, outcome_.legs);
    }
    outcome_.own_cpu_percent = 100 * (own_after.cpu_s - own_before_.cpu_s) / outcome_.seconds;
    outcome_.own_us_per_leg_second = 1e6 * (own_after.cpu_s - own_before_.cpu_s) / leg_seconds_;
  }
  legs_last_ = legs_up();
  for (auto& [number, call] : calls_)
    if (call.state == State::up) hush(call, now);
  for (auto at = calls_.begin(); at != calls_.end();) {
    const bool waits = at->second.state == State::waiting;
    if (waits) ++outcome_.queue.still_waiting;
    if (waits) leave_queue(at->second);
    at = waits ? calls_.erase(at) : std::next(at);
  }
  outcome_.queue.agents = driver_.agents();
  const TimePoint until = now + kLinger + kEndPatience;
  while ((!calls_.empty() || !gone_.empty()) && loop::monotonic_now() < until) turn(loop::monotonic_now());
  // Whoever did not come back within that time is read where it is no more: those calls count as failed.
  for (auto& [number, call] : calls_) fail(call, "the server did not end the call in time");
  for (std::size_t i = 0; i < gone_.size(); ++i)
    count_failed("at hang-up: the server did not say that the call ended");
  for (Station& one : stations_) {
    one.crew->stop();
    one.thread.join();
    while (auto part = one.crew->take_tally()) outcome_.total.merge(*part);
  }
}

}  // namespace tandem::load
