#include "ng/cookie_cache.hpp"

#include <utility>

namespace tandem::ng {

std::string CookieCache::key(std::string_view peer, std::string_view cookie) {
  std::string out(peer);
  out += ' ';
  return out.append(cookie);
}

void CookieCache::drop_oldest() {
  const auto found = entries_.find(order_.front().second);
  if (found != entries_.end() && found->second.at == order_.front().first) {
    bytes_ -= found->second.answer.size() + found->first.size();
    entries_.erase(found);
  }
  order_.pop_front();
}

CookieCache::State CookieCache::begin(std::string_view peer, std::string_view cookie, std::uint64_t now_ns,
                                      std::string& answer) {
  while (!order_.empty() &&
         (now_ns - order_.front().first >= kTtlNs || entries_.size() >= kEntriesMax || bytes_ >= kBytesMax))
    drop_oldest();
  const std::string name = key(peer, cookie);
  const auto found = entries_.find(name);
  if (found != entries_.end()) {
    if (!found->second.done) return State::pending;
    answer = found->second.answer;
    return State::known;
  }
  entries_[name].at = now_ns;
  bytes_ += name.size();
  order_.emplace_back(now_ns, name);
  return State::fresh;
}

bool CookieCache::wait(std::string_view peer, std::string_view cookie, Give give) {
  const auto found = entries_.find(key(peer, cookie));
  if (found == entries_.end() || found->second.waiting.size() >= kWaitersMax) return false;
  found->second.waiting.push_back(std::move(give));
  return true;
}

void CookieCache::finish(std::string_view peer, std::string_view cookie, std::string_view answer) {
  const auto found = entries_.find(key(peer, cookie));
  if (found == entries_.end()) return;  // it took longer than answers are kept
  found->second.done = true;
  found->second.answer = answer;
  bytes_ += answer.size();
  for (const Give& give : std::exchange(found->second.waiting, {})) give(answer);
}

}  // namespace tandem::ng
