#include "ng/value.hpp"

#include <charconv>

namespace tandem::ng {
namespace {

// The length of the UTF-8 sequence at the front, 0 when it is none (RFC 3629).
std::size_t sequence(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = at(0);
  const std::size_t size = first < 0x80                    ? 1
                           : first >= 0xC2 && first < 0xE0 ? 2
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xF0 && first < 0xF5 ? 4
                                                           : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((at(i) & 0xC0U) != 0x80) return 0;
  if (size == 3 && first == 0xE0 && at(1) < 0xA0) return 0;
  if (size == 3 && first == 0xED && at(1) >= 0xA0) return 0;
  if (size == 4 && first == 0xF0 && at(1) < 0x90) return 0;
  if (size == 4 && first == 0xF4 && at(1) >= 0x90) return 0;
  return size;
}

}  // namespace

bool to_utf8(std::string& text) {
  bool valid = true;
  for (std::size_t i = 0; valid && i < text.size();) {
    const std::size_t size = sequence(std::string_view(text).substr(i));
    valid = size != 0;
    i += size;
  }
  if (valid) return false;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {  // U+F780 … U+F7FF: EF 9E 80 … EF 9F BF
      out += '\xEF';
      out += static_cast<char>(byte < 0xC0 ? 0x9E : 0x9F);
      out += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
  text = std::move(out);
  return true;
}

void to_bytes(std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto at = [&](std::size_t n) { return static_cast<unsigned char>(text[i + n]); };
    if (at(0) == 0xEF && i + 2 < text.size() && (at(1) == 0x9E || at(1) == 0x9F)) {
      out += static_cast<char>((at(1) == 0x9E ? 0x80U : 0xC0U) | (at(2) & 0x3FU));
      i += 2;
    } else {
      out += text[i];
    }
  }
  text = std::move(out);
}

std::int64_t to_number(const Value& value, std::int64_t otherwise) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > 9'000'000'000'000'000'000U) return otherwise;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return otherwise;
  const std::string& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? number : otherwise;
}

// A list of texts, or one text with commas or alone.
Words to_words(const Value& value) {
  Words out;
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_number_integer()) {
    out.push_back(std::to_string(to_number(value, 0)));
  } else if (value.is_array()) {
    for (const Value& one : value)
      for (std::string& word : to_words(one)) out.push_back(std::move(word));
  }
  if (out.size() > 128) out.resize(128);
  return out;
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, 64));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

}  // namespace tandem::ng
