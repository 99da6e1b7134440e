// SIP text as values: URIs, name-addr, header parameters, lists, Reason-free helpers. Kamailio has parsed and
// checked the message already; what is here reads single header values and writes new ones safely.
//
// Thread: [any], pure functions. Not a SIP parser: it never sees a whole message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::kamailio {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// RFC 3261 §19.1. `params` and `headers` are the text after the first ';' and '?', without them.
struct Uri {
  std::string scheme, user, host, params, headers;
  int port = 0;  // 0: not given
};

// RFC 3261 §20.10: "Bob" <sip:bob@example.com>;tag=x, or the bare form. `params` is the text after the '>'.
struct NameAddr {
  std::string name, uri, params;
};

// Nothing when the scheme is neither sip, sips nor tel, or no host is there. The user part comes unescaped.
std::optional<Uri> parse_uri(std::string_view text);
std::optional<NameAddr> parse_name_addr(std::string_view text);

// The value of `;name=value` in a parameter text, unquoted; "" when absent or without value. Names ignore
// case.
std::string param(std::string_view params, std::string_view name);
bool has_param(std::string_view params, std::string_view name);

// A comma list, split outside quotes and angle brackets; items trimmed, empty ones dropped, at most 64.
std::vector<std::string> split_list(std::string_view text);

// The first value of a header by name (ignores case), or "".
std::string_view header(const HeaderList& headers, std::string_view name);
// True when `token` stands in any of the comma lists of that header (Supported, Allow, Require, …).
bool lists_token(const HeaderList& headers, std::string_view name, std::string_view token);

bool same_text(std::string_view a, std::string_view b);  // ignores ASCII case
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);

// Text that cannot break out of a header line: CR, LF and NUL become spaces.
std::string clean(std::string_view text);
// For use between double quotes: `"` and `\` escaped, cleaned, at most 128 bytes on a UTF-8 boundary.
std::string quotable(std::string_view text);
// RFC 3261 §25.1 token.
bool is_token(std::string_view text);
// The user part escaped for use in a URI.
std::string escape_user(std::string_view text);
std::string unescape(std::string_view text);
// Everything but letters, digits and "-_.!~*'()" as %XX: for Replaces in a Refer-To (RFC 3891 §3, RFC 3986).
std::string escape_all(std::string_view text);
// A URI that may go on the wire: has a scheme we speak, no blanks or control bytes, at most 1,024 bytes.
bool sendable_uri(std::string_view uri);

// "udp:192.0.2.1:5060" or "tcp:[2001:db8::1]:5060" (also without the brackets), as a URI.
std::string address_uri(std::string_view proto_host_port, std::string_view user);

// Digits at the head of the text; 0 when there are none or more than nine.
std::uint32_t number(std::string_view text);

// The application/sdp part of a body: the body itself, or that part of a multipart/mixed one; "" when none.
std::string sdp_of(std::string_view content_type, std::string_view body);

}  // namespace tandem::kamailio
