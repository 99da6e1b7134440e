// Speech: see the header.
#include "core/load/speech.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/audio/sound_file.hpp"

namespace tandem::load {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSpeechMax = 240'000, kShortest = 16'000, kFilesLooked = 200;
constexpr std::size_t kPauseBlock = 160, kPauseBlocks = 10;  // 20 ms; at most 200 ms of pause
constexpr double kQuiet = 100, kSpeechRms = 2500;            // -22 dBFS

double rms(const std::int16_t* x, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += double{1} * x[i] * x[i];
  return n == 0 ? 0 : std::sqrt(sum / static_cast<double>(n));
}

void add_without_pauses(const std::vector<std::int16_t>& pcm, std::vector<std::int16_t>& out) {
  std::size_t quiet = 0;
  for (std::size_t at = 0; at + kPauseBlock <= pcm.size() && out.size() < kSpeechMax; at += kPauseBlock) {
    quiet = rms(&pcm[at], kPauseBlock) < kQuiet ? quiet + 1 : 0;
    if (quiet <= kPauseBlocks)
      out.insert(out.end(), pcm.begin() + static_cast<std::ptrdiff_t>(at),
                 pcm.begin() + static_cast<std::ptrdiff_t>(at + kPauseBlock));
  }
}

}  // namespace

Result<std::vector<std::int16_t>> load_speech(const std::string& path) {
  std::vector<fs::path> files;
  std::error_code failed;
  if (fs::is_directory(path, failed)) {
    for (const auto& entry : fs::directory_iterator(path, failed))
      if (entry.path().extension() == ".wav") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (files.size() > kFilesLooked) files.resize(kFilesLooked);
  } else if (fs::exists(path, failed)) {
    files.emplace_back(path);
  }
  if (files.empty())
    return Error{ErrorCode::not_found,
                 fmt::format("generator.speech: no sound file at {}: name one, or apt-get install "
                             "asterisk-core-sounds-en-wav",
                             path)};
  std::vector<std::int16_t> out;
  for (const fs::path& file : files) {
    if (out.size() >= kSpeechMax) break;
    if (const auto sound = audio::read_sound(file.string(), 8000)) add_without_pauses(sound->pcm, out);
  }
  if (out.size() > kSpeechMax) out.resize(kSpeechMax);
  const double level = rms(out.data(), out.size());
  if (out.size() < kShortest || level < 1)
    return Error{ErrorCode::invalid,
                 fmt::format("generator.speech: expected two seconds of speech or more in {}", path)};
  for (std::int16_t& v : out)
    v = static_cast<std::int16_t>(std::clamp(v * kSpeechRms / level, -30'000.0, 30'000.0));
  return out;
}

}  // namespace tandem::load
