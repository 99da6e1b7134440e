// RecordingWriter: empties the recorder taps of all media loops into WAV files.
//
//   [media] RecorderTap ring ──► pump() [io], every 100 ms ──► PATH.part ──rename──► PATH
//                                      └─ finished (bounded list) ──► take_finished() [control]
//
// Its thread is the engine's; on a counted clock pump() is called by hand. What the ring could not take (a
// disk that stalls for two seconds) is written as silence, so that time in the file goes on. It knows no
// legs.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/audio/wav_writer.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/media/recorder_tap.hpp"
#include "core/session/pump_thread.hpp"

namespace tandem::session {

using TapPtr = std::shared_ptr<media::RecorderTap>;  // owners: the leg's command or Leg, and this writer

struct FinishedRecording {
  media::RecordingId id = 0;
  media::RecordEnd end = media::RecordEnd::stopped;
  std::string path;
  milliseconds length{0};
  std::string error;
};

class RecordingWriter {
 public:
  static constexpr milliseconds kPeriod{100};

  // `finished` is called [io] after something was added to the finished list.
  explicit RecordingWriter(std::function<void()> finished);
  ~RecordingWriter();  // [control] closes what is open, as "stopped"

  // [control] Starts the thread; without it pump() is the caller's business.
  void start();

  // [control] Takes the tap on; the file is made by the next pump(). What cannot be made finishes as
  // `failed`.
  void add(TapPtr tap, const std::string& path);

  // [io] Writes what waits. Files of closed taps are finished and published.
  void pump();

  // [control] Ends the thread, closes what is open as "stopped" and finishes it. Nothing can be added after
  // it.
  void pump_all();

  // [control]
  std::vector<FinishedRecording> take_finished();
  std::size_t open_count() const;

 private:
  struct Open {
    TapPtr tap;
    std::optional<audio::WavWriter> file;
    std::string path;
    std::uint64_t missed_seen = 0;
    std::string error;
    bool disk_full = false;
  };
  static void fail(Open& open, const Error& error);
  static bool open_file(Open& open);
  static bool write(Open& open, std::span<const std::int16_t> samples);
  bool write_waiting(Open& open);  // false: the file failed, close it
  void finish(Open& open);

  // owned
  const std::function<void()> finished_;
  mutable std::mutex mutex_;  // control adds and takes a few times a second; io holds it only to swap lists
  std::vector<std::unique_ptr<Open>> added_;
  std::vector<FinishedRecording> done_;
  std::vector<std::unique_ptr<Open>> open_;  // [io]
  std::atomic<std::size_t> open_count_{0};
  PumpThread thread_{kPeriod, [this] { pump(); }};
};

}  // namespace tandem::session
