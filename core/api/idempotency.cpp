// Idempotency. Thread: [control].
#include "core/api/idempotency.hpp"

#include <functional>

namespace tandem::api {

void Idempotency::forget_old() {
  const TimePoint now = timers_.now();
  while (!by_age_.empty() && (now - by_age_.front().first >= ttl_ || entries_.size() >= keys_max_)) {
    const auto it = entries_.find(by_age_.front().second);
    if (it != entries_.end()) {
      // One that still runs is forgotten too, or a command that never answers would block the rest.
      for (const Reply& waiting : it->second.waiting) {
        waiting(Error{ErrorCode::timeout, "the first command with this key has not been answered"});
      }
      entries_.erase(it);
    }
    by_age_.pop_front();
  }
}

bool Idempotency::begin(const std::string& key, const std::string& params, const Reply& reply) {
  forget_old();
  const std::size_t hash = std::hash<std::string>{}(params);
  const auto [it, fresh] = entries_.try_emplace(key);
  Entry& entry = it->second;
  if (fresh) {
    entry.params_hash = hash;
    by_age_.emplace_back(timers_.now(), key);
    return true;
  }
  if (entry.params_hash != hash) {
    reply(Error{ErrorCode::conflict, "this idempotency_key was used with other parameters"});
  } else if (entry.done) {
    const Result<std::string> answer = entry.answer;  // a copy: the reply may begin another command
    reply(answer);
  } else {
    entry.waiting.push_back(reply);
  }
  return false;
}

void Idempotency::finish(const std::string& key, const Result<std::string>& answer) {
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.done) return;
  it->second.done = true;
  it->second.answer = answer;
  const std::vector<Reply> waiting = std::move(it->second.waiting);
  for (const Reply& reply : waiting) reply(answer);
}

}  // namespace tandem::api
