#include "core/session/prompt_cache.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "core/audio/sound_file.hpp"

namespace tandem::session {
namespace {

// A number that changes when the file does; 0 when there is no file.
std::uint64_t stamp_of(const std::string& path) {
  struct stat seen {};
  if (stat(path.c_str(), &seen) != 0) return 0;
  return static_cast<std::uint64_t>(seen.st_mtim.tv_sec) * 1000003u +
         static_cast<std::uint64_t>(seen.st_mtim.tv_nsec) + static_cast<std::uint64_t>(seen.st_size) * 31u +
         1u;
}

}  // namespace

void PromptCache::get(const std::string& path, std::uint32_t rate, Done done) {
  const std::string key = fmt::format("{}@{}", path, rate);
  const std::uint64_t stamp =
      stamp_of(path);  // a stat of a hot file: microseconds, and it saves a thread hop
  if (const auto found = by_key_.find(key); found != by_key_.end() && found->second->stamp == stamp) {
    entries_.splice(entries_.begin(), entries_, found->second);
    done(found->second->clip);
    return;
  }
  std::vector<Done>& waiting = waiting_[key];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;  // somebody is reading it already
  auto result = std::make_shared<Result<media::ClipPtr>>(Error{ErrorCode::internal, "the file was not read"});
  const bool queued = run_io_(
      [path, rate, result] {
        auto sound = audio::read_sound(path, rate);
        if (!sound) {
          *result = sound.error();
          return;
        }
        auto clip = std::make_shared<media::Clip>();
        clip->rate = rate;
        clip->pcm = std::move(sound->pcm);
        *result = media::ClipPtr(std::move(clip));
      },
      [this, key, stamp, result] {
        if (*result) keep(key, stamp, **result);
        finish(key, *result);
      });
  if (!queued)
    finish(key, Error{ErrorCode::exhausted, "too much work is waiting for the disk; try again later"});
}

void PromptCache::keep(const std::string& key, std::uint64_t stamp, const media::ClipPtr& clip) {
  const auto size_of = [](const media::ClipPtr& c) { return c->pcm.size() * sizeof(std::int16_t); };
  if (const auto old = by_key_.find(key); old != by_key_.end()) {
    bytes_ -= size_of(old->second->clip);
    entries_.erase(old->second);
    by_key_.erase(old);
  }
  if (size_of(clip) > bytes_max_ / 2) return;  // played, but not kept
  entries_.push_front({key, stamp, clip});
  by_key_[key] = entries_.begin();
  bytes_ += size_of(clip);
  while (bytes_ > bytes_max_) {
    const Entry& oldest = entries_.back();
    bytes_ -= size_of(oldest.clip);
    by_key_.erase(oldest.key);
    entries_.pop_back();
  }
}

void PromptCache::finish(const std::string& key, const Result<media::ClipPtr>& result) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  const std::vector<Done> all = std::move(found->second);
  waiting_.erase(found);
  for (const Done& done : all) done(result);
}

}  // namespace tandem::session
