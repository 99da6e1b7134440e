// Dials on fake time: phone to phone, who wins, who is cancelled, and how it is told when nobody does.
#include "tests/call/town.hpp"

namespace tandem::testing {
namespace {

class DialTest : public Town {
 protected:
  void SetUp() override {
    open();
    for (const char* user : {"1001", "1002", "1003"}) company.phone(user).registers();
    timers.advance(10ms);
  }
  std::string status() const { return events.last("dial.finished").text("status"); }
  // The app of 5000 answers and then waits; the test dials for it.
  Dialog& answered_caller() {
    (void)routes.add({"5000", "wait", "", ""});
    apps.apps["wait"] = [this](const AppStart& start) { ASSERT_TRUE(calls->answer("", start.leg)); };
    Dialog& call = company.phone("1001").calls("5000");
    timers.advance(50ms);
    EXPECT_TRUE(call.up());
    return call;
  }
  DialSpec spec(std::vector<DialTarget> targets, milliseconds timeout = 30s) {
    DialSpec made;
    made.targets = std::move(targets);
    made.timeout = timeout;
    return made;
  }
};

TEST_F(DialTest, PhoneCallsPhoneAndOneByeEndsTheOther) {
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(500ms);
  EXPECT_EQ(caller.progress, std::vector<int>{180});
  Dialog* callee = company.phone("1002").called();
  ASSERT_NE(callee, nullptr);
  EXPECT_EQ(callee->invite.from.user, "1001");
  EXPECT_EQ(callee->invite.from.name, "Person 1001");
  timers.advance(1s);
  ASSERT_TRUE(caller.up() && callee->up());
  EXPECT_TRUE(joined(caller.leg, callee->leg));
  EXPECT_EQ(leg(caller.leg)->call, leg(callee->leg)->call);
  EXPECT_EQ(status(), "answered");
  EXPECT_EQ(events.last("dial.finished").text("peer"), callee->leg);
  calls->app_ended("nobody", 0);
  // The script of the caller is over with its dial: it ends only when the caller's leg does, so here it still
  // runs.
  company.phone("1001").hangs_up(caller);
  timers.advance(100ms);
  EXPECT_TRUE(callee->over());
  EXPECT_EQ(events.last("leg.unbridged", callee->leg).text("reason"), "peer_hangup");
  expect_nothing_left();
  ASSERT_EQ(cdrs.cdrs.size(), 2U);
  EXPECT_EQ(cdrs.cdrs[0].linkedid, cdrs.cdrs[1].linkedid);
  EXPECT_EQ(cdrs.of(callee->leg).direction, "outbound");
  EXPECT_EQ(cdrs.of(callee->leg).peer, caller.leg);
}

TEST_F(DialTest, CalleeByeLeavesTheCallerToItsScript) {
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(2s);
  Dialog* callee = company.phone("1002").called();
  company.phone("1002").hangs_up(*callee);
  timers.advance(100ms);
  EXPECT_TRUE(caller.up()) << "its app goes on";
  EXPECT_EQ(events.last("leg.unbridged", caller.leg).text("reason"), "peer_hangup");
  calls->app_ended(caller.leg, 0);
  timers.advance(100ms);
  EXPECT_TRUE(caller.over());
  expect_nothing_left();
}

TEST_F(DialTest, TargetIsOfferedTheCallersCodecFirst) {
  Dialog& caller = company.phone("1001").speaks({8, 101}).calls("1002");
  timers.advance(2s);
  Dialog* callee = company.phone("1002").called();
  EXPECT_EQ(PhoneSdp::read(callee->invite.sdp)->first_codec(), "PCMA");
  EXPECT_STREQ(media_of(caller.leg).config().payloads.at(0).codec->name, "PCMA");
  EXPECT_STREQ(media_of(callee->leg).config().payloads.at(0).codec->name, "PCMA");
}

TEST_F(DialTest, CallerIsAnsweredWithTheCodecThatTheCalleeChose) {
  company.phone("1002").speaks({8, 101});
  Dialog& caller = company.phone("1001").calls("1002");  // prefers PCMU, knows PCMA
  timers.advance(2s);
  EXPECT_EQ(caller.theirs->first_codec(), "PCMA");
}

TEST_F(DialTest, FirstAnswerWinsAndTheLosersAreCancelled) {
  Dialog& caller = answered_caller();
  company.phone("1002").answers_after(3s);
  company.phone("1003").answers_after(2s);
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}, {"1003", 0ms, {}}})));
  timers.advance(2500ms);
  Dialog* loser = company.phone("1002").called();
  Dialog* winner = company.phone("1003").called();
  EXPECT_TRUE(winner->up());
  EXPECT_TRUE(loser->over());
  EXPECT_EQ(loser->q850, 26);
  EXPECT_TRUE(joined(caller.leg, winner->leg));
  EXPECT_EQ(events.last("leg.ended", loser->leg).text("cause"), "LOSE_RACE");
  company.phone("1001").hangs_up(caller);
  expect_nothing_left();
  EXPECT_EQ(events.last("call.ended").text("cause"), "NORMAL_CLEARING");
}

