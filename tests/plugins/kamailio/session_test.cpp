// Re-offers, glare and session timers of either side, on a counted clock.
#include "tests/plugins/kamailio/machine.hpp"

namespace tandem::kamailio::testing {
namespace {

WireEvent with_sdp(WireEvent e, const std::string& sdp) {
  e.ctype = "application/sdp";
  e.body = sdp;
  return e;
}

TEST(Session, AnswersAReofferAndWaitsForItsAck) {
  Machine m;
  const auto call = m.answered();
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 11), kOffer2));
  const Json offer = m.take_event("reoffer");
  EXPECT_EQ(offer["sdp"], kOffer2);
  EXPECT_EQ(offer["refresh"], false);
  m.command({{"cmd", "reanswer"}, {"leg", call.leg}, {"sdp", kOffer}});
  const SipReply ok = m.take_reply();
  EXPECT_EQ(ok.code, 200);
  EXPECT_EQ(ok.to_tag, call.tag);
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 12), kOffer2));
  EXPECT_EQ(m.take_reply().code, 500) << "not before the ACK";
  m.wire(m.in_dialog(call.invite, call.tag, "ACK", 11));
  m.advance(40);
  EXPECT_TRUE(m.events.empty());
}

TEST(Session, EndsWhenTheAckOfAReofferIsMissing) {
  Machine m;
  const auto call = m.answered();
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 11), kOffer2));
  m.command({{"cmd", "reanswer"}, {"leg", call.leg}, {"sdp", kOffer}});
  m.forget();
  m.advance(33);
  EXPECT_EQ(m.take_event("ended")["code"], 408);
  EXPECT_EQ(m.take_request("BYE").method, "BYE");
}

TEST(Session, RefusesAReofferThatTheCallSideRefuses) {
  Machine m;
  const auto call = m.answered();
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 11), kOffer2));
  m.command({{"cmd", "reanswer"}, {"leg", call.leg}, {"code", 488}});
  EXPECT_EQ(m.take_reply().code, 488);
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 12), kOffer2));
  EXPECT_EQ(m.events.size(), 2u) << "the next one is served";
}

TEST(Session, ARefreshThatNobodyAnswersIsAnsweredWithTheOldSdp) {
  Machine m;
  const auto call = m.answered();
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 11), kOffer));
  EXPECT_EQ(m.take_event("reoffer")["refresh"], true);
  m.advance(21);
  const SipReply ok = m.take_reply();
  EXPECT_EQ(ok.code, 200);
  EXPECT_EQ(ok.body, kOffer);
}

TEST(Session, AnEmptyUpdateIsAnsweredAtOnceAndOneWithSdpIsAReoffer) {
  Machine m;
  const auto call = m.answered();
  m.wire(m.in_dialog(call.invite, call.tag, "UPDATE", 11));
  EXPECT_EQ(m.take_reply().code, 200);
  EXPECT_TRUE(m.events.empty());
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "UPDATE", 12), kOffer2));
  EXPECT_EQ(m.take_event("reoffer")["sdp"], kOffer2);
  m.command({{"cmd", "reanswer"}, {"leg", call.leg}, {"sdp", kOffer}});
  EXPECT_EQ(m.take_reply().code, 200);
  m.advance(40);
  EXPECT_TRUE(m.events.empty()) << "no ACK is awaited";
}

TEST(Session, GlareIsTriedAgainByTheRulesOfBothOwners) {
  struct Row {
    bool ours;
    double least, most;
  };
  for (const Row& row : {Row{true, 2.1, 4.0}, Row{false, 0.0, 2.0}}) {
    Machine m;
    std::string leg = "out", tag;
    if (row.ours) {
      m.established();
    } else {
      leg = m.answered().leg;
    }
    m.command({{"cmd", "reoffer"}, {"leg", leg}, {"sdp", kOffer2}});
    m.wire(Machine::answer(m.take_request("INVITE"), 491));
    m.advance(row.least - 0.005 > 0 ? row.least - 0.005 : 0);
    EXPECT_TRUE(m.requests.empty());
    m.advance(row.most - row.least + 0.01);
    const SipRequest again = m.take_request("INVITE");
    EXPECT_EQ(again.body, kOffer2);
    m.wire(Machine::answer(again, 200, "far", kOffer));
    const Json reanswered = m.take_event("reanswered");
    EXPECT_EQ(reanswered["code"], 200);
    EXPECT_EQ(reanswered["sdp"], kOffer);
    EXPECT_TRUE(m.events.empty()) << "491 is not told";
  }
}

