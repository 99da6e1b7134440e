// Whole calls on fake time: one phone and an app. Dials and transfers have files of their own.
#include "tests/call/town.hpp"

namespace tandem::testing {
namespace {

class CallsTest : public Town {
 protected:
  void SetUp() override {
    add_route("5000", "ivr");
    apps.apps["ivr"] = [this](const AppStart& start) { ASSERT_TRUE(calls->answer("", start.leg)); };
    open();
  }
};

TEST_F(CallsTest, IncomingCallRunsItsAppIsAnsweredAndEndsWithABye) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  ASSERT_TRUE(call.up());
  ASSERT_EQ(apps.starts.size(), 1U);
  EXPECT_EQ(apps.starts[0].app, "ivr");
  EXPECT_EQ(apps.starts[0].tenant, "demo");
  EXPECT_EQ(apps.starts[0].from.user, "1001");
  EXPECT_EQ(apps.starts[0].direction, "inbound");
  EXPECT_EQ(call.theirs->first_codec(), "PCMU");
  EXPECT_EQ(media_of(call.leg).config().remote_rtp.text(),
            call.own.host + ":" + std::to_string(call.own.port));
  timers.advance(10s);
  company.phone("1001").hangs_up(call);
  timers.advance(100ms);
  const std::vector<std::string> expected{"leg.created", "leg.answered", "leg.confirmed", "leg.ended"};
  EXPECT_EQ(events.names(call.leg), expected);
  EXPECT_EQ(events.last("leg.ended").text("cause"), "NORMAL_CLEARING");
  EXPECT_EQ(events.last("call.ended").text("cause"), "NORMAL_CLEARING");
  expect_nothing_left();
  ASSERT_EQ(cdrs.cdrs.size(), 1U);
  const Cdr& cdr = cdrs.cdrs[0];
  EXPECT_EQ(cdr.disposition, "ANSWERED");
  EXPECT_EQ(cdr.caller_id_number, "1001");
  EXPECT_EQ(cdr.destination_number, "5000");
  EXPECT_EQ(cdr.lastapp, "ivr");
  EXPECT_EQ(cdr.read_codec, "PCMU");
  EXPECT_NEAR(static_cast<double>(cdr.billsec_ms), 10100, 50);
  EXPECT_DOUBLE_EQ(cdr.mos, 4.4);
}

TEST_F(CallsTest, CallerIdIsWhatTheDigestProvesNotWhatTheFromHeaderSays) {
  directory.devices["1001"].extension = "1099";
  company.phone("1001").calls("5000");
  timers.advance(100ms);
  EXPECT_EQ(apps.starts.at(0).from.user, "1099");
}

TEST_F(CallsTest, UnknownNumberIsRefusedWith404AndCause1) {
  Dialog& call = company.phone("1001").calls("7777");
  timers.advance(100ms);
  EXPECT_EQ(call.final_code, 404);
  EXPECT_EQ(call.q850, 1);
  expect_nothing_left();
  EXPECT_EQ(cdrs.cdrs.at(0).disposition, "FAILED");
}

TEST_F(CallsTest, StrangerIsRefusedUnlessGuestsAreLetIn) {
  Dialog& call = company.phone("1001").is_stranger().calls("5000");
  timers.advance(100ms);
  EXPECT_EQ(call.final_code, 403);
  EXPECT_EQ(calls->counters().refused_stranger.get(), 1U);
  expect_nothing_left();
}

TEST_F(CallsTest, BadOfferIsRefusedWithTheRightCodeAndOpensNoPort) {
  struct Row {
    const char* what;
    std::string sdp;
    int code;
  };
  const std::string head = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n";
  const std::vector<Row> rows{
      {"no codec in common", head + "m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n", 488},
      {"video only", head + "m=video 4000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n", 488},
      {"port 0", head + "m=audio 0 RTP/AVP 0\r\n", 488},
      {"garbage", "this is no SDP at all", 400},
      {"a port beyond 65535", head + "m=audio 99999 RTP/AVP 0\r\n", 400},
      {"64 KB and more", head + std::string(70000, 'a'), 413},
  };
  for (const Row& row : rows) {
    Dialog& call = company.phone("1001").calls("5000", row.sdp);
    timers.advance(100ms);
    EXPECT_EQ(call.final_code, row.code) << row.what;
    EXPECT_EQ(media.legs.size(), 0U) << row.what;
  }
  EXPECT_EQ(calls->counters().refused_sdp.get(), rows.size());
  expect_nothing_left();
}

TEST_F(CallsTest, CancelBeforeTheAnswerEndsTheLegAsUnanswered) {
  apps.apps["ivr"] = [this](const AppStart& start) { ASSERT_TRUE(calls->ring("", start.leg, false)); };
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(1s);
  EXPECT_EQ(call.progress, std::vector<int>{180});
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
  EXPECT_EQ(cdrs.cdrs.at(0).disposition, "NO ANSWER");
  EXPECT_EQ(cdrs.cdrs.at(0).billsec_ms, 0);
}

TEST_F(CallsTest, CancelWhileTheDeviceIsLookedUpLeavesNothing) {
  directory.delay = 1s;
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);  // told, and the directory asked
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
  EXPECT_EQ(apps.starts.size(), 0U);
}

