// From start to end: hang-ups, replacement, files and their reloading, the commands, start and stop of the
// plugin.
#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

TEST(ScriptHost, StartsAndEndsAreTold) {
  FakeCalls calls;
  calls.write("app", "call:sleep(1000)");
  const auto outcome = calls.start("app", {{"run", 7}});
  EXPECT_EQ(outcome.code, TD_OK);
  EXPECT_EQ(json::parse(calls.host->published().at(0)), (json{{"event", "script.started"},
                                                              {"tenant", "demo"},
                                                              {"call", "call-1"},
                                                              {"leg", "leg-1"},
                                                              {"app", "app"},
                                                              {"run", 7}}));
  calls.advance(2s);
  EXPECT_EQ(calls.ended(), (json{{"event", "script.ended"},
                                 {"tenant", "demo"},
                                 {"call", "call-1"},
                                 {"leg", "leg-1"},
                                 {"app", "app"},
                                 {"reason", "done"},
                                 {"run", 7}}));
}

TEST(ScriptHost, NothingRunsInsideOfTheCommandThatStartsIt) {
  FakeCalls calls;
  calls.write("app", "call:answer()");
  calls.host->call("script.start", R"({"leg":"leg-1","call":"c","tenant":"demo","app":"app"})");
  EXPECT_TRUE(calls.commands.empty());
  calls.advance(0ns);
  EXPECT_FALSE(calls.commands.empty());
}

TEST(ScriptHost, AHangUpEndsTheScriptWhereverItWaits) {
  const char* scripts[] = {"call:sleep(99000)",
                           "call:play('x')",
                           "call:gather{}",
                           "call:record{}",
                           "call:dial('1001')",
                           "call:wait('never')",
                           "call:read_key()",
                           "while true do pcall(function() call:sleep(1000) end) end",
                           "call:answer() call:start_recording{} call:sleep(99000)"};
  for (const char* script : scripts) {
    FakeCalls calls;
    calls.write("app", std::string(script) + " print('went on')");
    calls.start("app");
    calls.advance(100ms);
    calls.hang_up();
    EXPECT_EQ(calls.reason(), "hangup") << script;
    calls.advance(120s);
    EXPECT_FALSE(calls.logged("went on")) << script;
    EXPECT_TRUE(calls.done("leg.hangup").empty()) << script;
    EXPECT_EQ(calls.ended()["event"], "script.ended");
  }
}

TEST(ScriptHost, OnHangupCleansUpWithWhatWasRecorded) {
  FakeCalls calls;
  std::vector<std::string> added;
  calls.host->add_command("message.add", [&](const FakeHost::Call& call) {
    added.push_back(call.params);
    call.ok(R"({"id":"m1"})");
  });
  calls.write("app", R"(call:on_hangup(function(info)
      print(info.cause, info.q850, info.by, info.recording.path)
      print(tandem.invoke("message.add", {mailbox = "1001", path = info.recording.path}).id)
      local ok, err = call:play("x") print(ok, err.code)
    end) call:record{beep = false})");
  calls.start("app");
  calls.hang_up();
  EXPECT_EQ(calls.reason(), "(runs)");
  calls.finish_recording("leg_closed", 4200);  // comes after the leg is gone
  calls.advance(10ms);
  EXPECT_TRUE(calls.logged("NORMAL_CLEARING 16 remote /rec/")) << calls.all_logs();
  EXPECT_EQ(added.size(), 1u);
  EXPECT_TRUE(calls.logged("nil hangup"));
  EXPECT_EQ(calls.reason(), "hangup");
}

TEST(ScriptHost, OnHangupIsBounded) {
  const struct {
    const char* body;
    const char* reason;
    const char* log;
  } rows[] = {
      {"while true do end", "budget", "instruction limit"},
      {"while true do pcall(function() while true do end end) end", "budget", "instruction limit"},
      {"call:wait('never')", "hangup", "took longer than 5000 ms"},
      {"error('broken')", "error", "broken"},
      {"call:hangup()", "hangup", ""},
  };
  for (const auto& row : rows) {
    FakeCalls calls;
    calls.write("app", std::string("call:on_hangup(function() ") + row.body + " end) call:sleep(99000)");
    calls.start("app");
    calls.hang_up();
    calls.advance(6s);
    EXPECT_EQ(calls.reason(), row.reason) << row.body;
    EXPECT_NE(calls.all_logs().find(row.log), std::string::npos) << row.body << calls.all_logs();
    EXPECT_EQ(calls.host->figure("scripts_over_instructions_total"),
              std::string_view(row.reason) == "budget");
    EXPECT_EQ(calls.host->figure("scripts_failed_total"), std::string_view(row.reason) == "error");
  }
}

TEST(ScriptHost, AnotherScriptOnTheSameLegReplacesTheFirst) {
  FakeCalls calls;
  calls.write("one", "call:wait('never')");
  calls.write("two", "print('two runs') call:wait('never')");
  calls.start("one");
  calls.start("two");
  EXPECT_EQ(calls.ended()["app"], "one");
  EXPECT_EQ(calls.reason(), "done");
  EXPECT_TRUE(calls.done("leg.hangup").empty());
  EXPECT_TRUE(calls.logged("two runs"));
  calls.hang_up();
  EXPECT_EQ(json::parse(calls.host->published().back())["app"], "two");
}

