// Spill: a file of JSON lines that takes the call records which the database would not, until it does again.
//
//   append(record) ──► FILE ──replay: rename──► FILE.replay ──each line──► the database ──all in──► removed
//                                                      └── a line that is no record ──► FILE.bad
//
// A crash at any point loses nothing and doubles nothing: records carry ids, and FILE.replay is read again.
// Thread: [io], on the live lane; append also from [control] when the queue to [io] itself is full.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tandem::store {

class Spill {
 public:
  static constexpr std::uint64_t kBytesMax = 256ull << 20;

  // Adopts what an earlier run left.
  explicit Spill(std::string path);

  // One line, on the disk when it returns. False when it could not be written (then nothing half-written
  // stays).
  bool append(std::string_view line);

  struct Replayed {
    std::uint64_t stored = 0, bad = 0;
    bool done = true;  // false: the database refused again; the rest waits
  };
  // Hands each line to `store`, which says what became of it.
  enum class Line { stored, bad, later };
  Replayed replay(const std::function<Line(std::string_view line)>& store);

  // [any] Whether records wait.
  bool waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  std::string path_;
  std::atomic<bool> waiting_{false};
};

}  // namespace tandem::store
