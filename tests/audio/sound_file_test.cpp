// Sound files, good and hostile, and recordings through a crash and a full disk.
#include "core/audio/sound_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sndfile.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/audio/wav_writer.hpp"
#include "tests/audio/signal.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::audio {
namespace {

using namespace testing;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string make(const std::string& name, int format, int channels, int rate, const Pcm& frames) const {
    SF_INFO info{};
    info.format = format;
    info.channels = channels;
    info.samplerate = rate;
    SNDFILE* file = sf_open(path(name).c_str(), SFM_WRITE, &info);
    EXPECT_NE(file, nullptr) << name;
    if (file == nullptr) return path(name);
    sf_command(file, SFC_SET_SCALE_INT_FLOAT_WRITE, nullptr, SF_TRUE);
    EXPECT_EQ(sf_write_short(file, frames.data(), static_cast<sf_count_t>(frames.size())),
              static_cast<sf_count_t>(frames.size()));
    sf_close(file);
    return path(name);
  }
  std::string bytes(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static std::string slurp(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  tandem::testing::ScratchFolder scratch_{"audio"};
  std::string folder_ = scratch_.string();
};

using SoundFile = Files;
using Recording = Files;

TEST_F(SoundFile, ReadsTheKindsThatArePlayed) {
  struct Row {
    const char* name;
    int format;
    double least_snr;
  };
  const Row rows[] = {
      {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 90}, {"b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 90},
      {"c.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 85},  {"d.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 30},
      {"e.wav", SF_FORMAT_WAV | SF_FORMAT_GSM610, 2},  {"f.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 90},
      {"g.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 10}};
  const Pcm pcm = voiced(8000, 8000);
  for (const Row& row : rows) {
    const auto sound = read_sound(make(row.name, row.format, 1, 8000, pcm), 8000);
    ASSERT_TRUE(sound) << sound.error().message;
    EXPECT_EQ(sound->rate, 8000u);
    EXPECT_NEAR(static_cast<double>(sound->pcm.size()), 8000, 350) << row.name;
    EXPECT_GT(snr(pcm, sound->pcm), row.least_snr) << row.name;
  }
}

TEST_F(SoundFile, AveragesStereoAndConvertsTheRate) {
  Pcm frames;
  for (const std::int16_t s : sine(1000, 44100, 44100)) {
    frames.push_back(s);
    frames.push_back(static_cast<std::int16_t>(s / 2));
  }
  const std::string file = make("s.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 2, 44100, frames);
  for (const unsigned rate : {8000u, 16000u, 48000u}) {
    const auto sound = read_sound(file, rate);
    ASSERT_TRUE(sound);
    EXPECT_NEAR(static_cast<double>(sound->pcm.size()), rate, 2);
    EXPECT_NEAR(tone_amplitude({sound->pcm.data() + 400, sound->pcm.size() - 800}, 1000, rate), 7500, 60)
        << rate;
  }
}

TEST_F(SoundFile, ReadsTheSameFromMemory) {
  const std::string file =
      make("m.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, 16000, sine(440, 16000, 5000));
  const std::string content = slurp(file);
  const auto from_file = read_sound(file, 8000);
  const auto from_memory =
      read_sound({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}, 8000);
  ASSERT_TRUE(from_file && from_memory);
  EXPECT_EQ(from_file->pcm, from_memory->pcm);
}

TEST_F(SoundFile, RefusesWhatIsNoSoundAndSaysWhy) {
  fs::create_directory(path("folder"));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const std::string wav =
      slurp(make("x.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 8000, sine(440, 8000, 800)));
  struct Row {
    std::string file;
    ErrorCode code;
    const char* says;
  };
  const Row rows[] = {
      {path("absent.wav"), ErrorCode::not_found, "no such file"},
      {path("folder"), ErrorCode::denied, "not a regular file"},
      {path("pipe"), ErrorCode::denied, "not a regular file"},
      {bytes("empty.wav", ""), ErrorCode::invalid, "expected a sound file"},
      {bytes("text.wav", "<html>not found</html>"), ErrorCode::invalid, "expected a sound file"},
      {bytes("cut.wav", wav.substr(0, 20)), ErrorCode::invalid, "expected a sound file"},
      {bytes("none.wav", wav.substr(0, 44)), ErrorCode::invalid, "no samples"},
      {make("three.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 3, 8000, Pcm(300)), ErrorCode::invalid,
       "it has 3"},
      {make("slow.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 2000, Pcm(300)), ErrorCode::invalid,
       "it has 2000"}};
  for (const Row& row : rows) {
    const auto sound = read_sound(row.file, 8000);
    ASSERT_FALSE(sound) << row.file;
    EXPECT_EQ(sound.error().code, row.code) << row.file << ": " << sound.error().message;
    EXPECT_THAT(sound.error().message, HasSubstr(row.says)) << row.file;
    EXPECT_THAT(sound.error().message, HasSubstr(row.file));
  }
}

TEST_F(SoundFile, HoldsItsLimits) {
  const std::string file = make("l.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 8000, Pcm(8000 * 3));
  const auto seconds = read_sound(file, 8000, {.max_seconds = 2});
  ASSERT_FALSE(seconds);
  EXPECT_EQ(seconds.error().code, ErrorCode::exhausted);
  const auto size = read_sound(file, 8000, {.max_bytes = 1000});
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code, ErrorCode::exhausted);
  EXPECT_FALSE(read_sound(file, 7999));
  EXPECT_FALSE(read_sound(file, 96000));
}

TEST_F(SoundFile, ReadsWhatATruncatedFileStillHas) {
  const std::string wav =
      slurp(make("t.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 8000, sine(440, 8000, 8000)));
  const auto sound = read_sound(bytes("half.wav", wav.substr(0, 44 + 8000)), 8000);
  ASSERT_TRUE(sound);
  EXPECT_EQ(sound->pcm.size(), 4000u);
}

TEST_F(Recording, IsPublishedWholeByFinish) {
  for (const unsigned channels : {1u, 2u}) {
    const std::string file = path("r" + std::to_string(channels) + ".wav");
    auto writer = WavWriter::open(file, 8000, channels);
    ASSERT_TRUE(writer) << writer.error().message;
    const Pcm pcm = sine(440, 8000, 320);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer->write(pcm));
    EXPECT_FALSE(fs::exists(file));
    EXPECT_TRUE(fs::exists(file + ".part"));
    EXPECT_EQ(writer->frames(), 32000u / channels);
    ASSERT_TRUE(writer->finish());
    EXPECT_FALSE(fs::exists(file + ".part"));
    SF_INFO info{};
    SNDFILE* sound = sf_open(file.c_str(), SFM_READ, &info);
    ASSERT_NE(sound, nullptr);
    EXPECT_EQ(info.frames, 32000 / static_cast<int>(channels));
    EXPECT_EQ(info.channels, static_cast<int>(channels));
    EXPECT_EQ(info.samplerate, 8000);
    sf_close(sound);
    EXPECT_EQ(fs::file_size(file), 44u + 64000u);
    EXPECT_FALSE(writer->write(pcm)) << "it is over";
  }
}

TEST_F(Recording, IsAValidFileAfterEachSecondWhileItGrows) {
  auto writer = WavWriter::open(path("g.wav"), 8000, 1);
  ASSERT_TRUE(writer);
  for (int i = 0; i < 55; ++i) ASSERT_TRUE(writer->write(Pcm(160, 5)));
  const auto sound = read_sound(path("g.wav.part"), 8000);
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_GE(sound->pcm.size(), 8000u);
}

TEST_F(Recording, IsRecoveredAfterKill9) {
  const std::string file = path("k.wav");
  const pid_t child = ::fork();
  if (child == 0) {
    auto writer = WavWriter::open(file, 16000, 2);
    if (!writer) ::_exit(1);
    for (int i = 0; i < 130; ++i) (void)writer->write(Pcm(640, 1234));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  std::ofstream(file + ".part", std::ios::app | std::ios::binary) << "abc";  // a frame torn by the crash
  const auto recovered = WavWriter::recover(file + ".part");
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(*recovered, 130u * 320);
  EXPECT_FALSE(fs::exists(file + ".part"));
  const auto sound = read_sound(file, 16000);
  ASSERT_TRUE(sound);
  EXPECT_EQ(sound->pcm, Pcm(130 * 320, 1234));
}

TEST_F(Recording, RecoverRefusesWhatItDidNotWrite) {
  const std::string ours = slurp(make("o.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 8000, Pcm(100)));
  EXPECT_EQ(WavWriter::recover(path("absent.wav.part")).error().code, ErrorCode::not_found);
  EXPECT_EQ(WavWriter::recover(bytes("a.wav", ours)).error().code, ErrorCode::invalid) << "no .part";
  EXPECT_EQ(WavWriter::recover(bytes("b.wav.part", "")).error().code, ErrorCode::invalid);
  EXPECT_EQ(WavWriter::recover(bytes("c.wav.part", std::string(1000, 'x'))).error().code, ErrorCode::invalid);
  std::string other = ours;
  other[34] = 8;  // 8 bits
  EXPECT_EQ(WavWriter::recover(bytes("d.wav.part", other)).error().code, ErrorCode::invalid);
  bytes("e.wav", "is there");
  EXPECT_EQ(WavWriter::recover(bytes("e.wav.part", ours)).error().code, ErrorCode::conflict);
  EXPECT_EQ(slurp(path("e.wav")), "is there");
}

TEST_F(Recording, NeverOverwrites) {
  bytes("there.wav", "x");
  EXPECT_EQ(WavWriter::open(path("there.wav"), 8000, 1).error().code, ErrorCode::conflict);
  auto first = WavWriter::open(path("twice.wav"), 8000, 1);
  ASSERT_TRUE(first);
  EXPECT_EQ(WavWriter::open(path("twice.wav"), 8000, 1).error().code, ErrorCode::conflict);
  bytes("twice.wav", "came between");
  EXPECT_EQ(first->finish().error().code, ErrorCode::conflict);
  EXPECT_EQ(slurp(path("twice.wav")), "came between");
}

TEST_F(Recording, RefusesBadPlacesAndShapes) {
  EXPECT_EQ(WavWriter::open(path("no/such/folder.wav"), 8000, 1).error().code, ErrorCode::not_found);
  EXPECT_EQ(WavWriter::open(path("a.wav"), 8000, 3).error().code, ErrorCode::invalid);
  EXPECT_EQ(WavWriter::open(path("a.wav"), 100, 1).error().code, ErrorCode::invalid);
  auto stereo = WavWriter::open(path("s.wav"), 8000, 2);
  ASSERT_TRUE(stereo);
  EXPECT_EQ(stereo->write(Pcm(3)).error().code, ErrorCode::invalid);
}

TEST_F(Recording, DiscardLeavesNothing) {
  auto writer = WavWriter::open(path("d.wav"), 8000, 1);
  ASSERT_TRUE(writer);
  writer->discard();
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Recording, AFullDiskIsAnErrorAndKeepsWhatWasWritten) {
  // A limit on the size of files stands in for a full disk: the write comes up short, then fails.
  struct rlimit old {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = old;
  small.rlim_cur = 10001;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto writer = WavWriter::open(path("f.wav"), 8000, 1);
  Result<void> written;
  for (int i = 0; writer && i < 100 && written; ++i) written = writer->write(Pcm(160, 9));
  const auto again = writer ? writer->write(Pcm(160, 9)) : Result<void>{};
  const auto finished = writer ? writer->finish() : Result<void>{};
  (void)::setrlimit(RLIMIT_FSIZE, &old);
  (void)::signal(SIGXFSZ, handler);
  ASSERT_TRUE(writer);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::exhausted) << written.error().message;
  EXPECT_FALSE(again);
  ASSERT_TRUE(finished) << finished.error().message;
  const auto sound = read_sound(path("f.wav"), 8000);
  ASSERT_TRUE(sound);
  EXPECT_EQ(sound->pcm.size(), (10001u - 44) / 2);
}

TEST(ConvertRate, KeepsToneAndLength) {
  const auto out = convert_rate(sine(440, 22050, 22050), 22050, 8000);
  ASSERT_TRUE(out);
  EXPECT_NEAR(static_cast<double>(out->size()), 8000, 2);
  EXPECT_NEAR(tone_amplitude(*out, 440, 8000), 10000, 100);
  EXPECT_FALSE(convert_rate(Pcm(10), 1, 8000));
}

}  // namespace
}  // namespace tandem::audio