TEST_F(DialTest, AllContactsOfAUserRing) {
  company.phone("1002").registers("sip:1002@192.0.2.200:5062");
  Dialog& caller = answered_caller();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}})));
  timers.advance(500ms);
  EXPECT_EQ(calls->leg_count(), 3U);
}

TEST_F(DialTest, DelaysMakeASequence) {
  Dialog& caller = answered_caller();
  company.phone("1002").never_answers();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}, {"1003", 5s, {}}})));
  timers.advance(4s);
  EXPECT_NE(company.phone("1002").called(), nullptr);
  EXPECT_EQ(company.phone("1003").called(), nullptr);
  timers.advance(3s);
  ASSERT_NE(company.phone("1003").called(), nullptr);
  EXPECT_TRUE(company.phone("1003").called()->up());
  EXPECT_TRUE(company.phone("1002").called()->over());
}

TEST_F(DialTest, OutcomeIsToldInTheFieldsWords) {
  struct Row {
    const char* what;
    std::function<void()> prepare;
    const char* to;
    const char* status;
    std::int64_t code;
    std::int64_t q850;
  };
  const std::vector<Row> rows{
      {"busy", [&] { company.phone("1002").refuses(486); }, "1002", "busy", 486, 17},
      {"busy everywhere", [&] { company.phone("1002").refuses(600); }, "1002", "busy", 600, 17},
      {"declined", [&] { company.phone("1002").refuses(603); }, "1002", "busy", 603, 21},
      {"not here", [&] { company.phone("1002").refuses(480); }, "1002", "unavailable", 480, 18},
      {"server error", [&] { company.phone("1002").refuses(500); }, "1002", "failed", 500, 41},
      {"do not disturb", [&] { directory.extensions["demo/1003"].do_not_disturb = true; }, "1003",
       "unavailable", 480, 21},
      {"not registered", [&] { add_extension("demo", "1009"); }, "1009", "unavailable", 480, 20},
      {"no such extension", [] {}, "1234", "unavailable", 404, 1},
      {"no such host", [] {}, "sip:nobody@203.0.113.9", "unavailable", 404, 1},
      {"rings on", [&] { company.phone("1002").refuses(0).never_answers(); }, "1002", "no-answer", 408, 19},
  };
  Dialog& caller = answered_caller();
  for (const Row& row : rows) {
    row.prepare();
    ASSERT_TRUE(calls->dial("", caller.leg, spec({{row.to, 0ms, {}}}, 10s))) << row.what;
    timers.advance(11s);
    const Event finished = events.last("dial.finished");
    EXPECT_EQ(finished.text("status"), row.status) << row.what;
    EXPECT_EQ(finished.number("code"), row.code) << row.what;
    EXPECT_EQ(finished.number("q850"), row.q850) << row.what;
    EXPECT_TRUE(caller.up()) << row.what;
  }
  EXPECT_EQ(events.count("dial.finished"), rows.size());
  company.phone("1001").hangs_up(caller);
  expect_nothing_left();
}

TEST_F(DialTest, BusyIsToldBeforeUnavailableWhenSeveralFail) {
  Dialog& caller = answered_caller();
  company.phone("1002").refuses(486);
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1234", 0ms, {}}, {"1002", 0ms, {}}, {"1235", 50ms, {}}})));
  timers.advance(1s);
  EXPECT_EQ(status(), "busy");
}