TEST_F(CallsTest, EarlyMediaSendsTheSameSdpIn183And200) {
  apps.apps["ivr"] = [this](const AppStart& start) { ASSERT_TRUE(calls->ring("", start.leg, true)); };
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  EXPECT_EQ(call.progress, std::vector<int>{183});
  ASSERT_TRUE(call.theirs);
  Result<std::string> playing = Error{};
  calls->play("", call.leg, {{"demo-congrats"}, "", "us", false, 0ms, 0ms, false, 0},
              [&](Result<std::string> started) { playing = started; });
  timers.advance(2s);
  EXPECT_TRUE(playing);
  EXPECT_EQ(events.last("play.finished").text("reason"), "done");
  ASSERT_TRUE(calls->answer("", call.leg));
  EXPECT_TRUE(call.up());  // TearDown checks that the SDP was the same
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
}

TEST_F(CallsTest, DelayedOfferIsAnsweredInTheAck) {
  Dialog& call = company.phone("1001").calls_without_offer("5000");
  timers.advance(100ms);
  ASSERT_TRUE(call.up());
  EXPECT_EQ(call.theirs->types, (std::vector<int>{0, 8, 101}));
  EXPECT_EQ(media_of(call.leg).config().remote_rtp.port(), call.own.port);
  EXPECT_EQ(events.count("leg.confirmed", call.leg), 1U);
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
}

TEST_F(CallsTest, AnswerOfADelayedOfferIsDoneWithTheAckSoThatASoundCanFollow) {
  Result<void> agreed = Error{};
  apps.apps["ivr"] = [&](const AppStart& start) {
    calls->answer("", start.leg, [&, leg = start.leg](const Result<void>& done) {
      agreed = done;
      EXPECT_EQ(events.count("leg.confirmed", leg), 1U);
    });
    EXPECT_FALSE(agreed);
  };
  Dialog& call = company.phone("1001").calls_without_offer("5000");
  timers.advance(100ms);
  EXPECT_TRUE(agreed);
  Result<void> again = Error{};
  calls->answer("", call.leg, [&](const Result<void>& done) { again = done; });
  EXPECT_TRUE(again) << "an answered leg stays as it is";
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
}

TEST_F(CallsTest, AnswerOfADelayedOfferThatIsNeverAckedSaysSo) {
  Result<void> agreed{};
  apps.apps["ivr"] = [&](const AppStart& start) {
    calls->answer("", start.leg, [&](const Result<void>& done) { agreed = done; });
  };
  company.phone("1001").never_acks().calls_without_offer("5000");
  timers.advance(33s);
  ASSERT_FALSE(agreed);
  EXPECT_EQ(agreed.error().code, ErrorCode::not_found);
  expect_nothing_left();
}

TEST_F(CallsTest, DelayedOfferWithABadAnswerInTheAckIsHungUp) {
  Phone& phone = company.phone("1001").answers_with("nonsense");
  Dialog& call = phone.calls_without_offer("5000");
  timers.advance(100ms);
  EXPECT_TRUE(call.over());
  EXPECT_EQ(call.q850, 88);
  expect_nothing_left();
}

TEST_F(CallsTest, CallThatIsNeverAckedEndsByTimer) {
  Dialog& call = company.phone("1001").never_acks().calls("5000");
  timers.advance(33s);
  EXPECT_TRUE(call.over());
  EXPECT_EQ(events.last("leg.ended").text("by"), "timer");
  expect_nothing_left();
}

