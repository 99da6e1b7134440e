// Netstring framing; see netstring.hpp.
#include "kamailio/netstring.hpp"

#include "kamailio/sip.hpp"

namespace tandem::kamailio {
namespace {

constexpr std::size_t kDigitsMax = 9;

struct Head {
  std::size_t digits = 0, size = 0;
  bool whole = false, bad = false;
};

Head read_head(std::string_view text) {
  Head head;
  while (head.digits < text.size() && text[head.digits] >= '0' && text[head.digits] <= '9') {
    if (head.digits == kDigitsMax) {
      head.bad = true;
      return head;
    }
    head.size = head.size * 10 + static_cast<std::size_t>(text[head.digits++] - '0');
  }
  if (head.digits == text.size()) return head;
  head.bad = head.digits == 0 || text[head.digits] != ':';
  head.whole = !head.bad;
  return head;
}

}  // namespace

Netstrings::Verdict Netstrings::push(std::string_view bytes) {
  if (read_ > 0) {
    buffer_.erase(0, read_);
    parsed_ -= read_;
    read_ = 0;
  }
  buffer_.append(bytes);
  return scan();
}

// Checks everything up to the first incomplete frame, cutting out what is oversized.
Netstrings::Verdict Netstrings::scan() {
  for (;;) {
    if (skip_ > 0) {
      const std::size_t cut = std::min(skip_, buffer_.size() - parsed_);
      buffer_.erase(parsed_, cut);
      skip_ -= cut;
      if (skip_ > 0) return Verdict::ok;
    }
    const Head head = read_head(std::string_view(buffer_).substr(parsed_));
    if (head.bad) return Verdict::broken;
    if (!head.whole) return Verdict::ok;
    const std::size_t start = parsed_ + head.digits + 1;
    if (head.size > frame_max_) {
      ++oversized_;
      buffer_.erase(parsed_, head.digits + 1);
      skip_ = head.size + 1;
      continue;
    }
    if (buffer_.size() - start < head.size + 1) return Verdict::ok;
    if (buffer_[start + head.size] != ',') return Verdict::broken;
    parsed_ = start + head.size + 1;
  }
}

std::optional<std::string_view> Netstrings::next() {
  if (read_ >= parsed_) return std::nullopt;
  const Head head = read_head(std::string_view(buffer_).substr(read_));
  const std::size_t start = read_ + head.digits + 1;
  read_ = start + head.size + 1;
  return std::string_view(buffer_).substr(start, head.size);
}

void Netstrings::reset() {
  buffer_.clear();
  read_ = parsed_ = skip_ = 0;
}

std::string netstring(std::string_view text) {
  std::string out = std::to_string(text.size());
  out += ':';
  out += text;
  out += ',';
  return out;
}

}  // namespace tandem::kamailio
