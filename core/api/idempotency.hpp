// Idempotency: a command that carries a key is done once; the same key again gets the first answer.
//
//   begin(key) ─► fresh: run it, finish(key, answer)   ─► running: wait for the answer   ─► done: here it is
//
// Keys live for a while and are bounded in number: the oldest finished ones go first. Thread: [control].
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/api/api.hpp"

namespace tandem::api {

class Idempotency {
 public:
  Idempotency(Timers& timers, std::size_t keys_max, milliseconds ttl)
      : timers_(timers), keys_max_(keys_max), ttl_(ttl) {}

  // True: the caller runs the command and calls finish() with the same key. False: `reply` has got the first
  // answer, or gets it when it is there. The same key with other params is answered with `conflict`.
  bool begin(const std::string& key, const std::string& params, const Reply& reply);
  void finish(const std::string& key, const Result<std::string>& answer);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::size_t params_hash = 0;
    bool done = false;
    Result<std::string> answer = std::string();
    std::vector<Reply> waiting;
  };
  void forget_old();

  // borrowed
  Timers& timers_;
  // state
  const std::size_t keys_max_;
  const milliseconds ttl_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::pair<TimePoint, std::string>> by_age_;
};

}  // namespace tandem::api