TEST_F(CallsTest, Ipv6OfferGetsIpv6Media) {
  add_extension("demo", "1006");
  Dialog& call = company.phone("1006", true).calls("5000");
  timers.advance(100ms);
  ASSERT_TRUE(call.up());
  EXPECT_TRUE(call.theirs->v6());
  EXPECT_EQ(media_of(call.leg).opened.rtp.family(), Family::v6);
}

TEST_F(CallsTest, NoPortLeftIsRefusedWith503AndCause34) {
  media.ports_left = 0;
  apps.apps["ivr"] = [this](const AppStart& start) {
    const auto answered = calls->answer("", start.leg);
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().code, ErrorCode::exhausted);
  };
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  EXPECT_EQ(call.final_code, 503);
  EXPECT_EQ(call.q850, 34);
  expect_nothing_left();
}

TEST_F(CallsTest, AppThatDoesNotExistEndsTheCallWithAServerError) {
  add_route("5001", "nosuch");
  Dialog& call = company.phone("1001").calls("5001");
  timers.advance(100ms);
  EXPECT_EQ(call.final_code, 503);
  expect_nothing_left();
}

TEST_F(CallsTest, LegIsHungUpWhenItsScriptEnds) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  ASSERT_TRUE(call.up());
  calls->app_ended(call.leg, 0);
  timers.advance(100ms);
  EXPECT_TRUE(call.over());
  EXPECT_TRUE(call.ended_by_tandem);
  expect_nothing_left();
}

TEST_F(CallsTest, EndOfAReplacedScriptDoesNotHangUp) {
  apps.apps["second"] = [](const AppStart&) {};
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  const std::uint64_t first = apps.starts.at(0).run;
  ASSERT_TRUE(calls->run("", call.leg, "second", "args"));
  calls->app_ended(call.leg, first);
  timers.advance(100ms);
  EXPECT_TRUE(call.up());
  calls->app_ended(call.leg, apps.starts.at(1).run);
  timers.advance(100ms);
  EXPECT_TRUE(call.over());
  expect_nothing_left();
}

TEST_F(CallsTest, AppsThatChainWithoutEndAreTakenForALoopAndEnded) {
  apps.apps["again"] = [this](const AppStart& start) { (void)calls->run("", start.leg, "again", ""); };
  add_route("5002", "again");
  Dialog& call = company.phone("1001").calls("5002");
  timers.advance(100ms);
  EXPECT_TRUE(call.over());
  EXPECT_EQ(apps.starts.size(), 10U);
  EXPECT_EQ(calls->counters().loops.get(), 1U);
  expect_nothing_left();
}

TEST_F(CallsTest, LimitOfCallsIsRefusedWith503) {
  config.calls_max = 2;
  calls.reset();
  open();
  Dialog& first = company.phone("1001").calls("5000");
  Dialog& second = company.phone("1002").calls("5000");
  timers.advance(100ms);
  Dialog& third = company.phone("1003").calls("5000");
  timers.advance(100ms);
  EXPECT_TRUE(first.up() && second.up());
  EXPECT_EQ(third.final_code, 503);
  EXPECT_EQ(third.q850, 42);
  EXPECT_EQ(calls->counters().refused_by_limit.get(), 1U);
}

TEST_F(CallsTest, HoldAndResumeByThePhoneAreAnsweredAndTold) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  const auto version = call.theirs->version;
  company.phone("1001").holds(call);
  timers.advance(100ms);
  EXPECT_EQ(call.reinvite_code, 200);
  EXPECT_EQ(call.theirs->direction, "recvonly");
  EXPECT_GT(call.theirs->version, version);
  EXPECT_EQ(events.count("leg.held", call.leg), 1U);
  EXPECT_FALSE(media_of(call.leg).config().send);
  company.phone("1001").resumes(call);
  timers.advance(100ms);
  EXPECT_EQ(call.theirs->direction, "sendrecv");
  EXPECT_EQ(events.count("leg.resumed", call.leg), 1U);
  EXPECT_TRUE(media_of(call.leg).config().send);
}

TEST_F(CallsTest, SessionRefreshIsAnsweredWithTheSameVersionAndChangesNothing) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  const std::string before = call.their_text;
  company.phone("1001").refreshes(call);
  timers.advance(100ms);
  EXPECT_EQ(call.reinvite_code, 200);
  EXPECT_EQ(call.their_text, before);
}

