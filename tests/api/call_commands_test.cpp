// The commands over a whole town: what a program would do over the wire.
#include "core/api/call_commands.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "core/api/anchor_commands.hpp"
#include "core/api/api.hpp"
#include "core/api/call_json.hpp"
#include "core/api/events.hpp"
#include "core/api/metrics.hpp"
#include "tests/call/town.hpp"

namespace tandem::testing {
namespace {

using api::Json;

// The town's events go to the API as well.
struct Both final : call::EventSink {
  Both(EventLog& log, api::Events& events) : log_(log), events_(events) {}
  void on_event(const call::Event& event) override {
    log_.on_event(event);
    events_.on_event(event);
  }
  EventLog& log_;
  api::Events& events_;
};

class CallCommandsTest : public Town {
 protected:
  void SetUp() override {
    calls = std::make_unique<Calls>(
        Surroundings{timers, company, media, both, cdrs, apps, sounds, directory, routes}, config);
    api::bind_call_commands(door.table(), *calls, timers, [](Json& status) { status["version"] = "1.2.3"; });
    company.goes_up();
    add_route("5000", "wait");
    apps.apps["wait"] = [](const AppStart&) {};
    for (const char* user : {"1001", "1002", "1003"}) company.phone(user).registers();
    timers.advance(10ms);
  }
  // The result, or {"error": code}, after `wait` of fake time.
  Json run(const std::string& method, const Json& params, const std::string& tenant = "",
           milliseconds wait = 20ms) {
    Json answer = "unanswered";
    door.invoke({tenant, api::Role::anyone}, method, params.dump(), [&](const Result<std::string>& got) {
      answer = got ? Json::parse(*got)
                   : Json{{"error", to_string(got.error().code)}, {"message", got.error().message}};
    });
    timers.advance(wait);
    return answer;
  }
  std::string error(const std::string& method, const Json& params, const std::string& tenant = "") {
    return api::text_at(run(method, params, tenant), "error");
  }
  api::Api door{timers};
  Both both{events, door.events()};
};

TEST_F(CallCommandsTest, ProgramAnswersPlaysRecordsAndHangsUp) {
  std::vector<std::string> seen;
  ASSERT_TRUE(door.subscribe(
      {"demo", api::Role::anyone}, R"({"events":["leg.*","play.*","recording.*"]})",
      [&](std::string_view text) { seen.push_back(api::text_at(Json::parse(text), "event")); }));
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(50ms);
  const Json leg{{"leg", call.leg}};
  EXPECT_EQ(run("leg.ring", leg), Json::object());
  EXPECT_EQ(run("leg.answer", leg), Json::object());
  EXPECT_TRUE(call.up());
  EXPECT_EQ(run("leg.play", {{"leg", call.leg}, {"files", {"demo-congrats", "digits/1"}}})["playback"],
            "play-1");
  EXPECT_EQ(media_of(call.leg).play.files,
            (std::vector<std::string>{"/prompts/demo-congrats.wav", "/prompts/digits/1.wav"}));
  EXPECT_EQ(run("leg.stop_play", leg), Json::object());
  const Json recording = run("recording.start", {{"leg", call.leg}, {"name", "one"}, {"stereo", true}});
  EXPECT_EQ(recording["path"], "/recordings/demo/one.wav");
  EXPECT_EQ(run("recording.pause", {{"recording", recording["recording"]}}), Json::object());
  EXPECT_EQ(run("recording.resume", {{"recording", recording["recording"]}}), Json::object());
  EXPECT_EQ(run("recording.stop", {{"recording", recording["recording"]}}), Json::object());
  EXPECT_EQ(run("leg.send_digits", {{"leg", call.leg}, {"digits", "1w2#"}}), Json::object());
  EXPECT_EQ(media_of(call.leg).digits_sent, "1w2#");
  EXPECT_EQ(run("leg.hangup", {{"leg", call.leg}, {"cause", "USER_BUSY"}}), Json::object());
  EXPECT_EQ(call.q850, 17);
  const std::vector<std::string> expected{"leg.created",        "leg.ringing",   "leg.answered",
                                          "leg.confirmed",      "play.finished", "recording.started",
                                          "recording.finished", "leg.ended"};
  EXPECT_EQ(seen, expected);
  expect_nothing_left();
}

TEST_F(CallCommandsTest, ShowGivesBothDirectionsFigures) {
  Dialog& call = company.phone("1001").calls("1002");
  timers.advance(2s);
  const Json all = run("call.list", Json::object());
  ASSERT_EQ(all["calls"].size(), 1U);
  const Json shown = run("call.show", {{"call", all["calls"][0]["call"]}});
  ASSERT_EQ(shown["legs"].size(), 2U);
  EXPECT_EQ(shown["state"], "answered");
  const Json leg = run("leg.show", {{"leg", call.leg}});
  EXPECT_EQ(leg["from"]["user"], "1001");
  EXPECT_EQ(leg["media"]["received"]["codec"], "PCMU");
  EXPECT_EQ(leg["media"]["received"]["packets"], 100);
  EXPECT_EQ(leg["media"]["received"]["mos"], 4.4);
  EXPECT_TRUE(leg["media"]["sent"].contains("loss_percent"));
}

TEST_F(CallCommandsTest, InUseIsWhoRingsOrSpeaksAsWhatItsDigestSays) {
  company.phone("1002").never_answers();
  Dialog& call = company.phone("1001").calls("1002");
  timers.advance(500ms);
  const Json asked{{"numbers", {"1003", "1002", "1001"}}, {"tenant", "demo"}};
  EXPECT_EQ(run("extension.in_use", asked)["in_use"], (Json{"1002", "1001"}));
  EXPECT_EQ(run("extension.in_use", {{"numbers", {"1001"}}}, "acme")["in_use"], Json::array());
  EXPECT_EQ(error("extension.in_use", {{"numbers", {1001}}}), "invalid");
  company.phone("1001").hangs_up(call);
  timers.advance(500ms);
  EXPECT_EQ(run("extension.in_use", asked)["in_use"], Json::array());
}

TEST_F(CallCommandsTest, ForeignTenantSeesNothing) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(50ms);
  EXPECT_EQ(error("leg.show", {{"leg", call.leg}}, "acme"), "not_found");
  EXPECT_EQ(error("leg.hangup", {{"leg", call.leg}}, "acme"), "not_found");
  EXPECT_EQ(error("call.list", {{"tenant", "demo"}}, "acme"), "denied");
  EXPECT_EQ(run("call.list", Json::object(), "acme")["calls"].size(), 0U);
  EXPECT_EQ(run("call.list", Json::object(), "demo")["calls"].size(), 1U);
  EXPECT_EQ(error("call.originate", {{"to", "1002"}, {"tenant", "demo"}}, "acme"), "denied");
}

TEST_F(CallCommandsTest, DialFromTheApiJoinsAndTells) {
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(50ms);
  const Json dial =
      run("leg.dial",
          {{"leg", call.leg},
           {"targets",
            {{{"to", "1002"}, {"headers", {{"X-Queue", "sales"}}}}, {{"to", "1003"}, {"delay_ms", 5000}}}},
           {"timeout_s", 20},
           {"caller", {{"user", "0800"}, {"name", "Sales"}}}});
  EXPECT_TRUE(dial["dial"].is_string());
  timers.advance(2s);
  Dialog* callee = company.phone("1002").called();
  ASSERT_NE(callee, nullptr);
  EXPECT_EQ(callee->invite.from.user, "0800");
  EXPECT_EQ(callee->invite.headers.at(0).first, "X-Queue");
  EXPECT_TRUE(joined(call.leg, callee->leg));
  EXPECT_EQ(run("leg.bridge", {{"leg", call.leg}, {"with", callee->leg}}), Json::object())
      << "joined already";
  EXPECT_EQ(run("leg.hold", {{"leg", call.leg}}), Json::object());
  EXPECT_EQ(call.theirs->direction, "sendonly");
  EXPECT_EQ(run("leg.unhold", {{"leg", call.leg}}), Json::object());
  EXPECT_EQ(run("leg.unbridge", {{"leg", call.leg}}), Json::object());
  EXPECT_EQ(error("leg.unbridge", {{"leg", call.leg}}), "conflict");
}

TEST_F(CallCommandsTest, BadParametersAreNamed) {
  struct Row {
    const char* method;
    Json params;
    const char* code;
  };
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(50ms);
  const std::string leg = call.leg;
  for (const Row& row : std::vector<Row>{
           {"leg.show", Json::object(), "invalid"},
           {"leg.show", {{"leg", 7}}, "invalid"},
           {"leg.show", {{"leg", "leg-none"}}, "not_found"},
           {"leg.show", {{"leg", std::string(1000, 'x')}}, "invalid"},
           {"leg.hangup", {{"leg", leg}, {"cause", "NOSUCH"}}, "invalid"},
           {"leg.hangup", {{"leg", leg}, {"cause", 128}}, "invalid"},
           {"leg.reject", {{"leg", leg}, {"code", 200}}, "invalid"},
           {"leg.reject", {{"leg", leg}, {"reason", "Busy\r\nEvil: 1"}}, "invalid"},
           {"leg.play", {{"leg", leg}, {"tone", "whistle"}}, "invalid"},
           {"leg.play", {{"leg", leg}, {"files", "one"}}, "invalid"},
           {"leg.dial", {{"leg", leg}, {"targets", Json::array()}}, "invalid"},
           {"leg.dial",
            {{"leg", leg}, {"targets", {{{"to", "1002"}, {"headers", {{"Via", "x"}}}}}}},
            "invalid"},
           {"leg.dial",
            {{"leg", leg}, {"targets", {{{"to", "1002"}, {"headers", {{"X-A", "1\r\nX-B: 2"}}}}}}},
            "invalid"},
           {"leg.dial", {{"leg", leg}, {"targets", {{{"to", "1002"}}}}, {"timeout_s", 0}}, "invalid"},
           {"leg.transfer", {{"leg", leg}, {"to", "7777"}}, "not_found"},
           {"recording.stop", {{"recording", "rec-none"}}, "not_found"},
           {"call.show", {{"call", "call-none"}}, "not_found"},
           {"call.originate", {{"to", "1002"}, {"app", "a"}, {"bridge_to", "b"}}, "invalid"},
           {"call.originate", {{"to", "1002"}, {"headers", 7}}, "invalid"},
           {"mwi.set", {{"user", "1001"}, {"new", 1}, {"old", 0}}, "denied"},
       }) {
    EXPECT_EQ(error(row.method, row.params), row.code) << row.method << " " << row.params;
  }
}

TEST_F(CallCommandsTest, OriginateWithAKeyRingsOnce) {
  const Json order{{"to", "1002"}, {"app", "wait"}, {"tenant", "demo"}, {"idempotency_key", "once"}};
  const Json first = run("call.originate", order);
  ASSERT_TRUE(first.contains("call")) << first;
  EXPECT_EQ(run("call.originate", order), first);
  EXPECT_EQ(calls->leg_count(), 1U);
  EXPECT_EQ(first["leg"], company.phone("1002").called()->leg);
  timers.advance(2s);
  EXPECT_EQ(apps.starts.back().app, "wait");
  EXPECT_EQ(run("call.hangup", {{"call", first["call"]}}), Json::object());
  expect_nothing_left();
}

TEST_F(CallCommandsTest, MessageWaitingReachesThePhone) {
  door.invoke({"", api::Role::internal}, "mwi.set", R"({"user":"1001","new":2,"old":5})",
              [](const Result<std::string>&) {});
  EXPECT_EQ(company.phone("1001").mwi_fresh, 2);
  EXPECT_EQ(company.phone("1001").mwi_old, 5);
}

TEST_F(CallCommandsTest, SubscriberThatCommandsFromItsCallbackIsSafe) {
  // As the Lua host does: the answer and the hang-up come from inside event callbacks.
  ASSERT_TRUE(door.subscribe({"", api::Role::internal}, "{}", [&](std::string_view text) {
    const Json event = Json::parse(text);
    const std::string name = api::text_at(event, "event"),
                      params = Json{{"leg", api::text_at(event, "leg")}}.dump();
    const auto nothing = [](const Result<std::string>&) {};
    if (name == "leg.created") door.invoke({"", api::Role::internal}, "leg.answer", params, nothing);
    if (name == "leg.confirmed") door.invoke({"", api::Role::internal}, "leg.hangup", params, nothing);
  }));
  Dialog& call = company.phone("1001").calls("5000");
  timers.advance(1s);
  EXPECT_TRUE(call.over());
  EXPECT_EQ(call.final_code, 200);
  expect_nothing_left();
}

TEST_F(CallCommandsTest, StatusCountsAndTheCompositionRootAddsToIt) {
  company.phone("1001").calls("5000");
  timers.advance(5s);
  const Json status = run("status", Json::object());
  EXPECT_EQ(status["version"], "1.2.3");
  EXPECT_EQ(status["calls"], 1);
  EXPECT_EQ(status["link"], "up");
  EXPECT_GE(status["uptime_s"], 5);
}

TEST_F(CallCommandsTest, MetricsNameEveryLimit) {
  company.phone("1001").calls("7777");
  timers.advance(1s);
  api::Metrics all;
  api::collect(*calls, all);
  api::collect(door.events(), all);
  std::size_t limits = 0;
  double unknown = -1;
  for (const api::Metric& metric : all) {
    if (metric.name == "tandem_limit_hits_total") ++limits;
    if (!metric.labels.empty() && metric.labels[0].second == "unknown_number") unknown = metric.value;
  }
  EXPECT_EQ(limits, 4U);
  EXPECT_EQ(unknown, 1);
}

TEST_F(CallCommandsTest, HostileNamesInHeadersComeOutAsValidJson) {
  directory.devices["1001"].name = "evil \xff\xfe \"quote\" \n";
  company.phone("1001").calls("5000");
  timers.advance(50ms);
  const Json all = run("call.list", Json::object());
  EXPECT_EQ(all["calls"].size(), 1U);
}

TEST_F(CallCommandsTest, PageOfDocumentationIsWhatTheTableSays) {
  codec::CodecRegistry registry;
  anchor::OpaqueCodecs opaque;
  anchor::Anchors anchors(timers, media, {registry, opaque}, {}, {});
  api::bind_anchor_commands(door.table(), anchors, sounds);
  const std::string page = door.table().markdown(), path = TANDEM_SOURCE_DIR "/docs/api.md";
  if (std::getenv("TANDEM_WRITE_DOCS") != nullptr) std::ofstream(path) << page;
  std::ifstream file(path);
  const std::string kept((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| `")) {
      EXPECT_NE(kept.find(line), std::string::npos) << "docs/api.md lacks: " << line;
    }
  }
  EXPECT_NE(page.find("`call.originate`"), std::string::npos);
  EXPECT_NE(page.find("`dial.finished`"), std::string::npos);
}

TEST_F(CallCommandsTest, CdrHasTheFieldsNames) {
  Cdr cdr;
  cdr.uniqueid = "leg-1";
  cdr.hangup_cause = "USER_BUSY";
  const Json json = api::to_json(cdr);
  EXPECT_EQ(json["uniqueid"], "leg-1");
  EXPECT_EQ(json["hangup_cause"], "USER_BUSY");
  EXPECT_EQ(json["answer_stamp"], "");
}

}  // namespace
}  // namespace tandem::testing
