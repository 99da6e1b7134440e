// The plugin with a real Kamailio and phones under the test's hand: every exchange of docs/signaling.md on
// the wire. Each wait has a deadline. Skipped where Kamailio is not installed.
#include <gtest/gtest.h>

#include <signal.h>

#include <chrono>
#include <memory>

#include "kamailio/digest.hpp"
#include "live_world.hpp"

namespace tandem::kamailio::testing {
namespace {

class KamailioLive : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { world_ = std::make_unique<LiveWorld>(); }
  static void TearDownTestSuite() { world_.reset(); }
  void SetUp() override {
    if (world_->missing()) GTEST_SKIP() << world_->trouble();
    ASSERT_EQ(world_->trouble(), "");
    world_->forget();
  }
  LiveWorld& w() { return *world_; }
  static std::unique_ptr<LiveWorld> world_;
};
std::unique_ptr<LiveWorld> KamailioLive::world_;

TEST_F(KamailioLive, RegistersWithTheRightPasswordOnly) {
  auto phone = w().phone("1001");
  EXPECT_EQ(phone->register_with("wrong").code(), 403);
  EXPECT_EQ(phone->register_with("pw-1001").code(), 200);
  const Json registered = w().event("registered");
  EXPECT_EQ(registered["user"], "1001");
  EXPECT_EQ(registered["contact"], phone->contact());
  EXPECT_EQ(registered["expires"], 300);
  auto stranger = w().phone("4711");
  EXPECT_EQ(stranger->register_with("pw-1001").code(), 403);
}

TEST_F(KamailioLive, FindsEveryContactOfAUserOverEachTransport) {
  auto udp = w().phone("1003"), tcp = w().phone("1003", Wire::tcp), ws = w().phone("1003", Wire::ws);
  EXPECT_EQ(udp->register_with("pw-1003").code(), 200);
  EXPECT_EQ(tcp->register_with("pw-1003").code(), 200);
  EXPECT_EQ(ws->register_with("pw-1003").code(), 200);
  w().command({{"cmd", "lookup"}, {"id", "q1"}, {"user", "1003"}});
  const Json found = w().event("contacts");
  ASSERT_EQ(found["contacts"].size(), 3u) << found;
  // each contact object, handed back unread, reaches its phone
  int leg = 0;
  for (const Json& contact : found["contacts"]) {
    const std::string uri = contact["uri"];
    Phone& phone = uri == udp->contact() ? *udp : uri == tcp->contact() ? *tcp : *ws;
    const std::string name = "multi-" + std::to_string(++leg);
    w().command({{"cmd", "invite"}, {"leg", name}, {"contact", contact}, {"sdp", kSdp}});
    const SipMessage invite = phone.expect("INVITE");
    ASSERT_TRUE(invite.valid()) << uri;
    phone.reply(invite, 200, "", kSdp);
    EXPECT_EQ(w().event("answered")["leg"], name);
    const SipMessage ack = phone.expect("ACK");
    EXPECT_TRUE(ack.valid()) << uri;
    w().command({{"cmd", "hangup"}, {"leg", name}});
    const SipMessage bye = phone.expect("BYE");
    ASSERT_TRUE(bye.valid()) << uri;
    phone.reply(bye, 200);
    EXPECT_EQ(w().event("ended")["leg"], name);
  }
  w().command({{"cmd", "lookup"}, {"id", "q2"}, {"user", "nobody"}});
  EXPECT_TRUE(w().event("contacts")["contacts"].empty());
}

TEST_F(KamailioLive, AnswersACallWithRingingEarlyMediaAndOk) {
  auto phone = w().phone("1001");
  auto call = w().call_in(*phone, "5000", "Subject: Jos\xe9\r\n");
  w().command({{"cmd", "ring"}, {"leg", call.leg}, {"code", 180}});
  const SipMessage ringing = phone->expect("180");
  ASSERT_TRUE(ringing.valid());
  w().command({{"cmd", "ring"}, {"leg", call.leg}, {"code", 183}, {"sdp", kSdp}});
  EXPECT_EQ(phone->expect("183").body, kSdp);
  w().command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kSdp}});
  const SipMessage ok = phone->expect("200");
  ASSERT_TRUE(ok.valid());
  EXPECT_EQ(ok.get("To"), ringing.get("To"));
  EXPECT_EQ(ok.body, kSdp);
  EXPECT_TRUE(phone->expect("200", 1500).valid()) << "the 200 is sent again until the ACK";
  call.dialog.remote = ok.get("To");
  call.dialog.target = parse_name_addr(ok.get("Contact"))->uri;
  phone->ack(call.dialog, call.dialog.cseq);
  EXPECT_EQ(w().event("confirmed")["leg"], call.leg);
  EXPECT_TRUE(phone->silent(1500)) << "and no more after it";
  w().command({{"cmd", "hangup"}, {"leg", call.leg}, {"q850", 16}});
  const SipMessage bye = phone->expect("BYE");
  ASSERT_TRUE(bye.valid());
  EXPECT_NE(bye.get("Reason").find("Q.850;cause=16"), std::string::npos);
  phone->reply(bye, 200);
  EXPECT_EQ(w().event("ended")["by"], "local");
}