TEST_F(CallsTest, ReinviteWithoutACommonCodecIsRefusedAndTheOldSessionStays) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  const std::size_t configured = media_of(call.leg).configs.size();
  company.phone("1001").reinvites(
      call,
      "v=0\r\no=phone 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
      "m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n");
  timers.advance(100ms);
  EXPECT_EQ(call.reinvite_code, 488);
  EXPECT_EQ(media_of(call.leg).configs.size(), configured);
  EXPECT_TRUE(call.up());
}

TEST_F(CallsTest, ReinviteMayMoveAddressCodecAndPtime) {
  Phone& phone = company.phone("1001");
  Dialog& call = phone.calls("5000");
  timers.advance(100ms);
  call.own.host = "192.0.2.77";
  call.own.port = 45678;
  call.own.types = {8, 101};
  call.own.ptime_ms = 40;
  ++call.own.version;
  phone.reinvites(call, call.own.text());
  timers.advance(100ms);
  EXPECT_EQ(call.reinvite_code, 200);
  const auto& config_now = media_of(call.leg).config();
  EXPECT_EQ(config_now.remote_rtp.text(), "192.0.2.77:45678");
  EXPECT_STREQ(config_now.payloads.at(0).codec->name, "PCMA");
  EXPECT_EQ(config_now.send_ptime_ms, 40U);
}

TEST_F(CallsTest, OurHoldSendsAReinviteSendonlyAndBack) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  ASSERT_TRUE(calls->hold("", call.leg, true));
  timers.advance(100ms);
  EXPECT_EQ(call.reinvites_seen, 1);
  EXPECT_EQ(call.theirs->direction, "sendonly");
  EXPECT_FALSE(media_of(call.leg).config().receive);
  ASSERT_TRUE(calls->hold("", call.leg, false));
  timers.advance(100ms);
  EXPECT_EQ(call.theirs->direction, "sendrecv");
  EXPECT_TRUE(media_of(call.leg).config().receive);
}

TEST_F(CallsTest, OurHoldThatIsRefusedLeavesTheSessionAsItWas) {
  Dialog& call = company.phone("1001").refuses_reinvites(488).calls("5000");
  timers.advance(100ms);
  ASSERT_TRUE(calls->hold("", call.leg, true));
  timers.advance(100ms);
  EXPECT_TRUE(call.up());
  EXPECT_FALSE(leg(call.leg)->holding);
  EXPECT_TRUE(media_of(call.leg).config().receive);
  EXPECT_TRUE(calls->hold("", call.leg, true)) << "no re-INVITE is left hanging";
}

TEST_F(CallsTest, ReinviteThatMeetsOursIsRefusedWith491) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  company.phone("1001").holds(call);             // theirs is on the wire …
  ASSERT_TRUE(calls->hold("", call.leg, true));  // … when ours leaves
  timers.advance(100ms);
  EXPECT_EQ(call.reinvite_code, 491);
}

TEST_F(CallsTest, ReinviteWithoutSdpGetsAnOfferOfTheSameSession) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  const auto before = *call.theirs;
  company.phone("1001").reinvites(call, "");
  timers.advance(100ms);
  EXPECT_EQ(call.reinvite_code, 200);
  EXPECT_EQ(call.theirs->session, before.session);
  EXPECT_EQ(call.theirs->port, before.port);
}

TEST_F(CallsTest, MediaTimeOutHangsUpWithCause41ButNotOnHold) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  company.phone("1001").holds(call, "inactive");
  timers.advance(100ms);
  media.time_out(leg(call.leg)->media.id());
  timers.advance(100ms);
  EXPECT_TRUE(call.up());
  company.phone("1001").resumes(call);
  timers.advance(100ms);
  media.time_out(leg(call.leg)->media.id());
  timers.advance(100ms);
  EXPECT_TRUE(call.over());
  EXPECT_EQ(call.q850, 41);
  EXPECT_EQ(events.count("leg.media_timeout"), 1U);
  expect_nothing_left();
}

