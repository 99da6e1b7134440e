// Paths: see the header.
#include "core/app/paths.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>

#include "core/base/id.hpp"

namespace tandem::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDebianSounds = "/usr/share/asterisk/sounds/en_US_f_Allison";
constexpr const char* kDebianMusic = "/usr/share/asterisk/moh";

Result<void> make_folder(const std::string& path, fs::perms perms) {
  std::error_code failed;
  if (fs::is_directory(path, failed)) return {};
  fs::create_directories(path, failed);
  if (failed)
    return Error{ErrorCode::denied, fmt::format("{}: cannot make this folder: {}", path, failed.message())};
  fs::permissions(path, perms, failed);
  return {};
}

// The first of `places` that exists in the program's folder or one above it, up to the root; "" when none
// does.
template <typename Fits>
std::string beside_program(std::initializer_list<const char*> places, Fits fits) {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  for (fs::path up = self.parent_path(); up.has_relative_path(); up = up.parent_path()) {
    for (const char* place : places) {
      if (fits(up / place)) return (up / place).string();
    }
  }
  return {};
}

// The repository's or the package's apps.
std::vector<std::string> script_folders() {
  const std::string found = beside_program({"share/tandem/plugins", "plugins"}, [](const fs::path& place) {
    std::error_code failed;
    return fs::exists(place / "ivr" / "ivr.lua", failed);
  });
  return found.empty() ? std::vector<std::string>{} : std::vector{found};
}

}  // namespace

std::string default_state_dir() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
    return std::string(state) + "/tandem";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::string(home) + "/.local/state/tandem";
  return {};
}

std::string default_module_dir() {
  return beside_program({"lib/tandem", "modules"}, [](const fs::path& place) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(place, failed)) {
      if (entry.path().filename().string().starts_with("tandem_")) return true;
    }
    return false;
  });
}

Result<Paths> prepare_paths(const Config& config) {
  Paths paths;
  const std::string state = config.server.state_dir.empty() ? default_state_dir() : config.server.state_dir;
  if (state.empty()) return Error{ErrorCode::not_found, "server.state_dir is not set, and there is no HOME"};
  paths.state_dir = fs::absolute(state).lexically_normal().string();
  const auto in_state = [&](const std::string& given, const char* name) {
    return given.empty() ? paths.state_dir + "/" + name : fs::absolute(given).lexically_normal().string();
  };
  paths.store = in_state(config.store_path, "tandem.db");
  paths.recordings = in_state(config.recordings_dir, "recordings");
  paths.token_file = in_state(config.api.token_file, "api-token");
  paths.speech = paths.state_dir + "/speech";
  const std::string own_prompts = paths.state_dir + "/prompts";
  for (const std::string& folder : {paths.state_dir, paths.recordings, paths.speech, own_prompts}) {
    if (auto made = make_folder(folder, fs::perms::owner_all); !made) return made.error();
  }
  paths.prompts = config.prompt_roots;
  if (paths.prompts.empty()) paths.prompts = {own_prompts, kDebianSounds, kDebianMusic};
  std::error_code failed;
  std::erase_if(paths.prompts, [&](const std::string& root) { return !fs::is_directory(root, failed); });
  for (std::string& root : paths.prompts) root = fs::absolute(root).lexically_normal().string();
  paths.scripts = config.script_dirs.empty() ? script_folders() : config.script_dirs;
  paths.modules = config.server.module_dir.empty() ? default_module_dir() : config.server.module_dir;
  return paths;
}

Result<std::string> api_token(const std::string& configured, const std::string& file) {
  if (!configured.empty()) return configured;
  const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) {
    const std::string token = make_secret(), line = token + "\n";
    const bool written = ::write(made, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    ::close(made);
    if (!written) return Error{ErrorCode::denied, fmt::format("{}: cannot be written", file)};
    return token;
  }
  if (errno != EEXIST)
    return Error{ErrorCode::denied, fmt::format("{}: cannot be made: {}", file, std::strerror(errno))};
  struct stat about {};
  if (::stat(file.c_str(), &about) == 0 && (about.st_mode & 077) != 0)
    return Error{ErrorCode::denied,
                 fmt::format("{}: expected mode 0600, found {:04o}: others can read the token", file,
                             about.st_mode & 07777U)};
  std::ifstream in(file);
  std::string token;
  if (!(in >> token)) return Error{ErrorCode::denied, fmt::format("{}: cannot be read", file)};
  if (token.size() < 16 || token.size() > 96)
    return Error{ErrorCode::invalid,
                 fmt::format("{}: expected a token of 16 to 96 characters, found {}", file, token.size())};
  return token;
}

}  // namespace tandem::app
