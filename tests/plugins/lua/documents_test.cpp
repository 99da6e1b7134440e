// What is written for authors is tried: every sample of docs/scripts.md runs, every example loads, and the
// annotations name exactly the verbs that there are.
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

// Every piece of `text` that stands between `before` and `after`.
std::vector<std::string> between(const std::string& text, const std::string& before,
                                 const std::string& after) {
  std::vector<std::string> pieces;
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    pieces.push_back(text.substr(at, text.find(after, at) - at));
  }
  return pieces;
}

const std::filesystem::path kRoot = TANDEM_SOURCE_DIR;

}  // namespace

TEST(Documents, EverySampleOfTheGuideRuns) {
  const auto samples = between(text_of_file(kRoot / "docs/scripts.md"), "```lua\n", "```");
  for (const std::string& sample : samples) {
    FakeCalls calls(json{{"settings", {{"greeting", "hello-world"}}}});
    FakeStore store(*calls.host);
    calls.missing = {"no-such-prompt"};
    calls.write("app", sample);
    ASSERT_EQ(calls.start("app").code, TD_OK) << sample;
    calls.advance(2s);
    calls.press("1001#");
    calls.advance(30s);
    if (calls.reason() == "(runs)") calls.hang_up();
    calls.finish_recording("leg_closed", 5000);
    calls.advance(10s);
    EXPECT_TRUE(calls.reason() == "done" || calls.reason() == "hangup")
        << sample << calls.ended() << calls.all_logs();
  }
  EXPECT_GE(samples.size(), 7u);
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
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "plugins/lua/prelude")) {
    for (const auto& name : between(text_of_file(entry.path()), "function verbs.", "(")) verbs.insert(name);
  }
  for (const auto& name :
       between(text_of_file(kRoot / "plugins/lua/library/tandem.lua"), "function Call:", "("))
    annotated.insert(name);
  EXPECT_EQ(verbs, annotated);
  EXPECT_GT(verbs.size(), 25u);
}

}  // namespace tandem::testing
