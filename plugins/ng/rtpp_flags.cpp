#include "ng/rtpp_flags.hpp"

#include <array>

#include "ng/words.hpp"

namespace tandem::ng {
namespace {

constexpr unsigned kNestingMax = 8;

class TextReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}

  // The next "key" or "key=value" up to a blank or ']'. False at the end or at ']'.
  bool next(std::string& key, Value& value, bool& has_value, unsigned depth) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] == ']') return false;
    if (text_[at_] == '[') {  // a list in a list
      key.clear();
      has_value = true;
      value = bracketed(depth + 1);
      return true;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '=' && text_[at_] != ']') ++at_;
    key = text_.substr(begin, at_ - begin);
    has_value = at_ < text_.size() && text_[at_] == '=';
    if (!has_value) return true;
    ++at_;
    value = at_ < text_.size() && text_[at_] == '[' ? bracketed(depth + 1) : Value(word());
    return true;
  }
  // A ']' that closes nothing is passed over.
  bool skip_stray() {
    skip_blanks();
    if (at_ >= text_.size()) return false;
    if (text_[at_] == ']') ++at_;
    return true;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  std::string word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != ']') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  Value bracketed(unsigned depth) {
    ++at_;
    Value list = Value::array(), dictionary = Value::object();
    std::string key;
    Value value;
    bool has_value = false;
    while (depth <= kNestingMax && next(key, value, has_value, depth)) {
      if (has_value && !key.empty()) {
        dictionary[key] = std::move(value);
      } else if (has_value) {
        list.push_back(std::move(value));
      } else if (!key.empty()) {
        list.push_back(key);
      } else {
        ++at_;  // "=" alone
      }
    }
    if (at_ < text_.size() && text_[at_] == ']') ++at_;
    if (dictionary.empty()) return list;
    for (Value& one : list)  // words beside key=value: taken as keys without a value
      if (one.is_string()) dictionary[one.get<std::string>()] = Value::array();
    return dictionary;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Keys whose values are lists: several of them add up.
constexpr std::array kListKeys = {"direction", "replace", "rtcp-mux", "sdes",      "osrtp", "t.38",
                                  "t38",       "ice",     "flags",    "from-tags", "bundle"};

bool is_list_key(const std::string& key) {
  for (const char* one : kListKeys)
    if (key == one) return true;
  return false;
}

}  // namespace

void read_rtpp_flags(std::string_view text, Value& into) {
  TextReader reader(text);
  std::string key;
  Value value;
  bool has_value = false;
  do {
    while (reader.next(key, value, has_value, 0)) {
      if (!has_value || key.empty()) {
        if (!into["flags"].is_array()) into["flags"] = Value::array();
        if (!key.empty()) into["flags"].push_back(key);
        continue;
      }
      const std::string plain = canonical(key);
      if (is_list_key(plain)) {
        Value& list = into[plain];
        if (list.is_string()) list = Value::array({list});
        if (!list.is_array()) list = Value::array();
        if (value.is_array()) {
          for (Value& one : value) list.push_back(std::move(one));
        } else {
          list.push_back(std::move(value));
        }
      } else if (value.is_object() && into.contains(key) && into[key].is_object()) {
        into[key].update(value);
      } else {
        into[key] = std::move(value);
      }
    }
  } while (reader.skip_stray());
}

}  // namespace tandem::ng
