// The API without calls: JSON-RPC, schemas, events, idempotency keys.
#include "core/api/api.hpp"

#include <gtest/gtest.h>

#include "core/api/command_table.hpp"
#include "core/api/event_table.hpp"
#include "core/api/events.hpp"
#include "core/api/schema.hpp"
#include "tests/support/fake_timers.hpp"

namespace tandem::api {
namespace {

using namespace std::chrono_literals;
using testing::FakeTimers;

const Caller kOperator{"", Role::anyone};
const Caller kInside{"", Role::internal};
const Caller kAcme{"acme", Role::anyone};

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto add = [](const Caller&, std::string_view params, const Reply& reply) {
      const Json given = Json::parse(params);
      reply(std::to_string(number_at(given, "a") + number_at(given, "b")));
    };
    ASSERT_TRUE(api.provide(
        "sum",
        R"({"summary":"a + b","params":{"properties":{"a":{"type":"integer"},"b":{"type":"integer","maximum":10}},
                                       "required":["a"]}})",
        add));
    ASSERT_TRUE(
        api.provide("secret", R"({"access":"internal"})",
                    [](const Caller&, std::string_view, const Reply& reply) { reply(std::string("1")); }));
    ASSERT_TRUE(api.provide("fail", "{}", [](const Caller&, std::string_view, const Reply& reply) {
      reply(Error{ErrorCode::not_found, "no such thing"});
    }));
    ASSERT_TRUE(api.provide("later", R"({"params":{"additionalProperties":true}})",
                            [this](const Caller&, std::string_view, const Reply& reply) {
                              ++runs;
                              timers.after(1s, [reply, n = runs] { reply(std::to_string(n)); });
                            }));
  }
  // The answer to one text; "(none yet)" when there is none.
  std::string rpc(const std::string& text, const Caller& caller = kOperator) {
    std::string answer = "(none yet)";
    api.rpc(caller, text, [&](const std::string& got) { answer = got; });
    return answer;
  }
  int code(const std::string& text, const Caller& caller = kOperator) {
    const Json answer = Json::parse(rpc(text, caller), nullptr, false);
    return answer.is_object() && answer.contains("error") ? answer["error"]["code"].get<int>() : 0;
  }
  FakeTimers timers;
  Api api{timers};
  int runs = 0;
};

TEST_F(ApiTest, RequestIsAnsweredWithItsId) {
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"sum","params":{"a":1,"b":2},"id":7})"),
            R"({"jsonrpc":"2.0","result":3,"id":7})");
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"sum","params":{"a":1},"id":"x"})"),
            R"({"jsonrpc":"2.0","result":1,"id":"x"})");
}

TEST_F(ApiTest, NotificationGetsNoAnswerEvenWhenItFails) {
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"sum","params":{"a":1}})"), "");
  EXPECT_EQ(rpc(R"({"jsonrpc":"2.0","method":"nosuch"})"), "");
}

