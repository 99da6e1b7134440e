// Server: building and starting. Taking apart is in server_stop.cpp.
#include "core/app/server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "core/api/anchor_commands.hpp"
#include "core/api/call_commands.hpp"
#include "core/api/events.hpp"
#include "core/app/ask.hpp"
#include "core/app/listen_address.hpp"
#include "core/app/no_signaling.hpp"
#include "core/app/plugin_sections.hpp"
#include "core/app/version.hpp"
#include "core/audio/wav_writer.hpp"
#include "core/base/log.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"

namespace tandem::app {

namespace fs = std::filesystem;
using nlohmann::json;

Server::Server(Config config, Paths paths, std::string token)
    : config_(std::move(config)),
      paths_(std::move(paths)),
      token_(std::move(token)),
      timers_(loop_),
      pool_(loop_, config_.server.io_threads),
      api_(timers_),
      plugins_({timers_, api_, &loop_, &pool_, [this] { return metrics(); }}),
      started_(timers_.now()) {}

bool Server::is_off(const std::string& name) const {
  return std::find(config_.plugins_off.begin(), config_.plugins_off.end(), name) != config_.plugins_off.end();
}

// Whether the server goes on without a plugin that refused.
Result<void> Server::judge(const std::string& name, const Result<void>& loaded) const {
  if (loaded || name == "http" || name == "store" || config_.plugins.count(name) > 0) return loaded;
  log::error("plugin", "left out: {}", loaded.error().message);
  return {};
}

Result<void> Server::load_plugins(std::span<const plugin::Builtin> builtins) {
  for (const auto& one : builtins) {
    if (is_off(one.name)) continue;
    if (auto good = judge(
            one.name, plugins_.load(one.name, one.entry, plugin_section(config_, paths_, token_, one.name)));
        !good)
      return good;
  }
  if (paths_.modules.empty()) return {};
  std::set<std::string> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(paths_.modules, failed))
    files.insert(entry.path().string());
  if (failed) log::error("plugin", "server.module_dir {}: {}", paths_.modules, failed.message());
  for (const auto& file : files) {
    const std::string name = plugin::PluginHost::name_of_module(file);
    const bool builtin =
        std::any_of(builtins.begin(), builtins.end(), [&](const auto& b) { return name == b.name; });
    if (name.empty() || is_off(name) || builtin) continue;
    if (auto good = judge(name, plugins_.load_module(file, plugin_section(config_, paths_, token_, name)));
        !good)
      return good;
  }
  return {};
}

Result<void> Server::build_media() {
  for (const td_codec* own : {codec::pcmu(), codec::pcma()}) {
    if (auto added = codecs_.add(own); !added) return added;
  }
  for (const td_codec* own : codec::l16_all()) {
    if (auto added = codecs_.add(own); !added) return added;
  }
  for (const td_codec* given : plugins_.given<td_codec>(TD_CODEC_ID, codec::kLeastTable)) {
    if (auto added = codecs_.add(given); !added) log::error("codec", "left out: {}", added.error().message);
  }
  const td_stage_type* dtmf = nullptr;
  for (const td_stage_type* stage : plugins_.given<td_stage_type>(TD_STAGE_ID)) {
    if (stage->name != nullptr && std::strcmp(stage->name, "dtmf") == 0) dtmf = stage;
  }
  if (dtmf == nullptr)
    log::warn("media", "no plugin detects tones: keys are heard as telephone-event and INFO only");
  session::EngineConfig engine = config_.media.engine;
  if (engine.loops == 0) engine.loops = std::max(2U, std::thread::hardware_concurrency()) - 1;
  // Legs that talk to each other live on one loop: any of them may get all.
  auto packets = loop::PacketIo::open(config_.media.io, engine.loops, engine.legs_max * 2);
  if (!packets) return packets.error();
  packets_ = std::move(*packets);
  log::info("media", "packet I/O: {}{}{}", packets_->name(),
            packets_->why_not().empty() ? "" : "; not shared: ", packets_->why_not());
  engine_ = std::make_unique<session::MediaEngine>(
      engine, timers_,
      [this](std::function<void()> work, std::function<void()> done) {
        return pool_.submit(0, std::move(work), std::move(done));
      },
      [this] { wake_media(); }, packets_->binder(), [this] { return packets_->take(); }, dtmf);
  return {};
}

// Many media loops, many wake-ups, one pump. [any]
void Server::wake_media() {
  if (media_woken_.exchange(true)) return;
  const bool posted = loop_.post([this] {
    media_woken_.store(false);
    if (engine_) engine_->pump();
  });
  if (!posted) media_woken_.store(false);
}

