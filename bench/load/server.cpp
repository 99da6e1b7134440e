#include "bench/load/server.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <utility>

#include "core/codec/g711.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/session/engine.hpp"

namespace tandem::load {
namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "media_load: %s\n", what.c_str());
  std::exit(2);
}

void read_all(int fd, void* out, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t n = read(fd, static_cast<char*>(out) + done, bytes - done);
    if (n <= 0) fail("the server process ended early");
    done += static_cast<std::size_t>(n);
  }
}

void write_all(int fd, const void* data, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t n = write(fd, static_cast<const char*>(data) + done, bytes - done);
    if (n <= 0) std::_Exit(3);
    done += static_cast<std::size_t>(n);
  }
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

// Time for what needs no timers: the engine asks only for now().
class Clock final : public Timers {
 public:
  TimePoint now() const override { return loop::monotonic_now(); }
  WallTime wall_now() const override {
    return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  }
  TimerId after(Nanos, std::function<void()>) override { return 1; }
  void cancel(TimerId) override {}
};

// A prompt of two seconds of noise, written once beside nothing: read through the prompt cache like any
// other.
std::string make_prompt() {
  const std::string path = "/tmp/tandem-media-load-" + std::to_string(getpid()) + ".wav";
  auto file = audio::WavWriter::open(path, 8000, 1);
  if (!file) fail(file.error().message);
  std::vector<std::int16_t> pcm(16000);
  std::uint32_t x = 1;
  for (std::int16_t& s : pcm)
    s = static_cast<std::int16_t>(static_cast<std::int32_t>((x = x * 1664525u + 1013904223u) >> 18) - 8192);
  if (!file->write(pcm) || !file->finish()) fail("the prompt could not be written");
  return path;
}

class Child {
 public:
  explicit Child(const Options& options) : options_(options) {
    session::EngineConfig config;
    config.port_min = 10000;
    config.port_max = 39999;
    config.loops = options.loops;
    config.legs_max = options.legs + 8;
    config.forwarding =
        options.mode == Mode::relay_tick ? session::Forwarding::on_tick : session::Forwarding::automatic;
    if (options.mode == Mode::relay) config.forwarding = session::Forwarding::immediate;
    auto packets = loop::PacketIo::open(options.io, options.loops, options.legs * 2 + 16);
    if (!packets) fail(packets.error().message);
    packets_ = std::move(*packets);
    engine_ = std::make_unique<session::MediaEngine>(
        config, clock_,
        [](std::function<void()> work, std::function<void()> done) {
          work();
          done();
          return true;
        },
        [] {}, packets_->binder(), [this] { return packets_->take(); }, nullptr);
    engine_->start();
  }

  std::vector<std::uint16_t> open_legs() {
    std::vector<std::uint16_t> ports;
    session::MediaId near = 0;
    for (unsigned i = 0; i < options_.legs; ++i) {
      auto opened = engine_->open({.family = Family::v4, .near = i % 2 == 1 ? near : 0, .local_host = ""});
      if (!opened) fail(opened.error().message);
      near = opened->id;
      ids_.push_back(opened->id);
      ports.push_back(opened->rtp.port());
      media::LegConfig leg;
      leg.remote_rtp = *Address::parse(
          "127.0.0.1", static_cast<std::uint16_t>(options_.generator_port + i % kGeneratorSockets));
      leg.rtcp_mux = true;
      const td_codec* codec = options_.mode == Mode::transcode && i % 2 == 1 ? codec::pcma() : codec::pcmu();
      const auto type = static_cast<std::uint8_t>(codec->static_type);
      leg.payloads.push_back({codec, type, type, "", ""});
      leg.event_receive_type = leg.event_send_type = 101;
      leg.detect_inband_dtmf = false;
      if (auto set = engine_->configure(opened->id, leg); !set) fail(set.error().message);
      if (options_.mode != Mode::play && i % 2 == 1)
        if (auto joined = engine_->join(ids_[i - 1], ids_[i]); !joined) fail(joined.error().message);
    }
    if (options_.mode == Mode::play) {
      const std::string prompt = make_prompt();
      for (const session::MediaId id : ids_)
        engine_->play(id, {.files = {prompt}, .loop = true}, [](Result<session::PlaybackId> started) {
          if (!started) fail(started.error().message);
        });
      unlink(prompt.c_str());
    }
    return ports;
  }
  void pump() { engine_->pump(); }

 private:
  Options options_;
  Clock clock_;
  std::unique_ptr<loop::PacketIo> packets_;
  std::unique_ptr<session::MediaEngine> engine_;
  std::vector<session::MediaId> ids_;
};

[[noreturn]] void serve(const Options& options, int ask, int answer) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Child child(options);
  Sample sample;
  sample.resident_before_bytes = resident_bytes();
  const std::vector<std::uint16_t> ports = child.open_legs();
  write_all(answer, ports.data(), ports.size() * sizeof ports[0]);
  for (;;) {
    pollfd wait{ask, POLLIN, 0};
    poll(&wait, 1, 20);
    child.pump();
    if (wait.revents == 0) continue;
    char question = 0;
    if (read(ask, &question, 1) != 1 || question == 'q') std::_Exit(0);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto ns = [](const timeval& t) {
      return static_cast<std::uint64_t>(t.tv_sec) * 1000000000u +
             static_cast<std::uint64_t>(t.tv_usec) * 1000u;
    };
    sample.cpu_ns = ns(used.ru_utime) + ns(used.ru_stime);
    sample.resident_bytes = resident_bytes();
    write_all(answer, &sample, sizeof sample);
  }
}

}  // namespace

std::optional<Mode> mode_of(std::string_view name) {
  if (name == "play") return Mode::play;
  if (name == "relay") return Mode::relay;
  if (name == "relay-tick") return Mode::relay_tick;
  if (name == "transcode") return Mode::transcode;
  return std::nullopt;
}

Server::Server(const Options& options) : ports_(options.legs) {
  int ask[2], answer[2];
  if (pipe(ask) != 0 || pipe(answer) != 0) fail("no pipe could be made");
  child_ = fork();
  if (child_ < 0) fail("the server process could not be started");
  if (child_ == 0) {
    close(ask[1]);
    close(answer[0]);
    serve(options, ask[0], answer[1]);
  }
  close(ask[0]);
  close(answer[1]);
  ask_ = ask[1];
  answer_ = answer[0];
  read_all(answer_, ports_.data(), ports_.size() * sizeof ports_[0]);
}

Server::~Server() {
  write_all(ask_, "q", 1);
  waitpid(child_, nullptr, 0);
  close(ask_);
  close(answer_);
}

Sample Server::sample() {
  write_all(ask_, "s", 1);
  Sample got;
  read_all(answer_, &got, sizeof got);
  return got;
}

}  // namespace tandem::load