TEST(Session, GlareWithoutEndIsToldAtLast) {
  Machine m;
  m.established();
  m.command({{"cmd", "reoffer"}, {"leg", "out"}, {"sdp", kOffer2}});
  int sent = 0;
  for (SipRequest r = m.take_request("INVITE"); !r.method.empty() && sent < 50;
       r = m.take_request("INVITE")) {
    ++sent;
    m.wire(Machine::answer(r, 491));
    m.advance(5);
  }
  EXPECT_EQ(sent, 7);
  EXPECT_EQ(m.take_event("reanswered")["code"], 491);
}

TEST(Session, TheirReofferDuringOursIsGlare) {
  Machine m;
  const auto call = m.answered();
  m.command({{"cmd", "reoffer"}, {"leg", call.leg}, {"sdp", kOffer2}});
  m.forget();
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 11), kOffer2));
  EXPECT_EQ(m.take_reply().code, 491);
}

TEST(Session, OurReofferWaitsForTheirsAndOnlyTheLastIsSent) {
  Machine m;
  const auto call = m.answered();
  m.wire(with_sdp(m.in_dialog(call.invite, call.tag, "INVITE", 11), kOffer2));
  m.command({{"cmd", "reoffer"}, {"leg", call.leg}, {"sdp", "v=0\r\no=- 1 5\r\n"}});
  m.command({{"cmd", "reoffer"}, {"leg", call.leg}, {"sdp", kOffer2}});
  m.command({{"cmd", "reanswer"}, {"leg", call.leg}, {"sdp", kOffer}});
  EXPECT_TRUE(m.requests.empty());
  m.wire(m.in_dialog(call.invite, call.tag, "ACK", 11));
  EXPECT_EQ(m.take_request("INVITE").body, kOffer2);
  EXPECT_TRUE(m.requests.empty());
}

TEST(Session, ADialogThatIsGoneFarAwayEndsHereToo) {
  for (const int code : {481, 408}) {
    Machine m;
    m.established();
    m.command({{"cmd", "reoffer"}, {"leg", "out"}, {"sdp", kOffer2}});
    m.wire(Machine::answer(m.take_request("INVITE"), code));
    EXPECT_EQ(m.take_event("reanswered")["code"], code);
    EXPECT_EQ(m.take_event("ended")["by"], "remote");
    EXPECT_EQ(m.take_request("BYE").method, "BYE");
  }
}

// ---- RFC 4028

TEST(SessionTimer, AnswersWithWhatTheCallerAsksFor) {
  struct Row {
    const char* why;
    HeaderList headers;
    const char* expires;
    const char* require;
  };
  const Row rows[] = {
      {"nothing asked, nothing known: we refresh", {}, "1800;refresher=uas", ""},
      {"timer known: they refresh", {{"Supported", "timer"}}, "1800;refresher=uac", "timer"},
      {"shorter",
       {{"Supported", "timer"}, {"Session-Expires", "600;refresher=uac"}},
       "600;refresher=uac",
       "timer"},
      {"longer than ours",
       {{"Supported", "timer"}, {"Session-Expires", "7200"}},
       "1800;refresher=uac",
       "timer"},
      {"but not below their least",
       {{"Supported", "timer"}, {"Session-Expires", "7200"}, {"Min-SE", "3600"}},
       "3600;refresher=uac",
       "timer"},
      {"they want us to", {{"Supported", "timer"}, {"x", "600;refresher=uas"}}, "600;refresher=uas", ""},
  };
  for (const Row& row : rows) {
    Machine m;
    WireEvent invite = m.invite();
    invite.headers = row.headers;
    m.wire(invite);
    m.command({{"cmd", "accept"}, {"leg", m.take_event("incoming")["leg"]}, {"sdp", kOffer}});
    const SipReply ok = m.take_reply();
    EXPECT_EQ(line(ok.headers, "Session-Expires"), row.expires) << row.why;
    EXPECT_EQ(line(ok.headers, "Require"), row.require) << row.why;
  }
}

TEST(SessionTimer, IsNotAskedForWhenSwitchedOff) {
  Machine m({"Tandem", "", 0});
  EXPECT_EQ(line(m.placed().headers, "Session-Expires"), "");
  const auto call = m.answered();
  m.advance(100000);
  EXPECT_TRUE(m.quiet());
  EXPECT_EQ(m.endpoint.dialogs(), 2u);
}

