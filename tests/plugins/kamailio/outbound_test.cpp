// Calls that go out, on a counted clock: answers, forks, CANCEL and its race, challenges, refusals.
#include "kamailio/digest.hpp"
#include "tests/plugins/kamailio/machine.hpp"

namespace tandem::kamailio::testing {
namespace {

TEST(Outbound, PlacesACallWithEverythingThatItsDialogNeeds) {
  Machine m;
  const SipRequest invite = m.placed("out", {{"from", {{"user", "5000"}, {"name", "Ann \"A\"\r\nX: y"}}},
                                             {"call_id", "mine@here"},
                                             {"headers", Json::array({{"X-A", "1"}, {"CSeq", "7 BAD"}})}});
  EXPECT_EQ(invite.ruri, "sip:2000@192.0.2.77");
  EXPECT_EQ(invite.call_id, "mine@here");
  EXPECT_EQ(invite.socket, "udp:192.0.2.1:5060");
  EXPECT_EQ(line(invite.headers, "Contact"), "<sip:tandem@192.0.2.1:5060>");
  EXPECT_EQ(line(invite.headers, "From"), "<sip:5000@192.0.2.1>;tag=" + invite.from_tag);
  EXPECT_EQ(line(invite.headers, "X-Tandem-From-Name"), "Ann \\\"A\\\"  X: y");
  EXPECT_EQ(line(invite.headers, "X-A"), "1");
  EXPECT_EQ(line(invite.headers, "CSeq"), std::to_string(invite.cseq) + " INVITE");
  EXPECT_EQ(line(invite.headers, "Session-Expires"), "1800");
  EXPECT_EQ(line(invite.headers, "Min-SE"), "90");
  EXPECT_EQ(invite.body, kOffer);
}

TEST(Outbound, ARegisteredContactIsCalledByItsSourcePathAndSocket) {
  Machine m;
  const Json contact = {{"uri", "sip:1002@10.0.0.4:5060"},
                        {"received", "sip:198.51.100.7:40000"},
                        {"socket", "udp:192.0.2.3:5060"}};
  m.command({{"cmd", "invite"}, {"leg", "n"}, {"contact", contact}, {"sdp", kOffer}});
  SipRequest invite = m.take_request("INVITE");
  EXPECT_EQ(invite.ruri, "sip:1002@10.0.0.4:5060");
  EXPECT_EQ(invite.nexthop, "sip:198.51.100.7:40000");
  EXPECT_EQ(invite.socket, "udp:192.0.2.3:5060");
  EXPECT_EQ(line(invite.headers, "Contact"), "<sip:tandem@192.0.2.3:5060>");
  m.wire(Machine::answer(invite, 200, "far", kOffer));
  m.command({{"cmd", "hangup"}, {"leg", "n"}});
  EXPECT_EQ(m.take_request("BYE").nexthop, "sip:198.51.100.7:40000") << "and so are the requests that follow";
  Json with_path = contact;
  with_path["path"] = "<sip:edge.example.com;lr>,<sip:edge2.example.com;lr>";
  m.command({{"cmd", "invite"}, {"leg", "p"}, {"contact", with_path}, {"sdp", kOffer}});
  invite = m.take_request("INVITE");
  EXPECT_EQ(invite.nexthop, "sip:edge.example.com;lr");
  EXPECT_NE(invite.headers.find("Route: <sip:edge.example.com;lr>\r\nRoute: <sip:edge2.example.com;lr>"),
            std::string::npos);
}

TEST(Outbound, AWebSocketContactNeedsNoSocket) {
  Machine m;
  const Json contact = {{"uri", "sip:x@df7.invalid;transport=ws"},
                        {"received", "sip:127.0.0.1:40000;transport=ws"},
                        {"socket", "tcp:127.0.0.1:5066"}};
  m.command({{"cmd", "invite"}, {"leg", "ws"}, {"contact", contact}, {"sdp", kOffer}});
  const SipRequest invite = m.take_request("INVITE");
  EXPECT_EQ(invite.socket, "");
  EXPECT_EQ(line(invite.headers, "Contact"), "<sip:tandem@127.0.0.1:5066;transport=ws>");
}

TEST(Outbound, FollowsTheRouteSetReversed) {
  Machine m;
  const SipRequest invite = m.placed();
  WireEvent ok = Machine::answer(invite, 200, "far", kOffer);
  ok.record_route = {"<sip:p2;lr>", "<sip:p1;lr>"};
  m.wire(ok);
  m.command({{"cmd", "hangup"}, {"leg", "out"}});
  const SipRequest bye = m.take_request("BYE");
  EXPECT_EQ(bye.nexthop, "sip:p1;lr");
  EXPECT_NE(bye.headers.find("Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"), std::string::npos);
  EXPECT_EQ(bye.ruri, "sip:far@192.0.2.77:5070");
  EXPECT_EQ(bye.cseq, invite.cseq + 1);
}

TEST(Outbound, TellsProgressAndTheAnswerOnce) {
  Machine m;
  const SipRequest invite = m.placed();
  m.wire(Machine::answer(invite, 180));
  EXPECT_EQ(m.take_event("progress")["code"], 180);
  m.wire(Machine::answer(invite, 183, "far", kOffer2));
  EXPECT_EQ(m.take_event("progress")["sdp"], kOffer2);
  m.wire(Machine::answer(invite, 200, "far", kOffer));
  m.wire(Machine::answer(invite, 200, "far", kOffer));  // sent again
  m.wire(Machine::answer(invite, 180));                 // overtaken
  const Json answered = m.take_event("answered");
  EXPECT_EQ(answered["sdp"], kOffer);
  EXPECT_EQ(answered["contact"], "sip:far@192.0.2.77:5070");
  EXPECT_TRUE(m.quiet());
}

TEST(Outbound, TakesTheSdpOfTheProgressWhenTheAnswerHasNone) {
  Machine m;
  const SipRequest invite = m.placed();
  m.wire(Machine::answer(invite, 183, "far", kOffer2));
  m.wire(Machine::answer(invite, 200));
  EXPECT_EQ(m.take_event("answered")["sdp"], kOffer2);
  const SipRequest none = m.placed("none");
  m.wire(Machine::answer(none, 200));
  EXPECT_EQ(m.take_event("failed")["code"], 488);
  EXPECT_EQ(m.take_request("BYE").method, "BYE");
}

TEST(Outbound, ReleasesTheSecondForkThatAnswers) {
  Machine m;
  const SipRequest invite = m.placed();
  m.wire(Machine::answer(invite, 200, "one", kOffer));
  m.forget();
  WireEvent second = Machine::answer(invite, 200, "two", kOffer);
  second.contact = "<sip:second@192.0.2.88>";
  m.wire(second);
  const SipRequest ack = m.take_request("ACK"), bye = m.take_request("BYE");
  EXPECT_EQ(ack.ruri, "sip:second@192.0.2.88");
  EXPECT_EQ(line(ack.headers, "CSeq"), std::to_string(invite.cseq) + " ACK");
  EXPECT_NE(line(ack.headers, "To").find(";tag=two"), std::string::npos);
  EXPECT_EQ(bye.ruri, "sip:second@192.0.2.88");
  EXPECT_NE(line(bye.headers, "To").find(";tag=two"), std::string::npos);
  EXPECT_TRUE(m.events.empty());
  m.command({{"cmd", "hangup"}, {"leg", "out"}});
  EXPECT_NE(line(m.take_request("BYE").headers, "To").find(";tag=one"), std::string::npos)
      << "the first call lives";
}

TEST(Outbound, CancelsAndFailsWith487) {
  Machine m;
  const SipRequest invite = m.placed();
  m.wire(Machine::answer(invite, 180));
  m.forget();
  m.command({{"cmd", "hangup"}, {"leg", "out"}, {"q850", 26}});
  m.command({{"cmd", "hangup"}, {"leg", "out"}});
  ASSERT_EQ(m.cancels.size(), 1u);
  EXPECT_EQ(m.cancels[0], std::pair(invite.call_id, invite.cseq));
  m.wire(Machine::answer(invite, 487));
  const Json failed = m.take_event("failed");
  EXPECT_EQ(failed["code"], 487);
  EXPECT_EQ(failed["q850"], 26);
}

TEST(Outbound, AnAnswerThatCrossedTheCancelIsHungUp) {
  Machine m;
  const SipRequest invite = m.placed();
  m.command({{"cmd", "hangup"}, {"leg", "out"}});
  m.forget();
  m.wire(Machine::answer(invite, 200, "far", kOffer));
  EXPECT_EQ(m.take_request("BYE").ruri, "sip:far@192.0.2.77:5070");
  EXPECT_EQ(m.take_event("failed")["code"], 487);
  m.wire(Machine::answer(invite, 200, "far", kOffer));
  EXPECT_TRUE(m.quiet());
}

TEST(Outbound, ACancelWithoutAnyFinalAnswerEndsAfterTenSeconds) {
  Machine m;
  m.placed();
  m.command({{"cmd", "hangup"}, {"leg", "out"}});
  m.advance(9.9);
  EXPECT_TRUE(m.events.empty());
  m.advance(0.2);
  EXPECT_EQ(m.take_event("failed")["code"], 487);
}

TEST(Outbound, AnswersAChallengeOnceAndFailsOnTheSameNonce) {
  Machine m;
  const Json auth = {{"auth", {{"user", "acc"}, {"password", "secret"}}}};
  const SipRequest first = m.placed("out", auth);
  WireEvent challenge = Machine::answer(first, 407);
  challenge.headers = {{"Proxy-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\""}};
  m.wire(challenge);
  const SipRequest second = m.take_request("INVITE");
  EXPECT_EQ(second.cseq, first.cseq + 1);
  EXPECT_EQ(second.call_id, first.call_id);
  EXPECT_EQ(second.from_tag, first.from_tag);
  EXPECT_NE(line(second.headers, "Proxy-Authorization").find("nc=00000001"), std::string::npos);
  m.wire(challenge);  // the same event again changes nothing
  EXPECT_TRUE(m.quiet());
  WireEvent again = Machine::answer(second, 407);
  again.headers = challenge.headers;
  m.wire(again);
  EXPECT_EQ(m.take_event("failed")["code"], 407);
}

TEST(Outbound, AStaleNonceIsTriedWithTheNewOne) {
  Machine m;
  const SipRequest first = m.placed("out", {{"auth", {{"user", "acc"}, {"password", "secret"}}}});
  WireEvent challenge = Machine::answer(first, 401);
  challenge.headers = {{"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""}};
  m.wire(challenge);
  const SipRequest second = m.take_request("INVITE");
  WireEvent stale = Machine::answer(second, 401);
  stale.headers = {{"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n2\", stale=TRUE, qop=\"auth\""}};
  m.wire(stale);
  const SipRequest third = m.take_request("INVITE");
  EXPECT_NE(line(third.headers, "Authorization").find("nonce=\"n2\""), std::string::npos);
  // within the dialog the nonce goes on counting
  m.wire(Machine::answer(third, 200, "far", kOffer));
  m.command({{"cmd", "hangup"}, {"leg", "out"}});
  EXPECT_NE(line(m.take_request("BYE").headers, "Authorization").find("nc=00000002"), std::string::npos);
}

TEST(Outbound, ARequestWithinTheDialogAnswersItsChallenge) {
  Machine m;
  const SipRequest invite = m.placed("out", {{"auth", {{"user", "acc"}, {"password", "secret"}}}});
  m.wire(Machine::answer(invite, 200, "far", kOffer));
  m.command({{"cmd", "hangup"}, {"leg", "out"}});
  const SipRequest bye = m.take_request("BYE");
  WireEvent challenge = Machine::answer(bye, 401);
  challenge.headers = {{"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\""}};
  m.wire(challenge);
  const SipRequest again = m.take_request("BYE");
  EXPECT_EQ(again.cseq, bye.cseq + 1);
  EXPECT_NE(line(again.headers, "Authorization").find("response="), std::string::npos);
}

TEST(Outbound, FailsAsTheFarSideSays) {
  struct Row {
    int code;
    HeaderList headers;
    int q850;
  };
  const Row rows[] = {{486, {}, 17},  {404, {}, 1},  {603, {}, 21}, {480, {{"Reason", "Q.850;cause=19"}}, 19},
                      {408, {}, 102}, {503, {}, 41}, {418, {}, 127}};
  for (const Row& row : rows) {
    Machine m;
    WireEvent reply = Machine::answer(m.placed(), row.code);
    reply.headers = row.headers;
    reply.reason = "Says";
    m.wire(reply);
    m.wire(reply);
    const Json failed = m.take_event("failed");
    EXPECT_EQ(failed["code"], row.code);
    EXPECT_EQ(failed["q850"], row.q850);
    EXPECT_EQ(failed["reason"], "Says");
    EXPECT_TRUE(m.quiet());
  }
}

TEST(Outbound, ARedirectNamesItsContacts) {
  Machine m;
  WireEvent reply = Machine::answer(m.placed(), 302);
  reply.headers = {{"Contact", "<sip:a@h>;q=0.9, \"B, b\" <sip:b@h>"}};
  m.wire(reply);
  EXPECT_EQ(m.take_event("failed")["contacts"], Json({"sip:a@h", "sip:b@h"}));
}

TEST(Outbound, TriesAgainWithTheIntervalThatIsAskedFor) {
  Machine m;
  const SipRequest first = m.placed();
  WireEvent small = Machine::answer(first, 422);
  small.headers = {{"Min-SE", "3600"}};
  m.wire(small);
  const SipRequest second = m.take_request("INVITE");
  EXPECT_EQ(line(second.headers, "Session-Expires"), "3600");
  EXPECT_EQ(line(second.headers, "Min-SE"), "3600");
}

TEST(Outbound, ATimeOutFails) {
  Machine m;
  WireEvent gone = Machine::answer(m.placed(), 408);
  gone.kind = WireKind::timeout;
  m.wire(gone);
  EXPECT_EQ(m.take_event("failed")["code"], 408);
}

TEST(Outbound, ReleasesAnAnswerThatNobodyKnows) {
  Machine m;
  WireEvent stray = Machine::answer(m.placed(), 200, "ghost", kOffer);
  stray.call_id = "forgotten";
  stray.src = "udp:192.0.2.77:5070";
  m.wire(stray);
  EXPECT_EQ(m.take_request("ACK").call_id, "forgotten");
  EXPECT_EQ(m.take_request("BYE").call_id, "forgotten");
  for (int i = 0; i < 1000; ++i) m.wire(stray);
  EXPECT_LE(m.requests.size(), 40u) << "a flood of them is not answered with a flood";
}

TEST(Outbound, RefusesMalformedCommandsAndNamesUnreachableTargets) {
  Machine m;
  const Json bad[] = {
      {{"cmd", "invite"}, {"leg", "x"}, {"uri", "sip:a@b"}},  // no SDP
      {{"cmd", "invite"}, {"leg", 7}, {"uri", "sip:a@b"}, {"sdp", kOffer}},
      {{"cmd", "invite"}, {"uri", "sip:a@b"}, {"sdp", kOffer}},
      {{"cmd", "invite"}, {"leg", "x"}, {"uri", "sip:a@b"}, {"sdp", kOffer}, {"headers", "no"}},
      {{"cmd", "invite"}, {"leg", "x"}, {"uri", "sip:a@b"}, {"sdp", kOffer}, {"from", {{"user", 1}}}},
      {{"cmd", "accept"}, {"leg", "x"}},
      {{"cmd", "dance"}, {"leg", "x"}},
      {{"cmd", 5}},
      Json::array({1}),
      Json(nullptr),
      {{"cmd", "hangup"}, {"leg", "x"}, {"q850", "16"}},
      {{"cmd", "refer"}, {"leg", "x"}, {"to", "sip:a@b\r\nX: y"}},
  };
  for (const Json& command : bad) EXPECT_FALSE(m.command(command)) << command;
  EXPECT_TRUE(m.quiet());
  for (const char* uri : {"tel:+49", "sip:a b@h", "", "sip:a@h\r\nX: y", "http://x"}) {
    EXPECT_TRUE(m.command({{"cmd", "invite"}, {"leg", "x"}, {"uri", uri}, {"sdp", kOffer}}));
    EXPECT_EQ(m.take_event("failed")["code"], 484) << uri;
  }
  EXPECT_TRUE(m.command({{"cmd", "hangup"}, {"leg", "gone"}})) << "a leg that is gone is no error";
}

}  // namespace
}  // namespace tandem::kamailio::testing
