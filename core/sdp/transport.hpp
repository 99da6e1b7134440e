// Where their media goes, how long its packets are, and which way it flows: the half of a negotiation that is
// the same for offers and for answers of theirs. Their c= and a=rtcp are judged here (usable_address and
// family_of of negotiate.hpp). Thread: [any]. Not here: codecs (payloads.hpp), keys (crypto.hpp).
#pragma once

#include "core/base/result.hpp"
#include "core/sdp/description.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::sdp {

// [any] All of Negotiated but its payloads and keys, of their stream `m` (RFC 3264 5.1, 6.1; RFC 3605; RFC
// 5761). `wanted` is our own direction, before theirs limits it. Errors: unsupported (an address that no
// media can be sent to, or of another family than ours).
Result<Negotiated> read_transport(const Local& local, const Description& theirs, const Media& m,
                                  Direction wanted, bool mux_allowed);

}  // namespace tandem::sdp