TEST(SessionTimer, EndsTheCallOfACallerThatStopsRefreshing) {
  Machine m;
  WireEvent invite = m.invite();
  invite.headers = {{"Supported", "timer"}, {"Session-Expires", "90;refresher=uac"}};
  m.wire(invite);
  const std::string leg = m.take_event("incoming")["leg"];
  m.command({{"cmd", "accept"}, {"leg", leg}, {"sdp", kOffer}});
  const std::string tag = m.take_reply().to_tag;
  m.wire(m.in_dialog(invite, tag, "ACK", 10));
  m.forget();
  m.advance(50);
  WireEvent refresh = m.in_dialog(invite, tag, "UPDATE", 11);
  refresh.headers = invite.headers;
  m.wire(refresh);
  EXPECT_EQ(line(m.take_reply().headers, "Session-Expires"), "90;refresher=uac");
  m.advance(59.9);  // 90 less a third
  EXPECT_TRUE(m.quiet());
  m.advance(0.2);
  const Json ended = m.take_event("ended");
  EXPECT_EQ(ended["by"], "timer");
  EXPECT_EQ(m.take_request("BYE").method, "BYE");
}

TEST(SessionTimer, RefreshesAtHalfTimeByUpdateOrReinvite) {
  for (const bool knows_update : {true, false}) {
    Machine m;
    HeaderList headers = {{"Session-Expires", "200;refresher=uac"}, {"Supported", "timer"}};
    if (knows_update) headers.emplace_back("Allow", "INVITE, UPDATE");
    m.established("out", headers);
    m.advance(99.9);
    EXPECT_TRUE(m.quiet());
    m.advance(0.2);
    const SipRequest refresh = m.take_request(knows_update ? "UPDATE" : "INVITE");
    ASSERT_FALSE(refresh.method.empty());
    EXPECT_EQ(refresh.body, knows_update ? "" : kOffer);
    EXPECT_EQ(line(refresh.headers, "Session-Expires"), "200;refresher=uac");
    WireEvent ok = Machine::answer(refresh, 200, "far", knows_update ? "" : kOffer);
    ok.headers = headers;
    m.wire(ok);
    EXPECT_TRUE(m.events.empty()) << "a refresh is nobody's business";
    m.advance(100.1);
    EXPECT_EQ(m.requests.size(), 1u) << "and again";
  }
}

TEST(SessionTimer, TellsOfARefreshWhoseAnswerChangedTheSession) {
  Machine m;
  m.established("out", {{"Session-Expires", "200;refresher=uac"}});
  m.advance(101);
  WireEvent ok = Machine::answer(m.take_request("INVITE"), 200, "far", kOffer2);
  ok.headers = {{"Session-Expires", "200;refresher=uac"}};
  m.wire(ok);
  EXPECT_EQ(m.take_event("reanswered")["sdp"], kOffer2);
}

TEST(SessionTimer, EndsACallWhoseRefreshFails) {
  for (const int code : {408, 481}) {
    Machine m;
    m.established("out", {{"Session-Expires", "200;refresher=uac"}});
    m.advance(101);
    WireEvent failed = Machine::answer(m.take_request("INVITE"), code);
    failed.kind = WireKind::timeout;
    m.wire(failed);
    EXPECT_EQ(m.take_event("ended")["by"], "timer");
    EXPECT_EQ(m.take_request("BYE").method, "BYE");
  }
  Machine m;
  m.established("out", {{"Session-Expires", "200;refresher=uac"}});
  m.advance(101);
  m.forget();
  m.advance(100);  // no answer at all
  EXPECT_EQ(m.take_event("ended")["by"], "timer");
}

TEST(SessionTimer, LeavesRefreshingToTheFarSideThatAsksForIt) {
  Machine m;
  m.established("out", {{"Session-Expires", "300;refresher=uas"}, {"Require", "timer"}});
  m.advance(267);
  EXPECT_TRUE(m.quiet());
  m.advance(2);
  EXPECT_EQ(m.take_event("ended")["by"], "timer");
}

TEST(SessionTimer, FallsBackToReinviteWhenUpdateIsNotTaken) {
  Machine m;
  m.established("out", {{"Session-Expires", "200;refresher=uac"}, {"Allow", "UPDATE"}});
  m.advance(101);
  m.wire(Machine::answer(m.take_request("UPDATE"), 405));
  EXPECT_EQ(m.take_request("INVITE").body, kOffer);
}

}  // namespace
}  // namespace tandem::kamailio::testing
