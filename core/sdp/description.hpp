// Description: one SDP body (RFC 8866, which replaces 4566) as a plain value. parse() makes it from what a
// peer sent, print() makes text of it; what to answer is decided elsewhere (negotiate.hpp).
//
//   text ──parse()──► Description ──print()──► text          print(parse(print(d))) == print(d)
//
// Reading is tolerant of what phones really send: LF alone, blanks at line ends, blank lines, no s=, o= or
// t=, blanks in o='s user name, a trailing NUL, lines in an odd order, unknown lines and attributes (kept, in
// order). It is strict where a wrong guess would send media to the wrong place: m=, c=, ports, a=rtpmap of
// audio. Thread: [any]; all of it allocates. It is not a validator of RFC 8866, and it resolves no names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"

namespace tandem::sdp {

// Limits of parse(); each is an `exhausted` error that names the limit when passed.
inline constexpr std::size_t kTextBytesMax = 65'536;
inline constexpr std::size_t kLinesMax = 1'000;
inline constexpr std::size_t kMediaMax = 32;
inline constexpr std::size_t kFormatsMax = 128;     // in one m= line
inline constexpr std::size_t kRtpmapsMax = 128;     // in one media section
inline constexpr std::size_t kFmtpsMax = 128;       // in one media section
inline constexpr std::size_t kAttributesMax = 512;  // kept unread, in one section
inline constexpr std::size_t kLinesKeptMax = 64;    // kept unread (i=, b=, …), in one section

// RFC 8866 6.7, as the one who wrote the description sees it.
enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };

constexpr bool sends(Direction d) { return d == Direction::sendrecv || d == Direction::sendonly; }
constexpr bool receives(Direction d) { return d == Direction::sendrecv || d == Direction::recvonly; }
constexpr Direction direction_from(bool send, bool receive) {
  return send ? (receive ? Direction::sendrecv : Direction::sendonly)
              : (receive ? Direction::recvonly : Direction::inactive);
}
// The same stream as the other side sees it.
constexpr Direction reversed(Direction d) { return direction_from(receives(d), sends(d)); }
// "sendrecv", "sendonly", "recvonly", "inactive".
const char* to_string(Direction direction);

// o= (RFC 8866 5.2). Numbers stay text: peers send what they like, and only equality matters. An o= that was
// missing has an empty session_id.
struct Origin {
  std::string username = "-";
  std::string session_id;
  std::string version;
  std::string net_type = "IN";
  std::string address_type = "IP4";
  std::string host;  // may be a name: nothing is ever sent there
  bool operator==(const Origin&) const = default;
};

// c= (RFC 8866 5.7), and the address part of a=rtcp.
struct Connection {
  Family family = Family::v4;  // what the line says (IP4, IP6)
  std::string host;            // as written, with a multicast "/ttl" if there is one
  Address address;             // port 0; invalid when `host` is a name and not an address
  bool operator==(const Connection& other) const { return family == other.family && host == other.host; }

  // The c= of an address of ours. The port is ignored.
  static Connection of(const Address& address);
};

enum class MediaKind : std::uint8_t { audio, video, image, application, text, message, other };

// a=rtpmap (RFC 8866 6.6).
struct Rtpmap {
  std::uint8_t type = 0;
  std::string name;  // as written; compared without regard to case
  std::uint32_t clock_rate = 0;
  std::uint32_t channels = 1;
  bool operator==(const Rtpmap&) const = default;
};

// a=fmtp (RFC 8866 6.15): what comes after the payload type.
struct Fmtp {
  std::uint8_t type = 0;
  std::string text;
  bool operator==(const Fmtp&) const = default;
};

// a=rtcp (RFC 3605).
struct RtcpAttribute {
  std::uint16_t port = 0;
  std::optional<Connection> connection;
  bool operator==(const RtcpAttribute&) const = default;
};

// An a= line that has no field of its own here: "name" or "name:value".
struct Attribute {
  std::string name;
  std::optional<std::string> value;
  bool operator==(const Attribute&) const = default;
};

// Any other line: i=, u=, e=, p=, b=, t=, r=, z=, k=, a second c=, unknown letters.
struct Line {
  char type = 0;
  std::string value;
  bool operator==(const Line&) const = default;
};

// One media section (RFC 8866 5.14).
struct Media {
  MediaKind kind = MediaKind::audio;
  std::string kind_text = "audio";  // as written
  std::uint16_t port = 0;           // 0: refused, or taken away
  std::uint16_t port_count = 1;     // "5004/2"
  std::string proto = "RTP/AVP";
  std::vector<std::string>
      formats;  // payload types as text; not always numbers ("t38", "webrtc-datachannel")
  std::optional<Connection> connection;
  std::vector<Rtpmap> rtpmaps;
  std::vector<Fmtp> fmtps;
  std::optional<unsigned> ptime_ms;
  std::optional<unsigned> maxptime_ms;
  std::optional<Direction> direction;
  std::optional<RtcpAttribute> rtcp;
  bool rtcp_mux = false;
  std::vector<Attribute> attributes;
  std::vector<Line> lines;
  bool operator==(const Media&) const = default;

  // The format as an RTP payload type, or -1 when it is not a number from 0 to 127.
  static int payload_type(std::string_view format);
  // The first a=rtpmap of a type; without one the static assignment of RFC 3551 table 4; else nothing.
  std::optional<Rtpmap> rtpmap_of(int type) const;
  // The first a=fmtp of a type, "" without.
  std::string_view fmtp_of(int type) const;
};

struct Description {
  Origin origin;
  std::string session_name = "-";
  std::optional<Connection> connection;
  std::optional<Direction> direction;
  std::vector<Attribute> attributes;
  std::vector<Line> lines;
  std::vector<Media> media;
  bool operator==(const Description&) const = default;

  // The section's own value, or else the session's (RFC 8866 5.7, 6.7). A description that says no direction
  // means sendrecv. connection_of is null when there is no c= at all.
  const Connection* connection_of(const Media& section) const;
  Direction direction_of(const Media& section) const;
};

// [any] Reads one SDP body within the limits above. Errors: `invalid` ("line 7: expected …, saw …"),
// `exhausted` (a limit, named). What was seen is quoted as printable ASCII, at most 48 bytes of it.
// A c= that holds a name, 0.0.0.0, multicast or broadcast is no error here: whoever uses it decides.
Result<Description> parse(std::string_view text);

// [any] The text, with CRLF line ends, in the order of RFC 8866 5.
std::string print(const Description& description);

// [any] `text` cut to `bytes_max` with all but printable ASCII replaced by '?', for messages and logs.
std::string printable(std::string_view text, std::size_t bytes_max = 48);

// [any] RFC 3551 table 4: the codec that a static payload type stands for.
std::optional<Rtpmap> static_payload(int type);

}  // namespace tandem::sdp
