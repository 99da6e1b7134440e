// EpollHost: a td_host with a real clock for tests that talk to a real Kamailio: timers and file descriptors
// on one epoll loop, run by the test itself. Thread: one.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tandem/abi.h"
#include "tandem/loop.h"

namespace tandem::kamailio::testing {

class EpollHost {
 public:
  explicit EpollHost(std::string config_json);
  ~EpollHost();
  EpollHost(const EpollHost&) = delete;
  EpollHost& operator=(const EpollHost&) = delete;

  const td_host* host() const { return &faces_.host; }
  void set_config(std::string json) { config_ = std::move(json); }
  // Runs the loop until `done` holds; false when it does not within `ms`.
  bool run_until(const std::function<bool()>& done, int ms);
  void run_for(int ms);
  const std::vector<std::string>& log() const { return log_; }
  bool logged(const std::string& text) const;

 private:
  struct Timer {
    std::uint64_t due;
    void (*fire)(void*);
    void* user;
  };
  struct Watched {
    int fd;
    void (*ready)(void*, int);
    void* user;
  };
  // The C tables are found again from the pointer the plugin gives back: they stand first in one block.
  struct Faces {
    td_host host;
    td_loop loop;
    EpollHost* self;
  };
  static EpollHost& of(const td_host* host) { return *reinterpret_cast<const Faces*>(host)->self; }
  static EpollHost& of(const td_loop* loop) { return of(loop->host); }
  void fill_tables();
  void once(int ms);

  Faces faces_{};
  std::string config_;
  int epoll_ = -1;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Timer> timers_;
  std::map<std::uint64_t, Watched> watches_;
  std::vector<std::string> log_;
};

}  // namespace tandem::kamailio::testing
