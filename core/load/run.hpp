// Run: one load, from the first call to the report's figures.
//
//   place calls at the profile's rate ─► warm up ─► measure ─► hush ─► last packets ─► hang up ─► Outcome
//        Driver ◄──────────────────── control ────────────────────► Crews (threads)
//
// Thread: [control]: run() blocks until all is over; interrupt() may be called from a signal handler.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/codec/registry.hpp"
#include "core/load/crew.hpp"
#include "core/load/driver.hpp"
#include "core/load/outcome.hpp"
#include "core/load/process_probe.hpp"
#include "core/load/profile.hpp"
#include "core/load/udp_wire.hpp"

namespace tandem::load {

inline constexpr Nanos kLinger = milliseconds(400);  // after the last word, for what is still under way

inline Nanos seconds_of(double s) { return Nanos(static_cast<std::int64_t>(s * 1e9)); }

struct RunSettings {
  int core = -1;          // of the first crew; the next ones before it; below 0: nowhere in particular
  std::vector<int> pids;  // the server's, when the driver does not know them
  std::function<void(const Moment&, const char* phase)> on_moment;  // each second
};

class Run {
 public:
  // All outlive this.
  Run(const Profile& profile, const codec::CodecRegistry& codecs, Driver& driver,
      const RunSettings& settings);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Errors: what keeps a run from beginning: sockets, codecs, a part that the driver cannot do.
  Result<Outcome> run(const std::atomic<bool>& interrupted);

 private:
  struct Station {  // a crew with its wire and thread
    std::unique_ptr<UdpWire> wire;
    std::unique_ptr<Crew> crew;
    std::thread thread;
  };
  enum class State : std::uint8_t { placed, waiting, up, hushed, dropped };
  struct Call {
    std::uint32_t number = 0;
    std::size_t part = 0;
    State state = State::placed;
    bool measured = false;
    std::vector<PhoneSpec> specs;  // of each leg
    std::size_t station = 0;
    TimePoint hush_at{TimePoint::max()}, hushed_at{}, drop_at{TimePoint::max()};  // waiting: gives up
    TimePoint up_at{};
    std::optional<DriverEvent> serving;  // up, once the phone that waited is back
    std::vector<PhonePtr> back;
    std::size_t come_back = 0;
    unsigned legs() const { return static_cast<unsigned>(specs.size()); }
  };
  Result<void> prepare();
  Result<void> make_stations();
  bool specify(Call& call);
  void place_due(TimePoint now);
  void place(TimePoint now);
  void on_event(const DriverEvent& event, TimePoint now);
  void bring_up(Call& call, const DriverEvent& event, TimePoint now);
  bool is_waiter(const Phone& phone) const;
  void begin_waiting(Call& call, const DriverEvent& event, TimePoint now);
  void stop_waiting(const Call& call);
  void served(Call& call, const DriverEvent& event);
  void on_waiter(const Phone& phone, TimePoint now);
  void leave_queue(const Call& call);
  void judge_waiter(const Phone& phone, TimePoint now);
  void count_talk(const Call& call);
  void fail(Call& call, const std::string& reason);
  void count_failed(const std::string& reason);
  void end_due(TimePoint now);
  void hush(Call& call, TimePoint now);
  void collect();
  void finish(Call& call);
  void begin_measure(TimePoint now);
  void each_second(TimePoint now);
  double mos_now(double delay_ms, double lost_percent) const;
  void turn(TimePoint now);
  void wind_up(TimePoint now);
  std::vector<int> pids() const;
  unsigned legs_up() const { return legs_up_; }
  void legs_come_up(unsigned legs) { outcome_.legs = std::max(outcome_.legs, legs_up_ += legs); }

  // borrowed
  const Profile& profile_;
  const codec::CodecRegistry& codecs_;
  Driver& driver_;
  const RunSettings settings_;
  // owned
  Melody melody_;
  std::vector<Station> stations_;
  std::unordered_map<std::uint32_t, Call> calls_;
  std::unordered_map<std::uint32_t, std::uint32_t> gone_;  // calls being hung up
  std::vector<DriverEvent> events_;
  std::vector<std::uint32_t> free_numbers_;
  std::vector<std::size_t> order_;  // of the parts, by their shares
  Outcome outcome_;
  std::mt19937_64 random_{20260101};
  // state
  unsigned wanted_calls_ = 0;
  unsigned legs_last_ = 0;    // that were up when the end began
  std::uint32_t stride_ = 2;  // leg numbers a call: the most that one of them has, even
  std::uint32_t next_number_ = 0;
  std::uint64_t placed_ = 0;
  TimePoint began_{}, measured_from_{}, next_place_{}, next_second_{}, next_end_{};
  TimePoint next_hush_{TimePoint::max()};  // of any call
  bool ending_ = false;                    // some call is, or may be
  bool placing_ = true, measuring_ = false;
  unsigned legs_up_ = 0;  // that the server carries: who waits in a queue, too
  ProcessSample idle_, before_, last_;
  ProcessSample own_before_;
  TimePoint last_at_{};
  double leg_seconds_ = 0;
  std::uint64_t failed_before_ = 0;
};

}  // namespace tandem::load
