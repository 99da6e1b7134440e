// Hostile scripts: each ends its own call, with a reason that names script, line and call, and nothing else.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

namespace {

struct Hostile {
  const char* name;
  const char* script;
  const char* reason;   // of script.ended
  const char* message;  // part of its error
};

const Hostile kHostile[] = {
    {"endless loop", "while true do end", "budget", "instruction limit"},
    {"endless loop in pcall", "while true do pcall(function() while true do end end) end", "budget",
     "instruction limit"},
    {"endless loop in xpcall's handler", "xpcall(error, function() while true do end end)", "budget",
     "instruction limit"},
    {"handler that catches the budget",
     "xpcall(function() while true do end end, function() while true do end end) while true do end", "budget",
     "instruction limit"},
    {"endless loop in a coroutine",
     "local c = coroutine.wrap(function() while true do end end) pcall(c) while true do end", "budget",
     "instruction limit"},
    {"coroutines too short to be counted",
     "while true do coroutine.resume(coroutine.create(function() for i = 1, 20 do end end)) end", "budget",
     "instruction limit"},
    {"many coroutines kept",
     "local all = {} while true do all[#all + 1] = coroutine.create(function() end) end", "budget", ""},
    {"coroutines in coroutines", "local function deep() local c = coroutine.wrap(deep) c() end deep()",
     "error", "C stack overflow"},
    {"string.rep", "local s = ('x'):rep(1e9)", "budget", "not enough memory"},
    {"string.rep in pcall", "pcall(string.rep, 'x', 1e9) pcall(string.rep, 'x', 1e9) while true do end",
     "budget", ""},
    {"string.rep of nothing", "local s = (''):rep(1e18) local t = ('x'):rep(-5) error('after')", "error",
     "after"},
    {"string.rep of 2^63", "local s = ('xx'):rep(math.maxinteger)", "error", "resulting string too large"},
    {"string doubling", "local s = 'x' while true do s = s .. s end", "budget", "not enough memory"},
    {"table growth", "local t = {} for i = 1, 1e9 do t[i] = i end", "budget", "not enough memory"},
    {"table growth in pcall",
     "local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end", "budget",
     "not enough memory"},
    {"closures", "local t = {} while true do local x = #t t[x + 1] = function() return x end end", "budget",
     "not enough memory"},
    {"varargs", "local function f(...) return f(1, ...) end f()", "budget", "not enough memory"},
    {"deep recursion", "local function f() return 1 + f() end f()", "budget", "not enough memory"},
    {"recursion through pcall", "local function f() return pcall(f) end f() error('after')", "error",
     "after"},
    {"recursion through a metamethod",
     "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k .. 'x'] end "
     "print(t.a)",
     "error", "C stack overflow"},
    {"recursion through gsub", "local function f(s) return (s:gsub('.', f)) end f('x')", "error",
     "C stack overflow"},
    {"backtracking in find", "local s = ('a'):rep(5000) s:find('.-.-.-.-.-.-b')", "budget",
     "instruction limit"},
    {"backtracking in match", "local s = ('a'):rep(5000) s:match('a*a*a*a*a*b')", "budget",
     "instruction limit"},
    {"backtracking in gsub", "local s = ('a'):rep(5000) s:gsub('a*a*a*a*b', '')", "budget",
     "instruction limit"},
    {"backtracking in gmatch", "for w in (('a'):rep(5000)):gmatch('a*a*a*a*b') do end", "budget",
     "instruction limit"},
    {"backtracking in pcall", "pcall(string.find, ('a'):rep(9000), '.-.-.-.-b') error('not reached')",
     "budget", "instruction limit"},
    {"balanced over and over", "local s = ('('):rep(60000) s:find('%b()x')", "budget", "instruction limit"},
    {"plain find that nearly fits",
     "local s = ('a'):rep(200000) for i = 1, 1e6 do s:find(('a'):rep(1000) .. 'b', 1, true) end", "budget",
     ""},
    {"long literal that nearly fits", "local s = ('a'):rep(100000) s:find(('a'):rep(50000) .. '[b]')",
     "budget", "instruction limit"},
    {"back reference that nearly fits", "local s = ('a'):rep(40000) s:find('(a*)x%1b')", "budget",
     "instruction limit"},
    {"table.move of nothing", "table.move({}, 1, 1e15, 2)", "budget", "instruction limit"},
    {"table.concat by metamethod",
     "table.concat(setmetatable({}, {__index = function() return 'x' end}), '', 1, 1e15)", "budget", ""},
    {"table.insert with __len",
     "table.insert(setmetatable({}, {__len = function() return 2 ^ 53 // 1 | 0 end}), 1, 1)", "error",
     "__len"},
    {"table.sort with __len",
     "table.sort(setmetatable({}, {__len = function() return 2 ^ 30 // 1 | 0 end}), rawequal)", "error",
     "__len"},
    {"table.sort by a C function",
     "local t = {} for i = 1, 20000 do t[i] = i end while true do table.sort(t, math.ult) end", "budget", ""},
    {"table.sort of long strings",
     "local s = ('a'):rep(100000) local t = {} for i = 1, 5000 do t[i] = s end while true do table.sort(t) "
     "end",
     "budget", ""},
    {"table.unpack", "local t = {table.unpack({}, 1, 900000)}", "budget", ""},
    {"comparing long strings",
     "local a, b = ('x'):rep(300000) .. 'a', ('x'):rep(300000) .. 'b' local n = 0 while true do n = n + (a < "
     "b and 1 or 0) end",
     "budget", ""},
    {"upper of a long string", "local s = ('x'):rep(400000) while true do local t = s:upper() end", "budget",
     ""},
    {"joining long strings", "local s = ('x'):rep(200000) while true do local t = s .. 'y' end", "budget",
     ""},
    {"__gc", "setmetatable({}, {__gc = function() while true do end end})", "error", "__gc is not available"},
    {"__gc later",
     "local m = {} setmetatable({}, m) m.__gc = function() while true do end end for i = 1, 2e4 do local t = "
     "{} end error('after')",
     "error", "after"},
    {"__close", "local x <close> = setmetatable({}, {__close = function() while true do end end}) error('e')",
     "error", "e"},
    {"__close when ended",
     "local x <close> = setmetatable({}, {__close = function() while true do end end}) while true do end",
     "budget", "instruction limit"},
    {"error object that cannot be read",
     "error(setmetatable({}, {__tostring = function() while true do end end}))", "error",
     "the error is a table"},
    {"print of a hostile object", "print(setmetatable({}, {__tostring = function() while true do end end}))",
     "budget", "instruction limit"},
    {"json of a large table",
     "local t = {} for i = 1, 20000 do t[i] = i end print(tandem.json.encode(t)) error('after')", "error",
     "after"},
    {"json nested deep", "local v = tandem.json.decode(('['):rep(100000)) error('after')", "error", "after"},
    {"json bomb",
     "local s = '[' .. ('[],'):rep(60000) .. '[]]' local t = {} while true do t[#t + 1] = "
     "tandem.json.decode(s) end",
     "budget", ""},
    {"waits that spin", "while true do call:sleep(1) for i = 1, 1e5 do end end", "budget", "in one call"},
    {"waits forever", "while true do call:wait('never', 1000) end", "budget", "life time limit"},
    {"no exit from the main line", "coroutine.yield()", "error", "outside a coroutine"},
    {"verb in a coroutine", "coroutine.wrap(function() call:sleep(1) end)()", "error",
     "inside of a coroutine"},
    {"verb in a callback", "table.sort({3, 2, 1}, function() call:sleep(1) end)", "error",
     "inside of a callback"},
    {"io", "io.open('/etc/passwd')", "error", "nil value (global 'io')"},
    {"os", "os.execute('true')", "error", "nil value (global 'os')"},
    {"debug", "debug.getregistry()", "error", "nil value (global 'debug')"},
    {"load", "load('return 1')()", "error", "nil value (global 'load')"},
    {"dofile", "dofile('/etc/passwd')", "error", "nil value (global 'dofile')"},
    {"string.dump", "string.dump(print)", "error", "nil value (field 'dump')"},
    {"changing a library", "string.format = nil", "error", "shared by all calls"},
    {"changing a library raw", "rawset(string, 'format', nil)", "error", "protected table"},
    {"changing a library's face", "setmetatable(string, {})", "error", "protected metatable"},
    {"changing tandem", "tandem.time = nil", "error", "shared by all calls"},
    {"changing strings", "getmetatable('').__index = {}", "error", "boolean"},
    {"changing the call's class", "getmetatable(call).__index = {}", "error", "boolean"},
    {"changing globals' parent", "getmetatable(_G).__index.print = nil", "error", "boolean"},
    {"error without end", "error(('x'):rep(200000))", "error", "x"},
    {"goto", "::a:: goto a", "budget", "instruction limit"},
    {"require outside", "require('../../etc/passwd')", "error", "a module's name is"},
    {"require absolute", "require('/etc/passwd')", "error", "a module's name is"},
    {"require of nothing", "require('no_such_module')", "error", "was not found"},
};

// Small limits, so that the table is quick; processor time is generous because machines differ.
json small() {
  return {{"instructions_per_wait", 300000},
          {"instructions_total", 3000000},
          {"cpu_ms_per_wait", 400},
          {"life_ms_max", 60000}};
}

}  // namespace