TEST_F(CallsTest, DigitsComeFromMediaAndFromInfo) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  media.press(leg(call.leg)->media.id(), '7');
  EXPECT_EQ(events.last("leg.digit").text("digit"), "7");
  EXPECT_EQ(events.last("leg.digit").text("source"), "rfc4733");
  company.phone("1001").sends_info_digit(call, '#');
  timers.advance(100ms);
  EXPECT_EQ(events.last("leg.digit").text("digit"), "#");
  EXPECT_EQ(events.last("leg.digit").text("source"), "info");
  company.phone("1001").sends_info_digit(call, 'x');
  timers.advance(100ms);
  EXPECT_EQ(events.count("leg.digit"), 2U);
}

TEST_F(CallsTest, PlayIsReplacedStoppedAndEndedWithTheLeg) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  const auto play = [&](const std::string& name) {
    Result<std::string> answer = Error{};
    calls->play("", call.leg, {{name}, "", "us", false, 0ms, 0ms, false, 0},
                [&](Result<std::string> got) { answer = got; });
    timers.advance(10ms);
    return answer;
  };
  EXPECT_EQ(*play("one"), "play-1");
  EXPECT_EQ(*play("two"), "play-2");
  EXPECT_EQ(events.last("play.finished").text("reason"), "replaced");
  ASSERT_TRUE(calls->stop_play("", call.leg));
  EXPECT_EQ(events.last("play.finished").text("reason"), "stopped");
  EXPECT_EQ(play("missing").error().code, ErrorCode::not_found);
  EXPECT_EQ(play("../../etc/passwd").error().code, ErrorCode::denied);
  EXPECT_EQ(*play("three"), "play-3");
  company.phone("1001").hangs_up(call);
  timers.advance(100ms);
  EXPECT_EQ(events.last("play.finished").text("reason"), "leg_closed");
  EXPECT_EQ(events.count("play.finished"), 3U);
  expect_nothing_left();
}

TEST_F(CallsTest, RecordingsAreBoundedAndEndWithTheLeg) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  const auto first = calls->record("demo", call.leg, {"greeting", true, true, false, 0ms, 0ms});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->path, "/recordings/demo/greeting.wav");
  EXPECT_EQ(calls->record("demo", call.leg, {"greeting", true, true, false, 0ms, 0ms}).error().code,
            ErrorCode::conflict);
  EXPECT_EQ(calls->record("demo", call.leg, {"../x", true, true, false, 0ms, 0ms}).error().code,
            ErrorCode::denied);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(calls->record("demo", call.leg, {}));
  EXPECT_EQ(calls->record("demo", call.leg, {}).error().code, ErrorCode::exhausted);
  EXPECT_EQ(calls->recordings().stop("other", first->id).error().code, ErrorCode::not_found);
  EXPECT_TRUE(calls->recordings().pause("demo", first->id));
  EXPECT_TRUE(media.recordings.at(1).paused);
  EXPECT_TRUE(calls->recordings().resume("demo", first->id));
  EXPECT_TRUE(calls->recordings().stop("demo", first->id));
  EXPECT_EQ(events.last("recording.finished").text("reason"), "stopped");
  company.phone("1001").hangs_up(call);
  timers.advance(100ms);
  EXPECT_EQ(events.count("recording.finished"), 4U);
  EXPECT_EQ(events.last("recording.finished").text("reason"), "leg_closed");
  expect_nothing_left();
}

TEST_F(CallsTest, DiskFullEndsTheRecordingNotTheCall) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  ASSERT_TRUE(calls->record("", call.leg, {}));
  media.end_recording(1, session::RecordEnd::disk_full, "No space left on device");
  EXPECT_EQ(events.last("recording.finished").text("reason"), "disk_full");
  EXPECT_EQ(events.last("recording.finished").text("error"), "No space left on device");
  EXPECT_TRUE(call.up());
}

TEST_F(CallsTest, LegJoinedWithItselfIsAnEcho) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  ASSERT_TRUE(calls->bridge("", call.leg, call.leg));
  EXPECT_EQ(media_of(call.leg).peer, leg(call.leg)->media.id());
  EXPECT_EQ(events.count("leg.bridged"), 1U);
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
}

TEST_F(CallsTest, ForeignTenantSeesNoLegAndNoCall) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  EXPECT_EQ(calls->hang_up("other", call.leg, 16).error().code, ErrorCode::not_found);
  EXPECT_EQ(calls->list("other").size(), 0U);
  EXPECT_EQ(calls->list("demo").size(), 1U);
  EXPECT_EQ(calls->list("").size(), 1U);
  EXPECT_EQ(calls->find_call("other", leg(call.leg)->call).error().code, ErrorCode::not_found);
  EXPECT_TRUE(call.up());
}

