// Paths and the API's token, in a folder of the test's own.
#include "core/app/paths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/scratch_folder.hpp"

namespace tandem::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PathsTest : public ::testing::Test {
 protected:
  static unsigned mode(const std::string& path) {
    struct stat about {};
    ::stat(path.c_str(), &about);
    return about.st_mode & 0777U;
  }
  tandem::testing::ScratchFolder scratch_{"paths"};
  std::string folder_ = scratch_.string();
};

TEST_F(PathsTest, MakesTheStateFolderPrivate) {
  Config config;
  config.server.state_dir = folder_ + "/state";
  const auto paths = prepare_paths(config);
  ASSERT_TRUE(paths);
  EXPECT_EQ(mode(folder_ + "/state"), 0700u);
  EXPECT_EQ(paths->store, folder_ + "/state/tandem.db");
  EXPECT_TRUE(fs::is_directory(paths->recordings));
  for (const auto& root : paths->prompts) EXPECT_TRUE(fs::is_directory(root)) << root;
}

TEST_F(PathsTest, SaysWhichFolderCannotBeMade) {
  std::ofstream(folder_ + "/file") << "x";
  Config config;
  config.server.state_dir = folder_ + "/file/state";
  const auto paths = prepare_paths(config);
  ASSERT_FALSE(paths);
  EXPECT_THAT(paths.error().message, HasSubstr("/file/state: cannot make this folder"));
}

TEST_F(PathsTest, MakesATokenOnceAndKeepsItPrivate) {
  const std::string file = folder_ + "/token";
  const auto first = api_token("", file), second = api_token("", file);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->size(), 32u);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(mode(file), 0600u);
}

TEST_F(PathsTest, RefusesATokenThatOthersCanRead) {
  const std::string file = folder_ + "/token";
  ASSERT_TRUE(api_token("", file));
  ::chmod(file.c_str(), 0644);
  const auto token = api_token("", file);
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, HasSubstr("expected mode 0600, found 0644"));
}

TEST_F(PathsTest, RefusesAShortToken) {
  const std::string file = folder_ + "/token";
  std::ofstream(file) << "short\n";
  ::chmod(file.c_str(), 0600);
  const auto token = api_token("", file);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, ErrorCode::invalid);
}

TEST_F(PathsTest, AConfiguredTokenNeedsNoFile) {
  const auto token = api_token("0123456789abcdef", folder_ + "/token");
  ASSERT_TRUE(token);
  EXPECT_EQ(*token, "0123456789abcdef");
  EXPECT_FALSE(fs::exists(folder_ + "/token"));
}

}  // namespace
}  // namespace tandem::app
