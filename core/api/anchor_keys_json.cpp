// What of JSON says what becomes of keys: the property "keys" of anchor.offer, anchor.answer and
// anchor.block.
#include <algorithm>

#include "core/api/anchor_json.hpp"

namespace tandem::api::anchor_json {
namespace {

using anchor::KeyMode;
using anchor::KeyOrder;

constexpr std::pair<const char*, KeyMode> kModes[] = {
    {"off", KeyMode::off},     {"drop", KeyMode::drop},     {"silence", KeyMode::silence},
    {"tone", KeyMode::tone},   {"random", KeyMode::random}, {"zero", KeyMode::zero},
    {"digit", KeyMode::digit},
};

KeyMode mode_at(const Json& keys, const char* name) {
  const std::string word = text_at(keys, name);
  for (const auto& [text, mode] : kModes)
    if (word == text) return mode;
  return KeyMode::off;
}

}  // namespace

const std::string& key_properties() {
  static const std::string text = [] {
    std::string modes, out = R"("keys":{"type":"object","properties":{)";
    for (const auto& [name, mode] : kModes)
      modes += (modes.empty() ? "\"" : ",\"") + std::string(name) + "\"";
    for (const char* name : {"mode", "trigger_mode", "trigger_end_mode"})
      out += "\"" + std::string(name) + R"(":{"enum":[)" + modes + "]},";
    for (const char* name : {"trigger", "trigger_end"})
      out += "\"" + std::string(name) + R"(":{"type":"string","maxLength":32},)";
    out += R"("digit":{"type":"string","minLength":1,"maxLength":1},"detect":{"type":"boolean"},
      "tones_hz":{"type":"array","maxItems":8,"items":{"type":"integer","minimum":50,"maximum":3800}},
      "level_db":{"type":"integer","minimum":-63,"maximum":0},
      "hold_ms":{"type":"integer","minimum":0,"maximum":5000},"delay_ms":{"type":"integer","minimum":0,"maximum":10000},
      "trigger_ms":{"type":"integer","minimum":0,"maximum":86400000},"trigger_digits":{"type":"integer","minimum":0,"maximum":1000}}})";
    return out;
  }();
  return text;
}

Result<KeyOrder> key_order(const Json& keys) {
  constexpr std::string_view kKeys = "0123456789*#ABCD";
  KeyOrder out;
  if (keys.contains("mode")) out.mode = mode_at(keys, "mode");
  out.trigger_mode = mode_at(keys, "trigger_mode");
  out.trigger_end_mode = mode_at(keys, "trigger_end_mode");
  out.trigger = text_at(keys, "trigger");
  out.trigger_end = text_at(keys, "trigger_end");
  const std::string digit = text_at(keys, "digit");
  if ((out.trigger + out.trigger_end + digit).find_first_not_of(kKeys) != std::string::npos)
    return Error{ErrorCode::invalid, "keys: expected digits and triggers of 0-9 * # A-D"};
  if (!digit.empty()) out.digit = digit.front();
  if (const auto tones = keys.find("tones_hz"); tones != keys.end() && tones->is_array())
    for (const Json& hz : *tones)
      if (hz.is_number_integer()) out.tones_hz.push_back(hz.get<std::uint16_t>());
  if (keys.contains("level_db")) out.level_dbm0 = static_cast<int>(number_at(keys, "level_db"));
  if (keys.contains("hold_ms")) out.hold = milliseconds(number_at(keys, "hold_ms"));
  out.delay = milliseconds(number_at(keys, "delay_ms"));
  out.detect = flag_at(keys, "detect");
  out.trigger_time = milliseconds(number_at(keys, "trigger_ms"));
  out.trigger_digits = static_cast<unsigned>(number_at(keys, "trigger_digits"));
  return out;
}

}  // namespace tandem::api::anchor_json
