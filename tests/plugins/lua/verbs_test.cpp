// Each verb against the scripted call layer: what it asks for, what it returns, what it does when refused.
#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

namespace {

using ::testing::Test;

// Runs `script` to its end; what it printed is in the log.
struct Ran : FakeCalls {
  explicit Ran(const std::string& script, std::chrono::nanoseconds time = 60s, json more = json::object()) {
    write("app", script);
    start("app", std::move(more));
    advance(time);
  }
};

}  // namespace

TEST(Verbs, AnswerPlayAndHangUpInOrder) {
  Ran ran(
      "assert(call:answer()) local why, ms = call:play('demo-congrats') print(why, ms) "
      "call:hangup('USER_BUSY')");
  ASSERT_EQ(ran.reason(), "done") << ran.all_logs();
  ASSERT_EQ(ran.commands.size(), 3u);
  EXPECT_EQ(ran.commands[0].method, "leg.answer");
  EXPECT_EQ(ran.commands[0].tenant, "demo");
  EXPECT_EQ(ran.commands[1].params, (json{{"leg", "leg-1"}, {"files", {"demo-congrats"}}}));
  EXPECT_EQ(ran.commands[2].params, (json{{"leg", "leg-1"}, {"cause", "USER_BUSY"}}));
  EXPECT_TRUE(ran.logged("done 1000"));
}

TEST(Verbs, ACallsDataIsSeenByTheScript) {
  Ran ran(
      "print(call.id, call.leg, call.tenant, call.from, call.from_name, call.to, call.dialed, "
      "call.auth_user, "
      "call.direction, call.args.menu, call.args.list[2])",
      1s, {{"args", {{"menu", "m"}, {"list", {1, 22}}}}, {"from", "sip:1001@example.org"}, {"to", "5000"}});
  EXPECT_TRUE(ran.logged("call-1 leg-1 demo 1001  5000 5000 1001 in m 22")) << ran.all_logs();
}

TEST(Verbs, ArgumentsAsTextAreJsonOrPlain) {
  Ran as_json("print(call.args.number)", 1s, {{"args", R"({"number":"1002"})"}});
  EXPECT_TRUE(as_json.logged("1002"));
  Ran plain("print(call.args.text)", 1s, {{"args", "sales"}});
  EXPECT_TRUE(plain.logged("sales"));
}

TEST(Verbs, AScriptThatEndsHangsUpItsLeg) {
  Ran ran("call:answer()");
  ASSERT_EQ(ran.done("leg.hangup").size(), 1u);
  EXPECT_EQ(ran.done("leg.hangup")[0]["cause"], 16);
}

TEST(Verbs, AFunctionThatTheFileReturnsIsRunWithTheCall) {
  Ran ran("return function(c) print(c == call, c.dialed) end");
  EXPECT_TRUE(ran.logged("true 5000")) << ran.all_logs();
}

TEST(Verbs, PlayTakesListsAndOptions) {
  Ran ran(
      "call:play({'a', 'b'}, {loop = true, offset_ms = 10, limit_ms = 4.5 * 2000, gain_db = -3}) "
      "call:play{files = "
      "'c'}");
  const auto plays = ran.done("leg.play");
  ASSERT_EQ(plays.size(), 2u);
  EXPECT_EQ(plays[0], (json{{"leg", "leg-1"},
                            {"files", {"a", "b"}},
                            {"loop", true},
                            {"offset_ms", 10},
                            {"limit_ms", 9000},
                            {"gain_db", -3}}));
  EXPECT_EQ(plays[1]["files"], json::array({"c"}));
}

TEST(Verbs, AMissingPromptIsNilAndAnErrorNotTheEnd) {
  FakeCalls calls;
  calls.missing = {"gone"};
  calls.write("app",
              "local ok, err = call:play('gone') print(ok, err.code, err.message) "
              "ok, err = call:gather{prompt = 'gone'} print(ok, err.code)");
  calls.start("app");
  EXPECT_TRUE(calls.logged("nil not_found no prompt gone")) << calls.all_logs();
  EXPECT_TRUE(calls.logged("nil not_found"));
  EXPECT_EQ(calls.reason(), "done");
}

