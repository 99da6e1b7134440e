// Speaker: text to WAV files through espeak-ng, with a cache of files.
//
//   text, voice, speed ──hash──► CACHE/tts-<hash>.wav is there and is this text's ──► its path
//                                   └─ else rendered into tts-<hash>.wav.new, renamed when whole ──► its path
//
// espeak-ng has one global voice, so there is one Speaker a process. Thread: [io], one lane.
// Limits: Limits; the oldest files go when the cache is over its size. Not here: SSML (text is spoken as it
// stands).
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tandem::tts {

// Why nothing was spoken. Thrown, as std::filesystem's errors are, and caught in one place.
class NotSpoken : public std::runtime_error {
 public:
  NotSpoken(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const { return code_; }  // TD_INVALID …

 private:
  int code_;
};

struct Request {
  std::string text;
  std::string voice = "en-us";
  int speed_wpm = 160;
};

class Speaker {
 public:
  struct Limits {
    std::uint64_t cache_bytes = 64 << 20;
    int seconds_max = 600;  // of speech from one text
  };

  // Makes the folder. Throws std::filesystem::filesystem_error. espeak-ng itself starts with the first text.
  Speaker(std::string folder, const Limits& limits);
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  // The absolute path of a mono 16-bit WAV file, at the voice's own rate (22,050 Hz). Throws NotSpoken:
  // invalid (no such voice), unavailable (no espeak-ng data, no disk).
  std::string render(const Request& request);

  std::uint64_t rendered() const { return rendered_; }
  std::uint64_t cached() const { return cached_; }

 private:
  void start();
  std::vector<short> speak(const Request& request);
  void write(const std::string& path, const std::string& key, const std::vector<short>& samples);
  void trim(const std::string& keep);

  const std::string folder_;
  const Limits limits_;
  int rate_hz_ = 0;  // 0: not started
  std::uint64_t rendered_ = 0, cached_ = 0;
};

}  // namespace tandem::tts
