// Boards: what calls know of each other, and the events that apps publish.
#include "lua/boards.hpp"

#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

namespace {

json second(const char* leg = "leg-2", const char* tenant = "demo") {
  return {{"leg", leg}, {"call", "call-2"}, {"tenant", tenant}};
}

json board_of(FakeCalls& calls, const json& params = json::object()) {
  const auto outcome = calls.host->call("board.list", params.dump());
  return json::parse(outcome.json)["boards"];
}

std::vector<json> published(const FakeCalls& calls, const std::string& name) {
  std::vector<json> found;
  for (const std::string& text : calls.host->published()) {
    const json event = json::parse(text);
    if (event["event"] == name) found.push_back(event);
  }
  return found;
}

}  // namespace

TEST(Boards, MembersStandInTheOrderOfJoiningAndGoWithTheirScripts) {
  FakeCalls calls;
  calls.write("app", R"(local b = tandem.board("room")
b:join{ kind = "x", n = call.leg }
print("ahead", b:ahead{ kind = "x" }, b:ahead{ kind = "y" }, b:count(), b:id() ~= nil)
b:join{ kind = "x", n = "again" }
call:sleep(5000))");
  calls.start("app");
  calls.start("app", second());
  EXPECT_TRUE(calls.logged("ahead 0 0 1 true"));
  EXPECT_TRUE(calls.logged("ahead 1 0 2 true"));
  json boards = board_of(calls);
  ASSERT_EQ(boards.size(), 1u) << boards;
  EXPECT_EQ(boards[0]["name"], "room");
  ASSERT_EQ(boards[0]["members"].size(), 2u);
  EXPECT_EQ(boards[0]["members"][0]["leg"], "leg-1");
  EXPECT_EQ(boards[0]["members"][0]["data"]["n"], "again");
  calls.hang_up("leg-1");
  boards = board_of(calls);
  ASSERT_EQ(boards[0]["members"].size(), 1u);
  EXPECT_EQ(boards[0]["members"][0]["leg"], "leg-2");
  calls.advance(6s);
  EXPECT_TRUE(board_of(calls).empty());
}

TEST(Boards, AScriptThatFailsLeavesToo) {
  FakeCalls calls;
  calls.write("app", "tandem.board('room'):join{} call:sleep(100) error('bad')");
  calls.start("app");
  EXPECT_EQ(board_of(calls).size(), 1u);
  calls.advance(1s);
  EXPECT_EQ(calls.reason(), "error");
  EXPECT_TRUE(board_of(calls).empty());
}

TEST(Boards, AChangeWakesWhoWaitsOnce) {
  FakeCalls calls;
  calls.write("waiter", R"(local b = tandem.board("room")
local v = b:version()
print("first", b:wait(v, 3000))
v = b:version()
print("second", b:wait(v, 1000))
print("third", b:wait(v - 1, 1000))
print("key", b:wait(v, 9000), call:read_key(0)))");
  calls.write("setter", "local b = tandem.board('room') b:set('a', {1}) b:set('a', {1}) b:set('b', true)");
  calls.start("waiter");
  calls.advance(100ms);
  calls.start("setter", second());
  calls.advance(100ms);
  EXPECT_TRUE(calls.logged("first changed")) << calls.all_logs();
  EXPECT_FALSE(calls.logged("second"));
  calls.advance(1100ms);
  EXPECT_TRUE(calls.logged("second nil"));
  EXPECT_TRUE(calls.logged("third changed"));
  calls.press("7");
  EXPECT_TRUE(calls.logged("key key 7")) << calls.all_logs();
}

TEST(Boards, FactsStayAndBelongToTheirTenant) {
  FakeCalls calls;
  calls.write("one", "tandem.board('room'):set('agent:1', { n = 1 }) tandem.board('room'):set('x', 2)");
  calls.write("two", R"(local b = tandem.board("room")
local facts = b:facts("agent:")
print("seen", facts["agent:1"] and facts["agent:1"].n, facts.x, b:get("x"), b:get("y"), b:has(1))
b:set("x", nil))");
  calls.start("one");
  calls.advance(100ms);
  calls.start("two", second());
  EXPECT_TRUE(calls.logged("seen 1 nil 2 nil false")) << calls.all_logs();
  calls.start("two", second("leg-3", "acme"));
  EXPECT_TRUE(calls.logged("seen nil nil nil nil false")) << calls.all_logs();
  const json boards = board_of(calls, {{"tenant", "demo"}, {"name", "room"}});
  ASSERT_EQ(boards.size(), 1u);
  EXPECT_EQ(boards[0]["facts"], (json{{"agent:1", {{"n", 1}}}}));
  EXPECT_TRUE(board_of(calls, {{"tenant", "acme"}}).empty());
}

