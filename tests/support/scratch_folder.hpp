// ScratchFolder: a folder of a test's own below the system's temporary one, gone with the object. What a test
// program left behind that was killed is removed by the next one that makes a folder of the same name.
// Thread: one.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace tandem::testing {

class ScratchFolder {
 public:
  // /tmp/tandem-NAME-PID-XXXXXX, for its owner only. Throws when it cannot be made.
  explicit ScratchFolder(const std::string& name) {
    const std::filesystem::path base = std::filesystem::temp_directory_path();
    const std::string prefix = "tandem-" + name + "-";
    sweep(base, prefix);
    std::string made = (base / (prefix + std::to_string(::getpid()) + "-XXXXXX")).string();
    if (::mkdtemp(made.data()) == nullptr) throw std::runtime_error("cannot make " + made);
    path_ = made;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string string() const { return path_.string(); }

 private:
  // Folders of processes that are no more.
  static void sweep(const std::filesystem::path& base, const std::string& prefix) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(base, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(prefix, 0) != 0) continue;
      const std::size_t digits = name.find_first_not_of("0123456789", prefix.size());
      if (digits == prefix.size() || digits == std::string::npos || name[digits] != '-') continue;
      const long pid = std::strtol(name.c_str() + prefix.size(), nullptr, 10);
      if (pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) {
        std::filesystem::remove_all(entry.path(), ignored);
      }
    }
  }

  std::filesystem::path path_;
};

}  // namespace tandem::testing
