// Running Kamailio; see managed.hpp.
#include "kamailio/managed.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <glob.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kamailio/sip.hpp"
#include "kamailio/templates.hpp"

namespace tandem::kamailio {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kStopGraceMs = 4000;
constexpr std::uint64_t kBackoffMinMs = 200, kBackoffMaxMs = 5000;
constexpr std::uint64_t kSteadyNs = 30'000'000'000;
constexpr std::uintmax_t kLogMax = 16 * 1024 * 1024;

// Modules that Debian ships outside of the package kamailio.
constexpr std::array<std::pair<const char*, const char*>, 4> kModules = {
    {{"evapi.so", "kamailio-extra-modules"},
     {"app_lua.so", "kamailio-lua-modules"},
     {"db_sqlite.so", "kamailio-sqlite-modules"},
     {"websocket.so", "kamailio-websocket-modules"}}};

// What usrloc keeps: table `location`, version 9 (Kamailio 5.6, kamailio/db_sqlite/usrloc-create.sql).
constexpr const char* kSchema =
    "PRAGMA journal_mode=WAL;"
    "CREATE TABLE IF NOT EXISTS location (id INTEGER PRIMARY KEY NOT NULL, ruid VARCHAR(64) DEFAULT '' NOT "
    "NULL,"
    " username VARCHAR(64) DEFAULT '' NOT NULL, domain VARCHAR(64) DEFAULT NULL, contact VARCHAR(512) "
    "DEFAULT '' NOT "
    "NULL,"
    " received VARCHAR(128) DEFAULT NULL, path VARCHAR(512) DEFAULT NULL,"
    " expires TIMESTAMP WITHOUT TIME ZONE DEFAULT '2030-05-28 21:32:15' NOT NULL, q REAL DEFAULT 1.0 NOT "
    "NULL,"
    " callid VARCHAR(255) DEFAULT 'Default-Call-ID' NOT NULL, cseq INTEGER DEFAULT 1 NOT NULL,"
    " last_modified TIMESTAMP WITHOUT TIME ZONE DEFAULT '2000-01-01 00:00:01' NOT NULL,"
    " flags INTEGER DEFAULT 0 NOT NULL, cflags INTEGER DEFAULT 0 NOT NULL,"
    " user_agent VARCHAR(255) DEFAULT '' NOT NULL, socket VARCHAR(64) DEFAULT NULL, methods INTEGER DEFAULT "
    "NULL,"
    " instance VARCHAR(255) DEFAULT NULL, reg_id INTEGER DEFAULT 0 NOT NULL, server_id INTEGER DEFAULT 0 NOT "
    "NULL,"
    " connection_id INTEGER DEFAULT 0 NOT NULL, keepalive INTEGER DEFAULT 0 NOT NULL,"
    " partition INTEGER DEFAULT 0 NOT NULL, CONSTRAINT location_ruid_idx UNIQUE (ruid));"
    "CREATE INDEX IF NOT EXISTS location_account_contact_idx ON location (username, domain, contact);"
    "CREATE INDEX IF NOT EXISTS location_expires_idx ON location (expires);"
    "CREATE INDEX IF NOT EXISTS location_tcpcon_idx ON location (connection_id);"
    "CREATE INDEX IF NOT EXISTS location_connection_idx ON location (server_id, connection_id);";

std::string first_match(const char* pattern) {
  glob_t found{};
  std::string out;
  if (::glob(pattern, 0, nullptr, &found) == 0 && found.gl_pathc > 0) out = found.gl_pathv[0];
  ::globfree(&found);
  return out;
}

void replace_all(std::string& text, const std::string& name, const std::string& value) {
  const std::string mark = "@" + name + "@";
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size())) {
    text.replace(at, mark.size(), value);
  }
}

bool write_file(const std::string& path, const std::string& text, std::string& error) {
  const std::string fresh = path + ".new";
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    ::chmod(fresh.c_str(), 0600);  // it holds the link's token
    out << text;
    out.flush();
    if (!out) {
      error = "cannot write " + fresh + ": " + std::strerror(errno);
      return false;
    }
  }
  std::error_code failed;
  fs::rename(fresh, path, failed);
  if (failed) error = "cannot write " + path + ": " + failed.message();
  return !failed;
}

// Whether something else has the port. Sets errno.
bool can_bind(int type, const std::string& address, std::uint16_t port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const bool is_v6 = inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1;
  if (!is_v6) inet_pton(AF_INET, address.c_str(), &v4.sin_addr);
  const int fd = ::socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (is_v6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const auto* to = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  const bool bound = ::bind(fd, to, is_v6 ? sizeof v6 : sizeof v4) == 0;
  const int failed = errno;
  ::close(fd);
  errno = failed;
  return bound;
}

std::uint16_t free_port(const std::string& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  socklen_t size = sizeof at;
  std::uint16_t port = 0;
  if (fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0) {
    port = ntohs(at.sin_port);
  }
  if (fd >= 0) ::close(fd);
  return port;
}

std::string random_token() {
  unsigned char bytes[24] = {};
  (void)!::getrandom(bytes, sizeof bytes, 0);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char b : bytes) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
  return out;
}

