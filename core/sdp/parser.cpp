// parse(): text to Description, one pass, line by line.
//
//   text ──cut into lines, trimmed──► by letter: o s c a m, any other kept ──► the session or the open
//   section
//
// Each rule reads one line and either fills a field, keeps the line unread, or ends the parse with an error
// that names the line. Thread: [any]. What the fields mean together is not looked at here.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/sdp/description.hpp"

#include "core/base/text.hpp"

namespace tandem::sdp {
namespace {

constexpr std::size_t kHostBytesMax = 255;  // RFC 1035
constexpr unsigned kPtimeReadMaxMs = 1'000;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim_left(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  return s;
}

std::string_view trim_right(std::string_view s) {
  while (!s.empty() && (is_blank(s.back()) || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

// Takes the last word off the back of `rest`.
std::string_view last_word(std::string_view& rest) {
  rest = trim_right(rest);
  std::size_t n = rest.size();
  while (n > 0 && !is_blank(rest[n - 1])) --n;
  const std::string_view word = rest.substr(n);
  rest = rest.substr(0, n);
  return word;
}

// Words that may be sent back to the peer, so they hold visible ASCII only.
bool is_visible(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<Direction> direction_named(std::string_view name) {
  for (Direction d : {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive})
    if (same_name(name, to_string(d))) return d;
  return std::nullopt;
}

MediaKind kind_named(std::string_view name) {
  if (same_name(name, "audio")) return MediaKind::audio;
  if (same_name(name, "video")) return MediaKind::video;
  if (same_name(name, "image")) return MediaKind::image;
  if (same_name(name, "application")) return MediaKind::application;
  if (same_name(name, "text")) return MediaKind::text;
  if (same_name(name, "message")) return MediaKind::message;
  return MediaKind::other;
}

// "IN IP4 host" as in c= and a=rtcp; nothing when it is anything else.
std::optional<Connection> read_connection(std::string_view text) {
  const std::string_view net = next_word(text), type = next_word(text), host = next_word(text);
  if (!same_name(net, "IN") || !is_visible(host) || host.size() > kHostBytesMax || !trim_left(text).empty())
    return {};
  Connection made;
  if (same_name(type, "IP6"))
    made.family = Family::v6;
  else if (!same_name(type, "IP4"))
    return {};
  made.host = host;
  if (auto address = Address::parse(host.substr(0, host.find('/')), 0)) made.address = *address;
  return made;
}

// "111 opus/48000/2"; nothing when it is anything else.
std::optional<Rtpmap> read_rtpmap(std::string_view text) {
  const auto type = number<unsigned>(next_word(text), 0, 127);
  std::string_view encoding = next_word(text);
  const std::size_t slash = encoding.find('/');
  if (!type || slash == std::string_view::npos) return {};
  const std::string_view name = encoding.substr(0, slash);
  encoding.remove_prefix(slash + 1);
  const std::size_t second = encoding.find('/');
  const auto clock_rate = number<std::uint32_t>(encoding.substr(0, second), 1, 1'000'000);
  std::optional<std::uint32_t> channels = 1;
  if (second != std::string_view::npos && second + 1 < encoding.size())
    channels = number<std::uint32_t>(encoding.substr(second + 1), 1, 255);
  if (!is_visible(name) || !clock_rate || !channels) return {};
  return Rtpmap{static_cast<std::uint8_t>(*type), std::string(name), *clock_rate, *channels};
}

std::optional<RtcpAttribute> read_rtcp(std::string_view text) {
  const auto port = number<unsigned>(next_word(text), 1, 65'535);
  if (!port) return {};
  RtcpAttribute made{static_cast<std::uint16_t>(*port), std::nullopt};
  if (trim_left(text).empty()) return made;
  made.connection = read_connection(text);
  if (!made.connection) return {};
  return made;
}

class Parser {
 public:
  Result<Description> run(std::string_view text);

 private:
  Result<void> on_line(char type, std::string_view value);
  Result<void> on_origin(std::string_view value);
  Result<void> on_connection(std::string_view value);
  Result<void> on_media(std::string_view value);
  Result<void> on_attribute(std::string_view value);
  Result<bool> on_media_attribute(Media& m, std::string_view name, std::string_view value);
  Result<bool> on_rtpmap(Media& m, std::string_view value);
  Result<bool> on_fmtp(Media& m, std::string_view value);
  Result<void> keep(char type, std::string_view value);

  Error wrong(std::string_view expected, std::string_view seen) const {
    return {ErrorCode::invalid,
            fmt::format("SDP line {}: expected {}, saw \"{}\"", line_, expected, printable(seen))};
  }
  Error too_many(std::string_view what, std::size_t limit) const {
    return {ErrorCode::exhausted, fmt::format("SDP line {}: more than {} {}", line_, limit, what)};
  }
  Media* section() { return made_.media.empty() ? nullptr : &made_.media.back(); }

  Description made_;
  std::size_t line_ = 0;
  bool version_seen_ = false;
  bool origin_seen_ = false;
  bool name_seen_ = false;
};

Result<Description> Parser::run(std::string_view text) {
  if (text.size() > kTextBytesMax)
    return Error{ErrorCode::exhausted,
                 fmt::format("SDP of {} bytes, at most {} are read", text.size(), kTextBytesMax)};
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);  // some phones count the C string's end
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string_view line = trim_right(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
    if (++line_ > kLinesMax) return too_many("lines", kLinesMax);
    if (line.empty()) continue;
    if (std::memchr(line.data(), '\0', line.size())) return wrong("text", line);
    if (std::memchr(line.data(), '\r', line.size())) return wrong("one line, without a bare CR", line);
    if (line.size() < 2 || line[1] != '=' || !std::isalpha(static_cast<unsigned char>(line[0])))
      return wrong("a letter and \"=\"", line);
    if (!version_seen_) {
      if (line != "v=0") return wrong("v=0 as the first line", line);
      version_seen_ = true;
      continue;
    }
    if (auto read = on_line(line[0], line.substr(2)); !read) return read.error();
  }
  if (!version_seen_) return Error{ErrorCode::invalid, "SDP: expected v=0, saw no line at all"};
  return std::move(made_);
}

Result<void> Parser::on_line(char type, std::string_view value) {
  switch (type) {
    case 'm': return on_media(value);
    case 'a': return on_attribute(value);
    case 'c': return on_connection(value);
    case 'o':
      if (origin_seen_ || section()) return keep(type, value);
      return on_origin(value);
    case 's':
      if (name_seen_ || section()) return keep(type, value);
      name_seen_ = true;
      made_.session_name = value;
      return {};
    default: return keep(type, value);
  }
}

// Read from the right: user names with blanks in them are sent, against RFC 8866 5.2.
Result<void> Parser::on_origin(std::string_view value) {
  origin_seen_ = true;
  std::string_view rest = value;
  Origin& o = made_.origin;
  o.host = last_word(rest);
  o.address_type = last_word(rest);
  o.net_type = last_word(rest);
  o.version = last_word(rest);
  o.session_id = last_word(rest);
  if (o.session_id.empty()) return wrong("o=<user> <session> <version> IN IP4|IP6 <address>", value);
  rest = trim_left(trim_right(rest));
  o.username = rest.empty() ? std::string_view("-") : rest;
  return {};
}

Result<void> Parser::on_connection(std::string_view value) {
  auto read = read_connection(value);
  if (!read) return wrong("c=IN IP4|IP6 <address>", value);
  std::optional<Connection>& place = section() ? section()->connection : made_.connection;
  if (place) return keep('c', value);
  place = std::move(read);
  return {};
}

Result<void> Parser::on_media(std::string_view value) {
  if (made_.media.size() == kMediaMax) return too_many("media sections", kMediaMax);
  Media m;
  std::string_view rest = value;
  const std::string_view kind = next_word(rest), ports = next_word(rest), proto = next_word(rest);
  if (!is_visible(kind) || !is_visible(proto)) return wrong("m=<media> <port> <proto> <format> ...", value);
  const std::size_t slash = ports.find('/');
  const auto port = number<unsigned>(ports.substr(0, slash), 0, 65'535);
  if (!port) return wrong("a port from 0 to 65535 in m=", value);
  std::optional<unsigned> count = 1;
  if (slash != std::string_view::npos) count = number<unsigned>(ports.substr(slash + 1), 1, 65'535);
  if (!count) return wrong("a count of ports from 1 to 65535 after \"/\" in m=", value);
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
    if (m.formats.size() == kFormatsMax) return too_many("formats in m=", kFormatsMax);
    if (!is_visible(word)) return wrong("formats of visible ASCII in m=", value);
    m.formats.emplace_back(word);
  }
  if (m.formats.empty() && *port != 0) return wrong("a format at the end of m=", value);
  m.kind = kind_named(kind);
  m.kind_text = kind;
  m.port = static_cast<std::uint16_t>(*port);
  m.port_count = static_cast<std::uint16_t>(*count);
  m.proto = proto;
  made_.media.push_back(std::move(m));
  return {};
}

Result<void> Parser::on_attribute(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const bool has_value = colon != std::string_view::npos;
  const std::string_view value = has_value ? text.substr(colon + 1) : std::string_view{};
  std::optional<Direction>& direction = section() ? section()->direction : made_.direction;
  if (!has_value && !direction) {
    direction = direction_named(name);
    if (direction) return {};
  }
  if (Media* m = section()) {
    const auto taken = on_media_attribute(*m, name, value);
    if (!taken) return taken.error();
    if (*taken) return {};
  }
  std::vector<Attribute>& kept = section() ? section()->attributes : made_.attributes;
  if (kept.size() == kAttributesMax) return too_many("attributes in one section", kAttributesMax);
  kept.push_back({std::string(name), has_value ? std::optional<std::string>(value) : std::nullopt});
  return {};
}

// True when the attribute has gone into a field. The first one of a kind counts, later ones are kept unread.
Result<bool> Parser::on_media_attribute(Media& m, std::string_view name, std::string_view value) {
  if (same_name(name, "rtpmap")) return on_rtpmap(m, value);
  if (same_name(name, "fmtp")) return on_fmtp(m, value);
  if (same_name(name, "rtcp-mux") && !m.rtcp_mux && value.empty()) return m.rtcp_mux = true;
  if (same_name(name, "rtcp") && !m.rtcp) {
    m.rtcp = read_rtcp(value);
    return m.rtcp.has_value();
  }
  if (same_name(name, "ptime") && !m.ptime_ms) {
    m.ptime_ms = number<unsigned>(trim_left(value), 1, kPtimeReadMaxMs);
    return m.ptime_ms.has_value();
  }
  if (same_name(name, "maxptime") && !m.maxptime_ms) {
    m.maxptime_ms = number<unsigned>(trim_left(value), 1, kPtimeReadMaxMs);
    return m.maxptime_ms.has_value();
  }
  return false;
}

Result<bool> Parser::on_rtpmap(Media& m, std::string_view value) {
  auto read = read_rtpmap(value);
  if (!read && m.kind == MediaKind::audio)
    return wrong("a=rtpmap:<type 0-127> <name>/<clock rate>[/<channels>]", value);
  if (!read) return false;
  if (m.rtpmaps.size() == kRtpmapsMax) return too_many("a=rtpmap in one section", kRtpmapsMax);
  m.rtpmaps.push_back(std::move(*read));
  return true;
}

Result<bool> Parser::on_fmtp(Media& m, std::string_view value) {
  const auto type = number<unsigned>(next_word(value), 0, 127);
  if (!type) return false;
  if (m.fmtps.size() == kFmtpsMax) return too_many("a=fmtp in one section", kFmtpsMax);
  m.fmtps.push_back({static_cast<std::uint8_t>(*type), std::string(trim_left(value))});
  return true;
}

Result<void> Parser::keep(char type, std::string_view value) {
  std::vector<Line>& kept = section() ? section()->lines : made_.lines;
  if (kept.size() == kLinesKeptMax) return too_many("lines of other kinds in one section", kLinesKeptMax);
  kept.push_back({type, std::string(value)});
  return {};
}

}  // namespace

Result<Description> parse(std::string_view text) { return Parser{}.run(text); }

}  // namespace tandem::sdp
