// The lists of CodecOptions: what a word in them means for a format. Thread: [any]; pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/anchor/formats.hpp"
#include "core/base/text.hpp"

namespace tandem::anchor {

inline bool says_all(std::string_view spec) { return same_name(spec, "all") || same_name(spec, "any"); }

inline bool any_matches(const std::vector<std::string>& specs, const Format& format) {
  return std::any_of(specs.begin(), specs.end(), [&](const auto& s) { return matches(s, format); });
}

// By its own name, not by "all".
inline bool is_named(const std::vector<std::string>& specs, const Format& format) {
  return std::any_of(specs.begin(), specs.end(), [&](const auto& s) {
    return !says_all(s) && !same_name(s, "full") && matches(s, format);
  });
}

inline bool has_word(const std::vector<std::string>& specs, std::string_view word) {
  return std::any_of(specs.begin(), specs.end(), [&](const auto& s) { return same_name(s, word); });
}

// "telephone-event", "CN/16000": of any clock.
inline bool names(const std::vector<std::string>& specs, std::string_view name) {
  return std::any_of(specs.begin(), specs.end(),
                     [&](const auto& s) { return same_name(read_codec_spec(s).name, name); });
}

inline bool has_audio(const std::vector<Format>& formats) {
  return std::any_of(formats.begin(), formats.end(),
                     [](const Format& f) { return !f.event && !f.is_noise(); });
}

}  // namespace tandem::anchor
