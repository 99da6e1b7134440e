// Reading a pattern into items, and matching them with backtracking that counts its steps.
#include "lua/pattern.hpp"

#include <cctype>
#include <cstring>

namespace tandem::lua {

namespace {

// The bytes of class letter `c` ("a" of "%a") into `item`; false when `c` is no class letter.
bool add_class(Item& item, char c) {
  int (*is)(int) = nullptr;
  switch (std::tolower(static_cast<unsigned char>(c))) {
    case 'a': is = std::isalpha; break;
    case 'c': is = std::iscntrl; break;
    case 'd': is = std::isdigit; break;
    case 'g': is = std::isgraph; break;
    case 'l': is = std::islower; break;
    case 'p': is = std::ispunct; break;
    case 's': is = std::isspace; break;
    case 'u': is = std::isupper; break;
    case 'w': is = std::isalnum; break;
    case 'x': is = std::isxdigit; break;
    default: return false;
  }
  const bool negated = std::isupper(static_cast<unsigned char>(c)) != 0;
  for (int b = 0; b < 256; ++b) {
    if ((is(b) != 0) != negated) item.add(static_cast<unsigned char>(b));
  }
  return true;
}

void add_escaped(Item& item, char c) {
  if (!add_class(item, c)) item.add(static_cast<unsigned char>(c));
}

// Reads "[…]" at text[at]; `at` ends behind it.
const char* read_set(Item& item, std::string_view text, std::size_t& at) {
  static constexpr const char* kMissing = "malformed pattern (missing ']')";
  ++at;
  const bool negated = at < text.size() && text[at] == '^';
  if (negated) ++at;
  bool first = true;
  for (;; first = false) {
    if (at >= text.size()) return kMissing;
    const char c = text[at++];
    if (c == ']' && !first) break;
    if (c == '%') {
      if (at >= text.size()) return kMissing;
      add_escaped(item, text[at++]);
    } else if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') {
      const auto last = static_cast<unsigned char>(text[at + 1]);
      for (int b = static_cast<unsigned char>(c); b <= last; ++b) item.add(static_cast<unsigned char>(b));
      at += 2;
    } else {
      item.add(static_cast<unsigned char>(c));
    }
  }
  if (negated) {
    for (auto& word : item.bits) word = ~word;
  }
  return nullptr;
}

Item::Repeat repeat_of(std::string_view text, std::size_t& at) {
  if (at >= text.size()) return Item::Repeat::once;
  switch (text[at]) {
    case '?': ++at; return Item::Repeat::optional;
    case '*': ++at; return Item::Repeat::most;
    case '+': ++at; return Item::Repeat::most_from_one;
    case '-': ++at; return Item::Repeat::least;
    default: return Item::Repeat::once;
  }
}

bool is_repeat(char c) { return c == '?' || c == '*' || c == '+' || c == '-'; }
bool is_special(char c) { return std::strchr("^$*+?.([%-)", c) != nullptr && c != '\0'; }

// A run of plain bytes; its last one is left alone when a repeat follows, which binds to that byte only.
std::size_t plain_run(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && !is_special(text[end])) ++end;
  if (end < text.size() && is_repeat(text[end]) && end > at) --end;
  return end - at;
}

// "%…" at text[at].
const char* read_escape(Item& item, std::string_view text, std::size_t& at) {
  if (at + 1 >= text.size()) return "malformed pattern (ends with '%')";
  const char c = text[at + 1];
  at += 2;
  if (c == 'b') {
    if (at + 1 >= text.size()) return "malformed pattern (missing arguments to '%b')";
    item.kind = Item::Kind::balance;
    item.first = static_cast<std::uint8_t>(text[at]);
    item.last = static_cast<std::uint8_t>(text[at + 1]);
    at += 2;
    return nullptr;
  }
  if (c == 'f') {
    if (at >= text.size() || text[at] != '[') return "missing '[' after '%f' in pattern";
    item.kind = Item::Kind::frontier;
    return read_set(item, text, at);
  }
  if (c >= '0' && c <= '9') {
    if (c == '0') return "invalid capture index %0 in pattern";
    item.kind = Item::Kind::back;
    item.first = static_cast<std::uint8_t>(c - '1');
    return nullptr;
  }
  item.kind = Item::Kind::set;
  add_escaped(item, c);
  item.repeat = repeat_of(text, at);
  return nullptr;
}

const char* read_item(Item& item, std::string_view text, std::size_t& at) {
  const char c = text[at];
  if (c == '(') {
    const bool position = at + 1 < text.size() && text[at + 1] == ')';
    item.kind = position ? Item::Kind::open_position : Item::Kind::open;
    at += position ? 2 : 1;
    return nullptr;
  }
  if (c == ')') {
    item.kind = Item::Kind::close;
    ++at;
    return nullptr;
  }
  if (c == '$' && at + 1 == text.size()) {
    item.kind = Item::Kind::end;
    ++at;
    return nullptr;
  }
  if (c == '%') return read_escape(item, text, at);
  if (const std::size_t run = plain_run(text, at); run > 0) {
    item.kind = Item::Kind::literal;
    item.text = text.substr(at, run);
    at += run;
    return nullptr;
  }
  item.kind = Item::Kind::set;
  if (c == '[') {
    if (const char* wrong = read_set(item, text, at)) return wrong;
  } else {
    ++at;
    if (c == '.') {
      for (auto& word : item.bits) word = ~std::uint64_t{0};
    } else {
      item.add(static_cast<unsigned char>(c));
    }
  }
  item.repeat = repeat_of(text, at);
  return nullptr;
}

}  // namespace

