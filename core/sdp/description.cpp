// Description's own questions (which address, which direction, which codec is this number) and print().
// Reading is in parser.cpp. Thread: [any].
#include "core/sdp/description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "core/base/text.hpp"

namespace tandem::sdp {
namespace {

struct StaticPayload {
  int type;
  const char* name;
  std::uint32_t clock_rate;
  std::uint32_t channels;
};

// RFC 3551 table 4, audio. G722's clock says 8000 by the mistake that section 4.5.2 keeps alive.
constexpr StaticPayload kStatic[] = {
    {0, "PCMU", 8000, 1},  {3, "GSM", 8000, 1},   {4, "G723", 8000, 1},   {5, "DVI4", 8000, 1},
    {6, "DVI4", 16000, 1}, {7, "LPC", 8000, 1},   {8, "PCMA", 8000, 1},   {9, "G722", 8000, 1},
    {10, "L16", 44100, 2}, {11, "L16", 44100, 1}, {12, "QCELP", 8000, 1}, {13, "CN", 8000, 1},
    {14, "MPA", 90000, 1}, {15, "G728", 8000, 1}, {16, "DVI4", 11025, 1}, {17, "DVI4", 22050, 1},
    {18, "G729", 8000, 1},
};

void line(std::string& out, char type, std::string_view value) {
  out += type;
  out += '=';
  out += value;
  out += "\r\n";
}

void connection_text(std::string& out, const Connection& c) {
  out += c.family == Family::v6 ? "IN IP6 " : "IN IP4 ";
  out += c.host;
}

void print_connection(std::string& out, const std::optional<Connection>& c) {
  if (!c) return;
  out += "c=";
  connection_text(out, *c);
  out += "\r\n";
}

void print_lines(std::string& out, const std::vector<Line>& lines, std::string_view types) {
  for (const Line& kept : lines)
    if (types.find(kept.type) != std::string_view::npos) line(out, kept.type, kept.value);
}

void print_other_lines(std::string& out, const std::vector<Line>& lines, std::string_view but) {
  for (const Line& kept : lines)
    if (but.find(kept.type) == std::string_view::npos) line(out, kept.type, kept.value);
}

void print_attributes(std::string& out, const std::vector<Attribute>& attributes) {
  for (const Attribute& a : attributes) {
    out += "a=";
    out += a.name;
    if (a.value) {
      out += ':';
      out += *a.value;
    }
    out += "\r\n";
  }
}

void print_rtp_attributes(std::string& out, const Media& m) {
  auto to = std::back_inserter(out);
  for (const Rtpmap& r : m.rtpmaps) {
    fmt::format_to(to, "a=rtpmap:{} {}/{}", r.type, r.name, r.clock_rate);
    if (r.channels != 1) fmt::format_to(to, "/{}", r.channels);
    out += "\r\n";
  }
  for (const Fmtp& f : m.fmtps)
    fmt::format_to(to, "a=fmtp:{}{}{}\r\n", f.type, f.text.empty() ? "" : " ", f.text);
  if (m.ptime_ms) fmt::format_to(to, "a=ptime:{}\r\n", *m.ptime_ms);
  if (m.maxptime_ms) fmt::format_to(to, "a=maxptime:{}\r\n", *m.maxptime_ms);
  if (m.direction) fmt::format_to(to, "a={}\r\n", to_string(*m.direction));
  if (m.rtcp) {
    fmt::format_to(to, "a=rtcp:{}", m.rtcp->port);
    if (m.rtcp->connection) {
      out += ' ';
      connection_text(out, *m.rtcp->connection);
    }
    out += "\r\n";
  }
  if (m.rtcp_mux) out += "a=rtcp-mux\r\n";
}

void print_media(std::string& out, const Media& m) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, "m={} {}", m.kind_text, m.port);
  if (m.port_count != 1) fmt::format_to(to, "/{}", m.port_count);
  fmt::format_to(to, " {}", m.proto);
  for (const std::string& format : m.formats) {
    out += ' ';
    out += format;
  }
  out += "\r\n";
  print_lines(out, m.lines, "i");
  print_connection(out, m.connection);
  print_other_lines(out, m.lines, "i");
  print_rtp_attributes(out, m);
  print_attributes(out, m.attributes);
}

}  // namespace

const char* to_string(Direction direction) {
  switch (direction) {
    case Direction::sendrecv: return "sendrecv";
    case Direction::sendonly: return "sendonly";
    case Direction::recvonly: return "recvonly";
    case Direction::inactive: return "inactive";
  }
  return "inactive";
}

Connection Connection::of(const Address& address) {
  Connection made;
  made.family = address.family() == Family::v6 ? Family::v6 : Family::v4;
  made.host = address.valid() ? address.host() : "0.0.0.0";
  made.address = address;
  if (address.valid()) made.address.set_port(0);
  return made;
}

int Media::payload_type(std::string_view format) { return number(format, 0, 127).value_or(-1); }

std::optional<Rtpmap> Media::rtpmap_of(int type) const {
  for (const Rtpmap& r : rtpmaps)
    if (r.type == type) return r;
  return static_payload(type);
}

std::string_view Media::fmtp_of(int type) const {
  for (const Fmtp& f : fmtps)
    if (f.type == type) return f.text;
  return {};
}

const Connection* Description::connection_of(const Media& section) const {
  if (section.connection) return &*section.connection;
  return connection ? &*connection : nullptr;
}

Direction Description::direction_of(const Media& section) const {
  if (section.direction) return *section.direction;
  return direction.value_or(Direction::sendrecv);
}

std::string print(const Description& d) {
  std::string out;
  out.reserve(512);
  out += "v=0\r\n";
  const Origin& o = d.origin;
  if (o.session_id.empty())
    out += "o=- 0 0 IN IP4 0.0.0.0\r\n";
  else
    fmt::format_to(std::back_inserter(out), "o={} {} {} {} {} {}\r\n", o.username, o.session_id, o.version,
                   o.net_type, o.address_type, o.host);
  line(out, 's', d.session_name.empty() ? std::string_view("-") : std::string_view(d.session_name));
  print_lines(out, d.lines, "iuep");
  print_connection(out, d.connection);
  print_lines(out, d.lines, "cb");
  const bool timed = std::any_of(d.lines.begin(), d.lines.end(), [](const Line& l) { return l.type == 't'; });
  if (!timed) out += "t=0 0\r\n";
  print_lines(out, d.lines, "trz");
  print_other_lines(out, d.lines, "iuepcbtrz");
  if (d.direction) fmt::format_to(std::back_inserter(out), "a={}\r\n", to_string(*d.direction));
  print_attributes(out, d.attributes);
  for (const Media& m : d.media) print_media(out, m);
  return out;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out(text.substr(0, bytes_max));
  for (char& c : out)
    if (c < 0x20 || c > 0x7e || c == '"') c = '?';
  if (text.size() > bytes_max) out += "...";
  return out;
}

std::optional<Rtpmap> static_payload(int type) {
  for (const StaticPayload& s : kStatic)
    if (s.type == type) return Rtpmap{static_cast<std::uint8_t>(type), s.name, s.clock_rate, s.channels};
  return std::nullopt;
}

}  // namespace tandem::sdp
