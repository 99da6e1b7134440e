// Exchange: the calls and legs that stand, and the few acts that everything else is made of: ring, answer,
// refuse, hang up, bridge, run an app. Dials, Transfers, Playbacks and Recordings compose them; Calls is the
// front.
//
//   Signaling ──► Calls ──► Dials, Transfers, … ──► Exchange ──► Signaling, session::Media, Apps, EventSink,
//   CdrSink
//
// Thread: [control]. Commands may call back at once (events from inside a command), so a leg that ended is
// kept until the next turn of the loop: a Leg& stays good through the call in which it was got.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/affinity.hpp"
#include "core/base/counter.hpp"
#include "core/base/timers.hpp"
#include "core/call/apps.hpp"
#include "core/call/call.hpp"
#include "core/call/cdr.hpp"
#include "core/call/directory.hpp"
#include "core/call/event.hpp"
#include "core/call/leg.hpp"
#include "core/call/routes.hpp"
#include "core/call/signaling.hpp"
#include "core/call/sounds.hpp"
#include "core/call/timer_set.hpp"
#include "core/session/media.hpp"

namespace tandem::call {

// What stands around the call layer. All of it outlives Calls.
struct Surroundings {
  Timers& timers;
  Signaling& signaling;
  session::Media& media;
  EventSink& events;
  CdrSink& cdrs;
  Apps& apps;
  Sounds& sounds;
  Directory& directory;
  Routes& routes;
};

struct CallsConfig {
  MediaPolicy media;
  std::vector<Peer> peers;                 // what is different with some
  std::string guest_tenant;                // of calls without digest (trunks); "": refused with 403
  std::string default_tenant = "default";  // of what the operator originates without saying whose it is
  std::string hold_music;                  // prompt played to who waits on hold; "": silence
  bool hang_up_on_media_timeout = true;
  milliseconds lookup_timeout{2000};   // of Signaling::lookup
  milliseconds ending_timeout{40000};  // a hang-up that nobody confirms is over after so long
  std::size_t calls_max = 5000, legs_max = 10000;
  std::size_t dial_targets_max = 32;  // branches of one dial, contacts counted
  std::size_t recordings_per_leg_max = 4;
  int transfers_per_call_max = 10;
  std::size_t app_starts_max = 10;  // of one leg within app_starts_window: more is a loop
  seconds app_starts_window{60};
};

// One writer: [control]. What is counted when a limit is hit says so in its name.
struct CallCounters {
  Counter calls, legs_inbound, legs_outbound, answered, refused_by_limit, refused_unknown_number, refused_sdp,
      refused_stranger, dials, dial_targets_over_limit, transfers, transfers_failed, loops, media_timeouts,
      lookups_timed_out, endings_forced, events, recordings_over_limit;
};

class Exchange {
 public:
  // Told when a leg ended, before it leaves its call (dials, transfers).
  using LegEnded = std::function<void(Leg&)>;
  // Told when a leg's app is over; true: the leg is looked after, do not hang it up.
  using AppOver = std::function<bool(Leg&)>;
  // Told that a leg was joined with another or that an app plays something to it: somebody took the call.
  using LegTaken = std::function<void(Leg&)>;

  Exchange(const Surroundings& around, const CallsConfig& config);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void set_hooks(LegEnded leg_ended, AppOver app_over, LegTaken leg_taken);

  // ---- tables. Null when there is none; `standing` skips legs that ended or are about to.
  Call* call(std::string_view id);
  Leg* leg(std::string_view id);
  Leg* standing(std::string_view id);
  Leg* leg_of(session::MediaId media);
  Leg* leg_with_sip_call_id(std::string_view sip_call_id);
  const std::unordered_map<std::string, std::unique_ptr<Call>>& calls() const { return calls_; }
  const std::unordered_map<std::string, std::unique_ptr<Leg>>& legs() const { return legs_; }

  // ---- making. Errors: exhausted (names the limit), conflict (id taken).
  Result<Call*> open_call(const std::string& tenant, Direction direction);
  Result<Leg*> open_leg(Call& call, Direction direction, std::string id);
  // Emits call.started (once a call) and leg.created.
  void announce(Leg& leg);
  // Takes the leg's ports. Errors: exhausted, unsupported.
  Result<void> open_media(Leg& leg, session::MediaId near, Family family);
  // A dial without an owner ended: the call goes when it has no legs. Safe for unknown ids.
  void release(std::string_view call_id);