TEST_F(KamailioLive, TellsWhoCallsAndWhatTheyDialed) {
  auto phone = w().phone("1001");
  PhoneDialog dialog;
  dialog.call_id = "who@phone";
  dialog.local =
      "\"B\xc3\xb6"
      "b\" <sip:spoofed@example.com>;tag=x1";
  dialog.remote = "<sip:5000@127.0.0.1>";
  dialog.target = phone->server_uri("5000");
  phone->request("INVITE", dialog.target, dialog, "X-Test: a\r\nX-Test: b\r\n", kSdp);
  auto challenge = best_challenge(phone->expect("407").headers);
  ASSERT_TRUE(challenge);
  phone->request("INVITE", dialog.target, dialog,
                 "X-Test: a\r\nX-Test: b\r\n" +
                     authorization(*challenge, {"1001", "pw-1001"}, "INVITE", dialog.target, "c0"),
                 kSdp);
  const Json incoming = w().event("incoming");
  EXPECT_EQ(incoming["auth_user"], "1001");
  EXPECT_EQ(incoming["from"]["user"], "spoofed");
  EXPECT_EQ(incoming["from"]["name"],
            "B\xc3\xb6"
            "b");
  EXPECT_EQ(incoming["dialed"], "5000");
  EXPECT_EQ(incoming["sdp"], kSdp);
  EXPECT_EQ(incoming["user_agent"], "phone");
  EXPECT_EQ(incoming["call_id"], "who@phone");
  int seen = 0;
  for (const Json& row : incoming["headers"]) {
    if (row[0] == "X-Test") ++seen;
    EXPECT_NE(row[0], "Authorization");
  }
  EXPECT_EQ(seen, 2);
  w().command({{"cmd", "reject"}, {"leg", incoming["leg"]}, {"code", 486}, {"q850", 17}});
  const SipMessage busy = phone->expect("486");
  EXPECT_NE(busy.get("Reason").find("cause=17"), std::string::npos);
  EXPECT_EQ(w().event("ended")["by"], "local");
}

TEST_F(KamailioLive, EndsACallThatTheCallerCancels) {
  auto phone = w().phone("1001");
  auto call = w().call_in(*phone, "5000");
  w().command({{"cmd", "ring"}, {"leg", call.leg}});
  ASSERT_TRUE(phone->expect("180").valid());
  phone->request("CANCEL", call.dialog.target, call.dialog, "", "", call.branch);
  EXPECT_TRUE(phone->expect("487", 3000).valid());
  const Json ended = w().event("ended");
  EXPECT_EQ(ended["by"], "remote");
  EXPECT_EQ(ended["code"], 487);
  w().command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kSdp}});
  EXPECT_TRUE(w().none("confirmed", 300));
}

TEST_F(KamailioLive, EndsOnceWhenTheAnswerCrossesTheCancel) {
  for (int i = 0; i < 10; ++i) {
    auto phone = w().phone("1001");
    auto call = w().call_in(*phone, "5000");
    phone->request("CANCEL", call.dialog.target, call.dialog, "", "", call.branch);
    w().command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kSdp}});
    const SipMessage final = phone->expect(i < 0 ? "" : "487", 700);
    if (final.valid()) {
      EXPECT_EQ(w().event("ended")["code"], 487);
      EXPECT_TRUE(w().none("ended", 100));
      continue;
    }
    // the 200 won: the caller has to acknowledge and hang up
    PhoneDialog dialog = call.dialog;
    const SipMessage ok = phone->expect("200", 4000);
    ASSERT_TRUE(ok.valid());
    dialog.remote = ok.get("To");
    dialog.target = parse_name_addr(ok.get("Contact"))->uri;
    phone->ack(dialog, dialog.cseq);
    phone->request("BYE", dialog.target, dialog);
    EXPECT_EQ(w().event("ended")["by"], "remote");
  }
}

