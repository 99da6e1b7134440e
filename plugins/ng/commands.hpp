// Commands: the verbs of the ng protocol, each one command of the JSON table, and the answer under the names
// that proxies read.
//
//   request text ──take()──► cookie cache ─► dictionary ─► read_request ─► anchor.offer … ─► answer text
//
// Thread: [control].
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "ng/cookie_cache.hpp"
#include "ng/key_log.hpp"
#include "ng/request.hpp"
#include "tandem/sdk.hpp"

namespace tandem::ng {

struct Counts {
  std::uint64_t requests = 0, malformed = 0, errors = 0, repeated = 0, unknown_words = 0, refused = 0;
  std::map<std::string, std::uint64_t> by_command;
};

class Commands {
 public:
  // The text of an answer, or "" when nothing is to be sent.
  using Reply = std::function<void(std::string_view answer)>;
  enum class Cookie : std::uint8_t { yes, no };

  Commands(const sdk::Host& host, const ReadOptions& options, std::optional<Listen> key_log = {})
      : host_(host), options_(options), key_log_(host, std::move(key_log)) {}

  // One message from `peer` (its address, for the cookies). `reply` is called once, possibly at once; a
  // repeat of one that is being done is answered with it. False, and never: a message without even a cookie,
  // or one repeated too often.
  bool take(std::string_view peer, std::string_view text, Cookie cookie, Reply reply);

  const Counts& counts() const { return counts_; }
  const KeyLog::Counts& keys_told() const { return key_log_.counts(); }

 private:
  using Answer = std::function<void(Value answer)>;
  void run(std::string_view body, const Answer& answer, bool json);
  void run(Request request, const Answer& answer);
  void run_sdp(const char* method, const Request& request, const Answer& answer);
  void run_state(const Request& request, const Answer& answer);
  bool run_act(Request& request, const Answer& answer);
  bool run_flow(Request& request, const Answer& answer);
  void run_subscribe(Request& request, const Answer& answer);
  void run_transform(Request& request, const Answer& answer);
  void run_forwarding(Request& request, const Answer& answer);
  void run_made(const char* method, const Request& request, const Answer& answer);
  void ask_warned(const char* method, Value params, const Request& request, const Answer& answer);
  void ask(const char* method, const Value& params, const Answer& answer,
           std::function<void(const Value& result, Value& into)> fill = {});
  Value failed(std::string reason);

  sdk::Host host_;
  const ReadOptions options_;
  CookieCache cache_;
  Counts counts_;
  KeyLog key_log_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tandem::ng