// The codecs that a [[peer]] or a [[route]] names are there, or it is no start.
Result<void> Server::check_peers(const call::MediaPolicy& policy) const {
  for (const call::Peer& peer : config_.peers)
    if (auto good = policy.check(peer.media); !good)
      return Error{good.error().code, fmt::format("peer \"{}\": {}", peer.name, good.error().message)};
  for (const call::Route& route : config_.routes)
    if (auto good = policy.check(route.media); !good)
      return Error{good.error().code, fmt::format("route \"{}\": {}", route.pattern, good.error().message)};
  return {};
}

Result<void> Server::build_calls() {
  const auto links = plugins_.given<td_signaling>(TD_SIGNALING_ID);
  if (links.empty()) log::warn("signaling", "no plugin reaches phones: only the API will answer");
  if (links.size() > 1)
    log::warn("signaling", "{} links are given, {} is used", links.size(), links[0]->name);
  signaling_ = std::make_unique<SignalingBridge>(links.empty() ? no_signaling() : links[0]);
  directory_ = std::make_unique<StoreDirectory>(
      api_, timers_, [this](const std::vector<call::User>& users) { calls_->set_users(users); });
  cdrs_ = std::make_unique<StoreCdrs>(api_);
  apps_ = std::make_unique<ScriptApps>(api_, [this](const std::string& leg, std::uint64_t run) {
    if (calls_) calls_->app_ended(leg, run);
  });
  sounds_ = std::make_unique<call::SoundFolders>(
      call::SoundFolders::Roots{paths_.prompts, {paths_.recordings, paths_.speech}, paths_.recordings});
  for (const auto& route : config_.routes) {
    if (auto added = routes_.add(route); !added) return added;
  }
  std::vector<std::string> missing;
  const auto chosen = codecs_.choose(config_.media.codecs, missing);
  for (const auto& name : missing)
    log::warn("codec", "media.codecs: {} is left out: its plugin or the library that it needs is not here",
              name);
  if (!chosen) return Error{chosen.error().code, "media.codecs: " + chosen.error().message};
  std::vector<const td_codec*> selected;
  std::map<const td_codec*, std::string> fmtp;
  for (const auto& choice : *chosen) {
    selected.push_back(choice.codec);
    if (!choice.own_fmtp) fmtp[choice.codec] = choice.fmtp;
  }
  call::CallsConfig calls;
  calls.media = {.codecs = std::move(selected),
                 .fmtp = std::move(fmtp),
                 .ptime_ms = config_.media.ptime_ms,
                 .default_family = config_.media.engine.host_v4.empty() ? Family::v6 : Family::v4,
                 .inactivity_timeout = seconds(config_.media.inactivity_timeout_s),
                 .learn_window = milliseconds(config_.media.learn_window_ms),
                 .dscp = config_.media.engine.dscp,
                 .symmetric = config_.media.symmetric,
                 .detect_inband_dtmf = config_.media.inband_dtmf,
                 .srtp = config_.media.srtp,
                 .srtp_suites = config_.media.srtp_suites,
                 .noise = config_.media.noise,
                 .order = config_.media.order,
                 .registry = &codecs_};
  if (auto good = check_peers(calls.media); !good) return good;
  calls.peers = config_.peers;
  calls.guest_tenant = config_.server.guest_tenant;
  calls.default_tenant = config_.server.tenant;
  calls.hold_music = config_.server.hold_music;
  calls.hang_up_on_media_timeout = config_.media.hang_up_on_timeout;
  calls.calls_max = config_.server.calls_max;
  calls.legs_max = config_.server.legs_max;
  calls_ = std::make_unique<call::Calls>(call::Surroundings{timers_, *signaling_, *engine_, api_.events(),
                                                            *cdrs_, *apps_, *sounds_, *directory_, routes_},
                                         calls);
  waiting_ = std::make_unique<MessageWaiting>(
      api_, *directory_,
      [this](const std::string& user, int fresh, int old) { calls_->set_waiting(user, fresh, old); });
  return {};
}