TEST_F(CallsTest, VerbsAgainstAnUnansweredOrEndedLegSayWhy) {
  apps.apps["ivr"] = [](const AppStart&) {};
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  Result<std::string> played = std::string();
  calls->play("", call.leg, {{"one"}, "", "us", false, 0ms, 0ms, false, 0},
              [&](Result<std::string> got) { played = got; });
  EXPECT_EQ(played.error().code, ErrorCode::conflict);
  EXPECT_EQ(calls->hold("", call.leg, true).error().code, ErrorCode::conflict);
  EXPECT_EQ(calls->record("", call.leg, {}).error().code, ErrorCode::conflict);
  EXPECT_EQ(calls->send_digits("", call.leg, "12x", 100ms, 70ms).error().code, ErrorCode::invalid);
  EXPECT_EQ(calls->reject("", call.leg, 200, "").error().code, ErrorCode::invalid);
  ASSERT_TRUE(calls->reject("", call.leg, 486, "Busy Here"));
  EXPECT_EQ(call.final_code, 486);
  timers.advance(100ms);
  EXPECT_EQ(calls->answer("", call.leg).error().code, ErrorCode::not_found);
  expect_nothing_left();
  EXPECT_EQ(cdrs.cdrs.at(0).disposition, "BUSY");
}

TEST_F(CallsTest, RecordIsWrittenEvenWhenTheEngineGivesNoFigures) {
  media.answers_queries = false;
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
  EXPECT_EQ(cdrs.cdrs.size(), 1U);
}

TEST_F(CallsTest, CallStandsThroughALinkThatGoesDownAndComesBack) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  company.goes_down();
  timers.advance(1s);
  EXPECT_TRUE(call.up());
  EXPECT_FALSE(calls->link_up());
  company.goes_up();
  timers.advance(1s);
  EXPECT_EQ(events.count("link.down"), 1U);
  EXPECT_EQ(events.count("link.up"), 2U);
  company.phone("1001").hangs_up(call);
  expect_nothing_left();
}

TEST_F(CallsTest, MessageIsRefusedNotLost) {
  static_cast<SignalingListener&>(*calls).on_message({"m1", {}, {}, "1002", "text/plain", "hello", "1001"});
  EXPECT_EQ(company.message_replies.at("m1"), 501);
}

TEST_F(CallsTest, RegistrationIsToldWithItsTenant) {
  company.phone("1001").registers();
  timers.advance(100ms);
  EXPECT_EQ(events.last("device.registered").tenant, "demo");
  company.phone("1001").unregisters();
  timers.advance(100ms);
  EXPECT_EQ(events.last("device.unregistered").text("user"), "1001");
}

TEST_F(CallsTest, EventsForLegsThatNeverWereAreIgnored) {
  SignalingListener& listener = *calls;
  listener.on_progress({"ghost", 180, "", ""});
  listener.on_answered({"ghost", "v=0", "", ""});
  listener.on_failed({"ghost", 486, "", 0, {}});
  listener.on_confirmed("ghost", "v=0");
  listener.on_ended({"ghost", "remote", 0, 16, ""});
  listener.on_reoffer({"ghost", "v=0", false});
  listener.on_reanswered({"ghost", 200, "v=0"});
  listener.on_refer({"ghost", "sip:1@x", "1", "", ""});
  listener.on_refer_progress({"ghost", 200, "", true});
  listener.on_info_digit({"ghost", '1', 100});
  listener.on_contacts("ghost", "1001", {});
  calls->app_ended("ghost", 0);
  EXPECT_EQ(calls->leg_count(), 0U);
}

TEST_F(CallsTest, DialogThatNobodyConfirmsEndedIsForcedToEnd) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(100ms);
  company.set_listener(nullptr);  // the signaling side has gone deaf
  ASSERT_TRUE(calls->hang_up("", call.leg, 16));
  timers.advance(41s);
  EXPECT_EQ(calls->leg_count(), 0U);
  EXPECT_EQ(calls->counters().endings_forced.get(), 1U);
}

}  // namespace
}  // namespace tandem::testing
