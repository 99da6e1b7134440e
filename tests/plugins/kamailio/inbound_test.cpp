// Calls that come in, on a counted clock: answers, CANCEL and its races, the missing ACK, hanging up.
#include "tests/plugins/kamailio/machine.hpp"

namespace tandem::kamailio::testing {
namespace {

TEST(Inbound, TellsTheCallAndAnswersWithOneTag) {
  Machine m;
  WireEvent invite = m.invite();
  invite.headers = {{"User-Agent", "box"}, {"Replaces", "x;to-tag=1;from-tag=2"}};
  m.wire(invite);
  const Json in = m.take_event("incoming");
  EXPECT_EQ(in["from"]["user"], "1001");
  EXPECT_EQ(in["from"]["name"], "Ann");
  EXPECT_EQ(in["dialed"], "5000");
  EXPECT_EQ(in["auth_user"], "1001");
  EXPECT_EQ(in["sdp"], kOffer);
  EXPECT_EQ(in["replaces"], "x;to-tag=1;from-tag=2");
  m.command({{"cmd", "ring"}, {"leg", in["leg"]}, {"code", 183}, {"sdp", kOffer}});
  m.command({{"cmd", "accept"}, {"leg", in["leg"]}, {"sdp", kOffer}});
  const SipReply ring = m.take_reply(), ok = m.take_reply();
  EXPECT_EQ(ring.code, 183);
  EXPECT_EQ(ring.body, kOffer);
  EXPECT_EQ(ok.code, 200);
  EXPECT_EQ(ok.to_tag, ring.to_tag);
  EXPECT_EQ(line(ok.headers, "Contact"), "<sip:tandem@192.0.2.1:5060>");
}

TEST(Inbound, IgnoresTheSameInviteTwiceAndRefusesAMergedOne) {
  Machine m;
  m.wire(m.invite());
  m.take_event("incoming");
  m.wire(m.invite());
  EXPECT_TRUE(m.quiet());
  WireEvent merged = m.invite();
  merged.tid = "9:other";
  m.wire(merged);
  EXPECT_EQ(m.take_reply().code, 482);
}

TEST(Inbound, RefusesWhatItCannotServe) {
  struct Row {
    const char* why;
    HeaderList headers;
    const char* ctype;
    int code;
  };
  const Row rows[] = {
      {"an extension that must be known", {{"Require", "100rel"}}, "application/sdp", 420},
      {"a body that is no SDP", {}, "text/html", 415},
      {"a session interval below ours",
       {{"Supported", "timer"}, {"Session-Expires", "60"}},
       "application/sdp",
       422},
  };
  for (const Row& row : rows) {
    Machine m;
    WireEvent invite = m.invite();
    invite.headers = row.headers;
    invite.ctype = row.ctype;
    m.wire(invite);
    EXPECT_EQ(m.take_reply().code, row.code) << row.why;
    EXPECT_TRUE(m.events.empty());
  }
  Machine m;
  WireEvent garbled = m.invite();
  garbled.from = "<sip:broken";
  m.wire(garbled);
  EXPECT_EQ(m.take_reply().code, 400);
}

TEST(Inbound, FindsTheSdpInAMultipartBody) {
  Machine m;
  WireEvent invite = m.invite();
  invite.ctype = "multipart/mixed;boundary=\"b1\"";
  invite.body =
      "--b1\r\nContent-Type: application/isup\r\n\r\nxx\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n" +
      kOffer + "\r\n--b1--\r\n";
  m.wire(invite);
  EXPECT_EQ(m.take_event("incoming")["sdp"], kOffer);
}

TEST(Inbound, EndsAfter32SecondsWithoutAck) {
  Machine m;
  const auto call = m.incoming();
  m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
  m.forget();
  m.advance(31.9);
  EXPECT_TRUE(m.quiet());
  m.advance(0.2);
  const Json ended = m.take_event("ended");
  EXPECT_EQ(ended["by"], "timer");
  EXPECT_EQ(ended["code"], 408);
  EXPECT_EQ(ended["q850"], 102);
  EXPECT_EQ(m.take_request("BYE").call_id, "call-1");
  m.advance(120);
  EXPECT_EQ(m.endpoint.dialogs(), 0u);
  EXPECT_TRUE(m.quiet());
}

TEST(Inbound, CancelBeforeTheAnswerEndsOnce) {
  Machine m;
  const auto call = m.incoming();
  WireEvent cancel = m.invite();
  cancel.kind = WireKind::cancel;
  cancel.headers = {{"Reason", "SIP;cause=200;text=\"Call completed elsewhere\""}};
  m.wire(cancel);
  m.wire(cancel);
  const Json ended = m.take_event("ended");
  EXPECT_EQ(ended["by"], "remote");
  EXPECT_EQ(ended["code"], 487);
  EXPECT_EQ(ended["reason"], "Call completed elsewhere");
  EXPECT_TRUE(m.quiet());
  m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
  m.command({{"cmd", "hangup"}, {"leg", call.leg}});
  EXPECT_TRUE(m.quiet()) << "commands for a leg that is gone are ignored";
}

// The two orders in which CANCEL and the fate of our 200 become known.
TEST(Inbound, TheAnswerThatLostAgainstACancelEndsTheCall) {
  for (const bool cancel_first : {true, false}) {
    Machine m;
    const auto call = m.incoming();
    WireEvent cancel = m.invite();
    cancel.kind = WireKind::cancel;
    m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
    if (cancel_first) m.wire(cancel);
    m.endpoint.on_reply_result(m.now, call.invite.tid, 200, false);
    if (!cancel_first) m.wire(cancel);
    EXPECT_EQ(m.take_event("ended")["code"], 487);
    EXPECT_TRUE(m.events.empty());
    EXPECT_TRUE(m.requests.empty());
  }
}

TEST(Inbound, TheAnswerThatWonAgainstACancelStands) {
  for (const bool cancel_first : {true, false}) {
    Machine m;
    const auto call = m.incoming();
    WireEvent cancel = m.invite();
    cancel.kind = WireKind::cancel;
    m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
    if (cancel_first) m.wire(cancel);
    m.endpoint.on_reply_result(m.now, call.invite.tid, 200, true);
    if (!cancel_first) m.wire(cancel);
    EXPECT_TRUE(m.events.empty());
    m.wire(m.in_dialog(call.invite, call.tag, "ACK", 10));
    EXPECT_FALSE(m.take_event("confirmed").is_null());
    m.wire(m.in_dialog(call.invite, call.tag, "BYE", 11));
    EXPECT_EQ(m.take_event("ended")["by"], "remote");
  }
}

TEST(Inbound, HangsUpByTheStateOfTheCall) {
  struct Row {
    int q850, code;
  };
  for (const Row& row : {Row{17, 486}, Row{16, 480}, Row{21, 603}, Row{1, 404}, Row{34, 503}, Row{99, 480}}) {
    Machine m;
    const auto call = m.incoming();
    m.command({{"cmd", "hangup"}, {"leg", call.leg}, {"q850", row.q850}});
    EXPECT_EQ(m.take_reply().code, row.code);
    EXPECT_EQ(m.take_event("ended")["by"], "local");
  }
  Machine m;
  const auto call = m.incoming();
  m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
  m.command({{"cmd", "hangup"}, {"leg", call.leg}});
  EXPECT_EQ(m.take_event("ended")["by"], "local");
  EXPECT_TRUE(m.requests.empty()) << "no BYE before the ACK (RFC 3261 section 15)";
  m.wire(m.in_dialog(call.invite, call.tag, "ACK", 10));
  EXPECT_EQ(m.take_request("BYE").method, "BYE");
  EXPECT_TRUE(m.events.empty());
}

TEST(Inbound, RedirectsAndRejectsWithHeaders) {
  Machine m;
  auto call = m.incoming("a");
  m.command({{"cmd", "redirect"}, {"leg", call.leg}, {"uri", "sip:9@192.0.2.5"}});
  SipReply reply = m.take_reply();
  EXPECT_EQ(reply.code, 302);
  EXPECT_EQ(line(reply.headers, "Contact"), "<sip:9@192.0.2.5>");
  call = m.incoming("b");
  m.command(
      {{"cmd", "reject"},
       {"leg", call.leg},
       {"code", 480},
       {"q850", 20},
       {"headers", Json::array({{"Retry-After", "9"}, {"Bad\r\nName", "x"}, {"X-A", "1\r\nEvil: 2"}})}});
  reply = m.take_reply();
  EXPECT_EQ(line(reply.headers, "Retry-After"), "9");
  EXPECT_EQ(line(reply.headers, "X-A"), "1  Evil: 2");
  EXPECT_EQ(line(reply.headers, "Reason"), "Q.850;cause=20;text=\"Subscriber absent\"");
}

TEST(Inbound, RequestsFollowTheRouteSetInOrder) {
  Machine m;
  WireEvent invite = m.invite();
  invite.record_route = {"<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"};
  m.wire(invite);
  const std::string leg = m.take_event("incoming")["leg"];
  m.command({{"cmd", "accept"}, {"leg", leg}, {"sdp", kOffer}});
  const std::string tag = m.take_reply().to_tag;
  m.wire(m.in_dialog(invite, tag, "ACK", 10));
  m.command({{"cmd", "hangup"}, {"leg", leg}});
  const SipRequest bye = m.take_request("BYE");
  EXPECT_EQ(bye.nexthop, "sip:p1.example.com;lr");
  EXPECT_LT(bye.headers.find("p1.example.com"), bye.headers.find("p2.example.com"));
  EXPECT_EQ(bye.ruri, "sip:1001@192.0.2.9:5062");
  EXPECT_NE(bye.headers.find("To: \"Ann\" <sip:1001@example.com>;tag=them\r\n"), std::string::npos);
}

TEST(Inbound, RequestsToANatedPhoneGoWhereItSendsFrom) {
  Machine m;
  WireEvent invite = m.invite();
  invite.nat = true;
  invite.src = "tcp:198.51.100.7:40000";
  invite.contact = "<sip:1001@10.0.0.4:5060;transport=tcp>";
  m.wire(invite);
  const std::string leg = m.take_event("incoming")["leg"];
  m.command({{"cmd", "accept"}, {"leg", leg}, {"sdp", kOffer}});
  const std::string tag = m.take_reply().to_tag;
  m.wire(m.in_dialog(invite, tag, "ACK", 10));
  m.command({{"cmd", "hangup"}, {"leg", leg}});
  const SipRequest bye = m.take_request("BYE");
  EXPECT_EQ(bye.nexthop, "sip:198.51.100.7:40000;transport=tcp");
  EXPECT_EQ(bye.ruri, "sip:1001@10.0.0.4:5060;transport=tcp");
}

TEST(Inbound, ByeBeforeTheAckEventAndByeTwiceEndOnce) {
  Machine m;
  const auto call = m.incoming();
  m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
  m.forget();
  WireEvent bye = m.in_dialog(call.invite, call.tag, "BYE", 11);
  bye.headers = {{"Reason", "Q.850;cause=31"}};
  m.wire(bye);
  m.wire(m.in_dialog(call.invite, call.tag, "ACK", 10));
  m.wire(bye);
  const Json ended = m.take_event("ended");
  EXPECT_EQ(ended["q850"], 31);
  EXPECT_TRUE(m.events.empty());
  EXPECT_EQ(m.replies.size(), 2u) << "each BYE is answered";
  EXPECT_EQ(m.replies[1].code, 200);
}

TEST(Inbound, AByeInTheEarlyDialogAnswersTheInviteToo) {
  Machine m;
  const auto call = m.incoming();
  m.wire(m.in_dialog(call.invite, call.tag, "BYE", 11));
  EXPECT_EQ(m.take_reply().code, 200);
  const SipReply invite = m.take_reply();
  EXPECT_EQ(invite.code, 487);
  EXPECT_EQ(invite.tid, call.invite.tid);
}

TEST(Inbound, ADelayedOfferWantsItsAnswerInTheAck) {
  for (const bool with_answer : {true, false}) {
    Machine m;
    const auto call = m.incoming("d", "");
    m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
    m.forget();
    WireEvent ack = m.in_dialog(call.invite, call.tag, "ACK", 10);
    if (with_answer) {
      ack.ctype = "application/sdp";
      ack.body = kOffer2;
    }
    m.wire(ack);
    if (with_answer) {
      EXPECT_EQ(m.take_event("confirmed")["sdp"], kOffer2);
    } else {
      EXPECT_EQ(m.take_event("ended")["code"], 488);
      EXPECT_EQ(m.take_request("BYE").method, "BYE");
    }
  }
}

TEST(Inbound, AnswersForeignDialogsWith481) {
  Machine m;
  const auto call = m.answered();
  WireEvent stranger = m.in_dialog(call.invite, call.tag, "BYE", 11);
  stranger.from_tag = "somebody";
  m.wire(stranger);
  EXPECT_EQ(m.take_reply().code, 481);
  WireEvent unknown = m.in_dialog(call.invite, "nobody", "INFO", 12);
  m.wire(unknown);
  EXPECT_EQ(m.take_reply().code, 481);
  EXPECT_TRUE(m.events.empty());
}

TEST(Inbound, NamesTheLegThatAReplacesHeaderMeans) {
  Machine m;
  const auto first = m.answered("first");
  WireEvent invite = m.invite("second");
  invite.from_tag = "other";
  invite.headers = {{"Replaces", "first;to-tag=" + first.tag + ";from-tag=them"}};
  m.wire(invite);
  EXPECT_EQ(m.take_event("incoming")["replaces_leg"], first.leg);
}

}  // namespace
}  // namespace tandem::kamailio::testing
