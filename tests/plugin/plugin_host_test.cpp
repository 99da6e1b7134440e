// PluginHost on a counted clock: what it refuses and how it says so, what it lends, what it takes back.
#include "core/plugin/plugin_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "core/api/api.hpp"
#include "core/api/figures.hpp"
#include "core/api/metrics.hpp"
#include "tandem/sdk.hpp"
#include "tests/support/fake_timers.hpp"

#define TEXT_OF(number) #number
#define ABI_TEXT(major, minor) TEXT_OF(major) "." TEXT_OF(minor)
#define OUR_ABI ABI_TEXT(TD_ABI_MAJOR, TD_ABI_MINOR)

namespace tandem::plugin {
namespace {

using ::testing::HasSubstr;

struct World {
  testing::FakeTimers timers;
  api::Api api{timers};
  Control control{timers, api, nullptr, nullptr, [] { return std::string("calls 3\n"); }};
};

// What a test's own plugin saw; one at a time, reset by each test.
struct Seen {
  std::optional<sdk::Host> host;
  int activated = 0, deactivated = 0;
  std::function<void()> on_activate;
} g_seen;

int activate(const td_host* host, const char**) noexcept {
  ++g_seen.activated;
  g_seen.host.emplace(host);
  if (g_seen.on_activate) g_seen.on_activate();
  return TD_OK;
}
void deactivate() noexcept { ++g_seen.deactivated; }
const void* no_interface(const char*, std::uint32_t) noexcept { return nullptr; }

td_plugin table_named(const char* name) {
  return {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, name, "1", "MIT",
          activate,          deactivate,   no_interface};
}

template <int N>
td_plugin g_table{};
template <int N>
const td_plugin* entry() {
  return &g_table<N>;
}

class PluginHostTest : public ::testing::Test {
 protected:
  PluginHostTest() { g_seen = {}; }
  Result<void> load(const td_plugin& table, std::string_view name = "mine", std::string_view config = "{}") {
    g_table<0> = table;
    return host_.load(name, &entry<0>, config);
  }
  World world_;
  PluginHost host_{world_.control};
};

TEST_F(PluginHostTest, RefusesABrokenTableAndSaysWhatIsWrong) {
  const struct {
    const char* what;
    std::function<void(td_plugin&)> breakage;
    ErrorCode code;
    const char* message;
  } rows[] = {
      {"other major",
       [](td_plugin& t) {
         t.abi_major = 2;
         t.abi_minor = 5;
       },
       ErrorCode::unsupported, "built against ABI 2.5, this host has ABI " OUR_ABI},
      {"tiny", [](td_plugin& t) { t.size = 8; }, ErrorCode::invalid, "its table says 8 bytes"},
      {"short", [](td_plugin& t) { t.size = sizeof(td_plugin) - 8; }, ErrorCode::invalid,
       "its table has 56 bytes, ABI " OUR_ABI " has 64"},
      {"no name", [](td_plugin& t) { t.name = nullptr; }, ErrorCode::invalid, "it calls itself nothing"},
      {"other name", [](td_plugin& t) { t.name = "yours"; }, ErrorCode::invalid, "it calls itself yours"},
      {"no activate", [](td_plugin& t) { t.activate = nullptr; }, ErrorCode::invalid,
       "activate, deactivate or"},
      {"no deactivate", [](td_plugin& t) { t.deactivate = nullptr; }, ErrorCode::invalid, "is missing"},
      {"no interface", [](td_plugin& t) { t.interface = nullptr; }, ErrorCode::invalid, "is missing"},
  };
  for (const auto& row : rows) {
    td_plugin table = table_named("mine");
    row.breakage(table);
    const auto loaded = load(table);
    ASSERT_FALSE(loaded) << row.what;
    EXPECT_EQ(loaded.error().code, row.code) << row.what;
    EXPECT_THAT(loaded.error().message, HasSubstr(row.message)) << row.what;
    EXPECT_THAT(loaded.error().message, HasSubstr("mine")) << row.what;
  }
  EXPECT_EQ(g_seen.activated, 0);
  EXPECT_TRUE(host_.loaded().empty());
}

TEST_F(PluginHostTest, RefusesTheSameNameTwice) {
  ASSERT_TRUE(load(table_named("mine")));
  const auto again = load(table_named("mine"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_EQ(g_seen.activated, 1);
}

TEST_F(PluginHostTest, DeactivatesEachOnceAtTheEnd) {
  ASSERT_TRUE(load(table_named("mine")));
  host_.unload();
  host_.unload();
  EXPECT_EQ(g_seen.deactivated, 1);
}

TEST_F(PluginHostTest, LendsItsConfiguration) {
  g_seen.on_activate = [] { EXPECT_EQ(g_seen.host->config(), R"({"depth":3})"); };
  ASSERT_TRUE(load(table_named("mine"), "mine", R"({"depth":3})"));
}

TEST_F(PluginHostTest, LendsTimeOnTheCountedClock) {
  ASSERT_TRUE(load(table_named("mine")));
  std::vector<int> fired;
  sdk::Timer first(*g_seen.host), second(*g_seen.host), third(*g_seen.host);
  first.start(3'000'000, [&] { fired.push_back(1); });
  second.start(1'000'000, [&] { fired.push_back(2); });
  third.start(2'000'000, [&] { fired.push_back(3); });
  third.stop();
  world_.timers.advance(milliseconds(10));
  EXPECT_EQ(fired, (std::vector<int>{2, 1}));
  EXPECT_EQ(g_seen.host->now_ns(), 10'000'000u);
}

TEST_F(PluginHostTest, RunsWorkAtOnceAndItsAnswerOnTheNextTurnOfACountedClock) {
  ASSERT_TRUE(load(table_named("mine")));
  std::string order;
  ASSERT_TRUE(g_seen.host->work(
      1, [&] { order += "work "; }, [&] { order += "done "; }));
  order += "after ";
  world_.timers.advance(Nanos::zero());
  EXPECT_EQ(order, "work after done ");
}

TEST_F(PluginHostTest, CallsNothingOfAPluginThatIsGone) {
  ASSERT_TRUE(load(table_named("mine")));
  static int calls;
  calls = 0;
  const td_loop* loop = g_seen.host->loop();
  const td_api* api = g_seen.host->api();
  loop->timer_start(
      loop, 1000, [](void*) { ++calls; }, nullptr);
  loop->post(
      loop, [](void*) { ++calls; }, nullptr);
  loop->work(
      loop, 0, [](void*) {}, [](void*) { ++calls; }, nullptr);
  const td_caller caller{sizeof(td_caller), sdk::str(""), TD_ROLE_INTERNAL};
  ASSERT_GE(api->subscribe(
                api, &caller, sdk::str("{}"), [](void*, td_str) { ++calls; }, nullptr),
            0);
  host_.unload();
  ASSERT_TRUE(world_.api.publish(R"({"event":"mailbox.changed"})"));
  world_.timers.advance(seconds(1));
  EXPECT_EQ(calls, 0);
}

TEST_F(PluginHostTest, APluginsCommandIsAnsweredNowOrLaterAndOnlyOnce) {
  ASSERT_TRUE(load(table_named("mine")));
  static td_request* kept;
  const td_api* api = g_seen.host->api();
  ASSERT_EQ(api->provide(
                api, sdk::str("mine.later"),
                sdk::str(R"({"summary":"x","params":{"type":"object"},"access":"public"})"),
                [](void*, td_request* request, const td_caller*, td_str) { kept = request; }, nullptr),
            TD_OK);
  std::vector<std::string> answers;
  world_.api.invoke({}, "mine.later", "{}", [&](const Result<std::string>& r) { answers.push_back(*r); });
  EXPECT_TRUE(answers.empty());
  api->reply(api, kept, TD_OK, sdk::str(R"({"n":1})"));
  api->reply(api, kept, TD_OK, sdk::str(R"({"n":2})"));
  EXPECT_EQ(answers, std::vector<std::string>{R"({"n":1})"});
}

TEST_F(PluginHostTest, AnswersOpenRequestsOfAPluginThatLeavesAndTakesItsCommandsOut) {
  ASSERT_TRUE(load(table_named("mine")));
  const td_api* api = g_seen.host->api();
  ASSERT_EQ(api->provide(
                api, sdk::str("mine.never"),
                sdk::str(R"({"summary":"x","params":{"type":"object"},"access":"public"})"),
                [](void*, td_request*, const td_caller*, td_str) {}, nullptr),
            TD_OK);
  std::vector<ErrorCode> codes;
  const auto keep = [&](const Result<std::string>& r) { codes.push_back(r.error().code); };
  world_.api.invoke({}, "mine.never", "{}", keep);
  host_.unload();
  world_.api.invoke({}, "mine.never", "{}", keep);
  EXPECT_EQ(codes, (std::vector<ErrorCode>{ErrorCode::unavailable, ErrorCode::not_found}));
}

TEST_F(PluginHostTest, APluginsErrorKeepsItsCodeAndMessage) {
  ASSERT_TRUE(load(table_named("mine")));
  const td_api* api = g_seen.host->api();
  api->provide(
      api, sdk::str("mine.fails"),
      sdk::str(R"({"summary":"x","params":{"type":"object"},"access":"public"})"),
      [](void* user, td_request* request, const td_caller*, td_str) {
        const auto* own = static_cast<const td_api*>(user);
        own->reply(own, request, TD_CONFLICT, sdk::str(R"({"code":"conflict","message":"1001 exists"})"));
      },
      const_cast<td_api*>(api));
  Result<std::string> seen = std::string();
  world_.api.invoke({}, "mine.fails", "{}", [&](const Result<std::string>& r) { seen = r; });
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::conflict);
  EXPECT_EQ(seen.error().message, "1001 exists");
}

TEST_F(PluginHostTest, GivesTheMetricsText) {
  ASSERT_TRUE(load(table_named("mine")));
  std::string text;
  const td_api* api = g_seen.host->api();
  api->metrics(
      api, [](void* user, int, td_str out) { *static_cast<std::string*>(user) = sdk::view(out); }, &text);
  EXPECT_EQ(text, "calls 3\n");
}

TEST_F(PluginHostTest, ShowsAPluginsFiguresUntilItLeaves) {
  static std::uint64_t refused = 3;
  static std::atomic<std::uint64_t> open{2};
  g_seen.on_activate = [] {
    g_seen.host->measure("refused_total", "Refused.", refused);
    g_seen.host->measure("open", "Open.", open);
  };
  ASSERT_TRUE(load(table_named("mine")));
  const api::Figures& figures = world_.api.figures();
  ASSERT_EQ(figures.all().size(), 2u);
  EXPECT_EQ(figures.all().at("tandem_mine_refused_total").value(), 3);
  refused = 4;
  EXPECT_EQ(figures.all().at("tandem_mine_refused_total").value(), 4);
  api::Metrics shown;
  api::collect(figures, shown);
  EXPECT_EQ(shown.at(0).name, "tandem_mine_open");
  EXPECT_EQ(shown.at(0).kind, api::Metric::Kind::gauge);
  EXPECT_EQ(shown.at(1).kind, api::Metric::Kind::counter);
  host_.unload();
  EXPECT_TRUE(figures.all().empty());
}

TEST_F(PluginHostTest, RefusesAFigureThatIsTakenOrHasABadName) {
  ASSERT_TRUE(load(table_named("mine")));
  const td_api* api = g_seen.host->api();
  const td_figure_fn three = [](void*) { return 3.0; };
  const auto show = [&](std::string_view name) {
    return api->measure(api, sdk::str(name), sdk::str("Help."), three, nullptr);
  };
  EXPECT_EQ(show("a_total"), TD_OK);
  EXPECT_EQ(show("a_total"), TD_CONFLICT);
  EXPECT_EQ(show("a b"), TD_INVALID);
  EXPECT_EQ(show("a{x=\"y\"}"), TD_INVALID);
  EXPECT_EQ(api->measure(api, sdk::str("b"), sdk::str(""), nullptr, nullptr), TD_INVALID);
}

TEST_F(PluginHostTest, CannotWatchOnACountedClock) {
  ASSERT_TRUE(load(table_named("mine")));
  const td_loop* loop = g_seen.host->loop();
  EXPECT_EQ(loop->watch(
                loop, 0, TD_READABLE, [](void*, int) {}, nullptr),
            0u);
  EXPECT_EQ(loop->native(loop), nullptr);
}

TEST_F(PluginHostTest, LeavesOutAnInterfaceThatIsTooSmall) {
  static td_stage_type small{};
  small.size = sizeof(td_stage_type) - 1;
  td_plugin table = table_named("mine");
  table.interface = [](const char* id, std::uint32_t index) noexcept -> const void* {
    return std::string_view(id) == TD_STAGE_ID && index == 0 ? &small : nullptr;
  };
  ASSERT_TRUE(load(table));
  EXPECT_TRUE(host_.given<td_stage_type>(TD_STAGE_ID).empty());
  small.size = sizeof(td_stage_type) + 8;  // a newer plugin's table has grown at its end
  EXPECT_EQ(host_.given<td_stage_type>(TD_STAGE_ID), std::vector<const td_stage_type*>{&small});
}

const std::string kModules = TANDEM_TEST_MODULES;

TEST_F(PluginHostTest, LoadsAModuleAndUsesWhatItGives) {
  ASSERT_TRUE(host_.load_module(kModules + "/tandem_probe.so", "{}"));
  const auto stages = host_.given<td_stage_type>(TD_STAGE_ID);
  ASSERT_EQ(stages.size(), 1u);
  EXPECT_STREQ(stages[0]->name, "probe");
  std::string answer;
  world_.api.invoke({}, "probe.echo", R"({"a":1})", [&](const Result<std::string>& r) { answer = *r; });
  EXPECT_EQ(answer, R"({"a":1})");
  ASSERT_EQ(host_.loaded().size(), 1u);
  EXPECT_EQ(host_.loaded()[0].version, "1.2.3");
  host_.unload();
  EXPECT_TRUE(host_.loaded().empty());
}

TEST_F(PluginHostTest, LeavesOutAModuleThatRefusesAndSaysWhy) {
  const auto loaded = host_.load_module(kModules + "/tandem_probe.so", R"({"refuse":true})");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::denied);
  EXPECT_EQ(loaded.error().message, "plugin probe did not start: the configuration says so");
  EXPECT_TRUE(host_.loaded().empty());
}

TEST_F(PluginHostTest, SaysWhatIsWrongWithAModule) {
  const struct {
    std::string file;
    ErrorCode code;
    const char* message;
  } rows[] = {
      {"/tandem_future.so", ErrorCode::unsupported, "built against ABI 99.7, this host has ABI " OUR_ABI},
      {"/tandem_nameless.so", ErrorCode::not_found, "it has no symbol tandem_plugin_nameless"},
      {"/tandem_missing.so", ErrorCode::not_found, "plugin missing cannot be loaded"},
      {"/libprobe.so", ErrorCode::invalid, "expected a module called tandem_NAME.so"},
  };
  for (const auto& row : rows) {
    const auto loaded = host_.load_module(kModules + row.file, "{}");
    ASSERT_FALSE(loaded) << row.file;
    EXPECT_EQ(loaded.error().code, row.code) << row.file;
    EXPECT_THAT(loaded.error().message, HasSubstr(row.message)) << row.file;
  }
}

TEST(PluginHost, ReadsTheNameFromAModulesPath) {
  const struct {
    const char* path;
    const char* name;
  } rows[] = {{"/x/tandem_opus.so", "opus"}, {"tandem_g729.so", "g729"},  {"/x/opus.so", ""},
              {"/x/tandem_.so", ""},         {"/x/tandem_a-b.so", ""},    {"tandem_a.so.1", ""},
              {"tandem_x/y.so", ""},         {"/x/tandem_a_b.so", "a_b"}, {"", ""}};
  for (const auto& row : rows) EXPECT_EQ(PluginHost::name_of_module(row.path), row.name) << row.path;
}

}  // namespace
}  // namespace tandem::plugin