TEST(Verbs, SayRendersThenPlays) {
  Ran ran("print(call:say('hello', {voice = 'en-us'}))");
  EXPECT_EQ(ran.done("tts.render")[0], (json{{"text", "hello"}, {"voice", "en-us"}}));
  EXPECT_EQ(ran.played(), std::vector<std::string>{"/speech/hello.wav"});
}

TEST(Verbs, ToneEchoRingHoldAndReject) {
  Ran ran(
      "call:ring{early = true} call:tone('busy', {country = 'us', limit_ms = 1500}) call:echo(true) "
      "call:hold() "
      "call:unhold() call:reject(603, 'no')");
  EXPECT_EQ(ran.done("leg.ring")[0]["early"], true);
  EXPECT_EQ(ran.done("leg.play")[0],
            (json{{"leg", "leg-1"}, {"tone", "busy"}, {"country", "us"}, {"limit_ms", 1500}}));
  EXPECT_EQ(ran.done("leg.bridge")[0]["with"], "leg-1");
  EXPECT_EQ(ran.done("leg.hold").size() + ran.done("leg.unhold").size(), 2u);
  EXPECT_EQ(ran.done("leg.reject")[0], (json{{"leg", "leg-1"}, {"code", 603}, {"reason", "no"}}));
  EXPECT_TRUE(ran.done("leg.hangup").empty());
}

TEST(Verbs, SayNumberIsMadeOfThePromptsOfTheSoundPackage) {
  const struct {
    const char* number;
    std::vector<std::string> files;
  } rows[] = {
      {"0", {"digits/0"}},
      {"20", {"digits/20"}},
      {"21", {"digits/20", "digits/1"}},
      {"-7", {"digits/minus", "digits/7"}},
      {"110", {"digits/1", "digits/hundred", "digits/10"}},
      {"999", {"digits/9", "digits/hundred", "digits/90", "digits/9"}},
      {"1000", {"digits/1", "digits/thousand"}},
      {"2000042", {"digits/2", "digits/million", "digits/40", "digits/2"}},
      {"999999999",
       {"digits/9", "digits/hundred", "digits/90", "digits/9", "digits/million", "digits/9", "digits/hundred",
        "digits/90", "digits/9", "digits/thousand", "digits/9", "digits/hundred", "digits/90", "digits/9"}},
  };
  for (const auto& row : rows) {
    Ran ran(std::string("call:say_number(") + row.number + ")");
    EXPECT_EQ(ran.played(), row.files) << row.number;
  }
  Ran digits("call:say_digits('10*#-b')");
  EXPECT_EQ(digits.played(), (std::vector<std::string>{"digits/1", "digits/0", "digits/star", "digits/pound",
                                                       "digits/minus", "letters/b"}));
  Ran late("call:say_time(tandem.time())");
  EXPECT_EQ(late.played().front(), "digits/today");
}

TEST(Verbs, RecordEndsByKeySilenceOrLimitAndSaysWhich) {
  FakeCalls calls;
  calls.write("app",
              "local r = call:record{name = 'x', max_ms = 9000, silence_ms = 3000, finish = '*#'} "
              "print(r.path, r.duration_ms, r.reason, r.key)");
  calls.start("app");
  calls.advance(1500ms);  // the beep is over
  EXPECT_EQ(calls.played(), std::vector<std::string>{"beep"});
  EXPECT_EQ(
      calls.done("recording.start")[0],
      (json{
          {"leg", "leg-1"}, {"name", "x"}, {"heard", false}, {"limit_ms", 9000}, {"silence_end_ms", 3000}}));
  calls.press("5");
  EXPECT_TRUE(calls.done("recording.stop").empty());
  calls.press("*");
  EXPECT_TRUE(calls.logged("/rec/x.wav 4000 finish *")) << calls.all_logs();

  FakeCalls silent;
  silent.write("app", "local r = call:record{beep = false, silence_ms = 3000} print(r.reason)");
  silent.start("app");
  silent.finish_recording("silence", 2500);
  silent.advance(0ns);
  EXPECT_TRUE(silent.logged("silence"));

  Ran limit("local r = call:record{beep = false, max_ms = 2000} print(r.reason)");
  EXPECT_TRUE(limit.logged("limit"));
}

