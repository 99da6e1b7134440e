// What is written for authors is tried: every sample of docs/scripts.md runs, every example loads, and the
// annotations name exactly the verbs that there are.
#include <regex>
#include <sstream>

#include "tests/plugins/lua/fake_store.hpp"

namespace tandem::testing {

namespace {

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::filesystem::path kRoot = TANDEM_SOURCE_DIR;

}  // namespace

TEST(Documents, EverySampleOfTheGuideRuns) {
  const std::string guide = text_of_file(kRoot / "docs/scripts.md");
  const std::regex block("```lua\n([^`]*)```");
  int samples = 0;
  for (std::sregex_iterator at(guide.begin(), guide.end(), block), end; at != end; ++at, ++samples) {
    FakeCalls calls(json{{"settings", {{"greeting", "hello-world"}}}});
    FakeStore store(*calls.host);
    calls.missing = {"no-such-prompt"};
    calls.write("app", (*at)[1]);
    ASSERT_EQ(calls.start("app").code, TD_OK) << (*at)[1];
    calls.advance(2s);
    calls.press("1001#");
    calls.advance(30s);
    if (calls.reason() == "(runs)") calls.hang_up();
    calls.finish_recording("leg_closed", 5000);
    calls.advance(10s);
    EXPECT_TRUE(calls.reason() == "done" || calls.reason() == "hangup")
        << (*at)[1] << calls.ended() << calls.all_logs();
  }
  EXPECT_GE(samples, 7);
}

TEST(Documents, EveryExampleParses) {
  FakeCalls calls;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "scripts/examples")) {
    if (entry.path().extension() != ".lua") continue;
    const auto outcome =
        calls.host->call("script.check", json{{"source", text_of_file(entry.path())}}.dump());
    EXPECT_EQ(json::parse(outcome.json)["ok"], true) << entry.path() << outcome.json;
  }
}

TEST(Documents, TheAnnotationsNameEveryVerb) {
  std::set<std::string> verbs, annotated;
  const std::regex verb(R"(function verbs\.(\w+))"), annotation(R"(function Call:(\w+))");
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "plugins/lua/prelude")) {
    const std::string text = text_of_file(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), verb), end; at != end; ++at)
      verbs.insert((*at)[1]);
  }
  const std::string library = text_of_file(kRoot / "plugins/lua/library/tandem.lua");
  for (std::sregex_iterator at(library.begin(), library.end(), annotation), end; at != end; ++at)
    annotated.insert((*at)[1]);
  EXPECT_EQ(verbs, annotated);
  EXPECT_GT(verbs.size(), 25u);
}

}  // namespace tandem::testing
