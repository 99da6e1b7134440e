// Routes, causes and sound names: tables.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/call/cause.hpp"
#include "core/call/routes.hpp"
#include "core/call/sounds.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::call {
namespace {

TEST(Routes, MostSpecificPatternWins) {
  Routes routes;
  for (const char* pattern :
       {"5000", "_50XX", "_5[0-4]XX", "_5.", "_X.", "_!", "*97", "_*9X", "_NXXXXXX", "_ZXX"}) {
    ASSERT_TRUE(routes.add({pattern, std::string("app ") + pattern, "", ""})) << pattern;
  }
  struct Row {
    const char* number;
    const char* pattern;
  };
  for (const Row& row : {Row{"5000", "5000"}, Row{"5001", "_50XX"}, Row{"5101", "_5[0-4]XX"},
                         Row{"5901", "_5."}, Row{"51", "_5."}, Row{"5", "_!"}, Row{"61", "_X."},
                         Row{"*97", "*97"}, Row{"*98", "_*9X"}, Row{"*43", "_!"}, Row{"2345678", "_NXXXXXX"},
                         Row{"1345678", "_X."}, Row{"911", "_ZXX"}, Row{"011", "_X."}, Row{"abc", "_!"}}) {
    const Route* found = routes.match("demo", row.number);
    ASSERT_NE(found, nullptr) << row.number;
    EXPECT_EQ(found->pattern, row.pattern) << row.number;
  }
  EXPECT_EQ(routes.match("demo", ""), nullptr);
  EXPECT_EQ(routes.match("demo", std::string(200, '5')), nullptr) << "longer than any number";
}

TEST(Routes, TenantsOwnRowWinsAndForeignOnesAreNotSeen) {
  Routes routes;
  ASSERT_TRUE(routes.add({"5000", "for all", "", ""}));
  ASSERT_TRUE(routes.add({"5000", "for acme", "", "acme"}));
  ASSERT_TRUE(routes.add({"6000", "acme only", "", "acme"}));
  EXPECT_EQ(routes.match("acme", "5000")->app, "for acme");
  EXPECT_EQ(routes.match("demo", "5000")->app, "for all");
  EXPECT_EQ(routes.match("demo", "6000"), nullptr);
}

TEST(Routes, BadPatternsAreRefusedWithTheirPlace) {
  Routes routes;
  for (const char* pattern : {"", "_", "_5.5", "_[", "_[]", "_[9-1]", "50 00", "_5\xff"}) {
    const auto added = routes.add({pattern, "app", "", ""});
    ASSERT_FALSE(added) << pattern;
    EXPECT_EQ(added.error().code, ErrorCode::invalid) << pattern;
  }
  EXPECT_EQ(routes.add({"5000", "", "", ""}).error().code, ErrorCode::invalid) << "no app";
  ASSERT_TRUE(routes.add({"5000", "a", "", ""}));
  EXPECT_EQ(routes.add({"5000", "b", "", ""}).error().code, ErrorCode::conflict);
}

TEST(Cause, NumbersNamesAndSipCodesBelongTogether) {
  struct Row {
    int q850;
    const char* name;
    int sip;
  };
  for (const Row& row :
       {Row{1, "UNALLOCATED_NUMBER", 404}, Row{16, "NORMAL_CLEARING", 480}, Row{17, "USER_BUSY", 486},
        Row{19, "NO_ANSWER", 480}, Row{21, "CALL_REJECTED", 403}, Row{28, "INVALID_NUMBER_FORMAT", 484},
        Row{34, "NORMAL_CIRCUIT_CONGESTION", 503}, Row{88, "INCOMPATIBLE_DESTINATION", 488}}) {
    EXPECT_EQ(cause_name(row.q850), row.name);
    EXPECT_EQ(cause_number(row.name), row.q850);
    EXPECT_EQ(cause_to_sip(row.q850), row.sip);
  }
  EXPECT_EQ(cause_number("user_busy"), 17);
  EXPECT_EQ(cause_number("17"), 17);
  EXPECT_EQ(cause_number("0"), std::nullopt);
  EXPECT_EQ(cause_number("128"), std::nullopt);
  EXPECT_EQ(cause_number("17x"), std::nullopt);
  EXPECT_EQ(cause_number(""), std::nullopt);
  EXPECT_EQ(sip_to_cause(486), 17);
  EXPECT_EQ(sip_to_cause(404), 1);
  EXPECT_EQ(sip_to_cause(699), 127);
  EXPECT_EQ(cause_name(99), "CAUSE_99");
}

class SoundFoldersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder :
         {"prompts/acme", "prompts/digits", "recordings/acme", "recordings/demo", "secret"}) {
      std::filesystem::create_directories(root / folder);
    }
    for (const char* file : {"prompts/welcome.wav", "prompts/acme/welcome.wav", "prompts/digits/1.wav",
                             "secret/key.wav", "recordings/acme/one.wav", "recordings/demo/two.wav"}) {
      std::ofstream(root / file) << "RIFF";
    }
    std::filesystem::create_symlink(root / "secret/key.wav", root / "prompts/link.wav");
    sounds = std::make_unique<SoundFolders>(
        SoundFolders::Roots{{(root / "prompts").string()}, {}, (root / "recordings").string()});
  }
  std::string at(const std::string& path) const { return std::filesystem::canonical(root / path).string(); }
  const testing::ScratchFolder scratch{"sounds"};
  const std::filesystem::path& root = scratch.path();
  std::unique_ptr<SoundFolders> sounds;
};

