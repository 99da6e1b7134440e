// SIP status codes and Q.850 causes, one to the other, and the Reason header (RFC 3326) that carries both.
// Thread: [any], pure functions.
#pragma once

#include <string>
#include <string_view>

#include "kamailio/sip.hpp"

namespace tandem::kamailio {

// RFC 3398 §8.2.6.1: what a final SIP answer means in Q.850; 127 (interworking) for a code not listed, 0
// below 300.
int q850_of_sip(int code);
// RFC 3398 §7.2.4.1: the answer to an unanswered call that ends with this cause; 480 for a cause not listed.
int sip_of_q850(int cause);
// ITU-T Q.850 table 1, as text ("User busy"); "" when unknown.
std::string_view q850_text(int cause);
// The reason phrase of a status code (RFC 3261 §21); "" when unknown.
std::string_view sip_reason(int code);

struct Reason {
  int q850 = 0;  // 0: not told
  int sip = 0;
  std::string text;
};

// Reads every Reason header (RFC 3326 §2); unknown protocols are skipped.
Reason parse_reason(const HeaderList& headers);
// "Reason: Q.850;cause=17;text=\"User busy\"\r\n"; "" for a cause outside 1…127.
std::string reason_header(int q850, std::string_view text);

}  // namespace tandem::kamailio