TEST_F(ApiTest, BadTextsGetTheSpecificationsCodes) {
  struct Row {
    std::string text;
    int code;
  };
  const std::vector<Row> rows{
      {"", -32700},
      {"{", -32700},
      {"nonsense", -32700},
      {"{\"jsonrpc\":\"2.0\",\"method\":\"sum\",\"id\":1}\xff", -32700},
      {"1", -32600},
      {"null", -32600},
      {"[]", -32600},
      {"{}", -32600},
      {R"({"jsonrpc":"1.0","method":"sum","id":1})", -32600},
      {R"({"jsonrpc":"2.0","method":1,"id":1})", -32600},
      {R"({"jsonrpc":"2.0","id":1})", -32600},
      {R"({"jsonrpc":"2.0","method":"sum","params":7,"id":1})", -32600},
      {R"({"jsonrpc":"2.0","method":"sum","id":{}})", -32600},
      {R"({"jsonrpc":"2.0","method":"nosuch","id":1})", -32601},
      {R"({"jsonrpc":"2.0","method":"sum","params":[1,2],"id":1})", -32602},
      {R"({"jsonrpc":"2.0","method":"sum","params":{},"id":1})", -32602},
      {R"({"jsonrpc":"2.0","method":"sum","params":{"a":"1"},"id":1})", -32602},
      {R"({"jsonrpc":"2.0","method":"sum","params":{"a":1,"b":11},"id":1})", -32602},
      {R"({"jsonrpc":"2.0","method":"sum","params":{"a":1,"c":1},"id":1})", -32602},
      {R"({"jsonrpc":"2.0","method":"fail","id":1})", -32000},
      {R"({"jsonrpc":"2.0","method":"secret","id":1})", -32000},
      {std::string(2'000'000, ' '), -32600},
      {std::string(65, '[') + std::string(65, ']'), -32600},
      {std::string(500'000, '['), -32600},
      {"[" + std::string(300, '1') + "]", -32600 + 0},
  };
  for (const Row& row : rows) {
    const std::string shown = row.text.substr(0, 80);
    if (row.text.starts_with("[1")) continue;  // a batch: see below
    EXPECT_EQ(code(row.text), row.code) << shown;
  }
}

TEST_F(ApiTest, TenMegabytesAreRefusedUnread) {
  const std::string huge =
      R"({"jsonrpc":"2.0","method":"sum","params":{"a":")" + std::string(10'000'000, 'x') + R"("},"id":1})";
  EXPECT_EQ(code(huge), -32600);
}

TEST_F(ApiTest, ErrorNamesWhatWasExpectedAndSeen) {
  const Json missing = Json::parse(rpc(R"({"jsonrpc":"2.0","method":"sum","params":{},"id":1})"));
  EXPECT_EQ(missing["error"]["message"], "the parameter \"a\" is missing");
  const Json unknown =
      Json::parse(rpc(R"({"jsonrpc":"2.0","method":"sum","params":{"a":1,"typo":1},"id":1})"));
  EXPECT_EQ(unknown["error"]["message"], "unknown parameter \"typo\", there is a, b");
  const Json failed = Json::parse(rpc(R"({"jsonrpc":"2.0","method":"fail","id":1})"));
  EXPECT_EQ(failed["error"]["data"]["code"], "not_found");
}

TEST_F(ApiTest, BatchIsAnsweredInOrderWhenAllOfItIsDone) {
  std::string answer = "(none yet)";
  api.rpc(
      kOperator,
      R"([{"jsonrpc":"2.0","method":"later","id":1},{"jsonrpc":"2.0","method":"sum","params":{"a":5},"id":2},
              {"jsonrpc":"2.0","method":"sum","params":{"a":5}},{"foo":1},7])",
      [&](const std::string& got) { answer = got; });
  EXPECT_EQ(answer, "(none yet)");
  timers.advance(2s);
  const Json all = Json::parse(answer);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0]["result"], 1);
  EXPECT_EQ(all[1]["result"], 5);
  EXPECT_EQ(all[2]["error"]["code"], -32600);
  EXPECT_EQ(all[3]["error"]["code"], -32600);
}

TEST_F(ApiTest, BatchOfNotificationsIsNotAnsweredAndABatchIsBounded) {
  EXPECT_EQ(rpc(R"([{"jsonrpc":"2.0","method":"sum","params":{"a":5}}])"), "");
  std::string many = "[1";
  for (int i = 0; i < 100; ++i) many += ",1";
  EXPECT_EQ(code(many + "]"), -32600);
}

TEST_F(ApiTest, InternalCommandIsForOurOwnOnly) {
  Result<std::string> answer = std::string();
  api.invoke(kOperator, "secret", "{}", [&](Result<std::string> got) { answer = got; });
  EXPECT_EQ(answer.error().code, ErrorCode::denied);
  api.invoke(kInside, "secret", "", [&](Result<std::string> got) { answer = got; });
  EXPECT_EQ(*answer, "1");
}

