// JSON-RPC 2.0: one text in, one text out (https://www.jsonrpc.org/specification).
//
//   text ─► request | notification | batch ─► invoke each ─► the answers, in the order of the requests
//
// Codes: -32700 no JSON; -32600 no request, too long, too deep, too many; -32601 unknown method; -32602
// params; -32000 everything a command answers, with data {"code": …} (core/base/result.hpp). Thread:
// [control].
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/api/command_table.hpp"

namespace tandem::api {

// Runs one method; `refused` as in CommandTable::invoke.
using RunMethod = std::function<void(const std::string& method, const Json& params, const Reply& reply,
                                     CommandTable::Refusal* refused)>;

// `reply` is called exactly once, when all of it is answered; with "" when nothing is to be sent.
void handle_rpc(std::string_view text, const ApiLimits& limits, const RunMethod& run,
                std::function<void(std::string answer)> reply);

}  // namespace tandem::api
