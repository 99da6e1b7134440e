// Server: the composition root: everything that a running Tandem is made of, built in one place, wired, and
// taken apart in order. No other file of the core builds more than its own parts.
//
//   Config ─► Loop, timers, pool ─► Api ─► PluginHost ─► codecs, dtmf, signaling ─► MediaEngine ─► Calls ─►
//   commands SIGINT, SIGTERM ─► stop(): hang up, let the link say goodbye, media, work, plugins, the rest
//   (docs/lifetimes.md)
//
// Thread: [control].
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/anchor/anchors.hpp"
#include "core/anchor/opaque_codecs.hpp"
#include "core/api/api.hpp"
#include "core/app/config.hpp"
#include "core/app/message_waiting.hpp"
#include "core/app/metrics.hpp"
#include "core/app/paths.hpp"
#include "core/app/script_apps.hpp"
#include "core/app/signaling_bridge.hpp"
#include "core/app/store_cdrs.hpp"
#include "core/app/store_directory.hpp"
#include "core/call/calls.hpp"
#include "core/codec/registry.hpp"
#include "core/loop/loop.hpp"
#include "core/loop/packet_io.hpp"
#include "core/loop/uv_timers.hpp"
#include "core/loop/work_pool.hpp"
#include "core/plugin/plugin_host.hpp"
#include "core/session/engine.hpp"
#include "core/session/listener_pair.hpp"

namespace tandem::app {

class Server {
 public:
  // Throws std::runtime_error when the kernel refuses what every server needs (start-up only).
  Server(Config config, Paths paths, std::string token);
  // stop()s what still runs.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Loads the plugins and starts everything. Errors: what there is no server without: a plugin that the
  // configuration names (or http, or store) refused; a codec that nobody has; a bad route. Any other plugin
  // that refuses is left out with a line in the log.
  Result<void> start(std::span<const plugin::Builtin> builtins);

  // Runs until a signal and the goodbye after it. The process's exit status.
  int run();

  // Ends run() as a signal does. For tests.
  void begin_stop(const char* why);

  api::Api& api() { return api_; }
  loop::Loop& loop() { return loop_; }

 private:
  Result<void> load_plugins(std::span<const plugin::Builtin> builtins);
  Result<void> judge(const std::string& name, const Result<void>& loaded) const;
  Result<void> build_media();
  Result<void> check_peers(const call::MediaPolicy& policy) const;
  Result<void> build_calls();
  void build_anchors();
  void bind_own_commands();
  void recover_recordings();
  void seed_demo();
  void wake_media();
  void leave_when_quiet(TimePoint latest);
  void take_apart();
  std::string metrics();
  bool is_off(const std::string& name) const;

  // values
  const Config config_;
  const Paths paths_;
  const std::string token_;
  // owned, in the order in which they are made
  loop::Loop loop_;
  loop::UvTimers timers_;
  loop::WorkPool pool_;
  api::Api api_;
  plugin::PluginHost plugins_;
  codec::CodecRegistry codecs_;
  anchor::OpaqueCodecs opaque_;
  std::unique_ptr<loop::PacketIo> packets_;
  std::unique_ptr<session::MediaEngine> engine_;
  std::unique_ptr<SignalingBridge> signaling_;
  std::unique_ptr<StoreDirectory> directory_;
  std::unique_ptr<StoreCdrs> cdrs_;
  std::unique_ptr<ScriptApps> apps_;
  std::unique_ptr<call::SoundFolders> sounds_;
  call::Routes routes_;
  std::unique_ptr<call::Calls> calls_;
  std::unique_ptr<MessageWaiting> waiting_;
  std::unique_ptr<anchor::Anchors> anchors_;
  std::unique_ptr<session::ListenerPair> media_listeners_;
  // state
  std::atomic<bool> media_woken_{false};
  TimePoint started_{};
  int stops_ = 0;
  bool taken_apart_ = false;
};

}  // namespace tandem::app
