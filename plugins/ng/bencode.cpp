#include "ng/bencode.hpp"

#include <charconv>

namespace tandem::ng {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool read(Value& into, unsigned depth) {
    if (++items_ > kItemsMax) return fail("fewer than 20000 values");
    if (depth > kDepthMax) return fail("at most 32 levels of nesting");
    if (at_ >= text_.size()) return fail("a value, and not the end");
    switch (text_[at_]) {
      case 'd': return read_dictionary(into, depth);
      case 'l': return read_list(into, depth);
      case 'i': return read_number(into);
      default: {
        std::string bytes;
        if (!read_string(bytes)) return false;
        into = std::move(bytes);
        return true;
      }
    }
  }
  bool at_end() { return at_ == text_.size() || fail("the end of the message"); }
  std::string& error() { return error_; }

 private:
  bool fail(const char* expected) {
    error_ = "byte " + std::to_string(at_) + ": expected " + expected;
    return false;
  }
  bool ends() {
    if (at_ < text_.size() && text_[at_] == 'e') {
      ++at_;
      return true;
    }
    return false;
  }
  bool read_dictionary(Value& into, unsigned depth) {
    ++at_;
    into = Value::object();
    while (!ends()) {
      std::string key;
      if (at_ >= text_.size()) return fail("'e' at the end of a dictionary");
      if (!read_string(key)) return false;
      if (!read(into[key], depth + 1)) return false;
    }
    return true;
  }
  bool read_list(Value& into, unsigned depth) {
    ++at_;
    into = Value::array();
    while (!ends()) {
      if (at_ >= text_.size()) return fail("'e' at the end of a list");
      Value one;
      if (!read(one, depth + 1)) return false;
      into.push_back(std::move(one));
    }
    return true;
  }
  bool read_number(Value& into) {
    ++at_;
    std::int64_t number = 0;
    const char* end = text_.data() + text_.size();
    const auto read = std::from_chars(text_.data() + at_, end, number);
    if (read.ec == std::errc::result_out_of_range) return fail("a number of at most 64 bits");
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != 'e') return fail("digits and 'e'");
    at_ = static_cast<std::size_t>(read.ptr - text_.data()) + 1;
    into = number;
    return true;
  }
  bool read_string(std::string& into) {
    std::size_t size = 0;
    const char* end = text_.data() + text_.size();
    if (text_[at_] < '0' || text_[at_] > '9') return fail("'d', 'l', 'i' or a length");
    const auto read = std::from_chars(text_.data() + at_, end, size);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != ':') return fail("a length and ':'");
    const auto begin = static_cast<std::size_t>(read.ptr - text_.data()) + 1;
    if (size > text_.size() - begin) return fail("a length that the message has");
    into.assign(text_.substr(begin, size));
    at_ = begin + size;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0, items_ = 0;
  std::string error_;
};

void write_string(const std::string& text, std::string& out) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

void write(const Value& value, std::string& out) {
  switch (value.type()) {
    case Value::value_t::object:
      out += 'd';
      for (const auto& [key, one] : value.items()) {
        write_string(key, out);
        write(one, out);
      }
      out += 'e';
      return;
    case Value::value_t::array:
      out += 'l';
      for (const Value& one : value) write(one, out);
      out += 'e';
      return;
    case Value::value_t::string: return write_string(value.get_ref<const std::string&>(), out);
    case Value::value_t::number_unsigned:
      out += 'i' + std::to_string(value.get<std::uint64_t>()) + 'e';
      return;
    case Value::value_t::number_integer: out += 'i' + std::to_string(value.get<std::int64_t>()) + 'e'; return;
    case Value::value_t::number_float: {
      const double number = value.get<double>();
      const bool fits = number > -9e18 && number < 9e18;  // false for NaN too
      out += 'i' + std::to_string(fits ? static_cast<std::int64_t>(number) : 0) + 'e';
      return;
    }
    case Value::value_t::boolean: out += value.get<bool>() ? "i1e" : "i0e"; return;
    default: write_string("", out);
  }
}

bool too_deep(std::string_view text) {
  unsigned depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

bool decode_bencode(std::string_view text, Value& into, std::string& error) {
  Reader reader(text);
  if (reader.read(into, 0) && reader.at_end()) return true;
  error = std::move(reader.error());
  return false;
}

std::string encode_bencode(const Value& value) {
  std::string out;
  write(value, out);
  return out;
}

bool decode_json(std::string_view text, Value& into, std::string& error) {
  if (too_deep(text)) {
    error = "expected at most 32 levels of nesting";
    return false;
  }
  into = Value::parse(text, nullptr, false);
  if (!into.is_discarded()) return true;
  error = "expected JSON";
  return false;
}

}  // namespace tandem::ng