TEST(Boards, WhatIsTooLargeOrTooMuchIsRefused) {
  FakeCalls calls(json{{"cpu_ms_per_wait", 20000}});  // a sanitizer is slow
  calls.write("app", R"(local b = tandem.board("room")
local ok, err = b:join{ text = ("x"):rep(5000) }
print("join", ok, err.code)
ok, err = b:set("k", ("x"):rep(5000))
print("set", ok, err.code)
ok, err = b:set("f", { print })
print("function", ok, err.code)
print("name", pcall(tandem.board, ("n"):rep(65)))
print("colon", pcall(b.join, {}))
print("filter", pcall(b.ahead, b, 5))
for i = 1, 4001 do ok, err = b:set("k" .. i, i) end
print("many", ok, err and err.code))");
  calls.start("app");
  calls.advance(100ms);
  for (const char* line : {"join nil invalid", "set nil invalid", "function nil invalid", "name false",
                           "colon false", "filter false", "many nil exhausted"})
    EXPECT_TRUE(calls.logged(line)) << line << "\n" << calls.all_logs();
}

TEST(Boards, AnAppPublishesEventsOfItsOwnNameOnly) {
  FakeCalls calls(json{{"cpu_ms_per_wait", 20000}});  // a sanitizer is slow
  calls.write("app", R"(print("own", tandem.publish("app.done", { n = 1, tenant = "acme", leg = "x" }))
print("other", (tandem.publish("leg.ended", {})))
print("bare", (tandem.publish("app.")))
for i = 1, 1001 do ok = tandem.publish("app.more") end
print("many", ok))");
  calls.write("leg", R"(print("reserved", (tandem.publish("leg.ended", {}))))");
  calls.start("app");
  calls.start("leg", second());
  const auto events = published(calls, "app.done");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(
      events[0],
      (json{{"event", "app.done"}, {"tenant", "demo"}, {"call", "call-1"}, {"leg", "leg-1"}, {"n", 1}}));
  for (const char* line : {"own true", "other nil", "bare nil", "many nil", "reserved nil"})
    EXPECT_TRUE(calls.logged(line)) << line << "\n" << calls.all_logs();
  EXPECT_EQ(published(calls, "app.more").size(), 999u);
}

TEST(Boards, TheTableItselfIsBounded) {
  int woken = 0;
  lua::Boards boards([&](std::uint64_t, const std::string&) { ++woken; });
  EXPECT_EQ(boards.set("t", "", "k", 1), TD_INVALID);
  EXPECT_EQ(boards.set("t", "n", "", 1), TD_INVALID);
  for (std::size_t i = 0; i < lua::Boards::kBoardsMax; ++i)
    ASSERT_EQ(boards.set("t", "n" + std::to_string(i), "k", 1), TD_OK);
  EXPECT_EQ(boards.set("t", "one more", "k", 1), TD_EXHAUSTED);
  EXPECT_EQ(boards.set("t", "n0", "k", nullptr), TD_OK);
  EXPECT_EQ(boards.find("t", "n0"), nullptr);
  EXPECT_TRUE(boards.watch("t", "n0", 5, 0));
  EXPECT_FALSE(boards.watch("t", "n1", 5, 0));
  EXPECT_TRUE(boards.watch("t", "n1", 5, boards.find("t", "n1")->version));
  EXPECT_EQ(boards.set("t", "n1", "k", 2), TD_OK);
  EXPECT_EQ(woken, 1);
  boards.forget(5);
  EXPECT_EQ(boards.find("t", "n0"), nullptr);
  EXPECT_EQ(boards.refused, 3u);
}

}  // namespace tandem::testing
