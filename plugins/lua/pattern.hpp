// Pattern: Lua's string patterns (Lua 5.4 manual, 6.4.1), matched with a bound.
//
//   text ──compile()──► up to 64 items, each with its set of bytes ──match(subject, at)──► end and captures
//
// Lua's own matcher runs inside one C function, where no instruction hook sees it, and "a*a*a*a*b" keeps it
// busy for hours. This one asks `spend` for more every 256 steps and gives up when told to. Recursion is one
// level an item. Values only, no allocation. Thread: [any]. Not here: Lua; string_lib.cpp is the way in from
// scripts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::lua {

struct Item {
  enum class Kind : std::uint8_t { literal, set, open, open_position, close, balance, frontier, back, end };
  enum class Repeat : std::uint8_t { once, optional, most, most_from_one, least };  // "", ?, *, +, -
  Kind kind = Kind::end;
  Repeat repeat = Repeat::once;
  std::uint8_t first = 0, last = 0;  // balance: the pair; back: the capture's index
  std::string_view text;             // literal: a run of plain bytes; borrowed from the pattern
  std::uint64_t bits[4] = {};        // set, frontier: one bit a byte value

  bool has(unsigned char c) const { return (bits[c >> 6] >> (c & 63) & 1) != 0; }
  void add(unsigned char c) { bits[c >> 6] |= std::uint64_t{1} << (c & 63); }
};

struct Capture {
  static constexpr std::int64_t kOpen = -1, kPosition = -2;
  const char* start = nullptr;
  std::int64_t size = 0;  // bytes, or kOpen while matching, or kPosition
};

struct Pattern {
  static constexpr int kItemsMax = 64;
  static constexpr int kCapturesMax = 32;
  Item items[kItemsMax];
  int count = 0;

  // Reads `text` (without a leading '^', which is the caller's affair). Null, or what is wrong with it.
  // `text` must outlive the pattern.
  const char* compile(std::string_view text);
};

class Match {
 public:
  enum class Outcome : std::uint8_t { found, not_found, given_up, bad_back_reference };
  using Spend = bool (*)(void* user, std::uint32_t steps);

  Match(const Pattern& pattern, std::string_view subject, Spend spend, void* user)
      : pattern_(pattern), subject_(subject), spend_(spend), user_(user) {}

  // Tries at exactly `at` (an offset into the subject). found: end(), captures() say where.
  Outcome at(std::size_t at);
  std::size_t end() const { return end_; }
  int captures() const { return captures_; }
  const Capture& capture(int index) const { return capture_[index]; }

 private:
  const char* from(int item, const char* s);
  const char* repeated(int item, const char* s);
  const char* balanced(const Item& item, const char* s);
  const char* referred(const Item& item, const char* s);
  const char* closed(int item, const char* s);
  bool step();
  bool step_over(std::size_t bytes);
  const char* limit() const { return subject_.data() + subject_.size(); }

  const Pattern& pattern_;
  std::string_view subject_;
  Spend spend_;
  void* user_;
  Capture capture_[Pattern::kCapturesMax];
  int captures_ = 0;
  std::size_t end_ = 0;
  std::uint32_t steps_ = 0;
  Outcome failure_ = Outcome::not_found;
};

}  // namespace tandem::lua
