// Plain files: O_APPEND with fdatasync to write, rename to read.
#include "store/spill.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tandem::store {

namespace {

constexpr std::size_t kLineMax = 128 * 1024;
namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Appends `line` and a newline; takes back what was written by halves.
bool append_line(const std::string& path, std::string_view line, std::uint64_t bytes_max) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  struct stat status {};
  bool whole =
      ::fstat(fd, &status) == 0 && static_cast<std::uint64_t>(status.st_size) + line.size() < bytes_max;
  if (whole) {
    std::string text(line);
    text += '\n';
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    whole = wrote == static_cast<ssize_t>(text.size()) && ::fdatasync(fd) == 0;
    if (!whole && ::ftruncate(fd, status.st_size) != 0) {
      // The torn line stays; a replay will put it into FILE.bad.
    }
  }
  ::close(fd);
  return whole;
}

}  // namespace

Spill::Spill(std::string path) : path_(std::move(path)) {
  waiting_ = exists(path_) || exists(path_ + ".replay");
}

bool Spill::append(std::string_view line) {
  if (line.size() > kLineMax || !append_line(path_, line, kBytesMax)) return false;
  waiting_ = true;
  return true;
}

Spill::Replayed Spill::replay(const std::function<Line(std::string_view)>& store) {
  Replayed result;
  const std::string from = path_ + ".replay";
  // Twice: what an earlier run had begun, then what has come since.
  for (int round = 0; round < 2; ++round) {
    std::error_code failed;
    if (!exists(from)) {
      if (!exists(path_)) break;
      fs::rename(path_, from, failed);
      if (failed) {
        result.done = false;
        break;
      }
    }
    std::ifstream file(from);
    for (std::string line; std::getline(file, line);) {
      if (line.empty()) continue;
      const Line became = store(line);
      if (became == Line::later) {
        result.done = false;
        return result;
      }
      if (became == Line::bad) append_line(path_ + ".bad", line.substr(0, kLineMax), kBytesMax);
      ++(became == Line::bad ? result.bad : result.stored);
    }
    fs::remove(from, failed);
  }
  waiting_ = exists(path_) || exists(from);
  return result;
}

}  // namespace tandem::store
