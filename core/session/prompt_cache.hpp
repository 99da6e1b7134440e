// PromptCache: sound files in memory, decoded once, at the rate of who asks.
//
//   get(path, rate) ──hit──► done(clip)      ──miss──► [io] read, resample ──► keep, done(clip)
//
// Bounded by bytes; the least recently used go first (a clip that is being played lives on until its players
// are gone). A file that changed (size or time) is read again. Thread: [control]; files are read on [io].
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/result.hpp"
#include "core/media/clip.hpp"

namespace tandem::session {

class PromptCache {
 public:
  using RunIo = std::function<bool(std::function<void()> work, std::function<void()> done)>;
  using Done = std::function<void(Result<media::ClipPtr>)>;

  PromptCache(RunIo run_io, std::size_t bytes_max) : run_io_(std::move(run_io)), bytes_max_(bytes_max) {}

  // Calls done once, at once or later. Errors: not_found, invalid (what was expected and seen), exhausted.
  void get(const std::string& path, std::uint32_t rate, Done done);

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    std::uint64_t stamp = 0;  // of size and modification time
    media::ClipPtr clip;
  };
  void keep(const std::string& key, std::uint64_t stamp, const media::ClipPtr& clip);
  void finish(const std::string& key, const Result<media::ClipPtr>& result);

  RunIo run_io_;
  const std::size_t bytes_max_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  std::unordered_map<std::string, std::vector<Done>> waiting_;  // asked for while being read: read once
  std::size_t bytes_ = 0;
};

}  // namespace tandem::session
