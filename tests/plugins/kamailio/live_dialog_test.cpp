// The plugin with a real Kamailio and phones under the test's hand: what happens within a call, texts and
// message waiting. Each wait has a deadline. Skipped where Kamailio is not installed.
#include <gtest/gtest.h>

#include "kamailio/digest.hpp"
#include "tests/plugins/kamailio/live_world.hpp"

namespace tandem::kamailio::testing {
namespace {

class KamailioLiveDialog : public LiveTest {};

TEST_F(KamailioLiveDialog, ReoffersBothWays) {
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

TEST_F(KamailioLiveDialog, TakesADelayedOfferInTheAck) {
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

TEST_F(KamailioLiveDialog, RefersBothWays) {
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

TEST_F(KamailioLiveDialog, CarriesInfoDigitsAndOptionsInTheDialog) {
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

TEST_F(KamailioLiveDialog, CarriesTextsBothWays) {
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

TEST_F(KamailioLiveDialog, TellsWaitingMessagesToSubscribersAndToTheRegistered) {
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

}  // namespace
}  // namespace tandem::kamailio::testing
