// What a codec plugin reads of a=fmtp (RFC 4566 6): name=value pairs between semicolons, names in any case.
// Header only; included by sdk_codec.hpp. Thread: [any]. Nothing here allocates.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace tandem::sdk {

inline std::string_view trim(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r\n");
  return from == std::string_view::npos ? std::string_view{}
                                        : text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

inline bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The value of `name`, trimmed, or nothing. A name without '=' is passed over.
inline std::optional<std::string_view> fmtp_value(std::string_view fmtp, std::string_view name) {
  while (!fmtp.empty()) {
    const std::size_t end = fmtp.find(';');
    const std::string_view part = fmtp.substr(0, end);
    fmtp = end == std::string_view::npos ? std::string_view{} : fmtp.substr(end + 1);
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos && same_letters(trim(part.substr(0, equals)), name))
      return trim(part.substr(equals + 1));
  }
  return std::nullopt;
}

// A whole number of at least 0, brought into [least, most]; nothing when it is none.
inline std::optional<int> fmtp_number(std::string_view fmtp, std::string_view name, int least, int most) {
  const auto text = fmtp_value(fmtp, name);
  if (!text || text->empty() || text->find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc::result_out_of_range) return most;
  return std::clamp(value, least, most);
}

}  // namespace tandem::sdk