TEST(Budget, AHostileScriptEndsOnlyItsOwnCall) {
  for (const Hostile& row : kHostile) {
    SCOPED_TRACE(row.name);
    FakeCalls calls(small());
    calls.write("good",
                "local n = 0 while n < 50 do call:sleep(1000) n = n + 1 end print('good is well') "
                "call:wait('never')");
    calls.write("bad", row.script);
    calls.start("good", {{"leg", "leg-good"}, {"call", "call-good"}});
    const auto began = std::chrono::steady_clock::now();
    calls.start("bad", {{"leg", "leg-bad"}, {"call", "call-bad"}});
    calls.advance(70s);
    const auto took = std::chrono::steady_clock::now() - began;
    const json end = calls.ended("leg-bad");
    ASSERT_FALSE(end.is_null());
    EXPECT_EQ(end["reason"], row.reason) << end;
    EXPECT_NE(end.value("error", "").find(row.message), std::string::npos) << end;
    EXPECT_EQ(end.value("script", ""), "bad/bad.lua") << end;
    EXPECT_EQ(end.value("line", 0), 1) << end;
    EXPECT_TRUE(calls.logged("call call-bad leg leg-bad: app bad ended by")) << calls.all_logs();
    EXPECT_TRUE(calls.logged("good is well"));
    EXPECT_LT(took, 5s);
    EXPECT_THAT(calls.done("leg.hangup"), ::testing::Contains(json{{"leg", "leg-bad"}, {"cause", 41}}));
  }
}

