// Counting a call's instructions and processor time. See the header.
#include "lua/budget.hpp"

#include <ctime>

namespace tandem::lua {

namespace {

std::uint64_t read_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace

void Budget::begin_resume() {
  resume_ = 0;
  began_wall_ns_ = read_ns(CLOCK_MONOTONIC);
  began_cpu_ns_ = read_ns(CLOCK_THREAD_CPUTIME_ID);
}

// Wall time is cheap to read and only when it passed the limit is the thread's own time asked for: a machine
// that was busy with something else is no fault of the script.
bool Budget::cpu_exceeded() const {
  const std::uint64_t limit_ns = limits_.cpu_ms_per_resume * 1'000'000ULL;
  return read_ns(CLOCK_MONOTONIC) - began_wall_ns_ > limit_ns &&
         read_ns(CLOCK_THREAD_CPUTIME_ID) - began_cpu_ns_ > limit_ns;
}

Budget::Verdict Budget::spend(std::uint64_t instructions) {
  const std::uint64_t room = UINT64_MAX - instructions;
  resume_ = resume_ > room ? UINT64_MAX : resume_ + instructions;
  total_ = total_ > room ? UINT64_MAX : total_ + instructions;
  if (verdict_ != Verdict::alive) return verdict_;
  if (resume_ > limits_.instructions_per_resume)
    verdict_ = Verdict::per_resume;
  else if (total_ > limits_.instructions_total)
    verdict_ = Verdict::total;
  else if (instructions >= 200 && cpu_exceeded())
    verdict_ = Verdict::cpu;
  return verdict_;
}

void Budget::count_in(LimitHits& hits) const {
  switch (verdict_) {
    case Verdict::alive: return;
    case Verdict::per_resume:
    case Verdict::total: ++hits.instructions; return;
    case Verdict::cpu: ++hits.cpu; return;
    case Verdict::memory: ++hits.memory; return;
    case Verdict::life: ++hits.life; return;
  }
}

std::string Budget::message() const {
  switch (verdict_) {
    case Verdict::alive: return "";
    case Verdict::per_resume:
      return "instruction limit reached: " + std::to_string(limits_.instructions_per_resume) +
             " between two waits";
    case Verdict::total:
      return "instruction limit reached: " + std::to_string(limits_.instructions_total) + " in one call";
    case Verdict::cpu:
      return "processor time limit reached: " + std::to_string(limits_.cpu_ms_per_resume) +
             " ms between two waits";
    case Verdict::memory:
      return "not enough memory: the limit is " + std::to_string(limits_.memory_bytes / 1024) + " KB a call";
    case Verdict::life:
      return "life time limit reached: " + std::to_string(limits_.life_ms) + " ms from start to end";
  }
  return "";
}

}  // namespace tandem::lua