const char* Pattern::compile(std::string_view text) {
  int opened = 0, depth = 0;
  count = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (count == kItemsMax) return "pattern too complex (more than 64 parts)";
    Item& item = items[count];
    item = Item{};
    if (const char* wrong = read_item(item, text, at)) return wrong;
    if (item.kind == Item::Kind::open || item.kind == Item::Kind::open_position) {
      if (++opened > kCapturesMax) return "too many captures";
      if (item.kind == Item::Kind::open) ++depth;
    }
    if (item.kind == Item::Kind::close && --depth < 0) return "invalid pattern capture";
    ++count;
  }
  return depth == 0 ? nullptr : "unfinished capture";
}

bool Match::step() {
  if (failure_ == Outcome::given_up) return false;
  if ((++steps_ & 255) != 0) return true;
  if (spend_(user_, 256)) return true;
  failure_ = Outcome::given_up;
  return false;
}

// Pays for comparing `bytes` at once, which would else be long work in one step.
bool Match::step_over(std::size_t bytes) {
  for (std::size_t paid = 16; paid < bytes; paid += 16) {
    if (!step()) return false;
  }
  return failure_ != Outcome::given_up;
}

Match::Outcome Match::at(std::size_t at) {
  captures_ = 0;
  const char* end = from(0, subject_.data() + at);
  if (end == nullptr) return failure_;
  end_ = static_cast<std::size_t>(end - subject_.data());
  return Outcome::found;
}

// The items from `item` on, matched at `s`: the end of the match, or null.
const char* Match::from(int item, const char* s) {
  for (; item < pattern_.count; ++item) {
    if (!step()) return nullptr;
    const Item& it = pattern_.items[item];
    switch (it.kind) {
      case Item::Kind::literal:
        if (static_cast<std::size_t>(limit() - s) < it.text.size()) return nullptr;
        if (!step_over(it.text.size())) return nullptr;
        if (std::memcmp(s, it.text.data(), it.text.size()) != 0) return nullptr;
        s += it.text.size();
        break;
      case Item::Kind::set:
        if (it.repeat != Item::Repeat::once) return repeated(item, s);
        if (s == limit() || !it.has(static_cast<unsigned char>(*s))) return nullptr;
        ++s;
        break;
      case Item::Kind::open:
      case Item::Kind::open_position: {
        capture_[captures_] = {s, it.kind == Item::Kind::open ? Capture::kOpen : Capture::kPosition};
        ++captures_;
        const char* end = from(item + 1, s);
        if (end == nullptr) --captures_;
        return end;
      }
      case Item::Kind::close: return closed(item, s);
      case Item::Kind::balance: s = balanced(it, s); break;
      case Item::Kind::frontier: {
        const unsigned char before = s == subject_.data() ? 0 : static_cast<unsigned char>(s[-1]);
        const unsigned char here = s == limit() ? 0 : static_cast<unsigned char>(*s);
        if (it.has(before) || !it.has(here)) return nullptr;
        break;
      }
      case Item::Kind::back: s = referred(it, s); break;
      case Item::Kind::end: return s == limit() ? s : nullptr;
    }
    if (s == nullptr) return nullptr;
  }
  return s;
}

const char* Match::closed(int item, const char* s) {
  int index = captures_ - 1;
  while (index >= 0 && capture_[index].size != Capture::kOpen) --index;
  if (index < 0) return nullptr;
  capture_[index].size = s - capture_[index].start;
  const char* end = from(item + 1, s);
  if (end == nullptr) capture_[index].size = Capture::kOpen;
  return end;
}

const char* Match::repeated(int item, const char* s) {
  const Item& it = pattern_.items[item];
  const auto fits = [&](const char* p) { return p != limit() && it.has(static_cast<unsigned char>(*p)); };
  if (it.repeat == Item::Repeat::optional) {
    if (fits(s)) {
      if (const char* end = from(item + 1, s + 1)) return end;
    }
    return from(item + 1, s);
  }
  if (it.repeat == Item::Repeat::least) {
    for (;; ++s) {
      if (const char* end = from(item + 1, s)) return end;
      if (!fits(s) || !step()) return nullptr;
    }
  }
  if (it.repeat == Item::Repeat::most_from_one && !fits(s)) return nullptr;
  const char* lowest = it.repeat == Item::Repeat::most_from_one ? s + 1 : s;
  const char* p = s;
  while (fits(p)) {
    if (!step()) return nullptr;
    ++p;
  }
  for (; p >= lowest; --p) {
    if (const char* end = from(item + 1, p)) return end;
    if (failure_ == Outcome::given_up) return nullptr;
    if (p == lowest) break;
  }
  return nullptr;
}

const char* Match::balanced(const Item& item, const char* s) {
  if (s == limit() || static_cast<unsigned char>(*s) != item.first) return nullptr;
  int depth = 1;
  for (const char* p = s + 1; p < limit(); ++p) {
    if (!step()) return nullptr;
    if (static_cast<unsigned char>(*p) == item.last) {
      if (--depth == 0) return p + 1;
    } else if (static_cast<unsigned char>(*p) == item.first) {
      ++depth;
    }
  }
  return nullptr;
}

const char* Match::referred(const Item& item, const char* s) {
  if (item.first >= captures_ || capture_[item.first].size == Capture::kOpen) {
    if (failure_ == Outcome::not_found) failure_ = Outcome::bad_back_reference;
    return nullptr;
  }
  const Capture& held = capture_[item.first];
  if (held.size < 0) return nullptr;
  const auto size = static_cast<std::size_t>(held.size);
  if (static_cast<std::size_t>(limit() - s) < size || !step_over(size)) return nullptr;
  return std::memcmp(s, held.start, size) == 0 ? s + size : nullptr;
}

}  // namespace tandem::lua
