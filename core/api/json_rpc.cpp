// JSON-RPC 2.0. Thread: [control].
#include "core/api/json_rpc.hpp"

#include <memory>
#include <vector>

namespace tandem::api {
namespace {

constexpr int kParseError = -32700, kInvalidRequest = -32600, kNoMethod = -32601, kBadParams = -32602,
              kFailed = -32000;

Json failure(const Json& id, int code, const Error& error) {
  Json answer = Json::object();
  answer["jsonrpc"] = "2.0";
  answer["error"] = {{"code", code}, {"message", error.message}, {"data", {{"code", to_string(error.code)}}}};
  answer["id"] = id;
  return answer;
}

// What waits for the answers of one text.
struct Batch {
  std::vector<std::string> answers;  // "" for a notification
  std::size_t open = 0;
  bool single = false;
  std::function<void(std::string)> reply;

  void answered(std::size_t index, std::string text) {
    answers[index] = std::move(text);
    if (--open > 0) return;
    std::string all;
    for (const std::string& one : answers) {
      if (!one.empty()) all += (all.empty() ? "" : ",") + one;
    }
    if (!single && !all.empty()) all = "[" + all + "]";
    reply(std::move(all));
  }
};

int code_of(CommandTable::Refusal refusal) {
  switch (refusal) {
    case CommandTable::Refusal::no_method: return kNoMethod;
    case CommandTable::Refusal::bad_params: return kBadParams;
    case CommandTable::Refusal::not_allowed:
    case CommandTable::Refusal::none: return kFailed;
  }
  return kFailed;
}

// One request object; its answer goes to batch->answered(index, …) exactly once.
void handle_one(const Json& request, const RunMethod& run, const std::shared_ptr<Batch>& batch,
                std::size_t index) {
  Json id = nullptr;
  const auto refuse = [&](const std::string& why) {
    batch->answered(index, text_of(failure(id, kInvalidRequest, {ErrorCode::invalid, why})));
  };
  if (!request.is_object()) return refuse("expected a request object");
  const auto given = request.find("id");
  const bool notification = given == request.end();
  if (!notification) {
    if (!given->is_string() && !given->is_number() && !given->is_null())
      return refuse("expected \"id\" as a text or number");
    id = *given;
  }
  if (text_at(request, "jsonrpc") != "2.0") return refuse("expected \"jsonrpc\": \"2.0\"");
  const std::string method = text_at(request, "method");
  if (method.empty()) return refuse("expected \"method\" as a text");
  const auto params = request.find("params");
  if (params != request.end() && !params->is_object() && !params->is_array())
    return refuse("expected \"params\" as an object");
  // Owners: this function and the reply, whoever is last; `refusal` is only good while invoke runs, so it is
  // read then.
  const auto refusal = std::make_shared<CommandTable::Refusal>(CommandTable::Refusal::none);
  run(
      method, params == request.end() ? Json::object() : *params,
      [batch, index, id, notification, refusal](const Result<std::string>& result) {
        if (notification) return batch->answered(index, "");
        if (!result) return batch->answered(index, text_of(failure(id, code_of(*refusal), result.error())));
        // The result is JSON text already: it is put in as it is.
        batch->answered(index, R"({"jsonrpc":"2.0","result":)" + (result->empty() ? "{}" : *result) +
                                   R"(,"id":)" + text_of(id) + "}");
      },
      refusal.get());
}

}  // namespace

void handle_rpc(std::string_view text, const ApiLimits& limits, const RunMethod& run,
                std::function<void(std::string answer)> reply) {
  const auto parsed = read_json(text, limits.rpc_bytes, limits.depth);
  if (!parsed) {
    const bool no_json = parsed.error().code == ErrorCode::invalid;
    return reply(text_of(failure(nullptr, no_json ? kParseError : kInvalidRequest, parsed.error())));
  }
  const auto batch = std::make_shared<Batch>();  // owners: the replies that are still to come
  batch->reply = std::move(reply);
  if (!parsed->is_array()) {
    batch->single = true;
    batch->open = 1;
    batch->answers.resize(1);
    return handle_one(*parsed, run, batch, 0);
  }
  if (parsed->empty() || parsed->size() > limits.batch) {
    const Error error{ErrorCode::invalid, "expected a batch of 1 to " + std::to_string(limits.batch) +
                                              " requests, saw " + std::to_string(parsed->size())};
    return batch->reply(text_of(failure(nullptr, kInvalidRequest, error)));
  }
  batch->open = parsed->size();
  batch->answers.resize(parsed->size());
  for (std::size_t i = 0; i < parsed->size(); ++i) handle_one((*parsed)[i], run, batch, i);
}

}  // namespace tandem::api