std::string bracketed(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

std::string last_lines(const std::string& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const auto size = in ? static_cast<std::streamoff>(in.tellg()) : 0;
  in.seekg(std::max<std::streamoff>(0, size - 2000));
  std::stringstream text;
  text << in.rdbuf();
  std::string line, kept;
  while (std::getline(text, line)) {
    if (line.find("ERROR") != std::string::npos || line.find("CRITICAL") != std::string::npos) kept = line;
  }
  return clean(kept);
}

}  // namespace

Managed::Managed(const sdk::Host& host, Options& options)
    : host_(host),
      options_(options),
      process_(host, [this](const std::string& status) { on_exited(status); }),
      again_(host),
      log_timer_(host) {}

bool Managed::prepare(std::string& error) {
  if (find_program(options_.kamailio_binary).empty()) {
    error = "'" + options_.kamailio_binary +
            "' is not installed: apt install kamailio kamailio-extra-modules kamailio-lua-modules "
            "kamailio-sqlite-modules kamailio-websocket-modules lua-cjson, or set [plugin.kamailio] "
            "kamailio_binary";
    return false;
  }
  if (options_.modules_dir.empty()) options_.modules_dir = first_match("/usr/lib/*/kamailio/modules");
  for (const auto& [module, package] : kModules) {
    if (!options_.modules_dir.empty() && ::access((options_.modules_dir + "/" + module).c_str(), R_OK) != 0) {
      error = std::string(module) + " is not in " + options_.modules_dir + ": apt install " + package;
      return false;
    }
  }
  if (first_match("/usr/lib/*/lua/5.1/cjson.so").empty()) {
    error = "Lua's cjson is missing: apt install lua-cjson";
    return false;
  }
  std::error_code failed;
  fs::create_directories(options_.state_dir, failed);
  if (failed) {
    error = "cannot make [plugin.kamailio] state_dir " + options_.state_dir + ": " + failed.message();
    return false;
  }
  options_.state_dir = fs::canonical(options_.state_dir, failed).string();
  ::chmod(options_.state_dir.c_str(), 0700);
  end_leftover();
  if (options_.link_port == 0) options_.link_port = free_port(options_.link_address);
  if (options_.link_token.empty()) options_.link_token = random_token();
  return check_ports(error) && write_files(error);
}

bool Managed::check_ports(std::string& error) const {
  const auto check = [&](int type, const std::string& address, std::uint16_t port, const char* key) {
    if (!error.empty() || can_bind(type, address, port)) return;
    const std::string at =
        (type == SOCK_DGRAM ? "udp:" : "tcp:") + bracketed(address) + ":" + std::to_string(port);
    error =
        errno == EADDRINUSE
            ? at +
                  (restarts_ == 0
                       ? " is taken by another program: stop it (ss -lnp shows it) or set [plugin.kamailio] "
                       : " is still held, by what is left of the last Kamailio or by another program "
                         "(ss -lnp shows it); else set [plugin.kamailio] ") +
                  key
        : errno == EADDRNOTAVAIL
            ? "this machine has no address " + address + ": set [plugin.kamailio] address"
        : errno == EACCES ? at + " may not be used without root: set [plugin.kamailio] " + std::string(key)
                          : at + ": " + std::strerror(errno);
  };
  for (const std::string& address : options_.addresses) {
    check(SOCK_DGRAM, address, options_.port, "port");
    check(SOCK_STREAM, address, options_.port, "port");
    if (options_.ws_port != 0) check(SOCK_STREAM, address, options_.ws_port, "ws_port");
  }
  check(SOCK_STREAM, options_.link_address, options_.link_port, "evapi");
  return error.empty();
}