TEST_F(DialTest, BusyIsToldAtTheTimeOutWhenNothingElseEverRang) {
  Dialog& caller = answered_caller();
  company.phone("1002").refuses(486);
  company.phone("1003").rings_after(60s).never_answers();  // unplugged: the registrar does not know yet
  const std::vector<DialTarget> both{{"1002", 0ms, {}}, {"1003", 0ms, {}}};
  ASSERT_TRUE(calls->dial("", caller.leg, spec(both, 3s)));
  timers.advance(4s);
  EXPECT_EQ(status(), "busy");
  EXPECT_EQ(events.last("dial.finished").number("code"), 486);
  company.phone("1003").rings_after(50ms);  // this one is there, and nobody comes
  ASSERT_TRUE(calls->dial("", caller.leg, spec(both, 3s)));
  timers.advance(4s);
  EXPECT_EQ(status(), "no-answer");
}

TEST_F(DialTest, LookupThatIsNeverAnsweredIsUnavailable) {
  Dialog& caller = answered_caller();
  company.answers_lookups = false;
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}})));
  timers.advance(3s);
  EXPECT_EQ(status(), "unavailable");
  EXPECT_EQ(calls->counters().lookups_timed_out.get(), 1U);
}

TEST_F(DialTest, CallerHangingUpCancelsEverything) {
  company.phone("1002").never_answers();
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(2s);
  company.phone("1001").hangs_up(caller);
  timers.advance(100ms);
  EXPECT_TRUE(company.phone("1002").called()->over());
  EXPECT_EQ(status(), "cancelled");
  expect_nothing_left();
}

TEST_F(DialTest, CallerHangingUpDuringTheLookupLeavesNothing) {
  company.answers_lookups = false;
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(100ms);
  company.phone("1001").hangs_up(caller);
  expect_nothing_left();
  EXPECT_EQ(status(), "cancelled");
}

TEST_F(DialTest, CancelDialStopsTheRinging) {
  company.phone("1002").never_answers();
  Dialog& caller = answered_caller();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}})));
  timers.advance(1s);
  ASSERT_TRUE(calls->cancel_dial("", caller.leg));
  timers.advance(100ms);
  EXPECT_TRUE(company.phone("1002").called()->over());
  EXPECT_TRUE(caller.up());
  EXPECT_EQ(status(), "cancelled");
}

TEST_F(DialTest, AnsweredCallerHearsOurRingbackUntilTheAnswer) {
  Dialog& caller = answered_caller();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}})));
  timers.advance(500ms);
  EXPECT_NE(media_of(caller.leg).playing, 0U);
  EXPECT_EQ(media_of(caller.leg).play.tone, session::Tone::ringback);
  timers.advance(1s);
  EXPECT_EQ(media_of(caller.leg).playing, 0U);
  EXPECT_EQ(events.count("play.finished"), 0U) << "our own tone is nobody's playback";
}

TEST_F(DialTest, RingbackEndsWhenTheDialFails) {
  Dialog& caller = answered_caller();
  company.phone("1002").never_answers();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}}, 5s)));
  timers.advance(4s);
  EXPECT_NE(media_of(caller.leg).playing, 0U);
  timers.advance(2s);
  EXPECT_EQ(media_of(caller.leg).playing, 0U);
}

TEST_F(DialTest, EarlyMediaOfASingleTargetReachesTheCallerAs183) {
  company.phone("1002").sends_early_media_after(200ms).answers_after(3s);
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(1s);
  EXPECT_EQ(caller.progress, (std::vector<int>{180, 183}));
  Dialog* callee = company.phone("1002").called();
  EXPECT_TRUE(joined(caller.leg, callee->leg));
  EXPECT_EQ(events.count("leg.bridged"), 0U);
  timers.advance(3s);
  EXPECT_TRUE(caller.up());
  EXPECT_TRUE(joined(caller.leg, callee->leg));
  EXPECT_EQ(events.count("leg.bridged"), 2U);
}

TEST_F(DialTest, EarlyMediaOfManyTargetsIsNotHeard) {
  company.phone("1002").sends_early_media_after(200ms).never_answers();
  company.phone("1003").sends_early_media_after(200ms).never_answers();
  apps.apps["phone"] = [&](const AppStart& start) {
    ASSERT_TRUE(calls->dial("", start.leg, spec({{"1002", 0ms, {}}, {"1003", 0ms, {}}})));
  };
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(1s);
  EXPECT_EQ(caller.progress, std::vector<int>{180});
  company.phone("1001").hangs_up(caller);
  expect_nothing_left();
}

