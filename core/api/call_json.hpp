// Calls and legs as JSON, under the names of docs/api.md. Thread: [control].
#pragma once

#include "core/api/json.hpp"
#include "core/call/calls.hpp"

namespace tandem::api {

Json to_json(const call::Party& party);
// Without its legs' details: {call, tenant, started, direction, state, from, to, dialed, legs: [ids]}.
Json to_json(const call::Call& call);
Json to_json(const call::Leg& leg, const session::LegStats& stats);
// A record under its field names, for a store; times ISO 8601, "" when there is none.
Json to_json(const call::Cdr& cdr);

// "from": {user, name} of a command.
call::Party party_from(const Json& params, const char* key);
// "srtp", "codecs", "codec_order", "ptime_ms" and "comfort_noise" of a dial's target or an origination, and
// what their schema says between braces.
call::PeerMedia media_from(const Json& params);
#define TANDEM_PEER_MEDIA_SCHEMA                                                                                                                               \
  R"("srtp":{"enum":["off","accept","optional","required"],"description":"encrypted media; without: media.srtp"},)"                                            \
  R"("codecs":{"type":"array","maxItems":32,"items":{"type":"string","maxLength":128},"description":"those that may be used, in order, as in media.codecs"},)" \
  R"("codec_order":{"enum":["theirs","ours"],"description":"whose order counts when we answer"},)"                                                             \
  R"("ptime_ms":{"type":"integer","minimum":10,"maximum":60},)"                                                                                                \
  R"("comfort_noise":{"enum":["off","accept","offer","send"]})"
// "headers": {"X-Name": "value"} or [["X-Name", "value"]]. Errors: invalid (a name or value that would break
// out of its line, a header that is the dialog's own, more than 50).
Result<call::Headers> headers_from(const Json& params);

}  // namespace tandem::api
