// Bencode: as much as the ng protocol needs: a dictionary written, and the strings of one read from hostile
// bytes. Thread: [any]; pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::load {

class BencodeWriter {
 public:
  BencodeWriter& text(std::string_view key, std::string_view value);
  BencodeWriter& number(std::string_view key, long long value);
  BencodeWriter& list(std::string_view key, const std::vector<std::string>& values);
  // A dictionary of lists inside.
  BencodeWriter& lists(std::string_view key, const std::map<std::string, std::vector<std::string>>& values);
  std::string done() const { return "d" + out_ + "e"; }

 private:
  std::string out_;
};

// The strings of the outer dictionary by their keys; other values are skipped. Nothing when the bytes are no
// dictionary, are cut short or nest deeper than 16.
std::optional<std::map<std::string, std::string>> bencode_strings(std::string_view bytes);

}  // namespace tandem::load
