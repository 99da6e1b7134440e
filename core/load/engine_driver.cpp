// EngineDriver: fork, exec and a question at a time.
#include "core/load/engine_driver.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

constexpr int kAnswerMs = 5000;
// The engine's commands are done on its next tick; a phone learns of its call by signaling, which takes
// longer.
constexpr Nanos kSettle = milliseconds(15);

class EngineDriver final : public Driver {
 public:
  EngineDriver(const EngineOptions& options, int core) : options_(options), core_(core) {}
  ~EngineDriver() override {
    if (fd_ >= 0) ::close(fd_);
    end_process();
    std::error_code gone;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, gone);
  }
  EngineDriver(const EngineDriver&) = delete;
  EngineDriver& operator=(const EngineDriver&) = delete;

  Result<void> start() override {
    if (auto made = make_folder(); !made) return made;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
      return Error{ErrorCode::exhausted, fmt::format("no socket pair: {}", std::strerror(errno))};
    const std::vector<std::string> words = command(pair[1]);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) return Error{ErrorCode::exhausted, fmt::format("no process: {}", std::strerror(errno))};
    if (pid_ == 0) {
      ::close(pair[0]);
      keep_off();
      execv("/proc/self/exe", argv.data());
      _exit(127);
    }
    ::close(pair[1]);
    fd_ = pair[0];
    char ready = 0;
    if (!wait(kAnswerMs) || recv(fd_, &ready, 1, 0) != 1)
      return Error{ErrorCode::unavailable, "the media engine did not start: see the lines above"};
    return {};
  }

  void place(const CallPlan& plan) override {
    EngineAsk ask;
    ask.call = plan.call;
    ask.legs = static_cast<std::uint32_t>(plan.legs.size());
    ask.echo = plan.part->kind == Kind::echo ? 1 : 0;
    ask.record = plan.part->record ? 1 : 0;
    for (std::size_t i = 0; i < plan.legs.size(); ++i) {
      const PlannedLeg& leg = plan.legs[i];
      EngineAsk::Leg& out = ask.leg[i];
      fmt::format_to_n(out.codec.data(), out.codec.size() - 1, "{}/{}/{}", leg.codec->name,
                       leg.codec->clock_rate, leg.codec->rtpmap_channels);
      fmt::format_to_n(out.host.data(), out.host.size() - 1, "{}", leg.local.host());
      out.port = leg.local.port();
      out.payload_type = leg.payload_type;
      out.event_type = leg.event_type;
      if (!leg.key) continue;
      fmt::format_to_n(out.suite.data(), out.suite.size() - 1, "{}", srtp::facts(leg.key->suite()).name);
      fmt::format_to_n(out.key.data(), out.key.size() - 1, "{}", leg.key->to_base64());
    }
    const TimePoint begun = loop::monotonic_now();
    DriverEvent event;
    event.call = plan.call;
    EngineTold told;
    if (!exchange(ask, told)) {
      event.what = DriverEvent::What::failed;
      event.reason = "the media engine answers no more";
    } else if (told.error[0] != '\0') {
      told.error.back() = '\0';
      event.what = DriverEvent::What::failed;
      event.reason = told.error.data();
    } else {
      event.legs.resize(plan.legs.size());
      for (std::size_t i = 0; i < plan.legs.size(); ++i) {
        told.key[i].back() = '\0';
        if (plan.legs[i].key)
          if (auto key = srtp::Key::from_base64(plan.legs[i].key->suite(), told.key[i].data()))
            event.legs[i].key = *key;
        event.legs[i].remote = *Address::parse("127.0.0.1", static_cast<std::uint16_t>(told.port[i]));
      }
    }
    event.took = loop::monotonic_now() - begun;
    events_.push_back({std::move(event), begun + kSettle});
  }

  void hang_up(std::uint32_t call) override {
    EngineAsk ask;
    ask.act = EngineAsk::Act::close;
    ask.call = call;
    EngineTold told;
    DriverEvent event;
    event.what = DriverEvent::What::ended;
    event.call = call;
    if (!exchange(ask, told)) event.reason = "the media engine answers no more";
    events_.push_back({std::move(event), TimePoint{}});
  }

  void poll(Nanos wait, std::vector<DriverEvent>& out) override {
    const TimePoint now = loop::monotonic_now();
    const auto due =
        std::stable_partition(events_.begin(), events_.end(), [&](const Told& one) { return one.at <= now; });
    if (due == events_.begin()) std::this_thread::sleep_for(wait);
    for (auto one = events_.begin(); one != due; ++one) out.push_back(std::move(one->event));
    events_.erase(events_.begin(), due);
  }

  std::vector<int> pids() const override { return {pid_}; }
  std::string describe() const override { return "Tandem's media engine alone"; }
  std::string refuses(const Part& part) const override {
    return part.kind == Kind::number || part.kind == Kind::queue
               ? "a number can be called by SIP only (--server sip:…)"
           : part.kind == Kind::room ? kNoRooms
                                     : "";
  }

 private:
  std::vector<std::string> command(int fd) const {
    std::vector<std::string> words{"tandem",         "bench",
                                   "--serve-engine", std::to_string(fd),
                                   "--loops",        std::to_string(options_.loops),
                                   "--legs",         std::to_string(options_.legs_max)};
    words.insert(words.end(), {"--io", options_.io, "--folder", folder_});
    if (options_.forward_on_tick) words.emplace_back("--forward-on-tick");
    if (options_.forward_at_once) words.emplace_back("--forward-at-once");
    return words;
  }

  Result<void> make_folder() {
    std::error_code wrong;
    folder_ = (std::filesystem::temp_directory_path(wrong) / "tandem-bench-XXXXXX").string();
    if (!wrong && mkdtemp(folder_.data()) != nullptr) return {};
    if (!wrong) wrong = std::error_code(errno, std::generic_category());
    return Error{ErrorCode::unavailable,
                 fmt::format("no folder can be made for the engine's files (TMPDIR, or /tmp): {}: {}",
                             std::exchange(folder_, ""), wrong.message())};
  }

  void end_process() const {
    if (pid_ <= 0) return;
    for (int i = 0; i < 300; ++i) {
      if (waitpid(pid_, nullptr, WNOHANG) != 0) return;
      usleep(10'000);
    }
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // In the child: not on the generator's core, when there is another one.
  void keep_off() const {
    const unsigned cores = std::thread::hardware_concurrency();
    if (core_ < 0 || cores < 2) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (unsigned i = 0; i < cores; ++i)
      if (static_cast<int>(i) != core_) CPU_SET(i, &set);
    sched_setaffinity(0, sizeof set, &set);
  }

  bool wait(int ms) const {
    pollfd one{fd_, POLLIN, 0};
    return ::poll(&one, 1, ms) == 1;
  }

  bool exchange(const EngineAsk& ask, EngineTold& told) const {
    if (send(fd_, &ask, sizeof ask, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof ask)) return false;
    return wait(kAnswerMs) && recv(fd_, &told, sizeof told, 0) == static_cast<ssize_t>(sizeof told);
  }

  const EngineOptions options_;
  const int core_;
  std::string folder_;  // the engine's files
  int fd_ = -1;
  pid_t pid_ = -1;
  struct Told {
    DriverEvent event;
    TimePoint at;  // not before
  };
  std::vector<Told> events_;
};

}  // namespace

std::unique_ptr<Driver> make_engine_driver(const EngineOptions& options, int core) {
  return std::make_unique<EngineDriver>(options, core);
}

}  // namespace tandem::load
