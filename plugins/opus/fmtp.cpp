// See fmtp.hpp.
#include "opus/fmtp.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tandem::opus {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

bool is(std::string_view name, std::string_view wanted) {
  return std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                    [](char a, char b) { return lower(a) == b; });
}

// All of `text` as a number; too great a one is as good as the greatest.
std::optional<int> number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc::result_out_of_range ? 1'000'000'000 : value;
}

void apply(std::string_view name, int value, Fmtp& fmtp) {
  if (is(name, "maxplaybackrate")) fmtp.max_playback_rate = std::clamp(value, 8000, 48000);
  if (is(name, "maxaveragebitrate")) fmtp.max_average_bitrate = std::clamp(value, 6000, 510000);
  if (is(name, "useinbandfec")) fmtp.inband_fec = value == 1;
  if (is(name, "usedtx")) fmtp.dtx = value == 1;
  if (is(name, "cbr")) fmtp.constant_bitrate = value == 1;
}

}  // namespace

Fmtp parse_fmtp(std::string_view text) {
  Fmtp fmtp;
  while (!text.empty()) {
    const std::size_t end = text.find(';');
    const std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    if (const auto value = number(trim(part.substr(equals + 1))))
      apply(trim(part.substr(0, equals)), *value, fmtp);
  }
  return fmtp;
}

}  // namespace tandem::opus
