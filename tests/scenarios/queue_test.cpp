// The queue that ships, with two agents and up to five callers on fake time: who is served when, who is rung,
// and what happens to those who are not served.
#include "tests/scenarios/world.hpp"

namespace tandem::testing {
namespace {

using nlohmann::json;

class Queue : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!World::has_prompts()) GTEST_SKIP() << "Debian's asterisk-core-sounds-en-wav is not installed";
    for (const char* number : {"1004", "1005", "1006", "1007"}) {
      ASSERT_FALSE(world.ask("extension.set", {{"tenant", "demo"}, {"number", number}}).contains("error"));
      const json device =
          world.ask("device.add", {{"tenant", "demo"}, {"user", number}, {"extension", number}});
      ASSERT_FALSE(device.contains("error")) << device.dump();
    }
    world.advance(200ms);
    for (const char* number : {"1001", "1002"}) world.phone(number);
  }

  // The number 7000 is a queue of the two agents.
  void opens(json settings = json::object()) {
    json all = {{"queue", "support"},
                {"agents", {"1001", "1002"}},
                {"strategy", "linear"},
                {"music", "demo-congrats"}};
    all.update(settings);
    ASSERT_TRUE(world.routes().add({"7000", "queue", all.dump(), ""}).ok());
  }
  void opens_desk() {
    const std::pair<const char*, const char*> codes[] = {
        {"*81", "login"}, {"*82", "logout"}, {"*83", "pause"}, {"*84", "unpause"}};
    for (const auto& [number, mode] : codes) {
      const json args = {{"mode", mode}, {"queue", "support"}};
      ASSERT_TRUE(world.routes().add({number, "queue", args.dump(), ""}).ok());
    }
  }
  Dialog& joins(const std::string& user) {
    Dialog& call = world.phone(user).sip->calls("7000");
    EXPECT_TRUE(world.until([&] { return call.up() || call.over(); })) << user;
    return call;
  }
  void dials(const std::string& user, const std::string& code) {
    Dialog& call = world.phone(user).sip->calls(code);
    EXPECT_TRUE(world.until([&] { return call.over(); })) << world.story();
  }
  Phone& agent(const std::string& user) { return *world.phone(user).sip; }
  // Whom the agent talks to; "" when to nobody.
  std::string talks_to(const std::string& user) {
    Dialog* call = agent(user).called();
    return call != nullptr && call->up() ? call->invite.from.user : "";
  }
  bool rings(const std::string& user) {
    Dialog* call = agent(user).called();
    return call != nullptr && !call->up() && !call->over();
  }
  // Callers in the order in which they were served.
  std::vector<std::string> served() const {
    std::vector<std::string> all;
    for (const json& event : world.events("queue.left"))
      if (event["reason"] == "connected") all.push_back(event["agent"].get<std::string>());
    return all;
  }
  long left_by(const std::string& reason) const {
    const auto all = world.events("queue.left");
    return std::count_if(all.begin(), all.end(), [&](const json& e) { return e["reason"] == reason; });
  }
  // Nothing stays of calls that are over.
  void expect_nobody_left() {
    world.advance(500ms);
    EXPECT_EQ(world.company().live_dialogs(), 0u);
    EXPECT_TRUE(world.company().violations().empty()) << world.company().violations().front();
    const json listed = world.ask("board.list");
    for (const json& board : listed["boards"]) EXPECT_TRUE(board["members"].empty()) << board.dump();
    for (const json& event : world.events("script.ended"))
      EXPECT_NE(event["reason"], "error") << event.dump();
  }
  World world;
};

TEST_F(Queue, FiveCallersAreServedInTheOrderInWhichTheyCame) {
  opens();
  for (const char* number : {"1001", "1002"}) agent(number).answers_after(1s);
  std::vector<Dialog*> calls;
  std::vector<std::string> order;
  for (const char* user : {"1005", "1003", "1007", "1004", "1006"}) {
    calls.push_back(&joins(user));
    order.push_back(user);
    world.advance(300ms);
  }
  std::vector<std::string> taken;
  const std::string agents[] = {"1001", "1002"};
  std::map<std::string, Dialog*> of;
  for (int i = 0; i < 400 && taken.size() < 5; ++i) {
    for (const std::string& one : agents) {
      Dialog* call = agent(one).called();
      if (call == nullptr || !call->up() || of[one] == call) continue;
      of[one] = call;
      taken.push_back(call->invite.from.user);
      world.advance(1500ms);
      agent(one).hangs_up(*call);
    }
    world.advance(100ms);
  }
  EXPECT_EQ(taken, order) << world.story();
  world.advance(1s);
  for (Dialog* call : calls) EXPECT_TRUE(call->over()) << "an agent's hang-up ends the call";
  EXPECT_EQ(world.events("queue.joined").size(), 5u);
  EXPECT_EQ(left_by("connected"), 5);
  expect_nobody_left();
}