  // ---- acts on one leg
  // 180, or with `early` 183 and media. Errors: conflict (outbound, answered), exhausted (ports).
  Result<void> ring(Leg& leg, bool early, session::MediaId near = 0, std::string_view prefer = {});
  // 200 with our SDP. Idempotent once answered. Errors: conflict (outbound, ended), exhausted (the leg is
  // refused: 503).
  Result<void> answer(Leg& leg, session::MediaId near = 0, std::string_view prefer = {});
  // Final refusal of an inbound leg that is not answered; else hangs up with the same cause.
  void refuse(Leg& leg, int code, const std::string& reason, int q850);
  // Ends a leg in whatever state; `ended` follows from the signaling side.
  void hang_up(Leg& leg, int q850, const std::string& reason = {});
  // The dialog is gone: events, record, media closed, peer looked after. Idempotent.
  void ended(Leg& leg, const Ending& how);

  // ---- two legs
  // Joins them, answering nobody; a leg with itself is an echo. Legs of two calls become one call (a's).
  // Idempotent. Errors: conflict (a leg that cannot be heard yet), invalid (different media loops).
  Result<void> bridge(Leg& a, Leg& b);
  // Parts the leg from its peer, if it has one. The peer is not told when it is joined with another at once.
  enum class TellPeer : std::uint8_t { yes, no };
  void unbridge(Leg& leg, const char* reason, TellPeer tell_peer = TellPeer::yes);

  // ---- apps
  // Begins an app on the leg, in place of the one that runs. Errors: exhausted (a loop).
  Result<void> run_app(Leg& leg, const std::string& app, const std::string& args);
  // Finds the app of a number and runs it. Errors: not_found (no route: nothing changed), exhausted.
  Result<void> route(Leg& leg, const std::string& number);
  // `run` 0: the host did not say which start it was.
  void app_over(std::string_view leg_id, std::uint64_t run);

  // ---- sounds of our own (no play.finished for them)
  void play_inside(Leg& leg, const session::PlaySpec& spec);
  void stop_inside(Leg& leg);
  bool is_inside(session::PlaybackId id) const;
  void forget_inside(session::PlaybackId id);
  // Music or silence for who waits on hold.
  void play_hold_music(Leg& leg);
  void taken(Leg& leg);

  void emit(const Leg& leg, Event event);
  void emit(Event event);
  // The leg's figures; empty ones when the engine does not answer within a second.
  void stats(const Leg& leg, std::function<void(const session::LegStats&)> answer);

  const Surroundings& around() const { return around_; }
  const CallsConfig& config() const { return config_; }
  CallCounters& counters() { return counters_; }
  TimePoint now() const { return around_.timers.now(); }

  // Called by Calls when a leg's SIP Call-ID became known.
  void index_sip_call_id(Leg& leg);

  // `f` wrapped for somebody outside to call later: it does nothing once the Exchange is gone.
  template <typename F>
  auto guarded(F f) const {
    return [alive = std::weak_ptr<const bool>(alive_), f = std::move(f)](auto&&... args) {
      if (!alive.expired()) f(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  void look_after_peer(Leg& leg);
  void leave_call(Leg& leg);
  void end_call(Call& call);
  void adopt(Leg& leg, Call& into);
  void close_books(Leg& leg);
  void write_record(const Leg& leg, const session::LegStats& stats);
  void drop(const std::string& leg_id);
  void sweep_later();
  void force_end_later(Leg& leg, int q850, int code);

  TimerSet timers_;  // before around_, which hands it out
  // borrowed
  const Surroundings around_;
  const CallsConfig config_;
  // owned
  std::unordered_map<std::string, std::unique_ptr<Call>> calls_;
  std::unordered_map<std::string, std::unique_ptr<Leg>> legs_;
  std::vector<std::unique_ptr<Leg>> gone_legs_;  // kept until the next turn
  std::vector<std::unique_ptr<Call>> gone_calls_;
  // state
  std::unordered_map<session::MediaId, Leg*> by_media_;
  std::unordered_map<std::string, Leg*> by_sip_call_id_;
  std::unordered_map<session::PlaybackId, std::string> inside_;  // → leg
  LegEnded leg_ended_;
  AppOver app_over_;
  LegTaken leg_taken_;
  CallCounters counters_;
  std::uint64_t runs_ = 0;
  bool sweeping_ = false;
  std::shared_ptr<const bool> alive_ =
      std::make_shared<const bool>(true);  // owner: this; guarded() watches it
};

// A leg's or call's own tenant is told by its fields; "" asks as the operator.
inline bool may_see(std::string_view asking_tenant, std::string_view owner) {
  return asking_tenant.empty() || asking_tenant == owner;
}

}  // namespace tandem::call