TEST(Budget, WhatACallMadeIsGivenBackWhenItIsOver) {
  FakeCalls calls;
  calls.write("hog", "local t = {} for i = 1, 5000 do t[i] = {i} end");
  calls.write("list", "call:wait('never')");
  for (int i = 0; i < 200; ++i) {
    calls.start("hog");
    calls.advance(1ms);
    EXPECT_EQ(calls.reason(), "done");
  }
  calls.start("list", {{"leg", "leg-2"}});
  const json listed = json::parse(calls.host->call("script.list").json);
  ASSERT_EQ(listed["running"].size(), 1u);
  EXPECT_LT(listed["running"][0]["memory_bytes"].get<int>(), 30000) << listed;
}

TEST(Budget, GarbageDoesNotCountAgainstTheLimit) {
  FakeCalls calls;
  calls.write("app",
              "for round = 1, 300 do call:sleep(10) for i = 1, 100 do local s = ('x'):rep(1000) .. i end end "
              "print('through')");
  calls.start("app");
  calls.advance(10s);
  EXPECT_TRUE(calls.logged("through")) << calls.all_logs();
}

TEST(Budget, GlobalsOfOneCallAreNotSeenByAnother) {
  FakeCalls calls;
  calls.write("shared.lua", "local m = {count = 0} secret_of_module = true return m");
  calls.write("app",
              "local m = require('shared') m.count = m.count + 1 secret = (secret or 0) + 1 "
              "print('seen', secret, m.count, _G.secret) call:wait('never')");
  calls.start("app", {{"leg", "a"}});
  calls.start("app", {{"leg", "b"}});
  int seen = 0;
  for (const auto& line : calls.host->log())
    seen += line.text.find("seen 1 1 1") != std::string::npos ? 1 : 0;
  EXPECT_EQ(seen, 2) << calls.all_logs();
}

