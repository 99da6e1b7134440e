// The INVITE that we send, from the command to its final answer: the client side of RFC 3261 §13.2.
//
//   invite ─► INVITE ─► 18x: progress ─► 2xx: answered (Kamailio sends the ACK)
//                │         │               ├─► a second 2xx of another fork: ACK and BYE, nobody is told
//                │         └─► hangup: CANCEL ─► 487, or a 2xx that crossed it: BYE; failed 487
//                ├─► 401, 407: again with credentials   422: again with a longer interval
//                └─► 3xx…6xx, time-out: failed
//
// Thread: one ([control]).
#pragma once

#include <string>

#include "kamailio/dialog.hpp"

namespace tandem::kamailio::outbound {

struct Call {
  std::string leg, sdp, call_id;
  Contact contact;
  std::string from_user, from_name, from_uri;  // the URI goes before the user
  HeaderList headers;
  Credentials credentials;
  std::string local_contact;  // our Contact, a URI
  std::string local_host;     // for From when no domain is set
};

// Sends the INVITE.
Dialog begin(Context& ctx, const Call& call);

// Any answer to the INVITE, and its time-out.
void on_reply(Context& ctx, Dialog& dialog, const WireEvent& reply);
// CANCEL, or nothing when there is no call any more.
void cancel(Context& ctx, Dialog& dialog, int q850, const std::string& reason);
// CANCEL brought no final answer.
void on_cancel_unanswered(Context& ctx, Dialog& dialog);
// Sends `failed` once; the dialog lingers.
void fail(Context& ctx, Dialog& dialog, int code, std::string_view reason, int q850,
          const HeaderList& headers);

// A 2xx to an INVITE that no dialog knows (it came after a restart, or after its dialog was forgotten): ACK
// and BYE, from what the answer itself says.
void release_stray(Context& ctx, const WireEvent& reply);

// Header lines from the call side's pairs: malformed ones, and those that a dialog owns, are left out.
std::string extra_lines(const HeaderList& headers);

}  // namespace tandem::kamailio::outbound
