#include "core/app/bench_profile.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace tandem::app {
namespace {

TEST(BenchProfile, EveryProfileThatShipsIsRead) {
  unsigned seen = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(TANDEM_SOURCE_DIR) + "/bench/profiles")) {
    if (file.path().extension() != ".toml") continue;
    std::string path;
    const auto read = load_profile(file.path().string(), {}, path);
    for (const auto& error : read.errors) ADD_FAILURE() << error.text(path);
    EXPECT_EQ(read.profile.name, file.path().stem()) << path;
    EXPECT_FALSE(read.profile.description.empty()) << path;
    ++seen;
  }
  EXPECT_GE(seen, 8U);
}

TEST(BenchProfile, AWrongKeyIsNamedWithFileLineAndWhatWasExpected) {
  struct Row {
    const char* text;
    const char* told;
  };
  for (const Row& row :
       {Row{"legs = 10\nlgs = 3\n", "x.toml:2:1: lgs: expected"},
        Row{"[call]\nkind = \"conferense\"\n", "x.toml:2:8: call.kind: expected one of \"bridge\""},
        Row{"legs = 0\n", "x.toml:1:8: legs: expected a whole number from 1 to 100000, found 0"},
        Row{"seconds = \"ten\"\n", "x.toml:1:11: seconds: expected a number from 0.5"},
        Row{"[[call]]\n[[call]]\nshare = -1\n", "x.toml:3:9: call[2].share: expected a number"},
        Row{"[call]\nkind = \"number\"\n", "call.number: expected what is to be dialed"},
        Row{"[call]\nkind = \"queue\"\n", "call.number: expected what is to be dialed"},
        Row{"[call]\npatience_s = -1\n", "x.toml:2:14: call.patience_s: expected"},
        Row{"[call.impairment]\ntrace = \"none.txt\"\n", "call.impairment.trace: expected a trace"},
        Row{"[call]\nsrtp = \"some\"\n", "x.toml:2:8: call.srtp: expected one of"},
        Row{"[call]\nsrtp_suite = \"AES\"\n", "x.toml:2:14: call.srtp_suite: expected a suite of SDES"},
        Row{"[call]\nsrtp = \"both\"\nimpairment = {jitter_ms = 300}\n",
            "x.toml:2:8: call.srtp: expected with SRTP, at most 200 ms"},
        Row{"[call]\nkind = \"room\"\nmembers = 1\n", "x.toml:3:11: call.members: expected"},
        Row{"[call]\ndigits = \"voice\"\n", "x.toml:2:10: call.digits: expected one of"},
        Row{"[call\n", "x.toml:1:"}}) {
    const auto read = parse_profile(row.text, ".");
    ASSERT_FALSE(read.errors.empty()) << row.text;
    EXPECT_NE(read.errors[0].text("x.toml").find(row.told), std::string::npos)
        << read.errors[0].text("x.toml");
  }
}

TEST(BenchProfile, PartsObjectiveAndImpairmentAreTaken) {
  const auto read = parse_profile(
      "name = \"day\"\nlegs = 50\n[[call]]\nshare = 3\ncodec = \"PCMU\"\npeer_codec = "
      "\"PCMA\"\n[[call]]\nkind = \"play\"\nhold_s = 2.5\n"
      "[call.impairment]\nloss_percent = 1\nburst_packets = 4\n[objective]\np99_delay_ms = "
      "30\n[search]\nfrom = 10\nto = 100\n",
      ".");
  ASSERT_TRUE(read.errors.empty()) << read.errors[0].text("x");
  const load::Profile& p = read.profile;
  ASSERT_EQ(p.parts.size(), 2U);
  EXPECT_EQ(p.parts[0].peer_codec, "PCMA");
  EXPECT_EQ(p.parts[1].kind, load::Kind::play);
  EXPECT_DOUBLE_EQ(p.parts[1].impairment.loss_percent, 1);
  EXPECT_DOUBLE_EQ(p.objective.p99_delay_ms, 30);
  EXPECT_EQ(p.search.to, 100U);
}

TEST(BenchProfile, AnUnknownNameListsTheKnownOnes) {
  std::string path;
  const auto read = load_profile("nothing", {std::string(TANDEM_SOURCE_DIR) + "/bench/profiles"}, path);
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_NE(read.errors[0].expected.find("relay"), std::string::npos);
}

}  // namespace
}  // namespace tandem::app
