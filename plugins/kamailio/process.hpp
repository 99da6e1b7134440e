// Process: one child process with its own process group, watched by a pidfd on the control loop.
//
//   start() ─fork, exec─► child (leader of its group, gets SIGTERM when our thread dies) ─► on_exited
//   stop()  ─SIGTERM─► … grace … ─SIGKILL to the whole group─► stopped
//
// Thread: [control].
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tandem/sdk.hpp"

namespace tandem::kamailio {

class Process {
 public:
  // `status` is that of waitid: "exited with 1", "killed by signal 9".
  using OnExited = std::function<void(const std::string& status)>;

  Process(const sdk::Host& host, OnExited on_exited);
  // Kills what is left, at once.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Runs arguments[0] (looked for in PATH) with stdout and stderr appended to `log_file`. False with errno's
  // text.
  [[nodiscard]] bool start(const std::vector<std::string>& arguments, const std::string& log_file,
                           std::string& error);
  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  // SIGTERM, and SIGKILL after the grace; on_exited tells. Nothing when it does not run.
  void stop(std::uint64_t grace_ns);

 private:
  void on_ready();

  // borrowed
  sdk::Host host_;
  // owned
  OnExited on_exited_;
  std::unique_ptr<sdk::Watch> watch_;
  sdk::Timer kill_;
  // state
  pid_t pid_ = -1;
  int pidfd_ = -1;
};

// The absolute path of a program, searched in PATH, or "".
std::string find_program(const std::string& name);

}  // namespace tandem::kamailio
