// EngineServer: see the header.
#include "core/load/engine_server.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "core/audio/wav_writer.hpp"
#include "core/load/melody.hpp"
#include "core/loop/packet_io.hpp"
#include "core/loop/tick_timer.hpp"
#include "core/session/engine.hpp"

namespace tandem::load {
namespace {

constexpr Nanos kPublish = seconds(5);

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

// The prompt: the melody of kPromptSinger, once round, as a file like any other.
std::string make_prompt(const std::string& folder) {
  std::string path = folder + "/prompt.wav";
  auto file = audio::WavWriter::open(path, 8000, 1);
  if (!file) throw std::runtime_error(file.error().message);
  std::vector<std::int16_t> pcm(std::size_t{kPromptSymbols} * kSymbolSamples);
  Melody().sing(kPromptSinger, 0, 8000, pcm);
  if (!file->write(pcm) || !file->finish()) throw std::runtime_error("the prompt could not be written");
  return path;
}

class Server {
 public:
  Server(const EngineOptions& options, const codec::CodecRegistry& codecs)
      : codecs_(codecs), folder_(options.folder), prompt_(make_prompt(folder_)) {
    session::EngineConfig config;
    config.port_min = options.port_min;
    config.port_max = options.port_max;
    config.loops = options.loops;
    config.legs_max = options.legs_max;
    if (options.forward_on_tick) config.forwarding = session::Forwarding::on_tick;
    if (options.forward_at_once) config.forwarding = session::Forwarding::immediate;
    const auto backend = loop::packet_backend_named(options.io);
    if (!backend)
      throw std::runtime_error("--io: expected auto, sockets or shared, found \"" + options.io + "\"");
    auto packets = loop::PacketIo::open(*backend, options.loops, options.legs_max * 2 + 16);
    if (!packets) throw std::runtime_error(packets.error().message);
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
  ~Server() { engine_->stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void pump() {
    engine_->pump();
    for (; !written_.empty() && written_.front().until <= clock_.now(); written_.pop_front())
      unlink(written_.front().path.c_str());
  }

  EngineTold obey(const EngineAsk& ask) {
    EngineTold told;
    told.call = ask.call;
    if (ask.act == EngineAsk::Act::close) {
      close(ask.call);
      return told;
    }
    if (const auto opened = open(ask, told); !opened) {
      close(ask.call);
      fmt::format_to_n(told.error.data(), told.error.size() - 1, "{}", opened.error().message);
    }
    return told;
  }

 private:
  struct Call {
    std::array<session::MediaId, 2> legs{};
    std::string recording;
  };

  void close(std::uint32_t id) {
    const auto at = calls_.find(id);
    if (at == calls_.end()) return;
    for (const session::MediaId leg : at->second.legs)
      if (leg != 0) engine_->close(leg);
    if (!at->second.recording.empty()) written_.push_back({at->second.recording, clock_.now() + kPublish});
    calls_.erase(at);
  }

  Result<void> open(const EngineAsk& ask, EngineTold& told) {
    Call& call = calls_[ask.call];
    for (std::size_t i = 0; i < ask.legs && i < 2; ++i) {
      auto opened =
          engine_->open({.family = Family::v4, .near = i == 1 ? call.legs[0] : 0, .local_host = ""});
      if (!opened) return opened.error();
      call.legs[i] = opened->id;
      told.port[i] = opened->rtp.port();
      const auto& leg = ask.leg[i];
      const td_codec* codec = nullptr;
      for (const td_codec* one : codecs_.all())
        if (fmt::format("{}/{}/{}", one->name, one->clock_rate, one->rtpmap_channels) == leg.codec.data())
          codec = one;
      const auto remote = Address::parse(leg.host.data(), static_cast<std::uint16_t>(leg.port));
      if (codec == nullptr || !remote)
        return Error{ErrorCode::invalid,
                     fmt::format("no codec {} or no address {}", leg.codec.data(), leg.host.data())};
      media::LegConfig config;
      config.remote_rtp = *remote;
      config.rtcp_mux = true;
      const auto type = static_cast<std::uint8_t>(leg.payload_type);
      config.payloads.push_back({codec, type, type, "", ""});
      config.event_receive_type = config.event_send_type = static_cast<std::uint8_t>(leg.event_type);
      config.detect_inband_dtmf = false;
      if (const auto suite = srtp::suite_named(leg.suite.data())) {
        const auto theirs = srtp::Key::from_base64(*suite, leg.key.data());
        if (!theirs) return theirs.error();
        const srtp::Key ours = srtp::Key::random(*suite);
        config.srtp = media::SrtpConfig{.send = {.key = ours}, .receive = {.key = *theirs}};
        fmt::format_to_n(told.key[i].data(), told.key[i].size() - 1, "{}", ours.to_base64());
      }
      if (auto set = engine_->configure(opened->id, config); !set) return set;
    }
    if (ask.legs == 2) {
      if (auto joined = engine_->join(call.legs[0], call.legs[1]); !joined) return joined;
    } else if (ask.echo != 0) {
      if (auto joined = engine_->join(call.legs[0], call.legs[0]); !joined) return joined;
    } else {
      Result<void> playing;
      engine_->play(call.legs[0], {.files = {prompt_}, .loop = true}, [&](Result<session::Playing> started) {
        if (!started) playing = started.error();
      });
      if (!playing) return playing;
    }
    if (ask.record == 0) return {};
    call.recording = fmt::format("{}/{}.wav", folder_, ask.call);
    session::RecordSpec record;
    record.leg = call.legs[0];
    record.path = call.recording;
    record.stereo = true;
    const auto recording = engine_->record(record);
    if (!recording) return recording.error();
    return {};
  }

  const codec::CodecRegistry& codecs_;
  const std::string folder_;
  const std::string prompt_;
  Clock clock_;
  std::unique_ptr<loop::PacketIo> packets_;
  std::unique_ptr<session::MediaEngine> engine_;
  struct Written {  // a recording that is removed when it is surely whole
    std::string path;
    TimePoint until;
  };
  std::deque<Written> written_;
  std::unordered_map<std::uint32_t, Call> calls_;
};

}  // namespace

int serve_engine(int fd, const EngineOptions& options, const codec::CodecRegistry& codecs) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);  // Ctrl-C is the generator's: it ends the calls first
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Server server(options, codecs);
  const char ready = 'r';
  if (send(fd, &ready, 1, MSG_NOSIGNAL) != 1) return 1;
  for (;;) {
    pollfd wait{fd, POLLIN, 0};
    poll(&wait, 1, 20);
    server.pump();
    if (wait.revents == 0) continue;
    EngineAsk ask;
    if (recv(fd, &ask, sizeof ask, 0) != static_cast<ssize_t>(sizeof ask)) return 0;
    for (auto& leg : ask.leg) leg.codec.back() = leg.host.back() = leg.suite.back() = leg.key.back() = '\0';
    const EngineTold told = server.obey(ask);
    if (send(fd, &told, sizeof told, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof told)) return 0;
  }
}

}  // namespace tandem::load