TEST_F(KamailioLive, HearsTheCallerHangUpWithItsReason) {
  auto phone = w().phone("1001");
  auto call = w().answered_in(*phone, "5000");
  phone->request("BYE", call.dialog.target, call.dialog, "Reason: Q.850;cause=31;text=\"Normal\"\r\n");
  EXPECT_TRUE(phone->expect("200").valid());
  const Json ended = w().event("ended");
  EXPECT_EQ(ended["by"], "remote");
  EXPECT_EQ(ended["q850"], 31);
}

TEST_F(KamailioLive, PlacesACallAndHangsUp) {
  auto phone = w().phone("1002");
  const SipMessage invite = w().call_out(
      *phone, "out-1", {{"headers", Json::array({{"X-Job", "7"}, {"Via", "no"}, {"X-Evil", "a\r\nB: c"}})}});
  ASSERT_TRUE(invite.valid());
  EXPECT_NE(invite.get("From").find("\"Tür \\\"1\\\"\" <sip:5000@"), std::string::npos) << invite.get("From");
  EXPECT_EQ(invite.get("X-Job"), "7");
  EXPECT_EQ(invite.get("X-Tandem-From-Name"), "");
  EXPECT_EQ(invite.get("B"), "");
  EXPECT_EQ(invite.body, kSdp);
  phone->reply(invite, 180);
  EXPECT_EQ(w().event("progress")["code"], 180);
  phone->reply(invite, 183, "", kSdp);
  EXPECT_EQ(w().event("progress")["sdp"], kSdp);
  phone->reply(invite, 200, "", kSdp);
  const Json answered = w().event("answered");
  EXPECT_EQ(answered["leg"], "out-1");
  EXPECT_EQ(answered["sdp"], kSdp);
  EXPECT_TRUE(phone->expect("ACK").valid());
  w().command({{"cmd", "hangup"}, {"leg", "out-1"}, {"q850", 16}});
  const SipMessage bye = phone->expect("BYE");
  ASSERT_TRUE(bye.valid());
  EXPECT_NE(bye.get("To").find("tag=phone"), std::string::npos);
  phone->reply(bye, 200);
  EXPECT_EQ(w().event("ended")["by"], "local");
}

TEST_F(KamailioLive, CancelsTheLosersOfAParallelCall) {
  auto one = w().phone("1002"), two = w().phone("1003"), three = w().phone("1001");
  const SipMessage first = w().call_out(*one, "par-1"), second = w().call_out(*two, "par-2"),
                   third = w().call_out(*three, "par-3");
  one->reply(first, 180);
  two->reply(second, 180);
  three->reply(third, 200, "", kSdp);
  ASSERT_EQ(w().event("answered")["leg"], "par-3");
  for (const char* leg : {"par-1", "par-2"}) w().command({{"cmd", "hangup"}, {"leg", leg}, {"q850", 26}});
  for (auto* phone : {one.get(), two.get()}) {
    const SipMessage cancel = phone->expect("CANCEL");
    ASSERT_TRUE(cancel.valid());
    phone->reply(cancel, 200);
    phone->reply(phone == one.get() ? first : second, 487);
    EXPECT_TRUE(phone->expect("ACK").valid());
  }
  EXPECT_EQ(w().event("failed")["code"], 487);
  EXPECT_EQ(w().event("failed")["code"], 487);
  w().command({{"cmd", "hangup"}, {"leg", "par-3"}});
  EXPECT_TRUE(three->expect("BYE").valid());
  w().event("ended");
}

TEST_F(KamailioLive, HangsUpWhenTheAnswerCrossesItsCancel) {
  auto phone = w().phone("1002");
  const SipMessage invite = w().call_out(*phone, "cross-1");
  phone->reply(invite, 180);
  w().event("progress");
  w().command({{"cmd", "hangup"}, {"leg", "cross-1"}});
  const SipMessage cancel = phone->expect("CANCEL");
  ASSERT_TRUE(cancel.valid());
  phone->reply(invite, 200, "", kSdp);
  phone->reply(cancel, 200);
  EXPECT_TRUE(phone->expect("ACK").valid());
  const SipMessage bye = phone->expect("BYE");
  ASSERT_TRUE(bye.valid());
  phone->reply(bye, 200);
  EXPECT_EQ(w().event("failed")["code"], 487);
  EXPECT_TRUE(w().none("answered", 100));
}

