// What passes between the dialogs and Kamailio, as values: events in (decoded from the JSON of kamailio.lua)
// and the Outlet that requests, replies and look-ups go out by.
//
//   link ──JSON──► decode() ──WireEvent──► Endpoint ──SipRequest, SipReply──► Outlet ──JSON──► link
//
// Thread: one ([control]).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kamailio/sip.hpp"

namespace tandem::kamailio {

enum class WireKind { request, reply, timeout, ack, cancel, registered, auth_failed };

struct WireEvent {
  WireKind kind = WireKind::request;
  std::string method, call_id, from_tag, to_tag, from, to, contact, contact_uri, ruri, tid, auth_user, user;
  std::string src;   // "udp:192.0.2.1:5060"
  std::string sock;  // the socket it came in by, as a URI
  std::string ctype, body, reason;
  std::vector<std::string> record_route;
  HeaderList headers;
  std::uint32_t cseq = 0;
  int code = 0;      // of replies and timeouts
  int ack_of = 0;    // the code of the answer that an ACK belongs to; 0: none known
  int expires = -1;  // REGISTER: the Expires header; -1: none
  bool nat = false;  // what the sender says of itself is not where it sends from
};

// One event's JSON. Nothing, with `error` set, for wrong types, a missing Call-ID or an unknown event. Text
// is bounded by the link's frame size.
std::optional<WireEvent> decode(const nlohmann::json& json, std::string& error);

struct SipRequest {
  std::string method, ruri, nexthop, socket, headers, body;
  // What its replies will carry; they stand in `headers` too.
  std::string call_id, from_tag;
  std::uint32_t cseq = 0;
};

struct SipReply {
  std::string tid, reason, to_tag, headers, body;
  int code = 0;
};

// A registered contact as usrloc knows it. Opaque to the call side but for `uri`.
struct Contact {
  std::string uri, received, path, socket, user_agent;
  double q = -1;
  int expires = 0;
};

nlohmann::json to_json(const Contact& contact);
// Unknown and wrong fields are taken as absent; nothing when there is no uri that may be sent to.
std::optional<Contact> contact_of(const nlohmann::json& json);
// The result of ul.lookup: usable contacts, the highest q first, at most 32. An error object gives none.
std::vector<Contact> contacts_of_lookup(const nlohmann::json& result);

// Where the dialogs' doings go. Implemented by the live link and by tests.
class Outlet {
 public:
  virtual ~Outlet() = default;
  // A reply that Kamailio refuses comes back by Endpoint::on_reply_refused(tid, code).
  virtual void reply(const SipReply& reply) = 0;
  // A request that cannot be sent comes back as a timeout event with code 503.
  virtual void request(const SipRequest& request) = 0;
  virtual void cancel(const std::string& call_id, std::uint32_t cseq) = 0;
  // Answered by Endpoint::on_contacts(ticket, …), exactly once unless the link goes down.
  virtual void lookup(const std::string& user, std::uint64_t ticket) = 0;
  // One event of tandem.signaling/1 (docs/signaling.md).
  virtual void event(const nlohmann::json& event) = 0;
  virtual void log(int level, std::string_view line) = 0;
};

}  // namespace tandem::kamailio
