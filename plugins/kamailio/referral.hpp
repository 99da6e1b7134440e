// What passes within a dialog beside the session: REFER with its NOTIFYs both ways (RFC 3515, RFC 3891), INFO
// with dialled digits (application/dtmf-relay, application/dtmf).
//
//   theirs: REFER ─► refer ─► refer_reply 202 ─► NOTIFY 100, then refer_notify … final
//   ours:   refer ─► REFER ─► NOTIFY … ─► refer_progress
//
// Thread: one ([control]).
#pragma once

#include <string>

#include "kamailio/dialog.hpp"

namespace tandem::kamailio::referral {

// A Replaces value (RFC 3891 §6.1).
struct Replaces {
  std::string call_id, to_tag, from_tag;
};
Replaces parse_replaces(std::string_view value);

// `leg_of(replaces)` names the leg that the referral wants to replace, or "".
void on_refer(Context& ctx, Dialog& dialog, const WireEvent& request,
              const std::function<std::string(const Replaces&)>& leg_of);
void reply(Context& ctx, Dialog& dialog, int code);
void on_reply_missing(Context& ctx, Dialog& dialog);
void notify(Context& ctx, Dialog& dialog, int code, const std::string& reason, bool final);

// TD_INVALID is the caller's: `to` is a URI that may be sent.
void refer(Context& ctx, Dialog& dialog, const std::string& to, const std::string& replaces);
// The final answer to our REFER.
void on_final(Context& ctx, Dialog& dialog, const WireEvent& reply);
// NOTIFY of Event: refer.
void on_notify(Context& ctx, Dialog& dialog, const WireEvent& request);

void on_info(Context& ctx, Dialog& dialog, const WireEvent& request);

}  // namespace tandem::kamailio::referral
