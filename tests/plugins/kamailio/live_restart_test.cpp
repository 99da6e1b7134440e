// The plugin with a real Kamailio: either of the two goes and comes back, or is killed. Each wait has a
// deadline. Skipped where Kamailio is not installed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "tests/plugins/kamailio/live_world.hpp"

namespace tandem::kamailio::testing {
namespace {

TEST(KamailioLiveRestart, KeepsCallsOverARestartOfKamailio) {
  LiveWorld w;
  if (w.missing()) GTEST_SKIP() << w.trouble();
  ASSERT_EQ(w.trouble(), "");
  auto phone = w.phone("1001"), other = w.phone("1002"), third = w.phone("1003");
  ASSERT_EQ(phone->register_with("pw-1001").code(), 200);
  auto in = w.answered_in(*phone, "5000");
  auto in2 = w.answered_in(*phone, "5001");
  const SipMessage invite = w.call_out(*other, "out");
  other->reply(invite, 200, "", kSdp);
  ASSERT_FALSE(w.event("answered").is_null());
  EXPECT_TRUE(other->expect("ACK").valid());
  const SipMessage ringing = w.call_out(*third, "ringing");
  third->reply(ringing, 180);
  ASSERT_FALSE(w.event("progress").is_null());
  w.host.run_for(2100);  // registrations are written once a second
  w.kill_kamailio();
  // hung up while the link is down: told at once, sent when it is back
  w.command({{"cmd", "hangup"}, {"leg", in2.leg}});
  EXPECT_EQ(w.event("ended")["leg"], in2.leg);
  ASSERT_FALSE(w.event("up", 15000).is_null());
  const Json failed = w.event("failed");
  EXPECT_EQ(failed["leg"], "ringing");
  EXPECT_EQ(failed["code"], 503);
  const SipMessage kept = phone->expect("BYE");
  ASSERT_TRUE(kept.valid());
  phone->reply(kept, 200);
  // both sides of what lives can still hang up
  w.command({{"cmd", "hangup"}, {"leg", in.leg}});
  const SipMessage bye = phone->expect("BYE");
  ASSERT_TRUE(bye.valid());
  phone->reply(bye, 200);
  EXPECT_EQ(w.event("ended")["by"], "local");
  PhoneDialog dialog = other->answer_dialog(invite, other->local_tag);
  other->request("BYE", dialog.target, dialog);
  EXPECT_TRUE(other->expect("200").valid());
  EXPECT_EQ(w.event("ended")["by"], "remote");
  // registrations and passwords are there again
  w.command({{"cmd", "lookup"}, {"id", "r"}, {"user", "1001"}});
  EXPECT_EQ(w.event("contacts")["contacts"].size(), 1u);
  EXPECT_EQ(phone->register_with("pw-1001").code(), 200);
  // the phone that went on ringing answers now: its call is released
  third->reply(ringing, 200, "", kSdp);
  EXPECT_TRUE(third->expect("ACK").valid());
  EXPECT_TRUE(third->expect("BYE").valid());
}

// Another Tandem's Kamailio: started by the test, found by the plugin in external mode.
TEST(KamailioLiveRestart, IsRefusedWith503WhileTandemIsGoneAndWorksWithin2sOfItsReturn) {
  LiveWorld managed;
  if (managed.missing()) GTEST_SKIP() << managed.trouble();
  ASSERT_EQ(managed.trouble(), "");
  managed.stop_plugin();  // its files stay, with link port and token
  LiveWorld w(managed.state_dir, managed.port, managed.ws_port);
  auto phone = w.phone("1001");
  w.host.run_until([&] { return phone->port() != 0; }, 1000);
  const auto refused = [&] {
    PhoneDialog dialog;
    phone->request("INVITE", phone->server_uri("5000"), dialog, "", kSdp);
    const SipMessage answer = phone->expect("503", 3000);
    EXPECT_NE(answer.get("Retry-After"), "");
    return answer.valid();
  };
  w.host.run_for(1500);
  EXPECT_TRUE(refused());
  EXPECT_EQ(phone->register_with("pw-1001").code(), 503) << "nobody is known yet";
  w.start_plugin();
  ASSERT_EQ(w.trouble(), "");
  auto call = w.answered_in(*phone, "5000");
  w.stop_plugin([&] {
    EXPECT_TRUE(phone->expect("BYE").valid());  // not answered: the stop waits for it
    EXPECT_TRUE(refused()) << "a call that came while the others were ended";
  });
  EXPECT_TRUE(refused());
  EXPECT_EQ(phone->register_with("pw-1001").code(), 200) << "the users are known: registering goes on";
  const auto before = std::chrono::steady_clock::now();
  w.start_plugin();
  auto again = w.answered_in(*phone, "5000");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  w.command({{"cmd", "hangup"}, {"leg", again.leg}});
  EXPECT_TRUE(phone->expect("BYE").valid());
}

TEST(KamailioLiveRestart, ReleasesAllAndEndsKamailioOnStop) {
  LiveWorld w;
  if (w.missing()) GTEST_SKIP() << w.trouble();
  ASSERT_EQ(w.trouble(), "");
  auto phone = w.phone("1001");
  auto call = w.answered_in(*phone, "5000");
  auto ringing = w.call_in(*phone, "5001");
  const int pid = w.kamailio_pid();
  w.stop_plugin();
  EXPECT_NE(::kill(pid, 0), 0) << "Kamailio outlived its master";
  EXPECT_NE(::kill(-pid, 0), 0) << "children of Kamailio outlived it";
}

TEST(KamailioLiveRestart, DiesWithAServerThatIsKilledOutright) {
  const tandem::testing::ScratchFolder folder("kam");  // the server that is killed cannot remove it
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    ::close(ready[0]);
    LiveWorld w(Json{{"state_dir", folder.string()}});
    const int pid = w.trouble().empty() ? w.kamailio_pid() : w.missing() ? -1 : 0;
    (void)!::write(ready[1], &pid, sizeof pid);
    w.host.run_for(20000);
    ::_exit(0);
  }
  ::close(ready[1]);
  int pid = 0;
  ASSERT_EQ(::read(ready[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ::close(ready[0]);
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  if (pid < 0) GTEST_SKIP() << "kamailio is not installed";
  ASSERT_GT(pid, 0);
  EpollHost clock("{}");
  EXPECT_TRUE(clock.run_until([&] { return ::kill(-pid, 0) != 0; }, 8000)) << "its Kamailio lives on";
}

}  // namespace
}  // namespace tandem::kamailio::testing