TEST_F(DialTest, AnswerWithoutACommonCodecFailsThatTargetOnly) {
  const std::string g729 =
      "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n"
      "a=rtpmap:18 G729/8000\r\n";
  company.phone("1002").answers_with(g729).answers_after(500ms);
  company.phone("1003").answers_after(2s);
  Dialog& caller = answered_caller();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}, {"1003", 0ms, {}}})));
  timers.advance(1s);
  EXPECT_TRUE(company.phone("1002").called()->over());
  EXPECT_EQ(company.phone("1002").called()->q850, 88);
  timers.advance(2s);
  EXPECT_EQ(status(), "answered");
  EXPECT_TRUE(joined(caller.leg, company.phone("1003").called()->leg));
}

TEST_F(DialTest, TooManyTargetsAreRefusedAndCounted) {
  Dialog& caller = answered_caller();
  std::vector<DialTarget> many(33, DialTarget{"1002", 0ms, {}});
  EXPECT_EQ(calls->dial("", caller.leg, spec(many)).error().code, ErrorCode::exhausted);
  EXPECT_EQ(calls->dial("", caller.leg, spec({})).error().code, ErrorCode::invalid);
  EXPECT_EQ(calls->counters().dial_targets_over_limit.get(), 1U);
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}})));
  EXPECT_EQ(calls->dial("", caller.leg, spec({{"1003", 0ms, {}}})).error().code, ErrorCode::conflict);
}

TEST_F(DialTest, ContactsBeyondTheLimitDoNotRing) {
  for (int i = 0; i < 40; ++i)
    company.phone("1002").registers("sip:1002@192.0.2.200:" + std::to_string(6000 + i));
  company.phone("1002").never_answers();
  Dialog& caller = answered_caller();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1002", 0ms, {}}})));
  timers.advance(1s);
  EXPECT_EQ(calls->leg_count(), 1U + 32U);
  EXPECT_EQ(calls->counters().dial_targets_over_limit.get(), 9U);
  company.phone("1001").hangs_up(caller);
  expect_nothing_left();
}

TEST_F(DialTest, AnswerThatCrossesOurCancelIsHungUp) {
  company.phone("1002").answers_after(1000ms);
  Dialog& caller = answered_caller();
  ASSERT_TRUE(calls->dial("", caller.leg,
                          spec({{"1002", 0ms, {}}}, 1008ms)));  // gives up while the 200 is on the wire
  timers.advance(2s);
  EXPECT_EQ(status(), "no-answer");
  EXPECT_TRUE(company.phone("1002").called()->over());
  company.phone("1001").hangs_up(caller);
  expect_nothing_left();
}

TEST_F(DialTest, Ipv6ContactIsOfferedIpv6Media) {
  add_extension("demo", "1006");
  company.phone("1006", true).registers();
  timers.advance(10ms);
  Dialog& caller = answered_caller();
  ASSERT_TRUE(calls->dial("", caller.leg, spec({{"1006", 0ms, {}}})));
  timers.advance(2s);
  Dialog* callee = company.phone("1006").called();
  ASSERT_NE(callee, nullptr);
  EXPECT_TRUE(callee->theirs->v6());
  EXPECT_TRUE(joined(caller.leg, callee->leg));
}

TEST_F(DialTest, HoldByOnePhoneLetsTheOtherHearMusic) {
  calls.reset();
  config.hold_music = "moh";
  open();
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(2s);
  Dialog* callee = company.phone("1002").called();
  company.phone("1001").holds(caller);
  timers.advance(100ms);
  EXPECT_EQ(media_of(callee->leg).play.files, std::vector<std::string>{"/prompts/moh.wav"});
  EXPECT_NE(media_of(callee->leg).playing, 0U);
  company.phone("1001").resumes(caller);
  timers.advance(100ms);
  EXPECT_EQ(media_of(callee->leg).playing, 0U);
  EXPECT_TRUE(joined(caller.leg, callee->leg));
}

