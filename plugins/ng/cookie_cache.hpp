// CookieCache: what a request was answered, so that its retransmission gets the same answer and nothing is
// done twice.
//
//   begin(peer, cookie) ─► fresh: do it, then finish(answer) ─► those who wait
//                       ├► pending: wait() for it
//                       └► known: the answer of then
//
// Bounded by count, bytes, waiters and age: kTtl is longer than any proxy retransmits. Thread: [control].
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem::ng {

class CookieCache {
 public:
  static constexpr std::uint64_t kTtlNs = 30'000'000'000;
  static constexpr std::size_t kEntriesMax = 100'000, kBytesMax = 64U << 20U;
  static constexpr std::size_t kWaitersMax = 8;  // of one cookie

  enum class State : std::uint8_t { fresh, pending, known };
  // `answer` is set when known. A cookie is its peer's: two proxies may use the same.
  State begin(std::string_view peer, std::string_view cookie, std::uint64_t now_ns, std::string& answer);
  // A repeat of what is pending: `give` is called by finish(). False: too many wait already, it is dropped.
  using Give = std::function<void(std::string_view answer)>;
  bool wait(std::string_view peer, std::string_view cookie, Give give);
  void finish(std::string_view peer, std::string_view cookie, std::string_view answer);

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    bool done = false;
    std::uint64_t at = 0;
    std::string answer;
    std::vector<Give> waiting;
  };
  static std::string key(std::string_view peer, std::string_view cookie);
  void drop_oldest();

  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::pair<std::uint64_t, std::string>> order_;  // oldest first
  std::size_t bytes_ = 0;
};

}  // namespace tandem::ng