TEST(Verbs, ADiskThatIsFullEndsTheRecordingNotTheCall) {
  FakeCalls calls;
  calls.write("app", "local r, err = call:record{beep = false} print(r, err.code) call:play('x')");
  calls.start("app");
  calls.finish_recording("disk_full", 0);
  calls.advance(2s);
  EXPECT_TRUE(calls.logged("nil disk_full"));
  EXPECT_EQ(calls.reason(), "done");
}

TEST(Verbs, ABackgroundRecordingRunsBesideTheScript) {
  Ran ran(
      "local r = call:start_recording{name = 'bg', stereo = true} call:play('x') call:pause_recording(r) "
      "call:resume_recording(r) local done = call:stop_recording(r) print(done.duration_ms) "
      "print(pcall(call.stop_recording, call, 'rec-of-another-call'))");
  EXPECT_TRUE(ran.logged("4000")) << ran.all_logs();
  EXPECT_TRUE(ran.logged("expected what start_recording gave"));
  EXPECT_EQ(ran.done("recording.stop").size(), 1u);
}

TEST(Verbs, DialReturnsWhenTheConversationIsOver) {
  Ran ran(
      "local r = call:dial{targets = {'1001', {to = '1002', delay_ms = 5000}}, timeout_s = 20, ringback = "
      "'us', "
      "caller = {user = '77', name = 'Shop'}, early_media = false, on_answer = function(p) print('answered', "
      "p) end} "
      "print(r.status, r.q850, r.peer, r.reason, r.duration_ms)");
  EXPECT_EQ(ran.done("leg.dial")[0],
            (json{{"leg", "leg-1"},
                  {"targets", {{{"to", "1001"}}, {{"to", "1002"}, {"delay_ms", 5000}}}},
                  {"timeout_s", 20},
                  {"ringback", "us"},
                  {"caller", {{"user", "77"}, {"name", "Shop"}}},
                  {"early_media", false}}));
  EXPECT_TRUE(ran.logged("answered leg-peer"));
  EXPECT_TRUE(ran.logged("answered 16 leg-peer peer_hangup 3000")) << ran.all_logs();
}

TEST(Verbs, DialSaysWhyNobodyAnswered) {
  for (const char* status : {"busy", "no-answer", "failed", "unavailable"}) {
    FakeCalls calls;
    calls.dial = {status, 17, 1s, 0s};
    calls.write("app", "local r = call:dial('1001') print(r.status, r.q850)");
    calls.start("app");
    calls.advance(2s);
    EXPECT_TRUE(calls.logged(std::string(status) + " 17")) << calls.all_logs();
  }
}

TEST(Verbs, DialCanBeCancelledByAKey) {
  FakeCalls calls;
  calls.write("app", "call:dial{targets = '1001', cancel_key = '*'}");
  calls.start("app");
  calls.press("1*");
  EXPECT_EQ(calls.done("leg.cancel_dial").size(), 1u);
}

TEST(Verbs, TransferAndRunEndTheScriptAndLeaveTheLegAlone) {
  for (const char* verb : {"call:transfer('1001')", "call:run('other', {x = 1})"}) {
    Ran ran(std::string("pcall(function() ") + verb + " print('not reached') end) print('nor here')");
    EXPECT_EQ(ran.reason(), "done");
    EXPECT_TRUE(ran.done("leg.hangup").empty());
    EXPECT_FALSE(ran.logged("not reached"));
    EXPECT_FALSE(ran.logged("nor here"));
  }
}