TEST_F(KamailioLive, AnswersChallengesOfBothKindsAndHashes) {
  struct Row {
    int code;
    const char* header;
    const char* algorithm;
  };
  for (const Row& row : {Row{401, "WWW-Authenticate", "MD5"}, Row{407, "Proxy-Authenticate", "SHA-256"}}) {
    auto trunk = w().phone("trunk");
    const std::string leg = std::string("auth-") + row.algorithm;
    const SipMessage first = w().call_out(*trunk, leg, {{"auth", {{"user", "acc"}, {"password", "secret"}}}});
    ASSERT_TRUE(first.valid());
    trunk->reply(first, row.code,
                 std::string(row.header) +
                     ": Digest realm=\"trunk\", nonce=\"n1\", qop=\"auth\", algorithm=" + row.algorithm +
                     "\r\n");
    ASSERT_TRUE(trunk->expect("ACK").valid());
    const SipMessage second = trunk->expect("INVITE");
    ASSERT_TRUE(second.valid());
    EXPECT_EQ(second.get("Call-ID"), first.get("Call-ID"));
    const std::string sent = second.get(row.code == 401 ? "Authorization" : "Proxy-Authorization");
    const auto items = split_list(std::string_view(sent).substr(std::min<std::size_t>(7, sent.size())));
    std::string response, cnonce, uri;
    for (const std::string& item : items) {
      if (has_param(item, "response")) response = param(item, "response");
      if (has_param(item, "cnonce")) cnonce = param(item, "cnonce");
      if (has_param(item, "uri")) uri = param(item, "uri");
    }
    const auto algorithm =
        std::string(row.algorithm) == "MD5" ? DigestAlgorithm::md5 : DigestAlgorithm::sha256;
    const std::string ha1 = hex_digest(algorithm, "acc:trunk:secret"),
                      ha2 = hex_digest(algorithm, "INVITE:" + uri);
    EXPECT_EQ(response, hex_digest(algorithm, ha1 + ":n1:00000001:" + cnonce + ":auth:" + ha2));
    trunk->reply(second, 403);
    const Json failed = w().event("failed");
    EXPECT_EQ(failed["code"], 403);
    EXPECT_EQ(failed["q850"], 21);
  }
}

TEST_F(KamailioLive, FailsWithWhatTheFarSideSays) {
  auto phone = w().phone("1002");
  SipMessage invite = w().call_out(*phone, "fail-1");
  phone->reply(invite, 486, "Reason: Q.850;cause=34;text=\"full\"\r\n");
  Json failed = w().event("failed");
  EXPECT_EQ(failed["code"], 486);
  EXPECT_EQ(failed["q850"], 34);
  invite = w().call_out(*phone, "fail-2");
  phone->reply(invite, 302, "Contact: <sip:1003@127.0.0.1:5099>\r\n");
  failed = w().event("failed");
  EXPECT_EQ(failed["code"], 302);
  ASSERT_GE(failed["contacts"].size(), 1u);
  w().command({{"cmd", "invite"}, {"leg", "fail-3"}, {"uri", "tel:+4930"}, {"sdp", kSdp}});
  EXPECT_EQ(w().event("failed")["code"], 484);
  w().command({{"cmd", "invite"}, {"leg", "fail-4"}, {"uri", "sip:x@127.0.0.1:1"}, {"sdp", kSdp}});
  EXPECT_EQ(w().event("failed", 12000)["code"], 408) << "nobody there";
}

TEST_F(KamailioLive, ReoffersBothWays) {
  auto phone = w().phone("1001");
  auto call = w().answered_in(*phone, "5000");
  const std::string held = std::string(kSdp) + "a=sendonly\r\n";
  std::string other = held;
  other.replace(other.find("1 1 IN"), 6, "1 2 IN");
  phone->request("INVITE", call.dialog.target, call.dialog, "", other);
  Json offer = w().event("reoffer");
  EXPECT_EQ(offer["sdp"], other);
  EXPECT_FALSE(offer["refresh"].get<bool>());
  w().command({{"cmd", "reanswer"}, {"leg", call.leg}, {"sdp", kSdp}});
  EXPECT_EQ(phone->expect("200").body, kSdp);
  phone->ack(call.dialog, call.dialog.cseq);
  EXPECT_TRUE(phone->silent(700)) << "the ACK stops the 200";
  // without an offer: ours goes in the 200, theirs comes in the ACK
  phone->request("INVITE", call.dialog.target, call.dialog);
  offer = w().event("reoffer");
  EXPECT_EQ(offer["sdp"], "");
  w().command({{"cmd", "reanswer"}, {"leg", call.leg}, {"sdp", kSdp}});
  ASSERT_TRUE(phone->expect("200").valid());
  phone->ack(call.dialog, call.dialog.cseq, other);
  EXPECT_EQ(w().event("confirmed")["sdp"], other);
  // ours
  w().command({{"cmd", "reoffer"}, {"leg", call.leg}, {"sdp", held}});
  const SipMessage invite = phone->expect("INVITE");
  ASSERT_TRUE(invite.valid());
  EXPECT_EQ(invite.body, held);
  phone->reply(invite, 491);
  ASSERT_TRUE(phone->expect("ACK").valid());
  const SipMessage again = phone->expect("INVITE", 5000);
  ASSERT_TRUE(again.valid()) << "glare is tried again";
  phone->reply(again, 200, "", other);
  EXPECT_TRUE(phone->expect("ACK").valid());
  const Json reanswered = w().event("reanswered");
  EXPECT_EQ(reanswered["code"], 200);
  EXPECT_EQ(reanswered["sdp"], other);
  phone->request("BYE", call.dialog.target, call.dialog);
  EXPECT_TRUE(phone->expect("200").valid());
  EXPECT_EQ(w().event("ended")["by"], "remote");
}