bool Managed::write_files(std::string& error) {
  std::string cfg = kCfgTemplate, lua = kLuaTemplate, listen, trusted;
  for (const std::string& address : options_.addresses) {
    const std::string host = bracketed(address), port = ":" + std::to_string(options_.port) + "\n";
    listen += "listen=udp:" + host + port + "listen=tcp:" + host + port;
    if (options_.ws_port != 0) listen += "listen=tcp:" + host + ":" + std::to_string(options_.ws_port) + "\n";
  }
  for (const std::string& network : options_.trusted) trusted += "\"" + network + "\", ";
  const std::string link = bracketed(options_.link_address) + ":" + std::to_string(options_.link_port);
  const std::string flood = std::to_string(std::max<std::uint32_t>(1, options_.flood_per_second * 2));
  const std::pair<const char*, std::string> values[] = {
      {"WORKERS", std::to_string(options_.workers)},
      {"USER_AGENT", options_.user_agent},
      {"LISTEN", listen},
      {"MPATH", options_.modules_dir.empty() ? "" : "mpath=\"" + options_.modules_dir + "/\""},
      {"LINK", link},
      {"STATE_DIR", options_.state_dir},
      {"CONFIG_DIR", options_.state_dir},
      {"FLOOD", flood},
      {"REALM", options_.realm},
      {"TOKEN", options_.link_token},
      {"FLOOD_ON", options_.flood_per_second > 0 ? "true" : "false"},
      {"TRUSTED", trusted},
      {"LUA_CPATH", fs::path(first_match("/usr/lib/*/lua/5.1/cjson.so")).parent_path().string() + "/?.so"},
  };
  for (const auto& [name, value] : values) {
    replace_all(cfg, name, value);
    replace_all(lua, name, value);
  }
  if (!write_file(path("kamailio.cfg"), cfg, error) || !write_file(path("kamailio.lua"), lua, error))
    return false;
  sqlite3* db = nullptr;
  char* why = nullptr;
  // The file stays in WAL mode. Told to set it, each of Kamailio's processes would, all at once and without
  // waiting for each other's lock; one that fails at that ends Kamailio.
  const bool good = sqlite3_open(path("registrations.db").c_str(), &db) == SQLITE_OK &&
                    sqlite3_busy_timeout(db, 2000) == SQLITE_OK &&
                    sqlite3_exec(db, "PRAGMA journal_mode=WAL", nullptr, nullptr, &why) == SQLITE_OK &&
                    sqlite3_exec(db, kSchema, nullptr, nullptr, &why) == SQLITE_OK;
  if (!good) error = path("registrations.db") + ": " + (why != nullptr ? why : sqlite3_errmsg(db));
  sqlite3_free(why);
  sqlite3_close(db);
  ::chmod(path("registrations.db").c_str(), 0600);
  return good;
}

// A Kamailio of an earlier run that was killed without us: its group is named in the pid file.
void Managed::end_leftover() const {
  std::ifstream in(path("kamailio.pid"));
  long pid = 0;
  if (!(in >> pid) || pid <= 1) return;
  std::ifstream command("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::stringstream text;
  text << command.rdbuf();
  if (text.str().find(path("kamailio.cfg")) == std::string::npos) return;
  host_.warn("ending Kamailio " + std::to_string(pid) + ", left over from an earlier run");
  ::kill(static_cast<pid_t>(-pid), SIGKILL);
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  for (int i = 0; i < 50 && ::kill(static_cast<pid_t>(pid), 0) == 0; ++i) ::usleep(20'000);
}

void Managed::start() {
  wanted_ = true;
  started_ns_ = host_.now_ns();
  std::string error;
  const bool started = process_.start(
      {options_.kamailio_binary, "-DD", "-f", path("kamailio.cfg"), "-m", std::to_string(options_.shm_mb),
       "-M", "16", "-P", path("kamailio.pid"), "-Y", options_.state_dir, "-w", options_.state_dir},
      path("kamailio.log"), error);
  if (started) {
    look_after_log();
    return host_.info("started Kamailio, process " + std::to_string(process_.pid()));
  }
  host_.error("cannot start Kamailio: " + error);
  again_.start(kBackoffMaxMs * kMs, [this] { start(); });
}

void Managed::on_exited(const std::string& status) {
  if (!wanted_) {
    if (const auto stopped = std::exchange(stopped_, nullptr)) stopped();
    return;
  }
  if (host_.now_ns() - started_ns_ > kSteadyNs) backoff_ms_ = kBackoffMinMs;
  ++restarts_;
  std::string why = last_lines(path("kamailio.log"));
  std::string ports;
  if (status.substr(0, 6) == "exited" && !check_ports(ports)) why = ports;
  host_.error("Kamailio " + status + (why.empty() ? "" : ": " + why) + "; starting it again in " +
              std::to_string(backoff_ms_) + " ms (its log: " + path("kamailio.log") + ")");
  again_.start(backoff_ms_ * kMs, [this] { start(); });
  backoff_ms_ = std::min(backoff_ms_ * 2, kBackoffMaxMs);
}

void Managed::stop(std::function<void()> stopped) {
  wanted_ = false;
  again_.stop();
  log_timer_.stop();
  if (!process_.running()) return stopped();
  stopped_ = std::move(stopped);
  process_.stop(kStopGraceMs * kMs);
}

// The child appends, so cutting the file is safe; the last part is kept aside.
void Managed::look_after_log() {
  std::error_code failed;
  const std::string log = path("kamailio.log");
  if (fs::file_size(log, failed) > kLogMax && !failed) {
    fs::copy_file(log, log + ".1", fs::copy_options::overwrite_existing, failed);
    fs::resize_file(log, 0, failed);
  }
  log_timer_.start(60'000 * kMs, [this] { look_after_log(); });
}

}  // namespace tandem::kamailio