TEST(Verbs, ReferWaitsForWhatThePhoneTells) {
  FakeCalls calls;
  calls.write("app", "print(call:refer('sip:bob@example.org'))");
  calls.start("app");
  calls.event({{"event", "transfer.done"}, {"leg", "leg-1"}, {"to", "x"}, {"code", 200}});
  calls.advance(0ns);
  EXPECT_TRUE(calls.logged("true 200")) << calls.all_logs();
}

TEST(Verbs, SendDigitsWaitsUntilTheyAreSent) {
  Ran ran("print(call:send_digits('12w#', {gap_ms = 50}), tandem.time() - 1700000001)", 600ms);
  EXPECT_EQ(ran.done("leg.send_digits")[0], (json{{"leg", "leg-1"}, {"digits", "12w#"}, {"gap_ms", 50}}));
  EXPECT_TRUE(ran.logged("true 0.5")) << ran.all_logs();
}

TEST(Verbs, WaitSeesEventsThatCameBeforeItAsked) {
  FakeCalls calls;
  calls.write("app",
              "call:sleep(1000) local e = call:wait('leg.held', 10) print(e.event) local n, err = "
              "call:wait({'leg.resumed'}, 500) print(n, err.code)");
  calls.start("app");
  calls.event({{"event", "leg.held"}, {"leg", "leg-1"}});
  calls.event({{"event", "leg.held"}, {"leg", "leg-other"}});
  calls.advance(3s);
  EXPECT_TRUE(calls.logged("leg.held"));
  EXPECT_TRUE(calls.logged("nil timeout")) << calls.all_logs();
}

TEST(Verbs, MistakesOfTheAuthorAreErrorsAtTheirLine) {
  const struct {
    const char* script;
    const char* message;
  } rows[] = {
      {"\ncall:play()", "app/app.lua:2: play: expected a prompt's name or a list of names"},
      {"\ncall:play(7)", "app/app.lua:2: play: expected a prompt's name or a list of names, got number"},
      {"\ncall:play('x', {lop = 1})", "app/app.lua:2: play: no such option: lop"},
      {"\ncall.play('x')", "app/app.lua:2: play: write call:play(...), with a colon"},
      {"\n\ncall:gather{max = 'x'}", "app/app.lua:3: gather: max: expected a number, got string"},
      {"\ncall:gather{min = 5, max = 2}", "app/app.lua:2: gather: expected 0 <= min <= max <= 128"},
      {"\ncall:dial{}", "app/app.lua:2: dial: expected a number or a list of targets, got nil"},
      {"\ncall:dial{targets = {}}", "app/app.lua:2: dial: expected at least one target"},
      {"\ncall:sleep('long')", "app/app.lua:2: sleep: ms: expected a number, got string"},
      {"\ncall:hangup({})", "app/app.lua:2: hangup: expected a cause's number or name, got table"},
      {"\ncall:log('loud', 'x')", "app/app.lua:2: log: expected debug, info, warn or error, got loud"},
      {"\ncall:fly()", "app/app.lua:2: attempt to call a nil value (method 'fly')"},
      {"\nerror({})", "the error is a table"},
  };
  for (const auto& row : rows) {
    Ran ran(row.script, 1s);
    const json end = ran.ended();
    ASSERT_FALSE(end.is_null()) << row.script;
    EXPECT_EQ(end["reason"], "error") << row.script;
    EXPECT_EQ(end["error"].get<std::string>().find(row.message), 0u) << end["error"];
    EXPECT_EQ(end["script"], "app/app.lua");
    EXPECT_GE(end["line"].get<int>(), 2);
    EXPECT_TRUE(ran.logged("call call-1 leg leg-1: app app ended by error at app/app.lua:"))
        << ran.all_logs();
    EXPECT_EQ(ran.done("leg.hangup").at(0)["cause"], 41);
  }
}

