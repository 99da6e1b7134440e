// ProcessProbe: reading /proc.
#include "core/load/process_probe.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace tandem::load {
namespace {

namespace fs = std::filesystem;

bool add(int pid, ProcessSample& sum) {
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(stat, line)) return false;
  const std::size_t end = line.rfind(')');
  if (end == line.npos) return false;
  std::istringstream fields(line.substr(end + 1));
  std::string word;
  double ticks = 0, pages = 0;
  for (int field = 3; field <= 24 && fields >> word; ++field) {    // proc(5): 14 utime, 15 stime, 24 rss
    if (field == 3 && (word == "Z" || word == "X")) return false;  // it ended, and nobody has asked how
    if (field == 14 || field == 15) ticks += std::strtod(word.c_str(), nullptr);
    if (field == 24) pages = std::strtod(word.c_str(), nullptr);
  }
  // The process's own clock counts nanoseconds; /proc counts ticks of 10 ms.
  clockid_t clock{};
  timespec spent{};
  if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &spent) == 0)
    sum.cpu_s += static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
  else
    sum.cpu_s += ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  sum.resident_kb += pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
  sum.known = true;
  ++sum.processes;
  return true;
}

std::string field_of(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::size_t from = colon + 1;
    while (from < line.size() && line[from] == ' ') ++from;
    return line.substr(from);
  }
  return "unknown";
}

}  // namespace

ProcessSample sample_processes(const std::vector<int>& pids) {
  ProcessSample sum;
  for (const int pid : pids) add(pid, sum);
  return sum;
}

ProcessSample sample_self() { return sample_processes({static_cast<int>(getpid())}); }

std::vector<int> owners_of_port(Transport transport, std::uint16_t port) {
  std::vector<std::string> inodes;
  for (const char* version : {"", "6"}) {
    std::ifstream table(fmt::format("/proc/net/{}{}", transport == Transport::udp ? "udp" : "tcp", version));
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
      std::istringstream fields(line);
      std::string word, local;
      fields >> word >> local;
      std::string state;
      fields >> word >> state;
      for (int i = 0; i < 6; ++i) fields >> word;  // queues, timer, retransmits, uid, timeout, inode
      if (transport == Transport::tcp && state != "0A") continue;  // only who listens
      const std::size_t colon = local.rfind(':');
      if (colon != local.npos && std::strtoul(&local[colon + 1], nullptr, 16) == port)
        inodes.push_back("socket:[" + word + "]");
    }
  }
  std::vector<int> found;
  std::error_code failed;
  for (const auto& process : fs::directory_iterator("/proc", failed)) {
    const std::string name = process.path().filename();
    if (!std::isdigit(static_cast<unsigned char>(name[0]))) continue;
    std::error_code denied;
    for (const auto& file : fs::directory_iterator(process.path() / "fd", denied)) {
      const auto link = fs::read_symlink(file.path(), denied);
      if (denied || std::find(inodes.begin(), inodes.end(), link.string()) == inodes.end()) continue;
      found.push_back(std::atoi(name.c_str()));
      break;
    }
  }
  return found;
}

std::string describe_machine() {
  utsname system{};
  uname(&system);
  const double kb = std::strtod(field_of("/proc/meminfo", "MemTotal").c_str(), nullptr);
  return fmt::format("{} cores of {}, {:.1f} GB, {} {}", std::thread::hardware_concurrency(),
                     field_of("/proc/cpuinfo", "model name"), kb / (1 << 20), system.sysname, system.release);
}

}  // namespace tandem::load
