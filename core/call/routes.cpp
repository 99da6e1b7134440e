// Routes: patterns parsed once into sets, matched by a walk over the rows (a PBX has hundreds of them, not
// millions). Thread: [control].
#include "core/call/routes.hpp"

#include <algorithm>

namespace tandem::call {
namespace {

constexpr std::size_t kRowsMax = 10000, kPatternMax = 80, kNumberMax = 128;

Error bad(const std::string& pattern, std::size_t at, const std::string& why) {
  return {ErrorCode::invalid, "route \"" + pattern + "\", character " + std::to_string(at + 1) + ": " + why};
}

}  // namespace

Result<Routes::Row> Routes::parse(const Route& route) {
  const std::string& text = route.pattern;
  if (text.empty() || text.size() > kPatternMax)
    return bad(text, 0, "expected a pattern of 1 to 80 characters");
  if (route.app.empty()) return bad(text, 0, "expected the name of an app, saw none");
  Row row;
  row.route = route;
  row.exact = text[0] != '_';
  const auto put = [](Position& p, char c) {
    const auto code = static_cast<unsigned char>(c);
    std::uint64_t& half = code < 64 ? p.low : p.high;
    const std::uint64_t bit = std::uint64_t{1} << (code % 64);
    if ((half & bit) == 0) ++p.count;
    half |= bit;
  };
  const auto range = [&](char from, char to) {
    Position p;
    for (char c = from; c <= to; ++c) put(p, c);
    return p;
  };
  for (std::size_t i = row.exact ? 0 : 1; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      return bad(text, i, "expected a printable ASCII character");
    }
    if (row.exact) {
      row.positions.push_back(range(c, c));
    } else if (c == 'X' || c == 'x') {
      row.positions.push_back(range('0', '9'));
    } else if (c == 'Z' || c == 'z') {
      row.positions.push_back(range('1', '9'));
    } else if (c == 'N' || c == 'n') {
      row.positions.push_back(range('2', '9'));
    } else if (c == '.' || c == '!') {
      if (i + 1 != text.size()) return bad(text, i, "\".\" and \"!\" stand only at the end");
      row.tail = c == '.' ? Tail::one_or_more : Tail::any;
    } else if (c == '[') {
      Position p;
      for (++i; i < text.size() && text[i] != ']'; ++i) {
        if (i + 2 < text.size() && text[i + 1] == '-' && text[i + 2] != ']') {
          if (text[i] > text[i + 2]) return bad(text, i, "the range runs backwards");
          for (char d = text[i]; d <= text[i + 2] && d > 0; ++d) put(p, d);
          i += 2;
        } else if (static_cast<unsigned char>(text[i]) < 0x7f) {
          put(p, text[i]);
        }
      }
      if (i >= text.size()) return bad(text, i, "expected \"]\"");
      if (p.count == 0) return bad(text, i, "expected at least one character in \"[]\"");
      row.positions.push_back(p);
    } else {
      row.positions.push_back(range(c, c));
    }
  }
  if (row.positions.empty() && row.tail == Tail::none) return bad(text, 0, "expected something after \"_\"");
  return row;
}

Result<void> Routes::add(const Route& route) {
  if (rows_.size() >= kRowsMax) return Error{ErrorCode::exhausted, "there are 10000 routes already"};
  for (const Row& row : rows_) {
    if (row.route.pattern == route.pattern && row.route.tenant == route.tenant) {
      return Error{ErrorCode::conflict, "route \"" + route.pattern + "\" exists already"};
    }
  }
  auto row = parse(route);
  if (!row) return row.error();
  rows_.push_back(std::move(*row));
  return {};
}

bool Routes::matches(const Row& row, std::string_view number) {
  const std::size_t fixed = row.positions.size();
  const std::size_t least = fixed + (row.tail == Tail::one_or_more ? 1 : 0);
  if (number.size() < least || (row.tail == Tail::none && number.size() != fixed)) return false;
  for (std::size_t i = 0; i < fixed; ++i) {
    const auto code = static_cast<unsigned char>(number[i]);
    if (code >= 128) return false;
    const Position& p = row.positions[i];
    if (((code < 64 ? p.low : p.high) >> (code % 64) & 1) == 0) return false;
  }
  return true;
}

bool Routes::more_specific(const Row& a, const Row& b) {
  if (a.exact != b.exact) return a.exact;
  const std::size_t both = std::min(a.positions.size(), b.positions.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (a.positions[i].count != b.positions[i].count) return a.positions[i].count < b.positions[i].count;
  }
  if (a.positions.size() != b.positions.size()) return a.positions.size() > b.positions.size();
  if (a.tail != b.tail) return a.tail < b.tail;
  return !a.route.tenant.empty() && b.route.tenant.empty();
}

const Route* Routes::match(std::string_view tenant, std::string_view number) const {
  if (number.empty() || number.size() > kNumberMax) return nullptr;
  const Row* best = nullptr;
  for (const Row& row : rows_) {
    if (!row.route.tenant.empty() && row.route.tenant != tenant) continue;
    if (!matches(row, number)) continue;
    if (best == nullptr || more_specific(row, *best)) best = &row;
  }
  return best == nullptr ? nullptr : &best->route;
}

}  // namespace tandem::call