TEST_F(Queue, TheCallerHearsMusicThenThePlaceAndThenTheAgentOnly) {
  opens({{"announce-frequency", 20}, {"agents", {"1001"}}});
  agent("1001").answers_after(1s);
  Dialog& first = joins("1003");
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1003"; }));
  auto second = world.phone("1004");
  joins("1004");
  auto third = world.phone("1005");
  Dialog& behind = joins("1005");
  world.advance(16s);
  EXPECT_GT(find_in(third.media->heard(), World::prompt("queue-callswaiting")).first, 0.9);
  EXPECT_GT(find_in(third.media->heard(), World::prompt("digits/2")).first, 0.9);
  third.sip->hangs_up(behind);
  const auto heard = second.media->heard();
  const auto announced = find_in(heard, World::prompt("queue-callswaiting"));
  EXPECT_LT(announced.first, 0.7) << "nobody is before it";
  EXPECT_GT(find_in(heard, World::prompt("queue-youarenext")).first, 0.9);
  std::vector<std::int16_t> music = World::prompt("demo-congrats");
  music.resize(8000 * 4);
  EXPECT_GT(find_in(heard, music).first, 0.9) << "no music behind the announcement";
  agent("1001").hangs_up(*agent("1001").called());
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1004"; })) << world.story();
  world.advance(300ms);
  second.media->forget();
  const auto said = noise(400, 5);
  world.phone("1001").media->say(said);
  world.advance(900ms);
  EXPECT_GT(find_in(second.media->heard(), said).first, 0.95);
  EXPECT_TRUE(first.over());
  agent("1001").hangs_up(*agent("1001").called());
  expect_nobody_left();
}

TEST_F(Queue, WhoHangsUpLeavesAtOnceAndThePhoneStopsRinging) {
  opens({{"agents", {"1001"}}});
  agent("1001").never_answers();
  Dialog& first = joins("1003");
  ASSERT_TRUE(world.until([&] { return rings("1001"); }));
  Dialog& second = joins("1004");
  world.advance(1s);
  EXPECT_EQ(agent("1001").called()->invite.from.user, "1003");
  agent("1001").answers_after(500ms);
  world.phone("1003").sip->hangs_up(first);
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1004"; }, 2s)) << world.story();
  EXPECT_EQ(left_by("abandoned"), 1);
  world.phone("1004").sip->hangs_up(second);
  expect_nobody_left();
}

TEST_F(Queue, AnAgentIsNotRungInWrapUpNorWhileOnAnotherCall) {
  opens({{"wrapuptime", 10}});
  agent("1001").answers_after(500ms);
  agent("1002").answers_after(500ms);
  Dialog& own = agent("1002").calls("*43");  // busy with something else
  ASSERT_TRUE(world.until([&] { return own.up(); }, 60s));
  joins("1003");
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1003"; }));
  joins("1004");
  world.advance(3s);
  EXPECT_EQ(agent("1002").called(), nullptr) << "its phone is in use";
  agent("1001").hangs_up(*agent("1001").called());
  world.advance(8s);
  EXPECT_EQ(talks_to("1001"), "") << "its wrap-up is 10 s";
  EXPECT_FALSE(rings("1001"));
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1004"; }, 4s)) << world.story();
  agent("1002").hangs_up(own);
  agent("1001").hangs_up(*agent("1001").called());
  expect_nobody_left();
}

TEST_F(Queue, AnAgentWhoDoesNotAnswerIsPassedOverAndPausedWhenThatIsWanted) {
  opens({{"timeout", 5}, {"autopause", true}});
  agent("1001").never_answers();
  agent("1002").answers_after(500ms);
  joins("1003");
  ASSERT_TRUE(world.until([&] { return talks_to("1002") == "1003"; }, 8s)) << world.story();
  const auto told = world.events("queue.agent");
  EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const json& e) {
    return e["agent"] == "1001" && e["state"] == "paused" && e["reason"] == "no-answer";
  }));
  agent("1002").hangs_up(*agent("1002").called());
  expect_nobody_left();
}

