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
// "srtp" of a dial or an origination; none when it is not there.
std::optional<call::SrtpPolicy> srtp_from(const Json& params);
// "headers": {"X-Name": "value"} or [["X-Name", "value"]]. Errors: invalid (a name or value that would break
// out of its line, a header that is the dialog's own, more than 50).
Result<call::Headers> headers_from(const Json& params);

}  // namespace tandem::api
