// RpcClient: one JSON-RPC call to a running server by HTTP POST: for the command line. Blocking, with a
// deadline. Thread: any one that may block; not the server's.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace tandem::app {

struct RpcServer {
  Address at;
  std::string token;
  milliseconds deadline{15000};
};

// The largest answer that is read.
inline constexpr std::size_t kRpcAnswerMax = 64U << 20U;

// The command's result. Errors: unavailable (nobody listens there, or it went away), timeout, denied (the
// token), invalid (the answer is no HTTP or no JSON-RPC), and the command's own code and message.
Result<nlohmann::json> rpc(const RpcServer& server, const std::string& method, const nlohmann::json& params);

// The body of an HTTP/1.1 response, whole. Errors: invalid (no HTTP; chunks that do not fit), denied (401,
// 403), unavailable (any other status but 200). [any]
Result<std::string> http_body(const std::string& response);

}  // namespace tandem::app
