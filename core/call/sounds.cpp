// SoundFolders: names checked as text first, then resolved through the file system, then checked again, so
// that neither ".." nor a symbolic link leads out of a root. Thread: [control].
#include "core/call/sounds.hpp"

#include <algorithm>
#include <filesystem>

namespace tandem::call {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kNameBytesMax = 512;

Result<void> check_name(std::string_view name) {
  if (name.empty()) return Error{ErrorCode::invalid, "expected the name of a sound, saw an empty one"};
  if (name.size() > kNameBytesMax) {
    return Error{ErrorCode::invalid,
                 "expected a sound name of at most 512 bytes, saw " + std::to_string(name.size())};
  }
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    return Error{ErrorCode::invalid, "expected a sound name without control characters"};
  }
  for (const fs::path& part : fs::path(name)) {
    if (part == "..")
      return Error{ErrorCode::denied, "\"" + std::string(name) + "\": a sound name may not contain \"..\""};
  }
  return {};
}

bool inside(const fs::path& root, const fs::path& path) {
  const auto [root_end, _] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return root_end == root.end() || (std::next(root_end) == root.end() && root_end->empty());
}

// The real path when it is a regular file that lies inside `root`, else "".
std::string real_file(const fs::path& root, const fs::path& candidate) {
  std::error_code error;
  const fs::path real = fs::canonical(candidate, error);
  if (error || !fs::is_regular_file(real, error)) return {};
  const fs::path real_root = fs::canonical(root, error);
  return !error && inside(real_root, real) ? real.string() : std::string{};
}

}  // namespace

SoundFolders::SoundFolders(Roots roots) : roots_(std::move(roots)) {}

Result<std::string> SoundFolders::resolve(std::string_view tenant, std::string_view name) {
  if (auto fine = check_name(name); !fine) return fine.error();
  const fs::path wanted(name);
  std::vector<std::string> endings{""};
  if (!wanted.has_extension()) endings.insert(endings.begin(), {".wav", ".ulaw", ".alaw"});
  if (wanted.is_absolute()) {
    std::vector<std::string> roots = roots_.prompts;
    roots.insert(roots.end(), roots_.readable.begin(), roots_.readable.end());
    // Recordings belong to tenants: a tenant reads only its own.
    if (!roots_.recordings.empty())
      roots.push_back(roots_.recordings + (tenant.empty() ? "" : "/" + std::string(tenant)));
    const bool allowed = std::any_of(roots.begin(), roots.end(),
                                     [&](const std::string& root) { return inside(fs::path(root), wanted); });
    if (!allowed)
      return Error{ErrorCode::denied, "\"" + std::string(name) + "\" lies outside the folders of sounds"};
    for (const std::string& root : roots) {
      for (const std::string& ending : endings) {
        if (auto path = real_file(root, wanted.string() + ending); !path.empty()) return path;
      }
    }
  } else {
    for (const std::string& root : roots_.prompts) {
      for (const std::string& ending : endings) {
        const fs::path own = fs::path(root) / tenant / (wanted.string() + ending);
        if (auto path = real_file(root, own); !tenant.empty() && !path.empty()) return path;
        if (auto path = real_file(root, fs::path(root) / (wanted.string() + ending)); !path.empty())
          return path;
      }
    }
    const fs::path recorded = fs::path(roots_.recordings) / tenant;
    for (const std::string& ending : endings) {
      if (roots_.recordings.empty() || tenant.empty()) break;
      if (auto path = real_file(recorded, recorded / (wanted.string() + ending)); !path.empty()) return path;
    }
  }
  return Error{ErrorCode::not_found,
               "no sound \"" + std::string(name) + "\" (looked for .wav, .ulaw and .alaw)"};
}

Result<std::string> SoundFolders::recording_path(std::string_view tenant, std::string_view name) {
  if (auto fine = check_name(name); !fine) return fine.error();
  if (auto fine = check_name(tenant.empty() ? "default" : tenant); !fine) return fine.error();
  if (fs::path(name).is_absolute() || fs::path(tenant).is_absolute()) {
    return Error{ErrorCode::denied,
                 "\"" + std::string(name) + "\": a recording's name is relative to its folder"};
  }
  if (roots_.recordings.empty())
    return Error{ErrorCode::unsupported, "no folder for recordings is configured"};
  fs::path path = fs::path(roots_.recordings) / (tenant.empty() ? "default" : tenant) / name;
  if (path.extension() != ".wav") path += ".wav";
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return Error{ErrorCode::internal,
                 "cannot make the folder " + path.parent_path().string() + ": " + error.message()};
  const fs::path folder = fs::canonical(path.parent_path(), error);
  if (error || !inside(fs::canonical(roots_.recordings, error), folder)) {
    return Error{ErrorCode::denied, "\"" + std::string(name) + "\" leads out of the folder of recordings"};
  }
  if (fs::exists(path, error))
    return Error{ErrorCode::conflict, "a recording \"" + std::string(name) + "\" exists already"};
  return (folder / path.filename()).string();
}

}  // namespace tandem::call