TEST_F(KamailioLive, TakesADelayedOfferInTheAck) {
  auto phone = w().phone("1001");
  auto call = w().call_in(*phone, "5000", "", "");
  w().command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kSdp}});
  const SipMessage ok = phone->expect("200");
  ASSERT_EQ(ok.body, kSdp);
  call.dialog.remote = ok.get("To");
  call.dialog.target = parse_name_addr(ok.get("Contact"))->uri;
  phone->ack(call.dialog, call.dialog.cseq, kSdp);
  EXPECT_EQ(w().event("confirmed")["sdp"], kSdp);
  w().command({{"cmd", "hangup"}, {"leg", call.leg}});
  EXPECT_TRUE(phone->expect("BYE").valid());
  w().event("ended");
}

TEST_F(KamailioLive, RefersBothWays) {
  auto phone = w().phone("1001");
  auto call = w().answered_in(*phone, "5000");
  phone->request(
      "REFER", call.dialog.target, call.dialog,
      "Refer-To: <sip:1002@127.0.0.1?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\nReferred-By: "
      "<sip:1001@h>\r\n");
  const Json refer = w().event("refer");
  EXPECT_EQ(refer["user"], "1002");
  EXPECT_EQ(refer["refer_to"], "sip:1002@127.0.0.1");
  EXPECT_EQ(refer["replaces"], "abc@x;to-tag=1;from-tag=2");
  w().command({{"cmd", "refer_reply"}, {"leg", call.leg}, {"code", 202}});
  ASSERT_TRUE(phone->expect("202").valid());
  SipMessage notify = phone->expect("NOTIFY");
  ASSERT_TRUE(notify.valid());
  EXPECT_EQ(notify.body, "SIP/2.0 100 Trying\r\n");
  EXPECT_EQ(notify.get("Event"), "refer");
  phone->reply(notify, 200);
  w().command({{"cmd", "refer_notify"}, {"leg", call.leg}, {"code", 200}, {"reason", "OK"}, {"final", true}});
  notify = phone->expect("NOTIFY");
  EXPECT_EQ(notify.body, "SIP/2.0 200 OK\r\n");
  EXPECT_NE(notify.get("Subscription-State").find("terminated"), std::string::npos);
  phone->reply(notify, 200);
  // ours
  w().command({{"cmd", "refer"},
               {"leg", call.leg},
               {"to", "sip:1003@127.0.0.1"},
               {"replaces", "id@h;to-tag=a;from-tag=b"}});
  const SipMessage sent = phone->expect("REFER");
  ASSERT_TRUE(sent.valid());
  EXPECT_EQ(sent.get("Refer-To"), "<sip:1003@127.0.0.1?Replaces=id%40h%3Bto-tag%3Da%3Bfrom-tag%3Db>");
  phone->reply(sent, 202);
  phone->request("NOTIFY", call.dialog.target, call.dialog,
                 "Event: refer\r\nSubscription-State: active\r\nContent-Type: message/sipfrag\r\n",
                 "SIP/2.0 180 Ringing\r\n");
  EXPECT_TRUE(phone->expect("200").valid());
  Json progress = w().event("refer_progress");
  EXPECT_EQ(progress["code"], 180);
  EXPECT_FALSE(progress["final"].get<bool>());
  phone->request(
      "NOTIFY", call.dialog.target, call.dialog,
      "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag\r\n",
      "SIP/2.0 200 OK\r\n");
  progress = w().event("refer_progress");
  EXPECT_EQ(progress["code"], 200);
  EXPECT_TRUE(progress["final"].get<bool>());
  phone->request("BYE", call.dialog.target, call.dialog);
  w().event("ended");
}

