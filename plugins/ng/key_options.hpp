// KeyOptions: what a message says of keys (DTMF-security and its like), gathered key by key as `keys` of the
// anchor.* commands. Thread: [any].
#pragma once

#include "ng/request.hpp"
#include "ng/value.hpp"

namespace tandem::ng {

class KeyOptions {
 public:
  // Refusals and warnings go into `out`, which outlives this.
  explicit KeyOptions(Request& out) : out_(out) {}

  // Canonical spelling; false: not one of these.
  bool take(const std::string& key, const Value& value);
  bool take_flag(const std::string& flag);
  // After the last one: into params of `command`, or a refusal where it means nothing.
  void finish(const std::string& command, Value& params);

 private:
  void take_mode(const char* name, const std::string& key, const Value& value);
  void take_ms(const char* name, const std::string& key, const Value& value, std::int64_t most);
  void take_frequencies(const Value& value);
  void take_trigger(const char* name, const std::string& key, const Value& value);

  Request& out_;
  Value keys_ = Value::object();  // what only tunes (digit, level, tones) among them
  bool blocks_ = false, says_ = false;
};

}  // namespace tandem::ng