TEST(Verbs, AReplyThatNeverComesIsATimeOut) {
  FakeCalls calls;
  std::vector<FakeHost::Call> asked;
  calls.host->add_command("leg.answer", [&](const FakeHost::Call& call) { asked.push_back(call); });
  calls.write("app", "local ok, err = call:answer() print(ok, err.code)");
  calls.start("app");
  calls.advance(29s);
  EXPECT_FALSE(calls.logged("nil timeout"));
  calls.advance(2s);
  EXPECT_TRUE(calls.logged("nil timeout"));
  asked.at(0).ok("{}");  // for nobody any more
}

TEST(Verbs, ALateReplyIsNotTakenForTheNextOne) {
  FakeCalls calls;
  std::vector<FakeHost::Call> asked;
  calls.host->add_command("leg.answer", [&](const FakeHost::Call& call) { asked.push_back(call); });
  calls.write("app", "print(call:answer()) print(call:answer())");
  calls.start("app");
  calls.advance(31s);
  ASSERT_EQ(asked.size(), 2u);
  asked[0].ok("{}");
  calls.advance(1s);
  EXPECT_EQ(calls.reason(), "(runs)");
  asked[1].ok("{}");
  calls.advance(1s);
  EXPECT_EQ(calls.reason(), "done");
}

TEST(Verbs, TandemGivesTimeSettingsAndJson) {
  FakeCalls calls(json{{"settings", {{"greeting", "demo-congrats"}, {"list", {1, 2}}}}});
  calls.write("app", R"(print(tandem.setting("greeting"), tandem.setting("list")[2], tandem.setting("none"))
    local t = tandem.json.decode('{"a":[1,2,{"b":null}],"c":true}')
    print(t.a[2], t.a[3].b, t.c, tandem.json.encode({1, "x", {k = false}}))
    print(tandem.json.decode("nonsense"))
    print(tandem.json.encode({print}))
    local loop = {} loop.loop = loop print(tandem.json.encode(loop))
    print(tandem.date(0).year, tandem.date().min))");
  calls.start("app");
  EXPECT_TRUE(calls.logged("demo-congrats 2 nil")) << calls.all_logs();
  EXPECT_TRUE(calls.logged(R"(2 nil true [1,"x",{"k":false}])"));
  EXPECT_TRUE(calls.logged("nil not JSON"));
  EXPECT_TRUE(calls.logged("nil a function has no JSON form"));
  EXPECT_TRUE(calls.logged("nested deeper than 32"));
  EXPECT_TRUE(calls.logged("19"));  // 1969 or 1970
}

TEST(Verbs, AScriptAsksTheStoreOnlyForWhatIsItsOwn) {
  FakeCalls calls;
  std::vector<FakeHost::Call> asked;
  calls.host->add_command("mailbox.get", [&](const FakeHost::Call& call) {
    asked.push_back(call);
    call.ok(R"({"mailbox":"1001","new":2})");
  });
  calls.write("app", R"(call.tenant = "other"
    print(tandem.invoke("mailbox.get", {number = "1001", tenant = "other"}).new)
    for _, method in ipairs{"device.secrets", "call.list", "script.start", "leg.hangup"} do
      local r, err = tandem.invoke(method, {}) print(method, r, err.code) end)");
  calls.start("app");
  ASSERT_EQ(asked.size(), 1u) << calls.all_logs();
  EXPECT_EQ(asked[0].tenant, "demo");
  EXPECT_EQ(json::parse(asked[0].params)["tenant"], "demo");
  for (const char* method : {"device.secrets", "call.list", "script.start", "leg.hangup"}) {
    EXPECT_TRUE(calls.logged(std::string(method) + " nil denied")) << method;
  }
}

TEST(Verbs, AScriptCannotActOnAnotherLegByWritingItsOwnFields) {
  Ran ran("call.leg = 'leg-of-somebody' call:answer()");
  EXPECT_EQ(ran.done("leg.answer")[0]["leg"], "leg-1");
}

}  // namespace tandem::testing
