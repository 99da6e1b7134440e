// The tables between SIP and Q.850; see cause.hpp.
#include "kamailio/cause.hpp"

#include <array>

namespace tandem::kamailio {
namespace {

struct Pair {
  int from, to;
};
struct Text {
  int code;
  std::string_view text;
};

// RFC 3398 §8.2.6.1
constexpr Pair kSipToQ850[] = {
    {400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},  {405, 63},  {406, 79},  {407, 21},
    {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79}, {416, 127}, {420, 127}, {421, 127},
    {422, 127}, {423, 127}, {480, 18},  {481, 41},  {482, 25}, {483, 25},  {484, 28},  {485, 1},
    {486, 17},  {487, 16},  {488, 88},  {491, 41},  {500, 41}, {501, 79},  {502, 38},  {503, 41},
    {504, 102}, {505, 127}, {513, 127}, {600, 17},  {603, 21}, {604, 1},   {606, 88},
};

// RFC 3398 §7.2.4.1; 16 stands for a call of ours ended before it was answered
constexpr Pair kQ850ToSip[] = {
    {1, 404},  {2, 404},  {3, 404},  {16, 480},  {17, 486},  {18, 408},  {19, 480}, {20, 480}, {21, 603},
    {22, 410}, {23, 410}, {26, 404}, {27, 502},  {28, 484},  {29, 501},  {31, 480}, {34, 503}, {38, 503},
    {41, 503}, {42, 503}, {47, 503}, {50, 488},  {55, 403},  {57, 403},  {58, 503}, {65, 488}, {70, 488},
    {79, 501}, {87, 403}, {88, 488}, {102, 504}, {111, 500}, {127, 500},
};

// ITU-T Q.850 table 1
constexpr Text kCauses[] = {
    {1, "Unallocated number"},
    {2, "No route to specified transit network"},
    {3, "No route to destination"},
    {16, "Normal call clearing"},
    {17, "User busy"},
    {18, "No user responding"},
    {19, "No answer from user"},
    {20, "Subscriber absent"},
    {21, "Call rejected"},
    {22, "Number changed"},
    {25, "Exchange routing error"},
    {26, "Non-selected user clearing"},
    {27, "Destination out of order"},
    {28, "Invalid number format"},
    {29, "Facility rejected"},
    {31, "Normal, unspecified"},
    {34, "No circuit/channel available"},
    {38, "Network out of order"},
    {41, "Temporary failure"},
    {42, "Switching equipment congestion"},
    {47, "Resource unavailable, unspecified"},
    {50, "Requested facility not subscribed"},
    {55, "Incoming calls barred within CUG"},
    {57, "Bearer capability not authorized"},
    {58, "Bearer capability not presently available"},
    {65, "Bearer capability not implemented"},
    {70, "Only restricted digital information bearer capability is available"},
    {79, "Service or option not implemented, unspecified"},
    {87, "User not member of CUG"},
    {88, "Incompatible destination"},
    {102, "Recovery on timer expiry"},
    {111, "Protocol error, unspecified"},
    {127, "Interworking, unspecified"},
};

// RFC 3261 §21 and the RFCs of the methods spoken here
constexpr Text kReasons[] = {
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"},
    {200, "OK"},
    {202, "Accepted"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {413, "Request Entity Too Large"},
    {415, "Unsupported Media Type"},
    {420, "Bad Extension"},
    {422, "Session Interval Too Small"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"},
    {491, "Request Pending"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {513, "Message Too Large"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
};

template <std::size_t N>
std::string_view text_of(const Text (&table)[N], int code) {
  for (const Text& row : table) {
    if (row.code == code) return row.text;
  }
  return {};
}

}  // namespace

int q850_of_sip(int code) {
  if (code < 300) return 0;
  for (const Pair& row : kSipToQ850) {
    if (row.from == code) return row.to;
  }
  return 127;
}

int sip_of_q850(int cause) {
  for (const Pair& row : kQ850ToSip) {
    if (row.from == cause) return row.to;
  }
  return 480;
}

std::string_view q850_text(int cause) { return text_of(kCauses, cause); }
std::string_view sip_reason(int code) { return text_of(kReasons, code); }

Reason parse_reason(const HeaderList& headers) {
  Reason out;
  for (const auto& [name, value] : headers) {
    if (!same_text(name, "Reason")) continue;
    for (const std::string& item : split_list(value)) {
      const std::size_t semi = item.find(';');
      if (semi == std::string::npos) continue;
      const std::string_view protocol = trim(std::string_view(item).substr(0, semi));
      const std::string_view params = std::string_view(item).substr(semi + 1);
      const int cause = static_cast<int>(number(param(params, "cause")));
      if (same_text(protocol, "Q.850") && cause >= 1 && cause <= 127) {
        out.q850 = cause;
      } else if (same_text(protocol, "SIP") && cause >= 100 && cause <= 699) {
        out.sip = cause;
      } else {
        continue;
      }
      if (std::string text = param(params, "text"); !text.empty()) out.text = clean(text);
    }
  }
  return out;
}

std::string reason_header(int q850, std::string_view text) {
  if (q850 < 1 || q850 > 127) return {};
  if (text.empty()) text = q850_text(q850);
  std::string out = "Reason: Q.850;cause=" + std::to_string(q850);
  if (!text.empty()) out += ";text=\"" + quotable(text) + "\"";
  return out + "\r\n";
}

}  // namespace tandem::kamailio
