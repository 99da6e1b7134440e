// Finding, reading and compiling the Lua files of apps. See the header.
#include "lua/app_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

namespace tandem::lua {

namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kAppsListedMax = 1000;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string slashed(std::string name) {
  std::replace(name.begin(), name.end(), '.', '/');
  return name;
}

struct Descriptor {
  explicit Descriptor(const std::string& path)
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd;
};

// [io] At most `most` bytes + 1 of an open file.
std::string read_all(int fd, std::size_t most) {
  std::string text;
  char block[16384];
  for (ssize_t got = 0; text.size() <= most && (got = ::read(fd, block, sizeof block)) > 0;) {
    text.append(block, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

// What one look at the disk found.
struct AppFiles::Reading {
  std::vector<Candidate> candidates;
  Entry known;
  bool found = false, unchanged = false;
  Entry seen;
  std::string text;

  // [io]
  void run() {
    for (const Candidate& candidate : candidates) {
      const Descriptor file(candidate.path);
      struct stat info {};
      if (file.fd < 0 || ::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) continue;
      found = true;
      seen.path = candidate.path;
      seen.name = candidate.name;
      seen.size = info.st_size;
      seen.changed_ns = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
      unchanged = known.path == seen.path && known.size == seen.size && known.changed_ns == seen.changed_ns;
      if (!unchanged) text = read_all(file.fd, kFileBytesMax);
      return;
    }
  }
};

bool AppFiles::valid_app_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::all_of(name.begin(), name.end(), is_name_char);
}

bool AppFiles::valid_module_name(std::string_view name) {
  if (name.empty() || name.size() > kNameMax || name.front() == '.' || name.back() == '.') return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || is_name_char(c); });
}

void AppFiles::load_app(const std::string& name, Done done) {
  if (!valid_app_name(name)) {
    return done({TD_INVALID, LUA_NOREF,
                 "an app's name is 1 to 64 letters, digits, '_' or '-', not \"" + name.substr(0, 80) + "\""});
  }
  std::vector<Candidate> candidates;
  for (const std::string& root : paths_) {
    for (const std::string& file : {name + "/" + name + ".lua", name + "/init.lua", name + ".lua"}) {
      candidates.push_back({root + "/" + file, file});
    }
  }
  load("app " + name, std::move(candidates), "app \"" + name + "\"", std::move(done));
}

void AppFiles::load_module(const std::string& app, const std::string& name, Done done) {
  if (!valid_module_name(name)) {
    return done(
        {TD_INVALID, LUA_NOREF,
         "a module's name is letters, digits, '_', '-' and single dots, not \"" + name.substr(0, 80) + "\""});
  }
  const std::string file = slashed(name);
  std::vector<Candidate> candidates;
  for (const std::string& root : paths_)
    candidates.push_back({root + "/" + app + "/" + file + ".lua", app + "/" + file + ".lua"});
  for (const std::string& root : paths_) {
    for (const std::string& shape : {file + ".lua", file + "/init.lua"})
      candidates.push_back({root + "/" + shape, shape});
  }
  load("module " + app + " " + name, std::move(candidates), "module \"" + name + "\"", std::move(done));
}

void AppFiles::load(const std::string& key, std::vector<Candidate> candidates, const std::string& wanted,
                    Done done) {
  const auto known = entries_.find(key);
  if (known != entries_.end() && reload_ == Reload::no) return done({TD_OK, known->second.reference, ""});
  auto reading = std::make_shared<Reading>();
  reading->candidates = std::move(candidates);
  if (known != entries_.end()) reading->known = known->second;
  const std::weak_ptr<int> alive = alive_;
  const bool queued = host_.work(
      0, [reading] { reading->run(); },
      [this, alive, key, wanted, reading, done] {
        if (!alive.expired()) finish(key, wanted, *reading, done);
      });
  if (!queued) done({TD_EXHAUSTED, LUA_NOREF, "the queue for file work is full"});
}

void AppFiles::finish(const std::string& key, const std::string& wanted, Reading& reading, const Done& done) {
  if (!reading.found) {
    std::string folders;
    for (const std::string& path : paths_) folders += (folders.empty() ? "" : ", ") + path;
    return done({TD_NOT_FOUND, LUA_NOREF, wanted + " was not found in: " + folders});
  }
  Entry& entry = entries_[key];
  if (reading.unchanged && entry.reference != LUA_NOREF) return done({TD_OK, entry.reference, ""});
  if (reading.text.size() > kFileBytesMax)
    return done({TD_INVALID, LUA_NOREF, reading.seen.name + " is larger than 1 MB"});
  std::string error;
  const int reference = runtime_.compile(reading.text, reading.seen.name, error);
  if (reference == LUA_NOREF) {
    if (entry.reference == LUA_NOREF) entries_.erase(key);
    return done({TD_INVALID, LUA_NOREF, error});
  }
  // Calls that run hold their own closures; the old reference is not needed by them.
  if (entry.reference != LUA_NOREF) runtime_.release(entry.reference);
  entry = std::move(reading.seen);
  entry.reference = reference;
  done({TD_OK, reference, ""});
}

void AppFiles::check_file(const std::string& path, Done done) {
  namespace fs = std::filesystem;
  const auto inside = [&](const std::string& full) {
    return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& root) {
      return full.size() > root.size() && full.compare(0, root.size(), root) == 0 && full[root.size()] == '/';
    });
  };
  if (path.find("..") != std::string::npos)
    return done({TD_DENIED, LUA_NOREF, "\"..\" is not allowed in a path"});
  auto reading = std::make_shared<Reading>();
  if (inside(path))
    reading->candidates.push_back({path, path});
  else if (!path.empty() && path.front() != '/') {
    for (const std::string& root : paths_) reading->candidates.push_back({root + "/" + path, path});
  } else {
    return done({TD_DENIED, LUA_NOREF, path + " lies in none of the folders of apps"});
  }
  const std::weak_ptr<int> alive = alive_;
  const bool queued = host_.work(
      0, [reading] { reading->run(); },
      [this, alive, path, reading, done] {
        if (alive.expired()) return;
        if (!reading->found) return done({TD_NOT_FOUND, LUA_NOREF, path + " was not found"});
        if (reading->text.size() > kFileBytesMax)
          return done({TD_INVALID, LUA_NOREF, path + " is larger than 1 MB"});
        std::string error;
        const int reference = runtime_.compile(reading->text, reading->seen.name, error);
        runtime_.release(reference);
        done({reference == LUA_NOREF ? TD_INVALID : TD_OK, LUA_NOREF, error});
      });
  if (!queued) done({TD_EXHAUSTED, LUA_NOREF, "the queue for file work is full"});
}

void AppFiles::list(std::function<void(std::vector<App>)> done) {
  auto apps = std::make_shared<std::vector<App>>();
  const std::weak_ptr<int> alive = alive_;
  const auto scan = [apps, paths = paths_] {
    namespace fs = std::filesystem;
    for (const std::string& root : paths) {
      std::error_code error;
      for (fs::directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
        const std::string stem = at->path().stem().string();
        if (!valid_app_name(stem) || apps->size() >= kAppsListedMax) continue;
        for (const fs::path& file : {at->path() / (stem + ".lua"), at->path() / "init.lua", at->path()}) {
          std::error_code ignored;
          if (file.extension() != ".lua" || !fs::is_regular_file(file, ignored)) continue;
          apps->push_back({stem, file.string()});
          break;
        }
      }
    }
    std::sort(apps->begin(), apps->end(), [](const App& a, const App& b) { return a.name < b.name; });
  };
  const bool queued = host_.work(0, scan, [alive, apps, done] {
    if (!alive.expired()) done(std::move(*apps));
  });
  if (!queued) done({});
}

}  // namespace tandem::lua
