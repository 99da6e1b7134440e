#include "core/anchor/sdp_text.hpp"

#include <strings.h>

namespace tandem::anchor {

SdpText SdpText::split(std::string_view text) {
  SdpText out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    while (!line.empty() &&
           (line.back() == '\r' || line.back() == ' ' || line.back() == '\t' || line.back() == '\0'))
      line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.starts_with("m=")) {
      out.sections.push_back({std::string(line.substr(2)), {}});
    } else {
      (out.sections.empty() ? out.session : out.sections.back().lines).emplace_back(line);
    }
  }
  return out;
}

std::string SdpText::print() const {
  std::string out;
  const auto add = [&out](std::string_view line) { out.append(line).append("\r\n"); };
  for (const std::string& line : session) add(line);
  for (const Section& section : sections) {
    add("m=" + section.media);
    for (const std::string& line : section.lines) add(line);
  }
  return out;
}

bool is_attribute(std::string_view line, std::string_view name) {
  if (!line.starts_with("a=") || line.size() < 2 + name.size()) return false;
  if (strncasecmp(line.data() + 2, name.data(), name.size()) != 0) return false;
  const std::string_view rest = line.substr(2 + name.size());
  return rest.empty() || rest.front() == ':';
}

std::string_view attribute_value(std::string_view line) {
  const std::size_t colon = line.find(':');
  return colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
}

}  // namespace tandem::anchor
