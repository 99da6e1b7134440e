// Bencode: see the header.
#include "core/load/bencode.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tandem::load {
namespace {

constexpr int kDepthMax = 16;

std::string with_length(std::string_view value) { return fmt::format("{}:{}", value.size(), value); }

std::optional<std::string_view> read_string(std::string_view& in) {
  std::size_t size = 0;
  const auto read = std::from_chars(in.data(), in.data() + in.size(), size);
  if (read.ec != std::errc{} || read.ptr == in.data() + in.size() || *read.ptr != ':') return std::nullopt;
  in.remove_prefix(static_cast<std::size_t>(read.ptr - in.data()) + 1);
  if (size > in.size()) return std::nullopt;
  const std::string_view out = in.substr(0, size);
  in.remove_prefix(size);
  return out;
}

bool skip(std::string_view& in, int depth) {
  if (in.empty() || depth > kDepthMax) return false;
  if (in[0] == 'i') {
    const std::size_t end = in.find('e');
    if (end == in.npos) return false;
    in.remove_prefix(end + 1);
    return true;
  }
  if (in[0] != 'l' && in[0] != 'd') return read_string(in).has_value();
  in.remove_prefix(1);
  while (!in.empty() && in[0] != 'e')
    if (!skip(in, depth + 1)) return false;
  if (in.empty()) return false;
  in.remove_prefix(1);
  return true;
}

}  // namespace

BencodeWriter& BencodeWriter::text(std::string_view key, std::string_view value) {
  out_ += with_length(key) + with_length(value);
  return *this;
}

BencodeWriter& BencodeWriter::number(std::string_view key, long long value) {
  out_ += with_length(key) + fmt::format("i{}e", value);
  return *this;
}

BencodeWriter& BencodeWriter::list(std::string_view key, const std::vector<std::string>& values) {
  out_ += with_length(key) + "l";
  for (const std::string& value : values) out_ += with_length(value);
  out_ += "e";
  return *this;
}

BencodeWriter& BencodeWriter::lists(std::string_view key,
                                    const std::map<std::string, std::vector<std::string>>& values) {
  BencodeWriter inner;
  for (const auto& [name, list] : values) inner.list(name, list);
  out_ += with_length(key) + inner.done();
  return *this;
}

std::optional<std::map<std::string, std::string>> bencode_strings(std::string_view in) {
  if (in.empty() || in[0] != 'd') return std::nullopt;
  in.remove_prefix(1);
  std::map<std::string, std::string> out;
  while (!in.empty() && in[0] != 'e') {
    const auto key = read_string(in);
    if (!key || in.empty()) return std::nullopt;
    if (in[0] >= '0' && in[0] <= '9') {
      const auto value = read_string(in);
      if (!value) return std::nullopt;
      out[std::string(*key)] = std::string(*value);
    } else if (!skip(in, 0)) {
      return std::nullopt;
    }
  }
  if (in.empty()) return std::nullopt;
  return out;
}

}  // namespace tandem::load