TEST(ScriptHost, ATransferThatStartsTheNextScriptFromInsideIsFine) {
  FakeCalls calls;
  calls.write("one", "call:transfer('1002') print('not reached')");
  calls.write("two", "print('two runs') call:wait('never')");
  calls.host->add_command("leg.transfer", [&](const FakeHost::Call& call) {
    calls.host->invoke("script.start", R"({"leg":"leg-1","call":"call-1","tenant":"demo","app":"two"})");
    call.ok("{}");
  });
  calls.start("one");
  calls.advance(1s);
  EXPECT_TRUE(calls.logged("two runs"));
  EXPECT_FALSE(calls.logged("not reached"));
  EXPECT_EQ(calls.ended()["app"], "one");
  EXPECT_TRUE(calls.done("leg.hangup").empty());
}

TEST(ScriptHost, AppsAreFoundByNameAndNothingElse) {
  FakeCalls calls;
  calls.write("a/a.lua", "print('a/a')");
  calls.write("b/init.lua", "print('b/init')");
  calls.write("c.lua", "print('c')");
  for (const char* app : {"a", "b", "c"}) EXPECT_EQ(calls.start(app).code, TD_OK) << app;
  for (const char* line : {"a/a", "b/init", "c"}) EXPECT_TRUE(calls.logged(line)) << line;
  const struct {
    const char* app;
    int code;
  } rows[] = {{"nobody", TD_NOT_FOUND}, {"..", TD_INVALID}, {"../a", TD_INVALID},
              {"a/a", TD_INVALID},      {"", TD_INVALID},   {"a.lua", TD_INVALID}};
  for (const auto& row : rows) EXPECT_EQ(calls.start(row.app).code, row.code) << row.app;
  EXPECT_EQ(calls.start(std::string(5000, 'x')).code, TD_INVALID);
}

TEST(ScriptHost, ASyntaxErrorRefusesTheStartWithFileAndLine) {
  FakeCalls calls;
  calls.write("app", "local x = 1\nif x then");
  const auto outcome = calls.start("app");
  EXPECT_EQ(outcome.code, TD_INVALID);
  EXPECT_NE(outcome.json.find("app/app.lua:2:"), std::string::npos) << outcome.json;
  calls.write("escape", "end return function() while true do end");
  EXPECT_EQ(calls.start("escape").code, TD_INVALID);
  calls.write("bytes", "\x1bLua\x54");
  EXPECT_EQ(calls.start("bytes").code, TD_INVALID);
  calls.write("marked", "#!/usr/bin/env tandem\nprint('marked runs')");
  EXPECT_EQ(calls.start("marked").code, TD_OK);
  EXPECT_TRUE(calls.logged("marked runs"));
}

TEST(ScriptHost, AFileIsReadAgainOnlyWhenReloadIsOn) {
  for (const bool reload : {false, true}) {
    FakeCalls calls(json{{"reload", reload}});
    calls.write("mod.lua", "return 'old'");
    calls.write("app", "print('version 1', require('mod'))");
    calls.start("app");
    calls.advance(1ms);
    calls.write("mod.lua", "return 'newer'");
    calls.write("app", "print('version two', require('mod'))");
    calls.start("app");
    calls.advance(1ms);
    EXPECT_EQ(calls.logged("version two newer"), reload) << calls.all_logs();
    calls.write("app", "print('broken'");
    EXPECT_EQ(calls.start("app").code, reload ? TD_INVALID : TD_OK);
  }
}

TEST(ScriptHost, RequireFindsTheAppsOwnFilesFirst) {
  FakeCalls calls;
  calls.write(
      "app/app.lua",
      "print(require('part'), require('deep.part'), require('lib'), require('part') == require('part'))");
  calls.write("app/part.lua", "return 'own'");
  calls.write("app/deep/part.lua", "return 'deep'");
  calls.write("part.lua", "return 'common'");
  calls.write("lib/init.lua", "return 'lib'");
  calls.write("loop", "require('loop_a')");
  calls.write("loop_a.lua", "require('loop_b')");
  calls.write("loop_b.lua", "require('loop_a')");
  calls.write("broken", "require('bad')");
  calls.write("bad.lua", "\n\nx x");
  calls.start("app");
  calls.advance(1ms);
  EXPECT_TRUE(calls.logged("own deep lib true")) << calls.all_logs();
  calls.start("loop");
  calls.advance(1ms);
  EXPECT_TRUE(calls.logged("requires itself")) << calls.all_logs();
  calls.start("broken");
  calls.advance(1ms);
  EXPECT_TRUE(calls.logged("bad.lua:3:")) << calls.all_logs();
}

