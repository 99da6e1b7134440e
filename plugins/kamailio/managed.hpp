// Managed: Kamailio as Tandem runs it: checks what it needs, writes its configuration, starts it and keeps it
// alive.
//
//   prepare() ─► kamailio.cfg, kamailio.lua, registrations.db ─► start() ─► dies? again after 0.2 … 5 s ─►
//   stop()
//
// Thread: [control]. Not the link: it is found there by the Link, as an external one would be.
#pragma once

#include <functional>
#include <string>

#include "kamailio/options.hpp"
#include "kamailio/process.hpp"
#include "tandem/sdk.hpp"

namespace tandem::kamailio {

class Managed {
 public:
  // Fills in what the options left open: the link's port and token.
  Managed(const sdk::Host& host, Options& options);

  // Checks program, modules and ports, ends what an earlier run left behind, and writes the files. False with
  // what to do about it.
  [[nodiscard]] bool prepare(std::string& error);
  void start();
  // SIGTERM, then SIGKILL after 4 s; `stopped` is called once, at once when nothing runs.
  void stop(std::function<void()> stopped);
  bool running() const { return process_.running(); }
  int pid() const { return process_.pid(); }
  std::uint64_t restarts() const { return restarts_; }

 private:
  bool check_ports(std::string& error) const;
  bool write_files(std::string& error);
  void end_leftover() const;
  void on_exited(const std::string& status);
  void look_after_log();
  std::string path(const char* name) const { return options_.state_dir + "/" + name; }

  // borrowed
  sdk::Host host_;
  Options& options_;
  // owned
  Process process_;
  sdk::Timer again_, log_timer_;
  std::function<void()> stopped_;
  // state
  bool wanted_ = false;
  std::uint64_t started_ns_ = 0, backoff_ms_ = 200, restarts_ = 0;
};

}  // namespace tandem::kamailio
