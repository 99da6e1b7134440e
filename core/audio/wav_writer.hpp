// WavWriter: a recording on its way to disk: 16-bit WAV, mono or stereo, that is whole at any moment it
// matters.
//
//   open(PATH) ──► PATH.part, header with room left ──write()…──► flush() every second: sizes in the header
//   finish() ──► header, fsync, rename to PATH, fsync of the folder         kill -9 ──► recover(PATH.part)
//
// Thread: [io]. A full disk ends in an error, with what was written kept. Not here: silence for missing
// audio.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/base/result.hpp"

namespace tandem::audio {

class WavWriter {
 public:
  // [io] Creates PATH.part (fails if it or PATH exists). Errors: denied, exhausted (disk, descriptors),
  // conflict, not_found (the folder), invalid (channels not 1 or 2, rate out of 4000..192000).
  static Result<WavWriter> open(const std::string& path, unsigned rate, unsigned channels);
  WavWriter(WavWriter&& other) noexcept;
  WavWriter& operator=(WavWriter&& other) noexcept;
  // Closes the file; unfinished, PATH.part stays for recover().
  ~WavWriter();

  // [io] Appends samples (interleaved when stereo; whole frames). Errors: exhausted (disk full, or the 4 GB
  // of a WAV), internal (another I/O error). After an error only finish() or destruction.
  Result<void> write(std::span<const std::int16_t> samples);

  // [io] Puts the true sizes into the header, so that what is there so far is a valid file. Called by write
  // itself after each second of audio.
  Result<void> flush();

  // [io] Completes and publishes. Nothing can be written after it. Errors as write; PATH.part then stays.
  Result<void> finish();

  // [io] Drops the recording and removes PATH.part.
  void discard();

  std::uint64_t frames() const { return data_bytes_ / (2u * channels_); }
  unsigned rate() const { return rate_; }
  unsigned channels() const { return channels_; }
  const std::string& path() const { return path_; }

  // [io] After a crash: repairs the header of PATH.part from its size (a torn last frame is cut off) and
  // publishes it as PATH. Returns the frames saved. Errors: invalid (not our WAV), not_found, conflict,
  // internal.
  static Result<std::uint64_t> recover(const std::string& part_path);

 private:
  WavWriter(int fd, std::string path, unsigned rate, unsigned channels);
  Result<void> put(const void* data, std::size_t bytes);

  int fd_ = -1;
  std::string path_;
  unsigned rate_ = 0, channels_ = 1;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t flushed_bytes_ = 0;
  bool failed_ = false;
};

}  // namespace tandem::audio
