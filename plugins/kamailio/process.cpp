// A supervised child; see process.hpp.
#include "kamailio/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tandem::kamailio {
namespace {

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const char* program, char* const* arguments, int log, pid_t parent, int report) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // the parent died before prctl
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2})
    ::signal(signal, SIG_DFL);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, 0);
  ::dup2(log, 1);
  ::dup2(log, 2);
  ::execv(program, arguments);
  const int failed = errno;
  (void)!::write(report, &failed, sizeof failed);
  ::_exit(127);
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  std::string rest = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/local/sbin";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    std::string candidate = rest.substr(0, colon) + "/" + name;
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return {};
}

Process::Process(const sdk::Host& host, OnExited on_exited)
    : host_(host), on_exited_(std::move(on_exited)), kill_(host) {}

Process::~Process() {
  watch_.reset();
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (pidfd_ >= 0) ::close(pidfd_);
}

bool Process::start(const std::vector<std::string>& arguments, const std::string& log_file,
                    std::string& error) {
  const std::string program = find_program(arguments.front());
  const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  int report[2] = {-1, -1};
  if (program.empty() || log < 0 || ::pipe2(report, O_CLOEXEC) < 0) {
    error = program.empty() ? "'" + arguments.front() + "' is not installed"
                            : log_file + ": " + std::strerror(errno);
    if (log >= 0) ::close(log);
    return false;
  }
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(program.c_str(), argv.data(), log, parent, report[1]);
  ::close(log);
  ::close(report[1]);
  int failed = child < 0 ? errno : 0;
  if (child > 0 && ::read(report[0], &failed, sizeof failed) > 0) ::waitpid(child, nullptr, 0);
  ::close(report[0]);
  if (failed != 0) {
    error = program + ": " + std::strerror(failed);
    return false;
  }
  ::setpgid(child, child);
  pid_ = child;
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  watch_ = std::make_unique<sdk::Watch>(host_, pidfd_, TD_READABLE, [this](int) { on_ready(); });
  return true;
}

void Process::stop(std::uint64_t grace_ns) {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  kill_.start(grace_ns, [this] {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
  });
}

void Process::on_ready() {
  siginfo_t info{};
  if (pid_ <= 0 || ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
    return;
  kill_.stop();
  watch_.reset();
  ::close(std::exchange(pidfd_, -1));
  ::kill(-std::exchange(pid_, -1), SIGKILL);  // workers it left behind
  on_exited_(info.si_code == CLD_EXITED ? "exited with " + std::to_string(info.si_status)
                                        : "was killed by signal " + std::to_string(info.si_status));
}

}  // namespace tandem::kamailio
