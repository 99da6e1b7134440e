// Reading short words of protocols: names without regard to case, numbers, words between blanks. ASCII, no
// locale. Everything here is [any], allocates nothing and does not fail but by saying so.
#pragma once

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace tandem {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Names of codecs, media types, suites, causes: ASCII without regard to case.
constexpr bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// The number that is all of `text`, from `least` to `most`; nothing when it is anything else.
template <typename T>
std::optional<T> number(std::string_view text, T least = std::numeric_limits<T>::lowest(),
                        T most = std::numeric_limits<T>::max()) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return {};
  return value;
}

// Takes the next word (ended by a blank or a tab) off the front of `rest`; "" at the end.
constexpr std::string_view next_word(std::string_view& rest) {
  constexpr std::string_view kBlank = " \t";
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(kBlank));
  rest.remove_prefix(word.size());
  return word;
}

}  // namespace tandem
