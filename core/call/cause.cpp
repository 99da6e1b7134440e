// One table of causes, read in every direction. Thread: [any]. Not for SIP parsing: codes come as numbers.
#include "core/call/cause.hpp"

#include <algorithm>
#include <array>

#include "core/base/text.hpp"

namespace tandem::call {
namespace {

struct Row {
  int q850;
  const char* name;
  int sip;  // what we send for this cause
};

constexpr std::array kCauses{
    Row{1, "UNALLOCATED_NUMBER", 404},
    Row{2, "NO_ROUTE_TRANSIT_NET", 404},
    Row{3, "NO_ROUTE_DESTINATION", 404},
    Row{6, "CHANNEL_UNACCEPTABLE", 503},
    Row{16, "NORMAL_CLEARING", 480},
    Row{17, "USER_BUSY", 486},
    Row{18, "NO_USER_RESPONSE", 408},
    Row{19, "NO_ANSWER", 480},
    Row{20, "SUBSCRIBER_ABSENT", 480},
    Row{21, "CALL_REJECTED", 403},
    Row{22, "NUMBER_CHANGED", 410},
    Row{23, "REDIRECTION_TO_NEW_DESTINATION", 410},
    Row{25, "EXCHANGE_ROUTING_ERROR", 483},
    Row{26, "LOSE_RACE", 487},
    Row{27, "DESTINATION_OUT_OF_ORDER", 502},
    Row{28, "INVALID_NUMBER_FORMAT", 484},
    Row{29, "FACILITY_REJECTED", 501},
    Row{31, "NORMAL_UNSPECIFIED", 480},
    Row{34, "NORMAL_CIRCUIT_CONGESTION", 503},
    Row{38, "NETWORK_OUT_OF_ORDER", 503},
    Row{41, "NORMAL_TEMPORARY_FAILURE", 503},
    Row{42, "SWITCH_CONGESTION", 503},
    Row{47, "RESOURCE_UNAVAILABLE", 503},
    Row{50, "FACILITY_NOT_SUBSCRIBED", 403},
    Row{55, "INCOMING_CALL_BARRED", 403},
    Row{57, "BEARERCAPABILITY_NOTAUTH", 403},
    Row{58, "BEARERCAPABILITY_NOTAVAIL", 503},
    Row{65, "BEARERCAPABILITY_NOTIMPL", 488},
    Row{69, "FACILITY_NOT_IMPLEMENTED", 501},
    Row{79, "SERVICE_NOT_IMPLEMENTED", 501},
    Row{81, "INVALID_CALL_REFERENCE", 481},
    Row{87, "USER_NOT_MEMBER_OF_CUG", 403},
    Row{88, "INCOMPATIBLE_DESTINATION", 488},
    Row{95, "INVALID_MSG_UNSPECIFIED", 400},
    Row{96, "MANDATORY_IE_MISSING", 400},
    Row{97, "MESSAGE_TYPE_NONEXIST", 501},
    Row{102, "RECOVERY_ON_TIMER_EXPIRE", 504},
    Row{111, "PROTOCOL_ERROR", 400},
    Row{127, "INTERWORKING", 500},
};

struct Code {
  int sip;
  int q850;
  const char* reason;
};

constexpr std::array kCodes{
    Code{180, 0, "Ringing"},
    Code{183, 0, "Session Progress"},
    Code{200, 16, "OK"},
    Code{202, 16, "Accepted"},
    Code{300, 23, "Multiple Choices"},
    Code{301, 22, "Moved Permanently"},
    Code{302, 23, "Moved Temporarily"},
    Code{400, 41, "Bad Request"},
    Code{401, 21, "Unauthorized"},
    Code{402, 21, "Payment Required"},
    Code{403, 21, "Forbidden"},
    Code{404, 1, "Not Found"},
    Code{405, 63, "Method Not Allowed"},
    Code{406, 79, "Not Acceptable"},
    Code{407, 21, "Proxy Authentication Required"},
    Code{408, 102, "Request Timeout"},
    Code{410, 22, "Gone"},
    Code{413, 127, "Request Entity Too Large"},
    Code{415, 79, "Unsupported Media Type"},
    Code{420, 127, "Bad Extension"},
    Code{480, 18, "Temporarily Unavailable"},
    Code{481, 41, "Call/Transaction Does Not Exist"},
    Code{482, 25, "Loop Detected"},
    Code{483, 25, "Too Many Hops"},
    Code{484, 28, "Address Incomplete"},
    Code{485, 1, "Ambiguous"},
    Code{486, 17, "Busy Here"},
    Code{487, 16, "Request Terminated"},
    Code{488, 88, "Not Acceptable Here"},
    Code{491, 41, "Request Pending"},
    Code{500, 41, "Server Internal Error"},
    Code{501, 79, "Not Implemented"},
    Code{502, 38, "Bad Gateway"},
    Code{503, 41, "Service Unavailable"},
    Code{504, 102, "Server Time-out"},
    Code{600, 17, "Busy Everywhere"},
    Code{603, 21, "Decline"},
    Code{604, 1, "Does Not Exist Anywhere"},
    Code{606, 88, "Not Acceptable"},
};

}  // namespace

std::string cause_name(int q850) {
  for (const Row& row : kCauses) {
    if (row.q850 == q850) return row.name;
  }
  return "CAUSE_" + std::to_string(q850);
}

std::optional<int> cause_number(std::string_view text) {
  if (const auto q850 = number(text, 1, 127)) return q850;
  for (const Row& row : kCauses)
    if (same_name(text, row.name)) return row.q850;
  return std::nullopt;
}

int cause_to_sip(int q850) {
  for (const Row& row : kCauses) {
    if (row.q850 == q850) return row.sip;
  }
  return 480;
}

int sip_to_cause(int code) {
  for (const Code& row : kCodes) {
    if (row.sip == code) return row.q850;
  }
  return cause::kInterworking;
}

std::string_view sip_reason(int code) {
  for (const Code& row : kCodes) {
    if (row.sip == code) return row.reason;
  }
  return "";
}

}  // namespace tandem::call
