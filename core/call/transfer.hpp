// Transfers: a party goes elsewhere and the call stays the same call.
//
//   REFER from a phone:  202, NOTIFY 100 ─► the other party runs the app of the number ─► it is taken: NOTIFY
//   200,
//                        or that app ends untaken: NOTIFY with the refusal, and both are joined as before
//   REFER with Replaces: the two remaining parties are joined; both legs of the transferor end (attended)
//   transfer():          ours: the leg runs the app of another number      refer(): the phone is asked to go
//   itself
//
// A number is one of ours (Routes): a phone cannot send a party out to any URI it likes.
// Thread: [control]. Sources: RFC 3515 (REFER), RFC 5589 (transfer), RFC 3891 (Replaces).
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "core/call/exchange.hpp"

namespace tandem::call {

class Transfers {
 public:
  explicit Transfers(Exchange& exchange) : exchange_(exchange) {}

  // From Signaling.
  void on_refer(const Refer& refer);
  void on_refer_progress(const ReferProgress& progress);

  // The leg leaves its peer and app and runs the app of `to`. A peer without an app is hung up.
  // Errors: not_found (no route: nothing changed), exhausted (too many transfers of this call).
  Result<void> transfer(Leg& leg, const std::string& to);
  // Asks the phone to call `to` (number or sip: URI) itself. Errors: conflict (not answered).
  Result<void> refer(Leg& leg, const std::string& to);

  // Hooks of Exchange.
  bool app_over(Leg& leg);  // true: the leg is looked after
  void taken(Leg& leg);     // who was transferred is joined or heard by an app: the transfer worked
  void on_leg_ended(Leg& leg);
  // A dial on behalf of this leg rings, or ended with this code.
  void on_ringing(Leg& owner);
  void on_dial_failed(const std::string& owner, int code);

 private:
  struct Move {
    std::string transferor, moved, to;
    bool done = false;
    bool rang = false;
    int code = 480;  // what a failure is told as
    TimerId farewell = 0;
  };

  void attend(Leg& transferor, const Refer& refer);
  bool come_back(Move& move);
  Result<void> count_transfer(Leg& leg);
  void say_done(const Leg& leg, const std::string& to, int code);
  void hang_up_soon(Leg& leg);
  Move* of_moved(const std::string& leg);
  Move* of_transferor(const std::string& leg);

  // borrowed
  Exchange& exchange_;
  // state
  std::unordered_map<std::string, Move> moves_;         // by the moved leg
  std::unordered_map<std::string, std::string> asked_;  // legs that we asked to go: leg → to
};

}  // namespace tandem::call
