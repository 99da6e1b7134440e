// espeak-ng's synchronous mode, libsndfile, and a folder as cache.
#include "tts/speaker.hpp"

#include <espeak-ng/speak_lib.h>
#include <sndfile.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "tandem/abi.h"

namespace tandem::tts {

namespace {

namespace fs = std::filesystem;

struct CloseSound {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using Sound = std::unique_ptr<SNDFILE, CloseSound>;

// What a file in the cache is the speech of; it stands in the file, so that two texts of one hash are told
// apart.
std::string key_of(const Request& request) {
  return request.voice + '\n' + std::to_string(request.speed_wpm) + '\n' + request.text;
}

// FNV-1a, 64 bits: a name, not a proof.
std::string name_of(const std::string& key) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char text[32];
  std::snprintf(text, sizeof text, "tts-%016llx.wav", static_cast<unsigned long long>(hash));
  return text;
}

bool holds(const std::string& path, const std::string& key) {
  SF_INFO info{};
  const Sound file(sf_open(path.c_str(), SFM_READ, &info));
  if (!file || info.frames == 0) return false;
  const char* comment = sf_get_string(file.get(), SF_STR_COMMENT);
  return comment != nullptr && key == comment;
}

struct Spoken {
  std::vector<short> samples;
  std::size_t limit;
};

int on_samples(short* samples, int count, espeak_EVENT* events) {
  if (events == nullptr || events->user_data == nullptr) return 0;
  auto& spoken = *static_cast<Spoken*>(events->user_data);
  if (samples == nullptr || count <= 0) return 0;
  spoken.samples.insert(spoken.samples.end(), samples, samples + count);
  return spoken.samples.size() > spoken.limit ? 1 : 0;  // 1: stop
}

}  // namespace

Speaker::Speaker(std::string folder, const Limits& limits)
    : folder_(fs::absolute(folder).lexically_normal().string()), limits_(limits) {
  fs::create_directories(folder_);
}

// Once a process, and never ended: espeak-ng 1.51 hangs when it is started again after espeak_Terminate. Its
// thread sleeps until the process ends; CMakeLists.txt keeps the module in memory for it.
void Speaker::start() {
  static const int rate =
      espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 200, nullptr, espeakINITIALIZE_DONT_EXIT);
  if (rate <= 0)
    throw NotSpoken(TD_UNAVAILABLE, "espeak-ng does not start: is the package espeak-ng-data installed?");
  if (rate_hz_ > 0) return;
  rate_hz_ = rate;
  espeak_SetSynthCallback(on_samples);
}

std::string Speaker::render(const Request& request) {
  const std::string key = key_of(request);
  std::string path = folder_ + "/" + name_of(key);
  if (holds(path, key)) {
    ++cached_;
    std::error_code ignored;
    fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);  // used: the last to go
    return path;
  }
  start();
  write(path, key, speak(request));
  ++rendered_;
  trim(path);
  return path;
}

std::vector<short> Speaker::speak(const Request& request) {
  if (espeak_SetVoiceByName(request.voice.c_str()) != EE_OK) {
    throw NotSpoken(TD_INVALID,
                    "voice: expected one of espeak-ng (espeak-ng --voices), got '" + request.voice + "'");
  }
  espeak_SetParameter(espeakRATE, request.speed_wpm, 0);
  Spoken spoken{{}, static_cast<std::size_t>(limits_.seconds_max) * static_cast<std::size_t>(rate_hz_)};
  const auto failed = espeak_Synth(request.text.c_str(), request.text.size() + 1, 0, POS_CHARACTER, 0,
                                   espeakCHARS_UTF8, nullptr, &spoken);
  if (failed != EE_OK) throw NotSpoken(TD_INTERNAL, "espeak-ng failed with " + std::to_string(failed));
  if (spoken.samples.size() > spoken.limit) {
    throw NotSpoken(TD_EXHAUSTED,
                    "text: expected at most " + std::to_string(limits_.seconds_max) + " s of speech");
  }
  if (spoken.samples.empty()) throw NotSpoken(TD_INVALID, "text: expected something to say");
  return std::move(spoken.samples);
}

void Speaker::write(const std::string& path, const std::string& key, const std::vector<short>& samples) {
  const std::string fresh = path + ".new";
  SF_INFO info{};
  info.samplerate = rate_hz_;
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  Sound file(sf_open(fresh.c_str(), SFM_WRITE, &info));
  bool whole = file != nullptr;
  if (whole) {
    sf_set_string(file.get(), SF_STR_COMMENT, key.c_str());
    const auto count = static_cast<sf_count_t>(samples.size());
    whole = sf_write_short(file.get(), samples.data(), count) == count;
    whole = sf_close(file.release()) == 0 && whole;
  }
  std::error_code failed;
  if (whole) fs::rename(fresh, path, failed);
  if (!whole || failed) {
    fs::remove(fresh, failed);
    throw NotSpoken(TD_UNAVAILABLE, "'" + path + "' cannot be written: is the disk full?");
  }
}

void Speaker::trim(const std::string& keep) {
  struct Row {
    fs::file_time_type used;
    std::uint64_t size;
    fs::path path;
  };
  std::vector<Row> rows;
  std::uint64_t total = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("tts-") || !entry.is_regular_file(ignored)) continue;  // only ours
    rows.push_back({entry.last_write_time(ignored), entry.file_size(ignored), entry.path()});
    total += rows.back().size;
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.used < b.used; });
  for (const Row& row : rows) {
    if (total <= limits_.cache_bytes) return;
    if (row.path == keep) continue;
    fs::remove(row.path, ignored);
    total -= row.size;
  }
}

}  // namespace tandem::tts