TEST_F(ApiTest, CommandNameIsTakenOnceAndFreeAfterWithdrawal) {
  const auto nothing = [](const Caller&, std::string_view, const Reply& reply) { reply(std::string("{}")); };
  EXPECT_EQ(api.provide("sum", "{}", nothing).error().code, ErrorCode::conflict);
  EXPECT_EQ(api.provide("Bad Name", "{}", nothing).error().code, ErrorCode::invalid);
  EXPECT_EQ(api.provide("x", "not json", nothing).error().code, ErrorCode::invalid);
  EXPECT_EQ(api.provide("x", R"({"params":{"$ref":"#"}})", nothing).error().code, ErrorCode::invalid);
  EXPECT_EQ(api.provide("x", R"({"params":{"properties":{"a":{"type":"strange"}}}})", nothing).error().code,
            ErrorCode::invalid);
  api.withdraw("sum");
  EXPECT_TRUE(api.provide("sum", "{}", nothing));
}

TEST_F(ApiTest, PluginThatListsNoPropertiesGetsWhateverIsSent) {
  const auto echo = [](const Caller&, std::string_view params, const Reply& reply) {
    reply(std::string(params));
  };
  ASSERT_TRUE(api.provide("bare", "{}", echo));
  ASSERT_TRUE(api.provide("needs", R"({"params":{"type":"object","required":["leg"]}})", echo));
  for (const char* method : {"bare", "needs"}) {
    Result<std::string> answer = Error{};
    api.invoke(kOperator, method, R"({"leg":"l","more":1})", [&](Result<std::string> got) { answer = got; });
    ASSERT_TRUE(answer) << method << ": " << answer.error().message;
    EXPECT_EQ(*answer, R"({"leg":"l","more":1})");
  }
  Result<std::string> answer = std::string();
  api.invoke(kOperator, "needs", R"({"more":1})", [&](Result<std::string> got) { answer = got; });
  EXPECT_EQ(answer.error().code, ErrorCode::invalid);
}

TEST_F(ApiTest, IdempotencyKeyRunsTheCommandOnce) {
  std::vector<std::string> answers;
  const auto call = [&](const std::string& params, const Caller& caller = kOperator) {
    api.invoke(caller, "later", params, [&](const Result<std::string>& got) {
      answers.push_back(got ? *got : std::string(to_string(got.error().code)));
    });
  };
  call(R"({"idempotency_key":"k1","x":1})");
  call(R"({"idempotency_key":"k1","x":1})");  // while the first still runs
  timers.advance(2s);
  call(R"({"idempotency_key":"k1","x":1})");  // long done
  EXPECT_EQ(answers, (std::vector<std::string>{"1", "1", "1"}));
  EXPECT_EQ(runs, 1);
  call(R"({"idempotency_key":"k1","x":2})");
  EXPECT_EQ(answers.back(), "conflict");
  call(R"({"idempotency_key":"k1","x":1})", kAcme);  // another tenant's key is another key
  timers.advance(2s);
  EXPECT_EQ(runs, 2);
  timers.advance(11min);
  call(R"({"idempotency_key":"k1","x":1})");
  timers.advance(2s);
  EXPECT_EQ(runs, 3);
  call(R"({"idempotency_key":7})");
  EXPECT_EQ(answers.back(), "invalid");
}

TEST_F(ApiTest, IdempotencyKeysAreBounded) {
  ApiLimits limits;
  limits.idempotency_keys = 3;
  Api small(timers, limits);
  int count = 0;
  ASSERT_TRUE(small.provide(
      "n", R"({"params":{"additionalProperties":true}})",
      [&](const Caller&, std::string_view, const Reply& reply) { reply(std::to_string(++count)); }));
  const auto call = [&](int key) {
    small.invoke(kOperator, "n", R"({"idempotency_key":"k)" + std::to_string(key) + "\"}",
                 [](const Result<std::string>&) {});
  };
  for (int i = 0; i < 10; ++i) call(i);
  call(9);
  EXPECT_EQ(count, 10) << "the newest is remembered";
  call(0);
  EXPECT_EQ(count, 11) << "the oldest is not";
}

TEST_F(ApiTest, EventsAreNumberedStampedAndToldOnTheNextTurn) {
  std::vector<std::string> seen;
  ASSERT_TRUE(api.subscribe(kOperator, "{}", [&](std::string_view text) { seen.emplace_back(text); }));
  ASSERT_TRUE(api.publish(R"({"event":"mailbox.changed","tenant":"acme","seq":99,"time":"never","new":1})"));
  EXPECT_TRUE(seen.empty()) << "never from inside publish";
  timers.advance(0s);
  ASSERT_EQ(seen.size(), 1U);
  const Json event = Json::parse(seen[0]);
  EXPECT_EQ(event["seq"], 1);
  EXPECT_EQ(event["event"], "mailbox.changed");
  EXPECT_EQ(event["new"], 1);
  EXPECT_EQ(event["time"].get<std::string>().size(), std::string("2026-11-22T12:00:00.000Z").size());
}

TEST_F(ApiTest, FilterChoosesByCallLegTenantAndName) {
  struct Row {
    const char* filter;
    Caller caller;
    std::size_t count;
  };
  const std::vector<Row> rows{
      {"{}", kOperator, 4},
      {"{}", kAcme, 2},
      {R"({"tenant":"demo"})", kOperator, 1},
      {R"({"tenant":"demo"})", kAcme, 0},
      {R"({"call":"c1"})", kOperator, 2},
      {R"({"leg":"l1"})", kOperator, 1},
      {R"({"events":["leg.*"]})", kOperator, 2},
      {R"({"events":["leg.answered","link.?p"]})", kOperator, 2},
      {R"({"events":["*"]})", kOperator, 4},
      {R"({"events":["nosuch"]})", kOperator, 0},
  };
  std::vector<std::size_t> counts(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_TRUE(
        api.subscribe(rows[i].caller, rows[i].filter, [&counts, i](std::string_view) { ++counts[i]; }));
  }
  for (const char* event :
       {R"({"event":"leg.answered","tenant":"acme","call":"c1","leg":"l1"})",
        R"({"event":"leg.ended","tenant":"acme","call":"c1","leg":"l2"})",
        R"({"event":"call.ended","tenant":"demo","call":"c2"})", R"({"event":"link.up"})"}) {
    ASSERT_TRUE(api.publish(event));
  }
  timers.advance(0s);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(counts[i], rows[i].count) << rows[i].filter;
}

TEST_F(ApiTest, SinceReplaysWhatWasMissedOnceAndInOrder) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(api.publish(R"({"event":"e"})"));
  std::vector<std::int64_t> seen;
  const auto note = [&](std::string_view text) { seen.push_back(number_at(Json::parse(text), "seq")); };
  ASSERT_TRUE(api.subscribe(kOperator, R"({"since":2})", note));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{3, 4, 5})) << "before subscribe returns";
  ASSERT_TRUE(api.publish(R"({"event":"e"})"));
  timers.advance(1s);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{3, 4, 5, 6}));
  EXPECT_EQ(api.subscribe(kOperator, R"({"since":7})", note).error().code, ErrorCode::not_found);
}