TEST_F(Queue, RingallRingsAllAndOneAnswers) {
  opens({{"strategy", "ringall"}});
  agent("1001").never_answers();
  agent("1002").answers_after(1s);
  joins("1003");
  ASSERT_TRUE(world.until([&] { return rings("1001") && rings("1002"); }, 900ms));
  ASSERT_TRUE(world.until([&] { return talks_to("1002") == "1003"; }));
  world.advance(200ms);
  EXPECT_FALSE(rings("1001"));
  agent("1001").answers_after(500ms);
  joins("1004");
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1004"; })) << "the other agent is free again";
  for (const char* number : {"1001", "1002"}) agent(number).hangs_up(*agent(number).called());
  expect_nobody_left();
}

TEST_F(Queue, StrategiesNameTheNextAgent) {
  const struct {
    const char* strategy;
    std::vector<std::string> agents;
  } rows[] = {{"linear", {"1001", "1001", "1001"}},
              {"rrmemory", {"1001", "1002", "1001"}},
              {"leastrecent", {"1001", "1002", "1001"}},
              {"fewestcalls", {"1001", "1002", "1001"}}};
  agent("1001").answers_after(200ms);
  agent("1002").answers_after(200ms);
  int number = 7100;
  for (const auto& row : rows) {
    const json args = {{"queue", row.strategy}, {"agents", {"1001", "1002"}}, {"strategy", row.strategy}};
    ASSERT_TRUE(world.routes().add({std::to_string(++number), "queue", args.dump(), ""}).ok());
    const std::size_t before = served().size();
    for (int i = 0; i < 3; ++i) {
      Dialog& call = world.phone("1003").sip->calls(std::to_string(number));
      ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1003" || talks_to("1002") == "1003"; }));
      world.advance(500ms);
      world.phone("1003").sip->hangs_up(call);
      world.advance(500ms);
    }
    const auto all = served();
    std::vector<std::string> these(all.begin() + static_cast<long>(before), all.end());
    if (std::string(row.strategy) == "leastrecent" && these[0] == "1002")
      these = {these[1], these[2], these[1]};  // whoever was the longest without a call begins
    EXPECT_EQ(these, row.agents) << row.strategy;
  }
  expect_nobody_left();
}

TEST_F(Queue, AFullAnEmptyAndALateQueueSendTheCallerElsewhere) {
  opens({{"maxlen", 1}, {"maxwait", 20}, {"otherwise", "1007"}, {"agents", {"1001"}}, {"timeout", 5}});
  agent("1001").never_answers();
  agent("1001").rings_after(50ms);
  auto other = world.phone("1007");
  other.sip->answers_after(200ms);
  joins("1003");
  world.advance(500ms);
  joins("1004");
  ASSERT_TRUE(world.until([&] { return talks_to("1007") == "1004"; })) << "full: " << world.story();
  EXPECT_EQ(left_by("full"), 1);
  other.sip->hangs_up(*other.sip->called());
  ASSERT_TRUE(world.until([&] { return talks_to("1007") == "1003"; }, 25s)) << "late: " << world.story();
  EXPECT_EQ(left_by("timeout"), 1);
  other.sip->hangs_up(*other.sip->called());
  const json empty = {{"queue", "empty"}, {"agents", json::array({"1001"})}, {"joinempty", false}};
  ASSERT_TRUE(world.routes().add({"7001", "queue", empty.dump(), ""}).ok());
  opens_desk();
  dials("1001", "*83");
  Dialog& turned_away = world.phone("1003").sip->calls("7001");
  ASSERT_TRUE(world.until([&] { return turned_away.over(); }));
  EXPECT_EQ(turned_away.final_code, 486);
  EXPECT_EQ(left_by("empty"), 1);
  expect_nobody_left();
}

