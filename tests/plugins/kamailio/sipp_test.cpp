// The plugin with real Kamailio and sipp, a client of others' making: calls with digest that come in, calls
// that go out. Skipped where either is not installed.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/plugins/kamailio/live_world.hpp"

namespace tandem::kamailio::testing {
namespace {

// Runs sipp to its end; "" when it exited with 0.
class Sipp {
 public:
  Sipp(LiveWorld& world, std::vector<std::string> arguments)
      : errors_(world.state_dir + "/sipp-errors"),
        process_(sdk::Host(world.host.host()), [this](const std::string& s) { status_ = s; }) {
    arguments.insert(arguments.begin(), "sipp");
    arguments.insert(arguments.end(), {"-nostdin", "-timeout", "30s", "-timeout_error", "-trace_err",
                                       "-error_file", errors_, "-default_behaviors", "all,-abortunexp"});
    std::string error;
    EXPECT_TRUE(process_.start(arguments, world.state_dir + "/sipp.log", error)) << error;
  }
  bool ended() const { return !status_.empty(); }
  const std::string& status() const { return status_; }
  // What it did not expect.
  std::string errors() const {
    std::ifstream in(errors_);
    std::stringstream text;
    text << in.rdbuf();
    return text.str().substr(0, 4000);
  }

 private:
  std::string status_, errors_;
  Process process_;
};

TEST(KamailioSipp, RegistersCallsAndHangsUpFiftyTimes) {
  if (find_program("sipp").empty()) GTEST_SKIP() << "sipp is not installed";
  LiveWorld w;
  if (w.missing()) GTEST_SKIP() << w.trouble();
  ASSERT_EQ(w.trouble(), "");
  const std::string scenario = std::string(TANDEM_SOURCE_DIR) + "/tests/plugins/kamailio/sipp_uac.xml";
  const Sipp sipp(w, {"127.0.0.1:" + std::to_string(w.port), "-sf", scenario, "-m", "50", "-r", "25", "-i",
                      "127.0.0.1", "-p", std::to_string(free_port())});
  int came = 0, ended = 0;
  const auto serve = [&] {
    for (Json e = w.event("incoming", 0); !e.is_null(); e = w.event("incoming", 0)) {
      ++came;
      w.command({{"cmd", "ring"}, {"leg", e["leg"]}});
      w.command({{"cmd", "accept"}, {"leg", e["leg"]}, {"sdp", kSdp}});
    }
    while (!w.event("ended", 0).is_null()) ++ended;
    return sipp.ended();
  };
  w.host.run_until(serve, 40000);
  // sipp is gone as soon as it has its last 200; what Kamailio handed over may still be on its way
  w.host.run_until([&] { return serve() && ended == came; }, 4000);
  EXPECT_EQ(sipp.status(), "exited with 0") << sipp.errors();
  EXPECT_EQ(came, 50);
  EXPECT_EQ(ended, 50);
}

TEST(KamailioSipp, CallsItFiftyTimes) {
  if (find_program("sipp").empty()) GTEST_SKIP() << "sipp is not installed";
  LiveWorld w;
  if (w.missing()) GTEST_SKIP() << w.trouble();
  ASSERT_EQ(w.trouble(), "");
  const std::string port = std::to_string(free_port());
  const Sipp sipp(w, {"-sn", "uas", "-m", "50", "-i", "127.0.0.1", "-p", port});
  w.host.run_for(500);
  int answered = 0, ended = 0;
  for (int i = 0; i < 50; ++i) {
    w.command({{"cmd", "invite"},
               {"leg", "sipp-" + std::to_string(i)},
               {"uri", "sip:s@127.0.0.1:" + port},
               {"sdp", kSdp}});
  }
  w.host.run_until(
      [&] {
        for (Json e = w.event("answered", 0); !e.is_null(); e = w.event("answered", 0)) {
          ++answered;
          w.command({{"cmd", "hangup"}, {"leg", e["leg"]}});
        }
        while (!w.event("ended", 0).is_null()) ++ended;
        return sipp.ended() && ended == answered;
      },
      40000);
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(ended, 50);
  EXPECT_EQ(sipp.status(), "exited with 0") << sipp.errors();
}

}  // namespace
}  // namespace tandem::kamailio::testing