TEST_F(KamailioLive, CarriesInfoDigitsAndOptionsInTheDialog) {
  auto phone = w().phone("1001");
  auto call = w().answered_in(*phone, "5000");
  phone->request("INFO", call.dialog.target, call.dialog, "Content-Type: application/dtmf-relay\r\n",
                 "Signal=5\r\nDuration=200\r\n");
  EXPECT_TRUE(phone->expect("200").valid());
  const Json dtmf = w().event("dtmf");
  EXPECT_EQ(dtmf["digit"], "5");
  EXPECT_EQ(dtmf["duration_ms"], 200);
  phone->request("INFO", call.dialog.target, call.dialog, "Content-Type: text/x\r\n", "hello");
  EXPECT_EQ(w().event("info")["body"], "hello");
  EXPECT_TRUE(phone->expect("200").valid());
  w().command(
      {{"cmd", "info"}, {"leg", call.leg}, {"ctype", "application/dtmf-relay"}, {"body", "Signal=1\r\n"}});
  const SipMessage info = phone->expect("INFO");
  EXPECT_EQ(info.body, "Signal=1\r\n");
  phone->reply(info, 200);
  phone->request("OPTIONS", call.dialog.target, call.dialog);
  EXPECT_NE(phone->expect("200").get("Allow").find("REFER"), std::string::npos);
  phone->request("PRACK", call.dialog.target, call.dialog);
  EXPECT_TRUE(phone->expect("405").valid());
  phone->request("BYE", call.dialog.target, call.dialog);
  w().event("ended");
  phone->request("INFO", call.dialog.target, call.dialog);
  EXPECT_TRUE(phone->expect("481").valid());
  PhoneDialog alone;
  phone->request("OPTIONS", phone->server_uri(""), alone);
  EXPECT_TRUE(phone->expect("200").valid());
}

TEST_F(KamailioLive, CarriesTextsBothWays) {
  auto phone = w().phone("1002");
  ASSERT_EQ(phone->register_with("pw-1002").code(), 200);
  PhoneDialog dialog;
  phone->request("MESSAGE", phone->server_uri("1003"), dialog, "Content-Type: text/plain\r\n", "hi");
  auto challenge = best_challenge(phone->expect("407").headers);
  ASSERT_TRUE(challenge) << "a text needs digest as well";
  phone->request("MESSAGE", phone->server_uri("1003"), dialog,
                 "Content-Type: text/plain\r\n" +
                     authorization(*challenge, {"1002", "pw-1002"}, "MESSAGE", dialog.target, "c0"),
                 "hi");
  const Json message = w().event("message");
  EXPECT_EQ(message["dialed"], "1003");
  EXPECT_EQ(message["auth_user"], "1002");
  EXPECT_EQ(message["body"], "hi");
  w().command({{"cmd", "message_reply"}, {"id", message["id"]}, {"code", 202}});
  EXPECT_TRUE(phone->expect("202").valid());
  w().command({{"cmd", "message"},
               {"id", "t1"},
               {"to", "1002"},
               {"from", {{"user", "1001"}, {"name", "Ann"}}},
               {"ctype", "text/plain"},
               {"body", "hello"}});
  const SipMessage text = phone->expect("MESSAGE");
  ASSERT_TRUE(text.valid());
  EXPECT_EQ(text.body, "hello");
  EXPECT_NE(text.get("From").find("\"Ann\" <sip:1001@"), std::string::npos);
  phone->reply(text, 200);
  const Json sent = w().event("message_sent");
  EXPECT_EQ(sent["id"], "t1");
  EXPECT_EQ(sent["code"], 200);
  w().command({{"cmd", "message"}, {"id", "t2"}, {"to", "nobody"}, {"from", "1001"}, {"body", "x"}});
  EXPECT_EQ(w().event("message_sent")["code"], 404);
}

