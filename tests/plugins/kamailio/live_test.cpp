// The plugin with a real Kamailio and phones under the test's hand: registrations and calls, in and out, over
// every transport. Each wait has a deadline. Skipped where Kamailio is not installed.
#include <gtest/gtest.h>

#include "kamailio/digest.hpp"
#include "tests/plugins/kamailio/live_world.hpp"

namespace tandem::kamailio::testing {
namespace {

class KamailioLive : public LiveTest {};

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

// A storm of phones after a power cut: the workers write into the same file of registrations at the same
// time.
TEST_F(KamailioLive, RegistersAStormOfPhonesAtOnce) {
  constexpr int kPhones = 120;
  Json users = Json::array();
  const auto add = [&](const std::string& user) {
    users.push_back({{"user", user},
                     {"ha1", hex_digest(DigestAlgorithm::md5, user + ":tandem:pw-" + user)},
                     {"realm", "tandem"}});
  };
  for (const char* user : {"1001", "1002", "1003"}) add(user);
  for (int i = 0; i < kPhones; ++i) add(std::to_string(2000 + i));
  w().command({{"cmd", "users"}, {"users", users}});
  struct Registering {
    std::unique_ptr<Phone> phone;
    PhoneDialog dialog;
    std::string auth;
  };
  std::vector<Registering> phones;
  for (int i = 0; i < kPhones; ++i) {
    const std::string user = std::to_string(2000 + i);
    Registering one{w().phone(user), {}, ""};
    one.dialog = one.phone->registration();
    one.phone->request("REGISTER", one.dialog.target, one.dialog);
    const SipMessage answer = one.phone->expect("401");
    auto challenge = best_challenge(answer.headers);
    ASSERT_TRUE(challenge) << one.phone->came();
    one.auth = authorization(*challenge, {user, "pw-" + user}, "REGISTER", one.dialog.target, "c0ffee");
    phones.push_back(std::move(one));
  }
  for (Registering& one : phones) {
    one.phone->request("REGISTER", one.dialog.target, one.dialog, "Expires: 300\r\n" + one.auth);
  }
  for (Registering& one : phones) {
    ASSERT_TRUE(one.phone->expect("200").valid()) << one.phone->contact() << " got " << one.phone->came();
  }
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
    const SipMessage final = phone->final_answer();
    if (final.code() == 487) {
      EXPECT_EQ(w().event("ended")["code"], 487);
      EXPECT_TRUE(w().none("ended", 100));
      continue;
    }
    // the 200 won: the caller has to acknowledge and hang up
    PhoneDialog dialog = call.dialog;
    ASSERT_EQ(final.code(), 200) << phone->came();
    dialog.remote = final.get("To");
    dialog.target = parse_name_addr(final.get("Contact"))->uri;
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

}  // namespace
}  // namespace tandem::kamailio::testing
