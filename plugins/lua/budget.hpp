// Budget: what one call's script may use, and how much of it is gone.
//
//   VM ──every 200 instructions──► Runtime's hook ──► spend(200) ──► over? the call ends, whatever pcall says
//   C functions with long work ──► spend(its size) ─┘
//
// Instructions are counted exactly and so the same on every machine. Since some instructions are long
// (joining two large strings), processor time of one resume is bounded besides. Memory is Memory's, waiting
// time ScriptCall's. Thread: [control].
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tandem::lua {

struct Limits {
  std::uint64_t instructions_per_resume = 1'000'000;  // between two waits
  std::uint64_t instructions_total = 200'000'000;     // of the whole script
  std::uint64_t cpu_ms_per_resume = 100;
  std::size_t memory_bytes = 1024 * 1024;
  std::uint64_t life_ms = 4ULL * 3600 * 1000;  // from start to end
  std::uint64_t hangup_ms = 5000;              // for cleaning up after the party hung up
  std::size_t log_lines = 1000;
};

// How often each limit ended a script, over all of them.
struct LimitHits {
  std::uint64_t instructions = 0, cpu = 0, memory = 0, life = 0;
};

class Budget {
 public:
  enum class Verdict : std::uint8_t { alive, per_resume, total, cpu, memory, life };

  explicit Budget(const Limits& limits) : limits_(limits) {}

  // Begins a new stretch between two waits.
  void begin_resume();
  // Counts `instructions`. Once it is not alive it stays so.
  Verdict spend(std::uint64_t instructions);
  void condemn(Verdict verdict) {
    if (verdict_ == Verdict::alive) verdict_ = verdict;
  }

  Verdict verdict() const { return verdict_; }
  void count_in(LimitHits& hits) const;
  bool alive() const { return verdict_ == Verdict::alive; }
  std::uint64_t instructions() const { return total_; }
  const Limits& limits() const { return limits_; }
  // What was exceeded, with the limit: "instruction limit reached: 1000000 between two waits".
  std::string message() const;

 private:
  bool cpu_exceeded() const;

  const Limits& limits_;
  Verdict verdict_ = Verdict::alive;
  std::uint64_t total_ = 0, resume_ = 0;
  std::uint64_t began_wall_ns_ = 0, began_cpu_ns_ = 0;
};

}  // namespace tandem::lua
