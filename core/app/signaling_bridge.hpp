// SignalingBridge: call::Signaling over a tandem.signaling/1 plugin: docs/signaling.md as JSON text, both
// ways.
//
//   Calls ──invite(…)──► {"cmd":"invite",…} ──► plugin      plugin ──► {"ev":"answered",…} ──► listener
//
// Thread: [control]. A malformed event is counted and logged, never thrown. It keeps no state of dialogs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/counter.hpp"
#include "core/call/signaling.hpp"
#include "tandem/signaling.h"

namespace tandem::app {

class SignalingBridge final : public call::Signaling {
 public:
  // `plugin` outlives this. start() begins the events.
  explicit SignalingBridge(const td_signaling* plugin);
  SignalingBridge(const SignalingBridge&) = delete;
  SignalingBridge& operator=(const SignalingBridge&) = delete;

  // Tells the plugin where events go; commands may follow.
  void start();
  // Ends every dialog it still can within the grace time, then calls stopped, once.
  void stop(std::uint64_t grace_ns, std::function<void()> stopped);

  // The plugin is gone: commands go nowhere from now on.
  void detach() { plugin_ = nullptr; }

  // One event as JSON text, from the plugin.
  void on_event(std::string_view json);

  void set_listener(call::SignalingListener* listener) override { listener_ = listener; }
  void users(const std::vector<call::User>&) override;
  void lookup(const std::string& id, const std::string& user) override;
  void invite(const call::Invite&) override;
  void ring(const std::string& leg, int code, const std::string& reason, const std::string& sdp) override;
  void accept(const std::string& leg, const std::string& sdp) override;
  void reject(const std::string& leg, int code, const std::string& reason, int q850) override;
  void redirect(const std::string& leg, const std::string& uri) override;
  void reoffer(const std::string& leg, const std::string& sdp) override;
  void reanswer(const std::string& leg, int code, const std::string& sdp) override;
  void hangup(const std::string& leg, int q850, const std::string& reason) override;
  void refer(const std::string& leg, const std::string& to, const std::string& replaces) override;
  void refer_reply(const std::string& leg, int code) override;
  void refer_notify(const std::string& leg, int code, const std::string& reason, bool final) override;
  void info(const std::string& leg, const std::string& ctype, const std::string& body) override;
  void mwi(const std::string& user, int fresh, int old) override;
  void message(const std::string& id, const std::string& to, const call::Party& from,
               const std::string& ctype, const std::string& body) override;
  void message_reply(const std::string& id, int code) override;

  // Events that were no JSON object or of no known kind, and commands that the plugin called malformed.
  const Counter& events_malformed() const { return events_malformed_; }
  const Counter& commands_refused() const { return commands_refused_; }

 private:
  void send(const std::string& json);

  const td_signaling* plugin_;
  call::SignalingListener* listener_ = nullptr;
  std::function<void()> stopped_;
  Counter events_malformed_, commands_refused_;
};

}  // namespace tandem::app
