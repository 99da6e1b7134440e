// LiveWorld: the plugin in managed mode with a real Kamailio on free ports of loopback, and the call side
// played by the test: it sends commands and takes events. Skips where Kamailio is not installed. Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kamailio/process.hpp"
#include "tandem/signaling.h"
#include "tests/plugins/kamailio/epoll_host.hpp"
#include "tests/plugins/kamailio/phone.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::kamailio::testing {

using Json = nlohmann::json;

class LiveWorld {
 public:
  // `extra` is merged into the plugin's options; a state_dir among them is the caller's to remove.
  explicit LiveWorld(const Json& extra = Json::object());
  // External mode: runs Kamailio itself with the files that a managed one left in `folder`; start_plugin() is
  // the test's.
  LiveWorld(const std::string& folder, std::uint16_t sip_port, std::uint16_t web_port);
  ~LiveWorld();
  LiveWorld(const LiveWorld&) = delete;
  LiveWorld& operator=(const LiveWorld&) = delete;

  // "" when all is well, else why the test must be skipped or fails.
  const std::string& trouble() const { return trouble_; }
  bool missing() const { return missing_; }

  void command(const Json& command);
  // The next event of this name, others before it are kept; null when none came in time.
  Json event(const std::string& name, int ms = 10000);
  // Drops what came and nobody asked for.
  void forget() { events_.clear(); }
  bool none(const std::string& name, int ms);
  std::unique_ptr<Phone> phone(const std::string& user, Wire wire = Wire::udp,
                               const std::string& address = "127.0.0.1");
  // A call of 1001 to `to` that rings: its INVITE came in.
  struct Ringing {
    std::string leg;
    PhoneDialog dialog;
    std::string branch;
  };
  Ringing call_in(Phone& phone, const std::string& to, const std::string& extra = "",
                  const std::string& sdp = kSdp);
  // …and answered, with the ACK sent.
  Ringing answered_in(Phone& phone, const std::string& to, const std::string& extra = "");
  // Calls `phone` at its contact; gives the INVITE.
  SipMessage call_out(Phone& phone, const std::string& leg, const Json& extra = Json::object());

  int kamailio_pid() const;
  // Kills Kamailio outright and waits until the link is down.
  void kill_kamailio();
  void stop_plugin(
      const std::function<void()>& meanwhile = {});  // `meanwhile`: while it still ends its calls
  void start_plugin();

  EpollHost host{"{}"};
  std::uint16_t port = 0, ws_port = 0;
  std::string state_dir;

 private:
  Json options_;
  std::unique_ptr<tandem::testing::ScratchFolder> folder_;
  std::unique_ptr<Process> kamailio_;  // external mode
  std::string trouble_;
  bool missing_ = false, active_ = false;
  const td_signaling* signaling_ = nullptr;
  std::vector<Json> events_;
};

std::uint16_t free_port();

// One world for all tests of a suite: Kamailio takes a second to start.
class LiveTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { world_ = std::make_unique<LiveWorld>(); }
  static void TearDownTestSuite() { world_.reset(); }
  void SetUp() override {
    if (world_->missing()) GTEST_SKIP() << world_->trouble();
    ASSERT_EQ(world_->trouble(), "");
    world_->forget();
  }
  LiveWorld& w() { return *world_; }

 private:
  inline static std::unique_ptr<LiveWorld> world_;
};

}  // namespace tandem::kamailio::testing
