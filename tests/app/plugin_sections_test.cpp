// The sections of plugins: every mistake that a plugin tells of is one at its line; who tells nothing is
// named.
#include "core/app/plugin_sections.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tandem/sdk_options.hpp"

namespace tandem::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string g_section;  // what the plugin was given
int g_activated = 0;

sdk::WrongOptions check(std::string_view section) {
  g_section = section;
  sdk::WrongOptions wrong;
  if (section.find("\"size\":0") != section.npos) wrong.push_back({"size", "1 or more", "0"});
  if (section.find("\"colour\"") != section.npos)
    wrong.push_back({"colour", "one of size", "an unknown option"});
  if (section.find("\"whole\"") != section.npos) wrong.push_back({"", "a section that makes sense", "this"});
  if (section.find("\"throw\"") != section.npos) throw std::runtime_error("out of paper");
  return wrong;
}

int activate(const td_host*, const char**) noexcept { return ++g_activated; }
void deactivate() noexcept {}
const void* tells(const char* id, std::uint32_t) noexcept {
  return std::string_view(id) == TD_OPTIONS_ID ? sdk::options<&check>() : nullptr;
}
const void* tells_nothing(const char*, std::uint32_t) noexcept { return nullptr; }

template <auto Interface>
const td_plugin* entry(const char* name) {
  static td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, name, "1", "MIT",
                            activate,          deactivate,   Interface};
  return &table;
}
const plugin::Builtin kBuiltins[] = {{"open", [] { return entry<&tells>("open"); }},
                                     {"shut", [] { return entry<&tells_nothing>("shut"); }}};

PluginSections checked(std::string_view text) {
  g_section.clear();
  return check_plugin_sections(parse_config(text), "/nowhere", kBuiltins);
}

std::vector<std::string> texts(const PluginSections& sections) {
  std::vector<std::string> all;
  for (const auto& error : sections.errors) all.push_back(error.text("f"));
  return all;
}

TEST(PluginSections, TellEveryMistakeAtItsLine) {
  const auto sections = checked("[plugin.open]\nsize = 0\n\n  colour = \"red\"\n");
  EXPECT_THAT(texts(sections),
              ElementsAre("f:2:8: plugin.open.size: expected 1 or more, found 0",
                          "f:4:12: plugin.open.colour: expected one of size, found an unknown option"));
  EXPECT_EQ(g_activated, 0) << "checking starts nothing";
}

TEST(PluginSections, AMistakeOfTheWholeSectionStandsAtTheSection) {
  EXPECT_THAT(texts(checked("\n[plugin.open]\nwhole = 1\n")),
              ElementsAre("f:2:1: plugin.open: expected a section that makes sense, found this"));
  EXPECT_THAT(texts(checked("[plugin.open]\nthrow = 1\n")), ElementsAre(HasSubstr("out of paper")));
}

TEST(PluginSections, GoodOnesAreGivenWithoutWhatIsTheHosts) {
  EXPECT_TRUE(checked("[plugin.open]\nenabled = true\nsize = 3\n").errors.empty());
  EXPECT_EQ(g_section, R"({"size":3})");
}

TEST(PluginSections, WhoTellsNothingIsNamedAndWhoIsNotThereIsAnError) {
  EXPECT_THAT(checked("[plugin.shut]\nx = 1\n").unchecked, ElementsAre("shut"));
  EXPECT_THAT(texts(checked("[plugin.gone]\nx = 1\n")),
              ElementsAre(HasSubstr("f:1:1: plugin.gone: expected a plugin that is built in")));
}

TEST(PluginSections, HttpIsCheckedWithTheTokenThatTheStartMakes) {
  Config config;
  config.api.listen = "192.0.2.1:80";
  EXPECT_THAT(
      plugin_section(config, {}, "a-token-of-the-start", "http"),
      HasSubstr(R"("listen":"192.0.2.1:80","tokens":[{"tenant":"","token":"a-token-of-the-start"}])"));
}

}  // namespace
}  // namespace tandem::app