void Server::build_anchors() {
  anchor::AnchorsConfig anchors;
  anchors.interfaces = config_.anchor.interfaces;
  anchors.calls_max = config_.anchor.calls_max;
  anchors.media_timeout = seconds(config_.anchor.timeout_s);
  anchors.offer_timeout = seconds(config_.anchor.offer_timeout_s);
  anchors.learn_window = milliseconds(config_.media.learn_window_ms);
  anchors.dscp = config_.media.engine.dscp;
  anchors.symmetric = config_.media.symmetric;
  anchors.default_family = config_.media.engine.host_v4.empty() ? Family::v6 : Family::v4;
  if (const auto consumer = parse_listen(config_.anchor.forward_to)) anchors.forward_to = *consumer;
  anchors.forward_rate = static_cast<std::uint32_t>(config_.anchor.forward_rate_hz);
  anchors_ = std::make_unique<anchor::Anchors>(
      timers_, *engine_, anchor::Codecs{codecs_, opaque_}, std::move(anchors),
      [this](const anchor::AnchorEvent& event) {
        json told{{"event", event.name}, {"call_id", event.call_id}, {"tag", event.tag}};
        told["text"] = event.text;
        told["number"] = event.number;
        (void)api_.publish(told.dump(-1, ' ', false, json::error_handler_t::replace));
      });
  anchors_->set_recording_paths([this](const std::string& call_id) {
    const auto stamp = timers_.wall_now().time_since_epoch().count() / 1000;
    return sounds_->recording_path("", fmt::format("{}-{}", call_id, stamp));
  });
  media_listeners_ = std::make_unique<session::ListenerPair>(*calls_, *anchors_);
  engine_->set_listener(media_listeners_.get());
}

void Server::bind_own_commands() {
  api::bind_anchor_commands(api_.table(), *anchors_, *sounds_);
  api::bind_call_commands(api_.table(), *calls_, timers_, [this](api::Json& status) {
    status["version"] = kVersion;
    status["uptime_s"] = std::chrono::duration_cast<seconds>(timers_.now() - started_).count();
    status["state_dir"] = paths_.state_dir;
    status["devices"] = directory_->size();
    auto plugins = api::Json::array();
    for (const auto& one : plugins_.loaded())
      plugins.push_back({{"name", one.name}, {"version", one.version}});
    status["plugins"] = std::move(plugins);
    auto loops = api::Json::array();
    for (std::size_t i = 0; i < engine_->loop_count(); ++i) {
      const media::LoopCounters& c = engine_->media_loop(i).counters();
      loops.push_back({{"legs", c.legs.load(std::memory_order_relaxed)},
                       {"ticks", c.ticks.get()},
                       {"missed_ticks", c.missed_ticks.get()},
                       {"io", engine_->media_io(i).name()}});
    }
    status["loops"] = std::move(loops);
  });
}

// What kill -9 or a power cut left: PATH.part becomes PATH, off the loop. Which they are is looked up here,
// before the first call can begin a recording of its own.
void Server::recover_recordings() {
  std::vector<std::string> left;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(paths_.recordings, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (at->is_regular_file(failed) && at->path().extension() == ".part") left.push_back(at->path().string());
  }
  const auto work = [left = std::move(left)] {
    for (const std::string& path : left) {
      const auto saved = audio::WavWriter::recover(path);
      if (saved)
        log::info("recording", "recovered {} with {} frames", path, *saved);
      else
        log::warn("recording", "cannot recover {}: {}", path, saved.error().message);
    }
  };
  if (!pool_.submit(0, work, nullptr))
    log::error("recording", "nothing was recovered: the work queue is full");
}

void Server::seed_demo() {
  ask(api_, "", "store.seed_demo", json::object(), [this](const Result<json>& seeded) {
    if (seeded)
      log::info("demo", "accounts and passwords are in {}", text_field(*seeded, "accounts_file"));
    else
      log::error("demo", "the demo's accounts cannot be made: {}", seeded.error().message);
    directory_->load();  // not before: a phone that registers meanwhile is told to come again, not refused
  });
}

Result<void> Server::start(std::span<const plugin::Builtin> builtins) {
  if (auto loaded = load_plugins(builtins); !loaded) return loaded;
  if (auto built = build_media(); !built) return built;
  if (auto built = build_calls(); !built) return built;
  build_anchors();
  bind_own_commands();
  recover_recordings();
  engine_->start();
  signaling_->start();
  if (config_.server.demo)
    seed_demo();
  else
    directory_->load();
  loop_.on_signal([this](int number) {
    begin_stop(number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "SIGHUP");
  });
  log::info("app", "tandem {} serves: {} media loops, RTP ports {}-{}, state in {}", kVersion,
            engine_->loop_count(), config_.media.engine.port_min, config_.media.engine.port_max,
            paths_.state_dir);
  return {};
}

std::string Server::metrics() {
  MetricsSources from;
  from.calls = calls_.get();
  from.anchors = anchors_.get();
  from.events = &api_.events();
  from.plugins = &api_.figures();
  from.engine = engine_.get();
  from.signaling = signaling_.get();
  from.cdrs = cdrs_.get();
  from.loop = &loop_;
  from.timers = &timers_;
  from.pool = &pool_;
  from.devices = directory_ ? directory_->size() : 0;
  from.uptime_s = std::chrono::duration<double>(timers_.now() - started_).count();
  return metrics_text(from);
}

}  // namespace tandem::app
