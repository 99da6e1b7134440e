// SdpText: an SDP body as its lines, so that what is not understood leaves as it came, in its place.
//
//   text ──split()──► session lines, [m= line + lines] ──edit──► print() ──► text (CRLF)
//
// core/sdp's Description says what the lines mean; media section i here is media section i there.
// Thread: [any]. It judges nothing: sdp::parse() is asked first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::anchor {

struct SdpText {
  struct Section {
    std::string media;               // after "m="
    std::vector<std::string> lines;  // whole lines, without their ends
  };
  std::vector<std::string> session;
  std::vector<Section> sections;

  static SdpText split(std::string_view text);
  std::string print() const;
};

// "a=NAME" or "a=NAME:…" (the name without regard to case).
bool is_attribute(std::string_view line, std::string_view name);
// What stands after "a=NAME:", "" without.
std::string_view attribute_value(std::string_view line);

}  // namespace tandem::anchor