TEST_F(ApiTest, SinceThatIsTooOldIsNotFound) {
  ApiLimits limits;
  limits.replay_events = 10;
  Api small(timers, limits);
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(small.publish(R"({"event":"e"})"));
  const auto nothing = [](std::string_view) {};
  EXPECT_EQ(small.subscribe(kOperator, R"({"since":3})", nothing).error().code, ErrorCode::not_found);
  EXPECT_EQ(small.subscribe(kOperator, R"({"since":14})", nothing).error().code, ErrorCode::not_found);
  EXPECT_TRUE(small.subscribe(kOperator, R"({"since":15})", nothing));
}

TEST_F(ApiTest, BurstBeyondTheRingStillReachesWhoListens) {
  ApiLimits limits;
  limits.replay_events = 10;
  Api small(timers, limits);
  int seen = 0;
  ASSERT_TRUE(small.subscribe(kOperator, "{}", [&](std::string_view) { ++seen; }));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(small.publish(R"({"event":"e"})"));
  timers.advance(0s);
  EXPECT_EQ(seen, 100);
}

TEST_F(ApiTest, SubscriberMayUnsubscribeSubscribeAndPublishFromItsCallback) {
  int first = 0, second = 0;
  std::int64_t id = 0;
  const auto subscribed = api.subscribe(kOperator, "{}", [&](std::string_view) {
    ++first;
    api.unsubscribe(id);
    (void)api.subscribe(kOperator, "{}", [&](std::string_view) { ++second; });
    (void)api.publish(R"({"event":"from inside"})");
  });
  ASSERT_TRUE(subscribed);
  id = *subscribed;
  ASSERT_TRUE(api.publish(R"({"event":"e"})"));
  ASSERT_TRUE(api.publish(R"({"event":"e"})"));
  timers.advance(1s);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1) << "only what came after it subscribed";
}

TEST_F(ApiTest, BadFiltersAndEventsAreRefused) {
  const auto nothing = [](std::string_view) {};
  for (const char* filter : {"[]", "7", "{", R"({"call":1})", R"({"events":"leg.*"})", R"({"events":[1]})",
                             R"({"since":-1})", R"({"since":"1"})", R"({"legs":"x"})"}) {
    EXPECT_FALSE(api.subscribe(kOperator, filter, nothing)) << filter;
  }
  for (const char* event : {"", "[]", "{}", R"({"event":1})", R"({"event":""})", "\xff"}) {
    EXPECT_FALSE(api.publish(event)) << event;
  }
}

