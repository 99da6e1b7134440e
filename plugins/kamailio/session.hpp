// The session within a confirmed dialog: offers after the first (RFC 3261 §14, UPDATE: RFC 3311), glare, and
// the session timer (RFC 4028), for either side as refresher.
//
//   theirs: re-INVITE | UPDATE ─► reoffer ─► reanswer ─► 200 ─► ACK
//   ours:   reoffer ─► re-INVITE ─► reanswered           491 ─► again after a random while (§14.1)
//   timer:  half the interval: refresh (UPDATE when the peer knows it) │ no refresh in time: BYE, ended by
//   "timer"
//
// Thread: one ([control]).
#pragma once

#include "kamailio/dialog.hpp"

namespace tandem::kamailio::session {

inline constexpr std::uint32_t kMinInterval = 90;  // RFC 4028 §4

// ---- the session timer
bool interval_too_small(const HeaderList& headers);
// Session-Expires of the first INVITE that came in; and of a later refresh of theirs.
void on_initial_request(Context& ctx, Dialog& dialog, const WireEvent& invite);
// Lines for our 200 (Session-Expires, Require) and for a request of ours (Session-Expires, Min-SE).
std::string answer_lines(const Dialog& dialog);
std::string request_lines(const Dialog& dialog, const Settings& settings);
// Reads the interval and refresher of a 2xx to a request of ours.
void on_answer(Context& ctx, Dialog& dialog, const WireEvent& reply);
// (Re)starts the clock after a 2xx in either direction.
void start_timer(Context& ctx, Dialog& dialog);
void on_timer(Context& ctx, Dialog& dialog);

// ---- offers
// Their re-INVITE or UPDATE.
void on_offer(Context& ctx, Dialog& dialog, const WireEvent& request);
// The call side's answer: `sdp` with code 200, or a refusal.
void reanswer(Context& ctx, Dialog& dialog, int code, const std::string& sdp);
void on_answer_missing(Context& ctx, Dialog& dialog);
// The ACK to our 200 of a re-INVITE.
void on_ack(Context& ctx, Dialog& dialog, const WireEvent& ack);
void on_ack_missing(Context& ctx, Dialog& dialog);

// Our offer. Waits for its turn when another is under way.
void reoffer(Context& ctx, Dialog& dialog, const std::string& sdp);
void on_retry(Context& ctx, Dialog& dialog);
// The final answer to our re-INVITE or UPDATE.
void on_final(Context& ctx, Dialog& dialog, const Pending& pending, const WireEvent& reply);
// Kamailio restarted: what was under way is lost.
void on_lost(Context& ctx, Dialog& dialog);

}  // namespace tandem::kamailio::session