TEST_F(Queue, AgentsLogInAndOutAndPauseByCodes) {
  opens({{"agents", {"1001"}}, {"leavewhenempty", true}});
  opens_desk();
  agent("1001").answers_after(200ms);
  agent("1002").answers_after(200ms);
  dials("1001", "*82");
  dials("1002", "*81");  // of no queue's settings: it logs in by itself
  joins("1003");
  ASSERT_TRUE(world.until([&] { return talks_to("1002") == "1003"; })) << world.story();
  EXPECT_EQ(agent("1001").called(), nullptr);
  dials("1001", "*81");
  joins("1004");
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1004"; })) << world.story();
  Dialog& waiting = joins("1005");
  agent("1001").hangs_up(*agent("1001").called());
  agent("1002").hangs_up(*agent("1002").called());
  ASSERT_TRUE(world.until([&] { return !talks_to("1001").empty() || !talks_to("1002").empty(); }));
  Dialog& last = joins("1006");
  world.advance(2s);
  for (const char* number : {"1001", "1002"}) dials(number, "*83");
  world.phone("1005").sip->hangs_up(waiting);
  if (!last.over()) world.phone("1006").sip->hangs_up(last);
  expect_nobody_left();
}

TEST_F(Queue, AKeyLeadsOutOfTheQueue) {
  opens({{"exit", {{"0", "1007"}}}, {"agents", {"1001"}}});
  agent("1001").never_answers();
  auto other = world.phone("1007");
  other.sip->answers_after(200ms);
  Dialog& call = joins("1003");
  ASSERT_TRUE(world.until([&] { return rings("1001"); }));
  world.phone("1003").media->press('5');
  world.advance(500ms);
  EXPECT_TRUE(rings("1001"));
  world.phone("1003").media->press('0');
  ASSERT_TRUE(world.until([&] { return talks_to("1007") == "1003"; }, 3s)) << world.story();
  EXPECT_FALSE(rings("1001"));
  EXPECT_EQ(left_by("key"), 1);
  world.phone("1003").sip->hangs_up(call);
  expect_nobody_left();
}

TEST_F(Queue, AnAgentWhoTransfersItsCallerIsFreeAgain) {
  opens({{"agents", {"1001"}}, {"wrapuptime", 2}});
  agent("1001").answers_after(200ms);
  world.phone("1007").sip->answers_after(200ms);
  Dialog& call = joins("1003");
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1003"; }));
  Dialog& waiting = joins("1004");
  agent("1001").refers(*agent("1001").called(), "1007");
  ASSERT_TRUE(world.until([&] { return talks_to("1007") == "1003"; })) << world.story();
  if (Dialog* old = agent("1001").called(); old->up()) agent("1001").hangs_up(*old);
  world.advance(1s);
  EXPECT_EQ(talks_to("1001"), "");
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1004"; }, 3s)) << world.story();
  world.phone("1003").sip->hangs_up(call);
  world.phone("1004").sip->hangs_up(waiting);
  expect_nobody_left();
}

TEST_F(Queue, AnAgentOfTwoQueuesIsRungByOneOfThem) {
  opens({{"agents", {"1001"}}});
  const json other = {{"queue", "sales"}, {"agents", {"1001"}}, {"music", "demo-congrats"}};
  ASSERT_TRUE(world.routes().add({"7001", "queue", other.dump(), ""}).ok());
  agent("1001").answers_after(500ms);
  Dialog& first = joins("1003");
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1003"; }));
  Dialog& second = world.phone("1004").sip->calls("7001");
  world.advance(3s);
  EXPECT_EQ(talks_to("1001"), "1003");
  agent("1001").hangs_up(*agent("1001").called());
  ASSERT_TRUE(world.until([&] { return talks_to("1001") == "1004"; }, 3s)) << world.story();
  EXPECT_TRUE(first.over());
  world.phone("1004").sip->hangs_up(second);
  expect_nobody_left();
}

TEST_F(Queue, WrongSettingsAreNamed) {
  const json wrong[] = {{{"queue", "none"}},
                        {{"agents", json::array({"1001"})}, {"stratgy", "linear"}},
                        {{"agents", json::array({"1001"})}, {"strategy", "circus"}},
                        {{"agents", json::array({"1001"})}, {"timeout", "soon"}}};
  const char* const said[] = {"name of a queue", "no such setting: stratgy", "no such strategy: circus",
                              "timeout: expected a number"};
  for (int i = 0; i < 4; ++i) {
    const std::string number = std::to_string(7200 + i);
    ASSERT_TRUE(world.routes().add({number, "queue", wrong[i].dump(), ""}).ok());
    Dialog& call = world.phone("1003").sip->calls(number);
    ASSERT_TRUE(world.until([&] { return call.over(); }));
    const auto ended = world.events("script.ended");
    ASSERT_FALSE(ended.empty());
    EXPECT_NE(ended.back().value("error", "").find(said[i]), std::string::npos) << ended.back().dump();
  }
}

}  // namespace
}  // namespace tandem::testing