TEST_F(KamailioLive, TellsWaitingMessagesToSubscribersAndToTheRegistered) {
  auto asked = w().phone("1001"), silent = w().phone("1001");
  ASSERT_EQ(asked->register_with("pw-1001").code(), 200);
  ASSERT_EQ(silent->register_with("pw-1001").code(), 200);
  PhoneDialog dialog;
  const SipMessage ok = asked->authenticated("SUBSCRIBE", asked->server_uri("1001"), dialog, "pw-1001",
                                             "Event: message-summary\r\nExpires: 600\r\n");
  ASSERT_EQ(ok.code(), 200);
  const Json subscribed = w().event("subscribed");
  EXPECT_EQ(subscribed["user"], "1001");
  EXPECT_EQ(subscribed["expires"], 600);
  w().command({{"cmd", "mwi"}, {"user", "1001"}, {"new", 2}, {"old", 1}});
  const SipMessage notify = asked->expect("NOTIFY");
  ASSERT_TRUE(notify.valid());
  EXPECT_NE(notify.body.find("Messages-Waiting: yes"), std::string::npos);
  EXPECT_NE(notify.body.find("Voice-Message: 2/1 (0/0)"), std::string::npos);
  EXPECT_NE(notify.get("Subscription-State").find("active"), std::string::npos);
  asked->reply(notify, 200);
  const SipMessage unasked = silent->expect("NOTIFY");
  ASSERT_TRUE(unasked.valid());
  EXPECT_NE(unasked.body.find("Voice-Message: 2/1"), std::string::npos);
  silent->reply(unasked, 200);
  EXPECT_FALSE(asked->expect("NOTIFY", 500).valid()) << "one is enough";
}

TEST_F(KamailioLive, SpeaksTcpAndIpv6AndWebSocketForCallsThatComeIn) {
  struct Row {
    Wire wire;
    const char* address;
  };
  for (const Row& row : {Row{Wire::tcp, "127.0.0.1"}, Row{Wire::ws, "127.0.0.1"}, Row{Wire::udp, "::1"},
                         Row{Wire::tcp, "::1"}}) {
    SCOPED_TRACE(std::string(row.address) + " wire " + std::to_string(static_cast<int>(row.wire)));
    auto phone = w().phone("1001", row.wire, row.address);
    if (phone->port() == 0) continue;  // no IPv6 here
    EXPECT_EQ(phone->register_with("pw-1001").code(), 200);
    auto call = w().answered_in(*phone, "5000");
    w().command({{"cmd", "hangup"}, {"leg", call.leg}});
    const SipMessage bye = phone->expect("BYE");
    ASSERT_TRUE(bye.valid());
    phone->reply(bye, 200);
    EXPECT_EQ(w().event("ended")["by"], "local");
    auto again = w().answered_in(*phone, "5000");
    phone->request("BYE", again.dialog.target, again.dialog);
    EXPECT_TRUE(phone->expect("200").valid());
    EXPECT_EQ(w().event("ended")["by"], "remote");
  }
}

TEST_F(KamailioLive, PlacesCallsOverTcpAndIpv6) {
  struct Row {
    Wire wire;
    const char* address;
  };
  int leg = 0;
  for (const Row& row : {Row{Wire::tcp, "127.0.0.1"}, Row{Wire::udp, "::1"}}) {
    auto phone = w().phone("1002", row.wire, row.address);
    ASSERT_EQ(phone->register_with("pw-1002").code(), 200);
    w().command({{"cmd", "lookup"}, {"id", "t"}, {"user", "1002"}});
    Json contact;
    const Json found = w().event("contacts");
    for (const Json& c : found["contacts"]) {
      if (c["uri"] == phone->contact()) contact = c;
    }
    ASSERT_FALSE(contact.is_null());
    const std::string name = "tcp6-" + std::to_string(++leg);
    w().command({{"cmd", "invite"}, {"leg", name}, {"contact", contact}, {"sdp", kSdp}});
    const SipMessage invite = phone->expect("INVITE");
    ASSERT_TRUE(invite.valid());
    phone->reply(invite, 200, "", kSdp);
    EXPECT_TRUE(phone->expect("ACK").valid());
    EXPECT_EQ(w().event("answered")["leg"], name);
    PhoneDialog dialog = phone->answer_dialog(invite, phone->local_tag);
    phone->request("BYE", dialog.target, dialog);
    EXPECT_TRUE(phone->expect("200").valid());
    EXPECT_EQ(w().event("ended")["by"], "remote");
  }
}

// ---- with a world of their own