TEST_F(ApiTest, SubscriptionsAreBounded) {
  ApiLimits limits;
  limits.subscriptions = 2;
  Api small(timers, limits);
  const auto nothing = [](std::string_view) {};
  ASSERT_TRUE(small.subscribe(kOperator, "{}", nothing));
  const auto second = small.subscribe(kOperator, "{}", nothing);
  ASSERT_TRUE(second);
  EXPECT_EQ(small.subscribe(kOperator, "{}", nothing).error().code, ErrorCode::exhausted);
  small.unsubscribe(*second);
  small.unsubscribe(*second);
  EXPECT_TRUE(small.subscribe(kOperator, "{}", nothing));
}

TEST_F(ApiTest, ErrorsTravelAsJsonAndBack) {
  const Error back = error_from_json(error_json({ErrorCode::exhausted, "a \"limit\"\nwas hit"}));
  EXPECT_EQ(back.code, ErrorCode::exhausted);
  EXPECT_EQ(back.message, "a \"limit\"\nwas hit");
  for (const char* text : {"", "7", "{}", R"({"code":"strange","message":"m"})"}) {
    EXPECT_EQ(error_from_json(text).code, ErrorCode::internal) << text;
  }
}

TEST_F(ApiTest, EveryEventOfTheTableHasASchemaThatIsUnderstood) {
  for (const Json& event : describe_events()) {
    EXPECT_TRUE(check_schema(event["schema"])) << event["name"];
  }
}

TEST(Schema, TypesLimitsAndNestingAreChecked) {
  const Json schema = Json::parse(R"({"properties":{
      "name":{"type":"string","minLength":1,"maxLength":5},"n":{"type":"integer","minimum":1,"maximum":3},
      "f":{"type":"number"},"b":{"type":"boolean"},"e":{"enum":["x","y",1]},
      "l":{"type":"array","maxItems":2,"items":{"type":"object","properties":{"to":{"type":"string"}},"required":["to"]}},
      "any":{"type":["integer","string"]},"o":{"type":"object","additionalProperties":true}}})");
  struct Row {
    const char* value;
    bool fine;
  };
  for (const Row& row : {Row{"{}", true},
                         Row{R"({"name":"abc"})", true},
                         Row{R"({"name":""})", false},
                         Row{R"({"name":"abcdef"})", false},
                         Row{R"({"name":1})", false},
                         Row{R"({"n":1})", true},
                         Row{R"({"n":0})", false},
                         Row{R"({"n":4})", false},
                         Row{R"({"n":1.5})", false},
                         Row{R"({"n":"1"})", false},
                         Row{R"({"f":1.5})", true},
                         Row{R"({"f":2})", true},
                         Row{R"({"b":true})", true},
                         Row{R"({"b":0})", false},
                         Row{R"({"e":"x"})", true},
                         Row{R"({"e":1})", true},
                         Row{R"({"e":"z"})", false},
                         Row{R"({"l":[]})", true},
                         Row{R"({"l":[{"to":"a"}]})", true},
                         Row{R"({"l":[{"to":"a"},{}]})", false},
                         Row{R"({"l":[{"to":"a","x":1}]})", false},
                         Row{R"({"l":[{"to":"a"},{"to":"a"},{"to":"a"}]})", false},
                         Row{R"({"any":1})", true},
                         Row{R"({"any":"1"})", true},
                         Row{R"({"any":null})", false},
                         Row{R"({"o":{"whatever":1}})", true},
                         Row{R"({"o":[]})", false},
                         Row{R"({"unknown":1})", false}}) {
    EXPECT_EQ(fits(Json::parse(row.value), schema).ok(), row.fine) << row.value;
  }
}

TEST(Glob, StarsAndQuestionMarks) {
  struct Row {
    const char* pattern;
    const char* text;
    bool match;
  };
  for (const Row& row :
       {Row{"leg.*", "leg.answered", true}, Row{"leg.*", "leg.", true}, Row{"leg.*", "call.leg.x", false},
        Row{"*", "", true}, Row{"*.ended", "call.ended", true}, Row{"*.ended", "call.ended.x", false},
        Row{"a*b*c", "axxbxxc", true}, Row{"a*b*c", "axxbxx", false}, Row{"?", "", false},
        Row{"?", "x", true}, Row{"", "", true}, Row{"", "x", false},
        Row{"a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false}}) {
    EXPECT_EQ(glob(row.pattern, row.text), row.match) << row.pattern << " " << row.text;
  }
}

}  // namespace
}  // namespace tandem::api
