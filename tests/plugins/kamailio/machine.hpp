// Machine: the Endpoint on a counted clock with a recorded wire: what a test feeds it and what came out. No
// Kamailio. Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kamailio/endpoint.hpp"

namespace tandem::kamailio::testing {

using Json = nlohmann::json;

inline const std::string kOffer = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP 0\r\n";
inline const std::string kOffer2 =
    "v=0\r\no=- 1 2 IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n";

class Machine final : public Outlet {
 public:
  explicit Machine(Settings settings = {});

  // ---- what came out, oldest first; the take functions remove
  std::vector<SipReply> replies;
  std::vector<SipRequest> requests;
  std::vector<std::pair<std::string, std::uint32_t>> cancels;
  std::vector<std::pair<std::string, std::uint64_t>> lookups;
  std::vector<Json> events;
  // Called with each event as it comes, as the call side would be.
  std::function<void(const Json&)> on_event;

  Json take_event(const std::string& name);
  SipReply take_reply();
  SipRequest take_request(const std::string& method);
  bool quiet() const { return replies.empty() && requests.empty() && cancels.empty() && events.empty(); }
  void forget();

  // ---- what goes in
  bool command(const Json& command) { return endpoint.command(now, command); }
  void wire(const WireEvent& event) { endpoint.on_wire(now, event); }
  // Moves the clock, running what falls due on the way.
  void advance(double seconds);
  void up(const std::string& boot = "boot-1");
  void down() { endpoint.on_down(now); }

  // ---- usual events
  WireEvent invite(const std::string& call_id = "call-1", const std::string& sdp = kOffer) const;
  // A request within the dialog that `invite` began, once our tag is known from a reply.
  WireEvent in_dialog(const WireEvent& invite, const std::string& to_tag, const std::string& method,
                      std::uint32_t cseq) const;
  // An answer to a request of ours.
  static WireEvent answer(const SipRequest& request, int code, const std::string& to_tag = "far",
                          const std::string& sdp = "");

  struct Call {
    std::string leg, tag;  // tag: ours
    WireEvent invite;
  };
  Call incoming(const std::string& call_id = "call-1", const std::string& sdp = kOffer);
  Call answered(const std::string& call_id = "call-1");
  // A call of ours that was answered; gives its INVITE.
  SipRequest placed(const std::string& leg = "out", const Json& extra = Json::object());
  SipRequest established(const std::string& leg = "out", const HeaderList& headers = {});

  std::uint64_t now = 1'000'000'000;
  Endpoint endpoint;

 private:
  void reply(const SipReply& r) override { replies.push_back(r); }
  void request(const SipRequest& r) override { requests.push_back(r); }
  void cancel(const std::string& call_id, std::uint32_t cseq) override {
    cancels.emplace_back(call_id, cseq);
  }
  void lookup(const std::string& user, std::uint64_t ticket) override { lookups.emplace_back(user, ticket); }
  void event(const Json& e) override {
    events.push_back(e);
    if (on_event) on_event(e);
  }
  void log(int, std::string_view) override {}
};

// The value of one header line in the text of a request or reply, or "".
std::string line(const std::string& headers, const std::string& name);

}  // namespace tandem::kamailio::testing