TEST(KamailioLiveRestart, KeepsCallsOverARestartOfKamailio) {
  LiveWorld w;
  if (w.missing()) GTEST_SKIP() << w.trouble();
  ASSERT_EQ(w.trouble(), "");
  auto phone = w.phone("1001"), other = w.phone("1002"), third = w.phone("1003");
  ASSERT_EQ(phone->register_with("pw-1001").code(), 200);
  auto in = w.answered_in(*phone, "5000");
  auto in2 = w.answered_in(*phone, "5001");
  const SipMessage invite = w.call_out(*other, "out");
  other->reply(invite, 200, "", kSdp);
  ASSERT_FALSE(w.event("answered").is_null());
  EXPECT_TRUE(other->expect("ACK").valid());
  const SipMessage ringing = w.call_out(*third, "ringing");
  third->reply(ringing, 180);
  ASSERT_FALSE(w.event("progress").is_null());
  w.kill_kamailio();
  // hung up while the link is down: told at once, sent when it is back
  w.command({{"cmd", "hangup"}, {"leg", in2.leg}});
  EXPECT_EQ(w.event("ended")["leg"], in2.leg);
  ASSERT_FALSE(w.event("up", 15000).is_null());
  const Json failed = w.event("failed");
  EXPECT_EQ(failed["leg"], "ringing");
  EXPECT_EQ(failed["code"], 503);
  const SipMessage kept = phone->expect("BYE");
  ASSERT_TRUE(kept.valid());
  phone->reply(kept, 200);
  // both sides of what lives can still hang up
  w.command({{"cmd", "hangup"}, {"leg", in.leg}});
  const SipMessage bye = phone->expect("BYE");
  ASSERT_TRUE(bye.valid());
  phone->reply(bye, 200);
  EXPECT_EQ(w.event("ended")["by"], "local");
  PhoneDialog dialog = other->answer_dialog(invite, other->local_tag);
  other->request("BYE", dialog.target, dialog);
  EXPECT_TRUE(other->expect("200").valid());
  EXPECT_EQ(w.event("ended")["by"], "remote");
  // registrations and passwords are there again
  w.command({{"cmd", "lookup"}, {"id", "r"}, {"user", "1001"}});
  EXPECT_EQ(w.event("contacts")["contacts"].size(), 1u);
  EXPECT_EQ(phone->register_with("pw-1001").code(), 200);
  // the phone that went on ringing answers now: its call is released
  third->reply(ringing, 200, "", kSdp);
  EXPECT_TRUE(third->expect("ACK").valid());
  EXPECT_TRUE(third->expect("BYE").valid());
}

// Another Tandem's Kamailio: started by the test, found by the plugin in external mode.
TEST(KamailioLiveRestart, IsRefusedWith503WhileTandemIsGoneAndWorksWithin2sOfItsReturn) {
  LiveWorld managed;
  if (managed.missing()) GTEST_SKIP() << managed.trouble();
  ASSERT_EQ(managed.trouble(), "");
  managed.stop_plugin();  // its files stay, with link port and token
  LiveWorld w(managed.state_dir, managed.port, managed.ws_port);
  auto phone = w.phone("1001");
  w.host.run_until([&] { return phone->port() != 0; }, 1000);
  const auto refused = [&] {
    PhoneDialog dialog;
    phone->request("INVITE", phone->server_uri("5000"), dialog, "", kSdp);
    const SipMessage answer = phone->expect("503", 3000);
    EXPECT_NE(answer.get("Retry-After"), "");
    return answer.valid();
  };
  w.host.run_for(1500);
  EXPECT_TRUE(refused());
  EXPECT_EQ(phone->register_with("pw-1001").code(), 503) << "nobody is known yet";
  w.start_plugin();
  ASSERT_EQ(w.trouble(), "");
  auto call = w.answered_in(*phone, "5000");
  w.stop_plugin();
  EXPECT_TRUE(phone->expect("BYE").valid());
  EXPECT_TRUE(refused());
  EXPECT_EQ(phone->register_with("pw-1001").code(), 200) << "the users are known: registering goes on";
  const auto before = std::chrono::steady_clock::now();
  w.start_plugin();
  auto again = w.answered_in(*phone, "5000");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  w.command({{"cmd", "hangup"}, {"leg", again.leg}});
  EXPECT_TRUE(phone->expect("BYE").valid());
}

TEST(KamailioLiveRestart, ReleasesAllAndEndsKamailioOnStop) {
  LiveWorld w;
  if (w.missing()) GTEST_SKIP() << w.trouble();
  ASSERT_EQ(w.trouble(), "");
  auto phone = w.phone("1001");
  auto call = w.answered_in(*phone, "5000");
  auto ringing = w.call_in(*phone, "5001");
  const int pid = w.kamailio_pid();
  w.stop_plugin();
  EXPECT_NE(::kill(pid, 0), 0) << "Kamailio outlived its master";
  EXPECT_NE(::kill(-pid, 0), 0) << "children of Kamailio outlived it";
}

}  // namespace
}  // namespace tandem::kamailio::testing
