#include "ng/key_options.hpp"

#include <algorithm>
#include <charconv>

#include "ng/words.hpp"

namespace tandem::ng {
namespace {

constexpr std::size_t kTonesMax = 8, kTriggerMax = 32;

}  // namespace

bool KeyOptions::take(const std::string& key, const Value& value) {
  if (key == "dtmf-security")
    take_mode("mode", key, value);
  else if (key == "dtmf-security-trigger")
    take_mode("trigger_mode", key, value);
  else if (key == "dtmf-security-trigger-end")
    take_mode("trigger_end_mode", key, value);
  else if (key == "trigger")
    take_trigger("trigger", key, value);
  else if (key == "trigger-end" || key == "end-trigger")
    take_trigger("trigger_end", key, value);
  else if (key == "trigger-end-time" || key == "end-trigger-time")
    take_ms("trigger_ms", key, value, 86'400'000);
  else if (key == "trigger-end-digits" || key == "end-trigger-digits")
    take_ms("trigger_digits", key, value, 1000);
  else if (key == "dtmf-delay")
    take_ms("delay_ms", key, value, 10'000);
  else if (key == "delay-buffer")
    take_ms("hold_ms", key, value, 5000);
  else if (key == "frequency" || key == "frequencies")
    take_frequencies(value);
  else if (key == "volume")
    keys_["level_db"] =
        -std::min<std::int64_t>(63, std::abs(std::clamp<std::int64_t>(to_number(value, 10), -63, 63)));
  else if (key == "block-dtmf") {  // as a key: on, off, or a mode
    const std::string word = value.is_string()          ? canonical(value.get<std::string>())
                             : to_number(value, 1) != 0 ? "on"
                                                        : "off";
    if (word == "on" || word == "yes" || word == "1" || word == "true")
      blocks_ = true;
    else
      take_mode("mode", key, word == "no" || word == "0" || word == "false" ? Value("off") : value);
  } else {
    return false;
  }
  return true;
}

bool KeyOptions::take_flag(const std::string& flag) {
  if (flag == "block-dtmf")
    blocks_ = true;
  else if (flag == "detect-dtmf")
    keys_["detect"] = true;
  else
    return false;
  return true;
}

void KeyOptions::take_mode(const char* name, const std::string& key, const Value& value) {
  const std::string word = canonical(value.is_string() ? value.get<std::string>() : "");
  const char* mode = nullptr;
  for (const char* one : {"off", "drop", "silence", "tone", "random", "zero"})
    if (word == one) mode = one;
  if (word == "dtmf") mode = "digit";
  if (mode == nullptr)
    return out_.refuse(shown(key) + "=" + shown(word) +
                       ": expected drop, silence, tone, random, zero, DTMF or off");
  keys_[name] = mode;
  says_ = true;
}

void KeyOptions::take_ms(const char* name, const std::string& key, const Value& value, std::int64_t most) {
  const std::int64_t number = to_number(value, -1);
  if (number < 0 || number > most)
    return out_.refuse(shown(key) + ": expected a number from 0 to " + std::to_string(most));
  keys_[name] = number;
  says_ = true;
}

void KeyOptions::take_trigger(const char* name, const std::string& key, const Value& value) {
  const std::string text =
      value.is_string() ? value.get<std::string>() : std::to_string(to_number(value, -1));
  if (text.size() > kTriggerMax || text.find_first_not_of(kKeys) != std::string::npos)
    return out_.refuse(shown(key) + ": expected at most 32 keys of 0-9 * # A-D");
  keys_[name] = text;
  says_ = true;
}

// One number, a list, or a text with commas.
void KeyOptions::take_frequencies(const Value& value) {
  Value tones = Value::array();
  const auto add = [&](std::int64_t hz) {
    if (hz < 50 || hz > 3800 || tones.size() == kTonesMax)
      out_.refuse("frequency: expected at most 8 of 50 to 3800 Hz");
    else
      tones.push_back(hz);
  };
  for (const std::string& list : to_words(value)) {
    for (std::size_t begin = 0; begin < list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      add(to_number(Value(list.substr(begin, end - begin)), 0));
      begin = end + 1;
    }
  }
  keys_["tones_hz"] = std::move(tones);
}

void KeyOptions::finish(const std::string& command, Value& params) {
  const auto digit = out_.digits.empty() ? std::string() : out_.digits.substr(0, 1);
  if (!digit.empty() && kKeys.find(digit) != std::string_view::npos) keys_["digit"] = digit;
  if (command == "block-dtmf" || command == "unblock-dtmf") {
    if (!keys_.empty()) params["keys"] = keys_;
    return;
  }
  if (command == "play-dtmf" && keys_.contains("level_db"))
    out_.warnings.emplace_back("volume: keys are played at -10 dB");
  if (!blocks_ && !says_) return;
  if (command != "offer" && command != "answer")
    return out_.refuse("DTMF-security, triggers and delays: expected in offer, answer and block DTMF");
  if (!blocks_ && !keys_.contains("mode") && !keys_.contains("trigger")) keys_["mode"] = "off";
  params["keys"] = keys_;
}

}  // namespace tandem::ng
