// Speech as files: what is in them, the cache, and bad requests. espeak-ng itself speaks.
#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/fake_host.hpp"
#include "tests/support/scratch_folder.hpp"

extern "C" const td_plugin* tandem_plugin_tts(void);

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using tandem::testing::FakeHost;

class TtsTest : public ::testing::Test {
 protected:
  void start(Json options = Json::object()) {
    host_.reset();
    options["cache_dir"] = (folder_ / "cache").string();
    host_ = std::make_unique<FakeHost>(options.dump());
    ASSERT_EQ(host_->activate(tandem_plugin_tts()), 0) << host_->error();
  }
  std::string path(const Json& params) {
    const auto outcome = host_->call("tts.render", params.dump());
    EXPECT_EQ(outcome.code, TD_OK) << outcome.json;
    return outcome.code == TD_OK ? Json::parse(outcome.json)["path"].get<std::string>() : "";
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_ / "cache"), fs::directory_iterator()));
  }

  tandem::testing::ScratchFolder scratch_{"tts"};
  fs::path folder_ = scratch_.path();
  std::unique_ptr<FakeHost> host_;
};

struct Heard {
  double seconds = 0, rms = 0;
  int channels = 0, format = 0;
};
Heard hear(const std::string& path) {
  SF_INFO info{};
  SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
  if (file == nullptr) return {};
  std::vector<short> samples(static_cast<std::size_t>(info.frames));
  sf_read_short(file, samples.data(), info.frames);
  sf_close(file);
  double sum = 0;
  for (const short s : samples) sum += static_cast<double>(s) * s;
  return {static_cast<double>(info.frames) / info.samplerate,
          std::sqrt(sum / static_cast<double>(samples.size())), info.channels, info.format};
}

TEST_F(TtsTest, SpeaksIntoAMono16BitWav) {
  start();
  const Heard heard = hear(path({{"text", "Welcome to Tandem. Press one."}}));
  EXPECT_GT(heard.seconds, 1.0);
  EXPECT_LT(heard.seconds, 6.0);
  EXPECT_GT(heard.rms, 500) << "not silence";
  EXPECT_EQ(heard.channels, 1);
  EXPECT_EQ(heard.format, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
}

TEST_F(TtsTest, SpeaksSlowerAndInAnotherVoiceWhenAsked) {
  start();
  const std::string text = "one two three four five six seven";
  const double normal = hear(path({{"text", text}})).seconds;
  EXPECT_GT(hear(path({{"text", text}, {"speed", 80}})).seconds, normal * 1.3);
  EXPECT_NE(path({{"text", text}, {"voice", "de"}}), path({{"text", text}}));
}

TEST_F(TtsTest, RendersTheSameTextOnce) {
  start();
  const std::string first = path({{"text", "hello"}});
  std::ofstream(folder_ / "mark") << "x";
  const auto written = fs::file_size(first);
  EXPECT_EQ(path({{"text", "hello"}}), first);
  EXPECT_EQ(fs::file_size(first), written);
  EXPECT_EQ(files(), 1u);
  start();
  EXPECT_EQ(path({{"text", "hello"}}), first) << "after a restart, too";
  EXPECT_EQ(files(), 1u) << "and nothing half-written is left";
}

TEST_F(TtsTest, AFileThatIsNotThatTextsIsRenderedAnew) {
  start();
  const std::string file = path({{"text", "hello"}});
  std::ofstream(file) << "broken";
  EXPECT_EQ(path({{"text", "hello"}}), file);
  EXPECT_GT(hear(file).seconds, 0.2);
  const std::string other = path({{"text", "good bye"}});
  fs::copy_file(other, file, fs::copy_options::overwrite_existing);
  const double right = hear(path({{"text", "hello"}})).seconds;
  EXPECT_NE(right, hear(other).seconds) << "another text's speech under this name is not taken";
}

TEST_F(TtsTest, KeepsTheCacheWithinItsSizeAndLeavesStrangersAlone) {
  start({{"cache_bytes", 200'000}});
  std::ofstream(folder_ / "cache" / "other.txt") << std::string(300'000, 'x');
  std::string last;
  for (int i = 0; i < 10; ++i) last = path({{"text", "number " + std::to_string(i)}});
  std::uintmax_t total = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "cache")) {
    if (entry.path().extension() == ".wav") total += entry.file_size();
  }
  EXPECT_LE(total, 200'000u);
  EXPECT_TRUE(fs::exists(last));
  EXPECT_TRUE(fs::exists(folder_ / "cache" / "other.txt"));
}

TEST_F(TtsTest, AnswersBadRequestsWithWhatWasExpected) {
  start();
  struct Row {
    std::string params;
    const char* code;
    const char* part;
  };
  const Row table[] = {
      {"{", "invalid", "JSON object"},
      {"{}", "invalid", "something to say"},
      {R"({"text":"  "})", "invalid", "something to say"},
      {R"({"text":5})", "invalid", "4000 bytes"},
      {Json({{"text", std::string(4001, 'x')}}).dump(), "invalid", "4000 bytes"},
      {R"({"text":"a","voice":"../../etc/passwd"})", "invalid", "voice"},
      {R"({"text":"a","voice":"klingon-of-nowhere"})", "invalid", "klingon"},
      {R"({"text":"a","speed":10})", "invalid", "80 to 450"},
      {R"({"text":"a","pitch":10})", "invalid", "pitch"},
  };
  for (const Row& row : table) {
    const auto outcome = host_->call("tts.render", row.params);
    const Json error = Json::parse(outcome.json, nullptr, false);
    EXPECT_EQ(error.value("code", ""), row.code) << row.params.substr(0, 60);
    EXPECT_NE(error.value("message", "").find(row.part), std::string::npos) << outcome.json;
  }
  host_->fill_work_queue(true);
  EXPECT_EQ(host_->call("tts.render", R"({"text":"a"})").code, TD_EXHAUSTED);
}

TEST_F(TtsTest, SaysWhenTheDiskDoesNotTakeIt) {
  start();
  fs::remove_all(folder_ / "cache");
  EXPECT_EQ(host_->call("tts.render", R"({"text":"a"})").code, TD_UNAVAILABLE);
}

TEST_F(TtsTest, AnswersWhatIsOpenWhenItStops) {
  start();
  const auto outcome = host_->invoke("tts.render", R"({"text":"hello"})");
  host_->deactivate();
  EXPECT_EQ(outcome->code, TD_UNAVAILABLE);
}

}  // namespace