TEST(Budget, TooManyScriptsAreRefusedWithTheirNumber) {
  FakeCalls calls(json{{"calls_max", 2}});
  calls.write("app", "call:wait('never')");
  calls.start("app", {{"leg", "a"}});
  calls.start("app", {{"leg", "b"}});
  const auto third = calls.start("app", {{"leg", "c"}});
  EXPECT_EQ(third.code, TD_EXHAUSTED);
  EXPECT_NE(third.json.find("2 scripts run"), std::string::npos);
}

TEST(Budget, AFloodOfKeysAndEventsIsBounded) {
  FakeCalls calls;
  calls.write("app", "call:sleep(1000) print('keys', call:flush_digits())");
  std::vector<FakeHost::Call> asked;
  calls.host->add_command("leg.answer", [&](const FakeHost::Call& call) { asked.push_back(call); });
  calls.write("stuck", "call:answer() print('events', #(call:read_key(1) or ''))");
  calls.start("app");
  for (int i = 0; i < 1000; ++i) calls.press("1");
  calls.advance(1s);
  EXPECT_TRUE(calls.logged("keys")) << calls.all_logs();
  calls.start("stuck");
  for (int i = 0; i < 1000; ++i) calls.event({{"event", "leg.digit"}, {"leg", "leg-1"}, {"digit", "5"}});
  calls.advance(40s);
  EXPECT_TRUE(calls.logged("more than 256 events wait"));
  EXPECT_TRUE(calls.logged("events 1"));
  asked.at(0).ok("{}");
}

TEST(Budget, LogLinesAreBoundedAndCannotForgeOthers) {
  FakeCalls calls(json{{"log_lines_max", 10}});
  calls.write("app", "print('a\\nforged line') for i = 1, 100 do print(i) end");
  calls.start("app");
  EXPECT_TRUE(calls.logged("a forged line"));
  EXPECT_TRUE(calls.logged("logged too much"));
  EXPECT_LT(calls.host->log().size(), 15u);
}

TEST(Budget, OptionsThatMakeNoSenseAreRefusedByName) {
  const struct {
    const char* config;
    const char* error;
  } rows[] = {
      {R"({"memory_kb":1})", "memory_kb: expected a whole number from 64 to 65536, found 1"},
      {R"({"memory_kb":"much"})", "memory_kb: expected a whole number"},
      {R"({"paths":"plugins"})", "paths: expected a list of folders"},
      {R"({"paths":[7]})", "paths: expected a folder, found 7"},
      {R"({"reload":1})", "reload: expected true or false, found 1"},
      {R"({"relod":true})", "relod: expected one of paths, reload,"},
      {R"([])", "expected a table of options"},
  };
  for (const auto& row : rows) {
    FakeHost host(row.config);
    EXPECT_LT(host.activate(tandem_plugin_lua()), 0) << row.config;
    EXPECT_EQ(host.error().find(row.error), 0u) << host.error();
  }
}

}  // namespace tandem::testing