TEST_F(SoundFoldersTest, NamesResolveInsideTheRootsTheTenantsOwnFirst) {
  EXPECT_EQ(*sounds->resolve("demo", "welcome"), at("prompts/welcome.wav"));
  EXPECT_EQ(*sounds->resolve("acme", "welcome"), at("prompts/acme/welcome.wav"));
  EXPECT_EQ(*sounds->resolve("", "digits/1"), at("prompts/digits/1.wav"));
  EXPECT_EQ(*sounds->resolve("", at("prompts/welcome.wav")), at("prompts/welcome.wav"));
  EXPECT_EQ(*sounds->resolve("acme", "one"), at("recordings/acme/one.wav"));
  EXPECT_EQ(*sounds->resolve("acme", at("recordings/acme/one.wav")), at("recordings/acme/one.wav"));
}

TEST_F(SoundFoldersTest, NothingLeadsOutOfTheRoots) {
  struct Row {
    const char* name;
    ErrorCode code;
  };
  for (const Row& row :
       {Row{"../secret/key", ErrorCode::denied}, Row{"digits/../../secret/key", ErrorCode::denied},
        Row{"/etc/passwd", ErrorCode::denied}, Row{"link", ErrorCode::not_found}, Row{"", ErrorCode::invalid},
        Row{"a\nb", ErrorCode::invalid}, Row{"nosuch", ErrorCode::not_found},
        Row{"digits", ErrorCode::not_found}}) {
    const auto found = sounds->resolve("demo", row.name);
    ASSERT_FALSE(found) << row.name;
    EXPECT_EQ(found.error().code, row.code) << row.name << ": " << found.error().message;
  }
  EXPECT_FALSE(sounds->resolve("demo", std::string(600, 'a')));
  EXPECT_FALSE(sounds->resolve("demo", "one")) << "another tenant's recording";
  EXPECT_EQ(sounds->resolve("demo", at("recordings/acme/one.wav")).error().code, ErrorCode::denied);
}

TEST_F(SoundFoldersTest, RecordingsGoToTheTenantsFolder) {
  EXPECT_EQ(*sounds->recording_path("acme", "new"), at("recordings/acme") + "/new.wav");
  EXPECT_EQ(*sounds->recording_path("acme", "box/7/new.wav"), at("recordings/acme") + "/box/7/new.wav");
  EXPECT_EQ(sounds->recording_path("acme", "one").error().code, ErrorCode::conflict);
  EXPECT_EQ(sounds->recording_path("acme", "../demo/x").error().code, ErrorCode::denied);
  EXPECT_EQ(sounds->recording_path("../acme", "x").error().code, ErrorCode::denied);
  EXPECT_EQ(sounds->recording_path("acme", "/tmp/x").error().code, ErrorCode::denied);
}

}  // namespace
}  // namespace tandem::call