TEST(ScriptHost, CheckNamesFileAndLine) {
  FakeCalls calls;
  calls.write("good", "return 1");
  calls.write("bad", "\nlocal = 3");
  const auto ask = [&](json params) { return calls.host->call("script.check", params.dump()); };
  EXPECT_EQ(json::parse(ask({{"source", "return 1"}}).json), (json{{"ok", true}}));
  const json wrong = json::parse(ask({{"source", "x ="}}).json);
  EXPECT_EQ(wrong["ok"], false);
  EXPECT_EQ(wrong["line"], 1);
  const json file = json::parse(ask({{"path", "bad/bad.lua"}}).json);
  EXPECT_EQ(file["script"], "bad/bad.lua");
  EXPECT_EQ(file["line"], 2);
  EXPECT_EQ(json::parse(ask({{"app", "good"}}).json)["ok"], true);
  EXPECT_EQ(json::parse(ask({{"path", (calls.folder / "good/good.lua").string()}}).json)["ok"], true);
  EXPECT_EQ(ask({{"path", "/etc/passwd"}}).code, TD_DENIED);
  EXPECT_EQ(ask({{"path", "../../etc/passwd"}}).code, TD_DENIED);
  EXPECT_EQ(ask({{"path", "none.lua"}}).code, TD_NOT_FOUND);
  EXPECT_EQ(ask(json::object()).code, TD_INVALID);
}

TEST(ScriptHost, ListShowsAppsAndWhatRuns) {
  FakeCalls calls;
  calls.write("mine", "call:wait('never')");
  calls.start("mine");
  const json listed = json::parse(calls.host->call("script.list").json);
  std::set<std::string> names;
  for (const auto& app : listed["apps"]) names.insert(app["name"]);
  for (const char* name : {"mine", "ivr", "voicemail", "extension", "echo"})
    EXPECT_TRUE(names.count(name)) << name;
  EXPECT_EQ(listed["running"][0]["app"], "mine");
  EXPECT_GT(listed["running"][0]["memory_bytes"], 0);
}

TEST(ScriptHost, WrongParametersAreRefused) {
  FakeCalls calls;
  calls.write("app", "");
  EXPECT_EQ(calls.host->call("script.start", "[]").code, TD_INVALID);
  EXPECT_EQ(calls.host->call("script.start", "{").code, TD_INVALID);
  EXPECT_EQ(calls.host->call("script.start", R"({"app":"app"})").code, TD_INVALID);
  EXPECT_EQ(calls.host->call("script.start", R"({"app":7,"leg":"x"})").code, TD_INVALID);
  EXPECT_EQ(calls.host->call("script.start", R"({"app":"app","leg":"x"})", "", TD_ROLE_PUBLIC).code,
            TD_DENIED);
}

TEST(ScriptHost, EventsThatAreNoEventsAreIgnored) {
  FakeCalls calls;
  calls.write("app", "print(call:read_key(1000))");
  calls.start("app");
  for (const char* text : {"", "{", "[]", "7", "{}", R"({"leg":"leg-1"})", R"({"event":7,"leg":"leg-1"})",
                           R"({"event":"leg.digit","leg":7})", R"({"event":"leg.digit","leg":"leg-1"})",
                           R"({"event":"leg.digit","leg":"leg-1","digit":{"a":1}})"}) {
    calls.host->publish(text);
    calls.advance(1ms);
  }
  calls.advance(2s);
  EXPECT_EQ(calls.reason(), "done") << calls.all_logs();
}

TEST(ScriptHost, TheReadingQueueBeingFullIsAnError) {
  FakeCalls calls;
  calls.write("app", "");
  calls.host->fill_work_queue(true);
  EXPECT_EQ(calls.start("app").code, TD_EXHAUSTED);
}

TEST(ScriptHost, StoppingTheServerWithScriptsInAllStatesIsClean) {
  FakeCalls calls;
  std::vector<FakeHost::Call> held;
  calls.host->add_command("leg.answer", [&](const FakeHost::Call& call) { held.push_back(call); });
  calls.write("waits", "call:wait('never')");
  calls.write("asks", "call:answer()");
  calls.write("plays", "call:play('x')");
  for (const char* app : {"waits", "asks", "plays"}) calls.start(app, {{"leg", app}});
  calls.host->hold_work(true);
  calls.write("reads", "print('never')");
  const auto reading = calls.host->invoke("script.start", R"({"leg":"reads","app":"reads"})");
  calls.host->deactivate();
  EXPECT_EQ(reading->code, TD_UNAVAILABLE);
  for (const auto& call : held) call.ok("{}");  // an answer after the plugin is gone
  calls.advance(100s);
  EXPECT_FALSE(calls.logged("never"));
}

TEST(ScriptHost, ACallsAppThatIsToBeQuickIs) {
  FakeCalls calls;
  calls.write("app", "call:answer() call:play('x') call:hangup()");
  for (int i = 0; i < 50; ++i) {
    calls.start("app", {{"leg", "leg-" + std::to_string(i)}});
  }
  calls.advance(2s);
  EXPECT_EQ(calls.done("leg.hangup").size(), 50u);
}

}  // namespace tandem::testing
