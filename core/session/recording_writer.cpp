#include "core/session/recording_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/log.hpp"

namespace tandem::session {

RecordingWriter::RecordingWriter(std::function<void()> finished) : finished_(std::move(finished)) {}

RecordingWriter::~RecordingWriter() { pump_all(); }

void RecordingWriter::pump_all() {
  thread_.stop();
  for (const auto& open : open_) open->tap->close(media::RecordEnd::stopped);
  for (const auto& open : added_) open->tap->close(media::RecordEnd::stopped);
  pump();
}

void RecordingWriter::start() { thread_.start(); }

void RecordingWriter::add(TapPtr tap, const std::string& path) {
  open_count_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  added_.push_back(std::make_unique<Open>(Open{std::move(tap), std::nullopt, path, 0, {}, false}));
}

void RecordingWriter::pump() {
  {
    const std::lock_guard lock(mutex_);
    std::move(added_.begin(), added_.end(), std::back_inserter(open_));
    added_.clear();
  }
  for (auto& open : open_) {
    const bool closed = open->tap->closed();  // before reading: what was written until then is all there is
    if (write_waiting(*open) && !closed) continue;
    finish(*open);
    open.reset();
  }
  std::erase(open_, nullptr);
}

void RecordingWriter::fail(Open& open, const Error& error) {
  open.error = error.message;
  open.disk_full = error.code == ErrorCode::exhausted;
}

bool RecordingWriter::open_file(Open& open) {
  const auto& spec = open.tap->spec();
  auto file = audio::WavWriter::open(open.path, spec.rate, spec.stereo ? 2 : 1);
  if (!file) {
    fail(open, file.error());
    return false;
  }
  open.file.emplace(std::move(*file));
  return true;
}

bool RecordingWriter::write(Open& open, std::span<const std::int16_t> samples) {
  auto written = open.file->write(samples);
  if (!written) fail(open, written.error());
  return written.ok();
}

// False: no more can be written, finish it.
bool RecordingWriter::write_waiting(Open& open) {
  if (!open.file && !open_file(open)) return false;
  std::array<std::int16_t, 8192> samples;
  // Bounded: a producer that never stops cannot keep us here.
  for (unsigned turn = 0; turn < 64; ++turn) {
    const std::size_t n = open.tap->ring().read(samples);
    if (n == 0) break;
    if (!write(open, {samples.data(), n})) return false;
  }
  // What found the ring full becomes silence.
  const std::uint64_t missed = open.tap->ring().missed();
  samples.fill(0);
  while (open.missed_seen < missed) {
    const std::size_t n = std::min<std::uint64_t>(samples.size(), missed - open.missed_seen);
    open.missed_seen += n;
    if (!write(open, {samples.data(), n})) return false;
  }
  return true;
}

void RecordingWriter::finish(Open& open) {
  FinishedRecording done;
  done.id = open.tap->id();
  done.path = open.path;
  if (open.file) done.length = milliseconds(open.file->frames() * 1000 / open.file->rate());
  done.end = open.disk_full        ? media::RecordEnd::disk_full
             : !open.error.empty() ? media::RecordEnd::failed
                                   : open.tap->end();
  done.error = open.error;
  if (open.file) {
    // Even after an error: what is there is published, so that it can be heard.
    if (auto finished = open.file->finish(); !finished && done.error.empty()) {
      done.error = finished.error().message;
      done.end = finished.error().code == ErrorCode::exhausted ? media::RecordEnd::disk_full
                                                               : media::RecordEnd::failed;
    }
  }
  if (!done.error.empty()) log::error("recording", "{}: {}", open.path, done.error);
  open_count_.fetch_sub(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    done_.push_back(std::move(done));
  }
  if (finished_) finished_();
}

std::vector<FinishedRecording> RecordingWriter::take_finished() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

std::size_t RecordingWriter::open_count() const { return open_count_.load(std::memory_order_relaxed); }

}  // namespace tandem::session
