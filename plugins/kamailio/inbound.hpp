// The INVITE that came in, from its arrival to its ACK: the server side of RFC 3261 §13.3.
//
//   INVITE ─► incoming ─► ring (18x) ─► accept (200) ─► ACK ─► confirmed
//                 │            └─► CANCEL ─► ended 487        └─► no ACK in 32 s ─► BYE, ended 408
//                 └─► reject, redirect, hangup ─► final answer, ended
//
// Kamailio has sent 100, sends 200 again until the ACK (for 3.5 s only), and answers CANCEL and its INVITE by
// itself. Thread: one ([control]).
#pragma once

#include "kamailio/dialog.hpp"

namespace tandem::kamailio::inbound {

// The dialog that an INVITE begins; `incoming` is sent. Or a refusal: `code` above 0 with header lines, no
// dialog.
struct Begun {
  Dialog dialog;
  int code = 0;
  std::string headers;
};
Begun begin(Context& ctx, const WireEvent& invite);
// Tells the call side of the dialog, once it is in the table. `replaces_leg`: the leg that a Replaces header
// names.
void announce(Context& ctx, const Dialog& dialog, const WireEvent& invite, const std::string& replaces_leg);

// The call side's commands. Ignored when the dialog's state does not allow them.
void ring(Context& ctx, Dialog& dialog, int code, const std::string& reason, const std::string& sdp);
void accept(Context& ctx, Dialog& dialog, const std::string& sdp);
// `headers` are lines that end in CRLF.
void reject(Context& ctx, Dialog& dialog, int code, const std::string& reason, int q850,
            const std::string& headers);

// What came by the wire.
void on_ack(Context& ctx, Dialog& dialog, const WireEvent& ack);
void on_cancel(Context& ctx, Dialog& dialog, const WireEvent& cancel);
// Kamailio refused our final answer: the transaction is gone.
void on_refused(Context& ctx, Dialog& dialog, int code);
void on_ack_missing(Context& ctx, Dialog& dialog);

}  // namespace tandem::kamailio::inbound
