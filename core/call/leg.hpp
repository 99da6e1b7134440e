// Leg: one party of a call: its dialog as Signaling knows it, who it is, and its media.
//
//            ring()          answer()          end()
//   fresh ───────► ringing ───────► answered ───────► ended       early: ringing with media (183)
//     └──────────────────────────────────────────────► ended
//
// Thread: [control]. It commands nobody: Exchange acts, the leg says what is allowed and keeps what is known.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/base/timers.hpp"
#include "core/call/leg_media.hpp"
#include "core/call/signaling.hpp"

namespace tandem::call {

enum class Direction : std::uint8_t { inbound, outbound };
enum class LegState : std::uint8_t { fresh, ringing, early, answered, ended };

const char* to_string(Direction direction);  // "inbound", "outbound"
const char* to_string(LegState state);       // "new", "ringing", "early", "answered", "ended"

// How a leg ended.
struct Ending {
  std::string by;  // "remote", "local", "timer", "link"
  int q850 = 0;
  int code = 0;  // SIP code of a refusal, 0 for a BYE
  std::string reason;
};

class Leg {
 public:
  Leg(std::string leg_id, Direction way, session::Media& engine, const MediaPolicy& policy, TimePoint now,
      WallTime wall)
      : id(std::move(leg_id)), direction(way), media(engine, policy), created(wall), created_at(now) {}
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  LegState state() const { return state_; }
  bool ended() const { return state_ == LegState::ended; }
  bool answered() const { return state_ == LegState::answered; }
  // Neither ended nor about to: verbs may act on it.
  bool standing() const { return !ended() && !ending; }
  // The party can hear us: early media or answered.
  bool audible() const { return state_ == LegState::early || state_ == LegState::answered; }

  // True when the step is allowed and news; false, and nothing changes, when not (events repeat, both sides
  // race).
  bool ring();
  bool start_early();
  bool answer(TimePoint now, WallTime wall);
  bool end(const Ending& how, TimePoint now, WallTime wall);

  // Counts the start of an app; false when more than `limit` began within `window`: a loop.
  bool count_app_start(TimePoint now, std::size_t limit, Nanos window);

  // who
  const std::string id;
  const Direction direction;
  std::string call, tenant;
  Party from, to;
  std::string dialed, auth_user, source, user_agent, sip_call_id;

  // what handles it
  std::string app, app_args;  // the last one
  std::uint64_t app_run = 0;  // the running one's number; 0: none runs

  // with whom
  std::string peer;       // the leg it is joined with; itself for an echo
  std::string last_peer;  // for its record
  std::string dial;       // the dial it waits for
  std::string target_of;  // the dial it is a target of

  LegMedia media;
  session::PlaybackId playback = 0;  // what it is being played now
  std::uint64_t playing = 0;  // the number of the last play verb, to know late starts from current ones
  std::string playback_name;
  TimePoint playback_began{};
  bool inside_wanted = false;           // a sound of our own (ringback, hold music) is to be heard
  std::vector<std::string> recordings;  // running ones
  bool held = false;                    // the phone put us on hold
  bool holding = false;                 // we put the phone on hold
  bool ending = false;                  // hang-up was asked for, `ended` has not come yet
  int ending_q850 = 0;                  // what we asked with
  TimerId ending_timer = 0;
  // Who answered a delayed offer and waits for the ACK, which brings the media's description.
  std::vector<std::function<void(Result<void>)>> awaiting_ack;

  WallTime created{}, answered_wall{}, ended_wall{};
  TimePoint created_at{}, answered_at{}, ended_at{};
  Ending ending_how;

 private:
  LegState state_ = LegState::fresh;
  std::deque<TimePoint> app_starts_;
};

}  // namespace tandem::call
