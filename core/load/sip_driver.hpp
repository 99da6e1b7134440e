// SipDriver: phones that call through the real proxy: INVITE with digest, ACK, BYE over UDP (RFC 3261). What
// answers is an app (an echo gives each phone its own sound back, verified), or a phone of ours (SipCallee):
//
//   place ─► INVITE ─► proxy, server ─► INVITE ─► SipCallee ─► 200 ─► … ─► 200 ─► up      one rings at a time
//
// Thread: [control].
#pragma once

#include <memory>
#include <string>

#include "core/load/driver.hpp"

namespace tandem::load {

struct SipAccount {
  std::string user = "1001", password;
};

// `peer`: who is called by bridged calls; without a user they are refused. `agents`: who serves queues.
// Callers of queues send no digest when `account` has no password, and each has a number of its own.
std::unique_ptr<Driver> make_sip_driver(const Address& server, const SipAccount& account,
                                        const SipAccount& peer, const std::vector<SipAccount>& agents = {});

// What a UAC needs of a hostile SIP message; the first of each header, but all Record-Routes. [any]
struct SipMessage {
  int status = 0;  // 0: a request
  std::string method, call_id, to, from, contact, cseq, challenge, challenge_header, body;
  std::vector<std::string> vias, record_routes;
};
// False when it is no SIP or misses what every message has.
bool read_sip(std::string_view text, SipMessage& out);

// The value of Authorization for a Digest challenge (RFC 2617, MD5, qop auth or none); "" when there is none
// that can be answered. [any]
std::string digest_answer(const std::string& challenge, const SipAccount& account, const std::string& method,
                          const std::string& uri);

}  // namespace tandem::load
