// What is not one call's INVITE: referral, INFO, texts, message waiting, the link going and coming, stopping.
#include "tests/plugins/kamailio/machine.hpp"

namespace tandem::kamailio::testing {
namespace {

TEST(Referral, ServesARefer) {
  Machine m;
  const auto call = m.answered(), other = m.answered("other");
  WireEvent refer = m.in_dialog(call.invite, call.tag, "REFER", 11);
  refer.headers = {
      {"Refer-To", "<sip:2000@h?X=1&Replaces=other%3Bto-tag%3D" + other.tag + "%3Bfrom-tag%3Dthem>"},
      {"Referred-By", "<sip:1001@h>"}};
  m.wire(refer);
  const Json event = m.take_event("refer");
  EXPECT_EQ(event["refer_to"], "sip:2000@h");
  EXPECT_EQ(event["user"], "2000");
  EXPECT_EQ(event["replaces"], "other;to-tag=" + other.tag + ";from-tag=them");
  EXPECT_EQ(event["replaces_leg"], other.leg);
  EXPECT_EQ(event["referred_by"], "<sip:1001@h>");
  m.command({{"cmd", "refer_reply"}, {"leg", call.leg}});
  EXPECT_EQ(m.take_reply().code, 202);
  EXPECT_EQ(m.take_request("NOTIFY").body, "SIP/2.0 100 Trying\r\n");
  m.command({{"cmd", "refer_notify"}, {"leg", call.leg}, {"code", 180}});
  SipRequest notify = m.take_request("NOTIFY");
  EXPECT_EQ(notify.body, "SIP/2.0 180 Ringing\r\n");
  EXPECT_EQ(line(notify.headers, "Event"), "refer");
  m.command(
      {{"cmd", "refer_notify"}, {"leg", call.leg}, {"code", 486}, {"reason", "a\r\nb"}, {"final", true}});
  notify = m.take_request("NOTIFY");
  EXPECT_EQ(notify.body, "SIP/2.0 486 a  b\r\n");
  m.command({{"cmd", "refer_notify"}, {"leg", call.leg}, {"code", 200}, {"final", true}});
  EXPECT_TRUE(m.quiet()) << "nothing after the last one";
}

TEST(Referral, RefusesWhatIsNoReferAndWhatComesTwice) {
  Machine m;
  const auto call = m.answered();
  WireEvent refer = m.in_dialog(call.invite, call.tag, "REFER", 11);
  m.wire(refer);
  EXPECT_EQ(m.take_reply().code, 400);
  refer.headers = {{"Refer-To", "sip:2000@h"}};
  m.wire(refer);
  EXPECT_EQ(m.take_event("refer")["replaces"], "");
  m.wire(refer);
  EXPECT_EQ(m.take_reply().code, 491);
  m.advance(11);
  EXPECT_EQ(m.take_reply().code, 500) << "nobody decided";
  WireEvent alone = refer;
  alone.to_tag.clear();
  m.wire(alone);
  EXPECT_EQ(m.take_reply().code, 403);
}

TEST(Referral, TellsHowOurReferGoes) {
  Machine m;
  const auto call = m.answered();
  m.command({{"cmd", "refer"}, {"leg", call.leg}, {"to", "sip:3000@h"}});
  m.wire(Machine::answer(m.take_request("REFER"), 603));
  Json progress = m.take_event("refer_progress");
  EXPECT_EQ(progress["code"], 603);
  EXPECT_EQ(progress["final"], true);
  m.command({{"cmd", "refer"}, {"leg", call.leg}, {"to", "sip:3000@h"}});
  m.wire(Machine::answer(m.take_request("REFER"), 202));
  WireEvent notify = m.in_dialog(call.invite, call.tag, "NOTIFY", 11);
  notify.headers = {{"Event", "refer;id=2"}, {"Subscription-State", "terminated;reason=timeout"}};
  notify.body = "garbage";
  m.wire(notify);
  progress = m.take_event("refer_progress");
  EXPECT_EQ(progress["code"], 500);
  EXPECT_EQ(progress["final"], true);
  notify.headers = {{"Event", "dialog"}};
  m.forget();
  m.wire(notify);
  EXPECT_EQ(m.take_reply().code, 489);
}

TEST(Info, GivesDigitsOfBothBodies) {
  struct Row {
    const char *type, *body, *digit;
    int ms;
  };
  const Row rows[] = {
      {"application/dtmf-relay", "Signal=5\r\nDuration=250\r\n", "5", 250},
      {"application/dtmf-relay", "Signal= *\nDuration= 100", "*", 100},
      {"application/DTMF-relay;x=1", "signal=#\r\n", "#", 160},
      {"application/dtmf-relay", "Signal=11\r\nDuration=99999999\r\n", "#", 10000},
      {"application/dtmf-relay", "Signal=a\r\nDuration=1\r\n", "A", 40},
      {"application/dtmf", "7", "7", 160},
      {"application/dtmf", " 10\r\n", "*", 160},
  };
  for (const Row& row : rows) {
    Machine m;
    const auto call = m.answered();
    WireEvent info = m.in_dialog(call.invite, call.tag, "INFO", 11);
    info.ctype = row.type;
    info.body = row.body;
    m.wire(info);
    const Json dtmf = m.take_event("dtmf");
    EXPECT_EQ(dtmf["digit"], row.digit) << row.body;
    EXPECT_EQ(dtmf["duration_ms"], row.ms) << row.body;
    EXPECT_EQ(m.take_reply().code, 200);
  }
  Machine m;
  const auto call = m.answered();
  WireEvent info = m.in_dialog(call.invite, call.tag, "INFO", 11);
  info.ctype = "application/dtmf-relay";
  info.body = "Signal=hello\r\n";
  m.wire(info);
  EXPECT_TRUE(m.events.empty());
}

TEST(Texts, AreAnsweredByTheCallSideOrWith500) {
  Machine m;
  WireEvent text = m.invite("m1");
  text.method = "MESSAGE";
  text.body = "hi";
  text.ctype = "text/plain";
  m.wire(text);
  const Json message = m.take_event("message");
  EXPECT_EQ(message["body"], "hi");
  m.command({{"cmd", "message_reply"}, {"id", message["id"]}, {"code", 202}});
  m.command({{"cmd", "message_reply"}, {"id", message["id"]}, {"code", 202}});
  EXPECT_EQ(m.take_reply().code, 202);
  text.call_id = "m2";
  m.wire(text);
  m.advance(16);
  EXPECT_EQ(m.take_reply().code, 500);
}

TEST(Texts, GoToEveryContactAndTheFirstSuccessCounts) {
  Machine m;
  m.command({{"cmd", "message"}, {"id", "t"}, {"to", "1001"}, {"from", "1002"}, {"body", "x"}});
  ASSERT_EQ(m.lookups.size(), 1u);
  m.endpoint.on_contacts(
      m.now, m.lookups[0].second,
      {{"sip:a@192.0.2.4", "", "", "", "", -1, 60}, {"sip:b@192.0.2.5", "", "", "", "", -1, 60}});
  const SipRequest one = m.take_request("MESSAGE"), two = m.take_request("MESSAGE");
  EXPECT_EQ(one.body, "x");
  m.wire(Machine::answer(one, 486));
  EXPECT_TRUE(m.events.empty());
  m.wire(Machine::answer(two, 200));
  EXPECT_EQ(m.take_event("message_sent")["code"], 200);
  m.command({{"cmd", "message"}, {"id", "u"}, {"to", "sip:c@192.0.2.6"}, {"from", "1002"}, {"body", "x"}});
  m.advance(41);
  EXPECT_EQ(m.take_event("message_sent")["code"], 408);
}

TEST(MessageWaiting, NotifiesSubscriptionsUntilTheyEnd) {
  Machine m;
  WireEvent subscribe = m.invite("s1", "");
  subscribe.method = "SUBSCRIBE";
  subscribe.headers = {{"Event", "message-summary"}, {"Expires", "120"}};
  m.wire(subscribe);
  const SipReply ok = m.take_reply();
  EXPECT_EQ(ok.code, 200);
  EXPECT_EQ(line(ok.headers, "Expires"), "120");
  EXPECT_EQ(m.take_event("subscribed")["user"], "1001");
  m.command({{"cmd", "mwi"}, {"user", "1001"}, {"new", 3}, {"old", 4}});
  const SipRequest notify = m.take_request("NOTIFY");
  EXPECT_NE(notify.body.find("Messages-Waiting: yes\r\n"), std::string::npos);
  EXPECT_NE(notify.body.find("Voice-Message: 3/4 (0/0)"), std::string::npos);
  EXPECT_EQ(line(notify.headers, "Subscription-State"), "active;expires=120");
  m.endpoint.on_contacts(
      m.now, m.lookups.at(0).second,
      {{"sip:1001@192.0.2.9:5062", "", "", "", "", -1, 60}, {"sip:1001@192.0.2.10", "", "", "", "", -1, 60}});
  EXPECT_EQ(m.take_request("NOTIFY").ruri, "sip:1001@192.0.2.10") << "not again to the one that asked";
  EXPECT_TRUE(m.requests.empty());
  m.wire(Machine::answer(notify, 481));
  EXPECT_EQ(m.endpoint.subscriptions(), 0u);
  m.wire(subscribe);
  m.advance(121);
  EXPECT_EQ(m.endpoint.subscriptions(), 0u);
  WireEvent refresh = subscribe;
  refresh.to_tag = ok.to_tag;
  m.forget();
  m.wire(refresh);
  EXPECT_EQ(m.take_reply().code, 481) << "a subscription that is not known is begun anew";
  subscribe.headers = {{"Event", "presence"}};
  m.wire(subscribe);
  EXPECT_EQ(m.take_reply().code, 489);
}

TEST(Registrations, AreToldPerContact) {
  Machine m;
  WireEvent e = m.invite("r", "");
  e.kind = WireKind::registered;
  e.method = "REGISTER";
  e.expires = 300;
  e.headers = {{"Contact", "<sip:a@h>;expires=60, <sip:b@h>"},
               {"Contact", "<sip:c@h>;expires=0"},
               {"User-Agent", "box"}};
  m.wire(e);
  const int expires[] = {60, 300, 0};
  for (const int expected : expires) {
    const Json event = m.take_event("registered");
    EXPECT_EQ(event["user"], "1001");
    EXPECT_EQ(event["expires"], expected);
    EXPECT_EQ(event["user_agent"], "box");
  }
}

TEST(LinkDown, KeepsAHangupAndSendsItWhenTheLinkIsBack) {
  Machine m;
  const auto call = m.answered();
  m.down();
  EXPECT_FALSE(m.take_event("down").is_null());
  m.command({{"cmd", "hangup"}, {"leg", call.leg}});
  EXPECT_EQ(m.take_event("ended")["by"], "local");
  m.advance(600);
  EXPECT_TRUE(m.quiet());
  m.up();
  EXPECT_EQ(m.take_request("BYE").method, "BYE");
  m.advance(60);
  EXPECT_EQ(m.endpoint.dialogs(), 0u);
}

TEST(LinkDown, ARestartOfKamailioEndsWhatWasNotAnsweredOnly) {
  Machine m;
  const auto ringing = m.incoming("ringing");
  const auto live = m.answered("live");
  m.placed("dialing");
  m.established("talking");
  m.established("ending");
  m.command({{"cmd", "reoffer"}, {"leg", "talking"}, {"sdp", kOffer2}});
  m.command({{"cmd", "hangup"}, {"leg", "ending"}});
  m.forget();
  m.down();
  m.forget();
  m.up("boot-2");
  EXPECT_EQ(m.take_event("ended")["leg"], ringing.leg);
  EXPECT_EQ(m.take_event("failed")["leg"], "dialing");
  EXPECT_EQ(m.take_event("reanswered")["code"], 503);
  EXPECT_FALSE(m.take_event("up").is_null());
  EXPECT_TRUE(m.events.empty());
  EXPECT_EQ(m.requests.size(), 1u) << "the BYE whose answer is not known";
  m.forget();
  m.wire(m.in_dialog(live.invite, live.tag, "BYE", 11));
  EXPECT_EQ(m.take_event("ended")["by"], "remote");
  m.command({{"cmd", "hangup"}, {"leg", "talking"}});
  EXPECT_EQ(m.take_request("BYE").method, "BYE");
}

TEST(LinkDown, AShortBreakKeepsRingingCalls) {
  Machine m;
  const auto call = m.incoming();
  m.down();
  m.command({{"cmd", "accept"}, {"leg", call.leg}, {"sdp", kOffer}});
  EXPECT_TRUE(m.replies.empty());
  m.up();
  EXPECT_EQ(m.take_reply().code, 200);
  m.placed("x");
  m.down();
  m.command({{"cmd", "hangup"}, {"leg", "x"}});
  EXPECT_TRUE(m.cancels.empty());
  m.up();
  EXPECT_EQ(m.cancels.size(), 1u);
}

TEST(LinkDown, AnswersLookupsAndInvitesAtOnce) {
  Machine m;
  m.command({{"cmd", "lookup"}, {"id", "a"}, {"user", "1001"}});
  m.down();
  EXPECT_EQ(m.take_event("contacts")["contacts"], Json::array());
  m.command({{"cmd", "lookup"}, {"id", "b"}, {"user", "1001"}});
  EXPECT_EQ(m.take_event("contacts")["id"], "b");
  m.command({{"cmd", "invite"}, {"leg", "x"}, {"uri", "sip:a@b"}, {"sdp", kOffer}});
  EXPECT_EQ(m.take_event("failed")["code"], 503);
}

TEST(Endpoint, EventsAskedForFromInsideAnEventComeAfterIt) {
  Machine m;
  const auto call = m.answered();
  std::vector<std::string> seen;
  m.on_event = [&](const Json& e) {
    seen.push_back(e["ev"]);
    // a call side that hangs up a leg when it hears anything of it
    if (e["ev"] != "contacts") m.command({{"cmd", "hangup"}, {"leg", call.leg}});
    if (seen.size() == 1) m.command({{"cmd", "lookup"}, {"id", "x"}, {"user", ""}});
  };
  m.wire(m.in_dialog(call.invite, call.tag, "BYE", 11));
  EXPECT_EQ(seen, (std::vector<std::string>{"ended"}));
  EXPECT_TRUE(m.requests.empty()) << "no BYE for a call that ended";
}

TEST(Endpoint, StoppingEndsEveryCall) {
  Machine m;
  m.answered("a");
  m.incoming("b");
  const auto waiting = m.incoming("c");
  m.command({{"cmd", "accept"}, {"leg", waiting.leg}, {"sdp", kOffer}});
  m.placed("d");
  m.forget();
  m.endpoint.hang_up_all(m.now);
  EXPECT_EQ(m.take_request("BYE").call_id, "a");
  EXPECT_EQ(m.take_reply().code, 503);
  EXPECT_EQ(m.cancels.size(), 1u);
  EXPECT_EQ(m.endpoint.unfinished(), 3u) << "a BYE, an ACK and a 487 are awaited";
}

TEST(Endpoint, RefusesMethodsItDoesNotSpeak) {
  struct Row {
    const char* method;
    int code;
  };
  for (const Row& row :
       {Row{"PUBLISH", 489}, Row{"NOTIFY", 489}, Row{"BYE", 481}, Row{"FOO", 405}, Row{"OPTIONS", 200}}) {
    Machine m;
    WireEvent e = m.invite("x", "");
    e.method = row.method;
    m.wire(e);
    EXPECT_EQ(m.take_reply().code, row.code) << row.method;
  }
}

}  // namespace
}  // namespace tandem::kamailio::testing