TEST_F(DialTest, OriginateRingsThenRunsTheApp) {
  apps.apps["ivr"] = [](const AppStart&) {};
  Result<Originated> placed = Error{};
  OriginateOrder order;
  order.to = "1002";
  order.from = {"5000", "", "Reminder"};
  order.app = "ivr";
  order.args = "x=1";
  order.tenant = "demo";
  calls->originate(order, [&](Result<Originated> got) { placed = std::move(got); });
  timers.advance(100ms);
  ASSERT_TRUE(placed);
  ASSERT_EQ(placed->legs.size(), 1U);
  EXPECT_EQ(company.phone("1002").called()->invite.from.name, "Reminder");
  timers.advance(2s);
  ASSERT_EQ(apps.starts.size(), 1U);
  EXPECT_EQ(apps.starts[0].leg, placed->legs[0]);
  EXPECT_EQ(apps.starts[0].args, "x=1");
  EXPECT_EQ(apps.starts[0].direction, "outbound");
  ASSERT_TRUE(calls->hang_up_call("demo", placed->call, 16));
  expect_nothing_left();
}

TEST_F(DialTest, OriginateCanJoinTwoParties) {
  Result<Originated> placed = Error{};
  OriginateOrder order;
  order.to = "1002";
  order.bridge_to = "1003";
  order.tenant = "demo";
  calls->originate(order, [&](Result<Originated> got) { placed = std::move(got); });
  timers.advance(4s);
  ASSERT_TRUE(placed);
  Dialog* first = company.phone("1002").called();
  Dialog* second = company.phone("1003").called();
  ASSERT_TRUE(first->up() && second->up());
  EXPECT_TRUE(joined(first->leg, second->leg));
  company.phone("1003").hangs_up(*second);
  timers.advance(100ms);
  EXPECT_TRUE(first->over()) << "no app looks after it";
  expect_nothing_left();
}

TEST_F(DialTest, OriginateToNobodySaysSoAndLeavesNoCall) {
  for (const char* to : {"1234", ""}) {
    Result<Originated> placed = Originated{};
    OriginateOrder order;
    order.to = to;
    order.tenant = "demo";
    calls->originate(order, [&](Result<Originated> got) { placed = std::move(got); });
    timers.advance(3s);
    EXPECT_FALSE(placed) << to;
  }
  company.goes_down();
  timers.advance(10ms);
  Result<Originated> placed = Originated{};
  OriginateOrder order;
  order.to = "1002";
  calls->originate(order, [&](Result<Originated> got) { placed = std::move(got); });
  EXPECT_EQ(placed.error().code, ErrorCode::unavailable);
  expect_nothing_left();
}

TEST_F(DialTest, NothingFiresAfterCallsIsGone) {
  media.answers_queries = false;
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(500ms);  // the callee rings, time-outs run
  Dialog& other = company.phone("1003").calls("1002");
  timers.advance(5ms);  // its device is being looked up
  company.phone("1001").hangs_up(caller);
  timers.advance(6ms);  // its figures are being asked for
  calls.reset();
  EXPECT_EQ(media.open_legs(), 0U);
  timers.advance(120s);
  EXPECT_FALSE(other.up());
}

// The same with events that come from inside the commands: nothing may dangle.
class DialAtOnceTest : public Town {
 protected:
  DialAtOnceTest() : Town(0ms) {}
};

TEST_F(DialAtOnceTest, WholeCallWorksWhenEventsComeFromInsideCommands) {
  open();
  company.phone("1001").registers();
  company.phone("1002").registers().rings_after(0ms).answers_after(10ms);
  Dialog& caller = company.phone("1001").calls("1002");
  timers.advance(1s);
  Dialog* callee = company.phone("1002").called();
  ASSERT_NE(callee, nullptr);
  EXPECT_TRUE(joined(caller.leg, callee->leg));
  company.phone("1002").hangs_up(*callee);
  ASSERT_TRUE(calls->hang_up("", caller.leg, 16));
  expect_nothing_left();
  Dialog& second = company.phone("1001").calls("1002");
  company.phone("1001").hangs_up(second);
  expect_nothing_left();
  EXPECT_EQ(cdrs.cdrs.size(), events.count("leg.created"));
}

}  // namespace
}  // namespace tandem::testing
