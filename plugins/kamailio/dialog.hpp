// Dialog: one SIP dialog (RFC 3261 §12) with all that is known of it, as plain values; and what every part of
// the dialog machine shares: building requests and replies within it, and telling the call side.
//
//   inbound.hpp   the INVITE that came in          session.hpp   re-INVITE, UPDATE, session timers
//   outbound.hpp  the INVITE that we sent          referral.hpp  REFER and its NOTIFYs, INFO
//                          all are functions on (Context, Dialog); Endpoint owns and indexes the dialogs
//
// Thread: one ([control]). No clock and no socket: time and events are arguments, commands go to an Outlet.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

#include "kamailio/digest.hpp"
#include "kamailio/wire.hpp"

namespace tandem::kamailio {

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kAckWait = 32 * kSecond;  // 64*T1, RFC 3261 §13.3.1.4
inline constexpr std::uint64_t kLinger = 32 * kSecond;   // how long an ended dialog still knows its repeats
inline constexpr std::size_t kHeldMax = 16;              // commands kept for a dialog while the link is down
inline constexpr std::size_t kPendingMax = 32;  // our requests within a dialog that wait for an answer

enum class Role : std::uint8_t { uas, uac };
enum class State : std::uint8_t {
  early,      // INVITE came or went, no final answer
  accepted,   // we sent 200, no ACK yet
  confirmed,  // 2xx and ACK
  ended       // the call side was told; kept for a while to answer repeats
};

// What a deadline of a dialog means.
enum class Due : std::uint8_t { ack, linger, cancelled, session, retry, reanswer, refer, count };

enum class Purpose : std::uint8_t { bye, reoffer, refresh, info, refer, notify };

// A request of ours within the dialog that waits for its final answer.
struct Pending {
  std::uint32_t cseq = 0;
  Purpose purpose = Purpose::info;
  int tries = 0;  // answers to 401 and 407
  std::string method, headers, body;
};

struct SessionTimer {
  std::uint32_t interval_s = 0;  // 0: no session timer
  std::uint32_t min_s = 90;      // RFC 4028 §4
  bool we_refresh = false;
  bool peer_supports = false;
};

struct Dialog {
  // who
  std::string leg, call_id, local_tag, remote_tag;
  std::string local, remote;  // name-addr without tag, as From or To
  Role role = Role::uas;
  State state = State::early;
  bool told = false;  // `ended` or `failed` was sent
  // where
  std::string target;   // remote target
  std::string nexthop;  // fixed next hop ("" : first route, else the target)
  std::string socket;   // "udp:192.0.2.1:5060", "" for Kamailio's choice
  std::string contact;  // our Contact, a URI
  std::vector<std::string> routes;
  std::string peer_agent;
  bool peer_updates = false;  // lists UPDATE in Allow
  std::uint32_t local_cseq = 0, remote_cseq = 0;
  // the INVITE
  std::uint32_t invite_cseq = 0;
  std::string invite_tid;
  std::string invite_ruri, invite_headers;  // uac: what a repeat needs
  int auth_tries = 0, interval_tries = 0;
  bool offer_ours = false;   // our SDP in the 200 is an offer: the ACK carries the answer
  bool cancelled = false;    // uas: CANCEL came; uac: CANCEL sent
  bool bye_wanted = false;   // hung up before the ACK came
  bool reply_known = false;  // Kamailio took our 200
  int hangup_q850 = 16;
  std::string hangup_text;
  // session
  std::string local_sdp, remote_sdp;
  std::string early_sdp;  // uac: SDP of a provisional answer
  std::string reinvite_tid, reinvite_method;
  std::uint32_t reinvite_cseq = 0;
  bool reinvite_offer_ours = false, reinvite_refresh = false, reinvite_acked = true;
  std::string queued_offer;  // our offer, waiting for its turn
  bool retry_refresh = false;
  int glare_tries = 0;
  SessionTimer timer;
  // referral
  std::string refer_tid;
  std::uint32_t refer_cseq = 0, refer_seen = 0;  // of the REFER being served; how many came
  bool refer_open = false;                       // NOTIFYs are owed
  bool refer_sent = false;                       // NOTIFYs are expected
  // credentials
  Credentials credentials;
  std::vector<Challenge> challenge;  // none or one
  // under way
  std::vector<Pending> pending;
  std::vector<std::variant<SipRequest, SipReply>> held;                   // while the link is down
  std::array<std::uint64_t, static_cast<std::size_t>(Due::count)> due{};  // ns; 0: unset
  std::uint64_t indexed = 0;  // Endpoint's: the deadline it is filed under

  std::uint64_t& at(Due what) { return due[static_cast<std::size_t>(what)]; }
  // The earliest deadline, 0 when none is set.
  std::uint64_t next_due() const;
};

struct Settings {
  std::string user_agent = "Tandem";
  std::string domain;                    // host of our own From; "" for the address of the socket
  std::uint32_t session_expires = 1800;  // RFC 4028; 0: never asked for by us
};

// What a step of the machine works with.
struct Context {
  Outlet& out;
  const Settings& settings;
  std::uint64_t now;  // ns, monotonic
  bool up;            // the link carries commands
  std::function<std::uint64_t()>& random;

  std::string token(std::size_t hex_digits) const;
};

// ---- within a dialog
// Sends a request with the next CSeq along the route set; keeps it when the link is down. Full `pending`:
// dropped and false.
bool send_in_dialog(Context& ctx, Dialog& dialog, Purpose purpose, std::string method, std::string headers,
                    std::string body);
// ACK of our own for a 2xx that Kamailio does not acknowledge: RFC 3261 §13.2.2.4.
SipRequest ack_request(const Dialog& dialog, std::uint32_t cseq);
// Answers a transaction of theirs; extra header lines end in CRLF. Kept when the link is down.
void reply_in_dialog(Context& ctx, Dialog& dialog, const std::string& tid, int code, std::string reason,
                     std::string headers, std::string body);
// BYE with a Reason; the dialog must be confirmed.
void send_bye(Context& ctx, Dialog& dialog, int q850, std::string_view text);
// Takes a final answer to a request of ours. Gives the Pending it belongs to, removed; nothing for a repeat,
// or when it was a challenge and the request went out again.
std::vector<Pending> settle(Context& ctx, Dialog& dialog, const WireEvent& reply);

// ---- to the call side
// Sends `ended` unless the leg was told already; the dialog lingers. q850 0: derived from the code.
void tell_ended(Context& ctx, Dialog& dialog, std::string_view by, int code, int q850,
                std::string_view reason);
void linger(Context& ctx, Dialog& dialog);

// ---- header lines
std::string contact_line(const Dialog& dialog);
std::string capability_lines();  // Allow and Supported
std::string sdp_line();          // Content-Type
// A tag-less name-addr for From and To.
std::string name_addr_text(std::string_view name, std::string_view uri);
// What a Contact and Record-Route say of the far end; `reversed` for the side that sent the INVITE.
void learn_route(Dialog& dialog, const WireEvent& event, bool reversed);
void learn_target(Dialog& dialog, const WireEvent& event);

}  // namespace tandem::kamailio
