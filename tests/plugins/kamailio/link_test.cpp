// The link against a server of the test's own, in place of Kamailio's evapi: log-in, users, broken frames,
// wrong types, ten megabytes, silence, reconnecting. And Kamailio's absence. Real sockets on loopback, each
// wait with a deadline.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kamailio/managed.hpp"
#include "kamailio/netstring.hpp"
#include "kamailio/rpc_outlet.hpp"
#include "tests/plugins/kamailio/epoll_host.hpp"
#include "tests/plugins/kamailio/live_world.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::kamailio::testing {
namespace {

using Json = nlohmann::json;

// Answers as kamailio.lua does unless told otherwise.
class FakeEvapi {
 public:
  explicit FakeEvapi(EpollHost& host) : host_(host) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), size);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    ::listen(listener_, 4);
    port = ntohs(at.sin_port);
  }
  ~FakeEvapi() {
    drop();
    ::close(listener_);
  }
  // Takes what comes and answers it.
  void poll() {
    if (fd_ < 0) {
      fd_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd_ < 0) return;
      ++accepted;
      in_.reset();
      const int small = 64 * 1024;
      ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    char bytes[65536];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0) return drop();
    if (got < 0) return;
    EXPECT_EQ(in_.push({bytes, static_cast<std::size_t>(got)}), Netstrings::Verdict::ok);
    std::size_t unanswered = 0;
    while (auto frame = in_.next()) {
      unanswered += frame->size();
      const Json call = Json::parse(*frame);
      methods.push_back(call["method"]);
      calls.push_back(call);
      if (!answering) continue;
      Json result = Json::object();
      if (call["method"] == "tandem.hello") result = {{"boot", "b1"}};
      if (call["method"] == "core.sockets_list") result = Json::array();
      send(netstring(Json({{"jsonrpc", "2.0"}, {"id", call["id"]}, {"result", result}}).dump()));
    }
    most_at_once = std::max(most_at_once, unanswered);
  }
  void send(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t sent = ::send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        at += static_cast<std::size_t>(sent);
      } else {
        host_.run_for(2);
        if (errno != EAGAIN) return;
      }
    }
  }
  void drop() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  bool wait(const std::function<bool()>& done, int ms = 3000) {
    return host_.run_until(
        [&] {
          poll();
          return done();
        },
        ms);
  }

  std::uint16_t port = 0;
  int accepted = 0;
  bool answering = true;
  std::size_t most_at_once = 0;
  std::vector<std::string> methods;
  std::vector<Json> calls;

 private:
  EpollHost& host_;
  int listener_ = -1, fd_ = -1;
  Netstrings in_{1 << 20};
};

class KamailioLink : public ::testing::Test {
 protected:
  KamailioLink() {
    RpcOutlet::Callbacks callbacks;
    callbacks.on_up = [this](const std::string&, const Json&) { ++ups_; };
    callbacks.on_down = [this] { ++downs_; };
    callbacks.on_wire = [this](const WireEvent& e) { events_.push_back(e); };
    callbacks.on_reply_result = [this](const std::string&, int, bool taken) {
      taken ? ++taken_ : ++refused_;
    };
    callbacks.on_contacts = [this](std::uint64_t, const std::vector<Contact>&) { ++found_; };
    callbacks.on_event = [](const Json&) {};
    outlet_ = std::make_unique<RpcOutlet>(sdk::Host(host_.host()), "127.0.0.1", server_.port, "secret",
                                          std::move(callbacks));
  }
  void connect() {
    const int before = ups_;
    outlet_->open();
    ASSERT_TRUE(server_.wait([&] { return ups_ > before; }));
  }

  EpollHost host_{"{}"};
  FakeEvapi server_{host_};
  int ups_ = 0, downs_ = 0, taken_ = 0, refused_ = 0, found_ = 0;
  std::vector<WireEvent> events_;
  std::unique_ptr<RpcOutlet> outlet_;
};

TEST_F(KamailioLink, SaysHelloPushesTheUsersAndIsReady) {
  std::vector<User> users;
  for (int i = 0; i < 400; ++i) users.push_back({"user" + std::to_string(i), std::string(32, 'a')});
  outlet_->set_users(users);
  connect();
  const std::vector<std::string> expected = {"tandem.hello", "core.sockets_list", "tandem.users",
                                             "tandem.users", "tandem.users",      "tandem.users_done",
                                             "tandem.ready"};
  EXPECT_EQ(server_.methods, expected);
  EXPECT_EQ(server_.calls[0]["params"]["token"], "secret");
  std::size_t pushed = 0;
  for (const Json& call : server_.calls) {
    if (call["method"] == "tandem.users") pushed += call["params"]["users"].size();
  }
  EXPECT_EQ(pushed, 400u);
}

TEST_F(KamailioLink, ComesBackWithinASecondAndPushesTheUsersAgain) {
  outlet_->set_users({{"1001", std::string(32, 'a')}});
  connect();
  server_.methods.clear();
  server_.drop();
  ASSERT_TRUE(server_.wait([&] { return downs_ == 1; }));
  ASSERT_TRUE(server_.wait([&] { return ups_ == 2; }, 1500));
  EXPECT_EQ(std::count(server_.methods.begin(), server_.methods.end(), "tandem.users"), 1);
}

TEST_F(KamailioLink, DropsEventsOfWrongTypesAndGoesOn) {
  connect();
  for (const char* bad :
       {"7", "[]", "{", "\"x\"", "{}", R"({"ev":5})", R"({"ev":"ack","call_id":1})", "\xff\xfe",
        R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"2.0","id":"x"})", R"({"jsonrpc":"2.0","id":99999})"}) {
    server_.send(netstring(bad));
  }
  server_.send(netstring(std::string(100'000, '[')));
  server_.send(netstring(R"({"ev":"ack","call_id":"good"})"));
  ASSERT_TRUE(server_.wait([&] { return !events_.empty(); }));
  EXPECT_EQ(events_[0].call_id, "good");
  EXPECT_EQ(downs_, 0);
  EXPECT_GE(outlet_->counters().bad_json, 5u);
  EXPECT_GE(outlet_->bad_events(), 3u);
}

TEST_F(KamailioLink, SkipsAFrameOfTenMegabytes) {
  connect();
  server_.send(netstring(std::string(10'000'000, 'x')));
  server_.send(netstring(R"({"ev":"ack","call_id":"good"})"));
  ASSERT_TRUE(server_.wait([&] { return !events_.empty(); }));
  EXPECT_EQ(outlet_->counters().oversized, 1u);
  EXPECT_EQ(downs_, 0);
}

TEST_F(KamailioLink, ResetsOnABrokenFrame) {
  connect();
  server_.send("this is no netstring");
  ASSERT_TRUE(server_.wait([&] { return downs_ == 1; }));
  ASSERT_TRUE(server_.wait([&] { return ups_ == 2; }));
  EXPECT_EQ(outlet_->counters().broken, 1u);
  EXPECT_TRUE(host_.logged("broken frame"));
}

TEST_F(KamailioLink, ResetsWhenNoAnswerComes) {
  connect();
  server_.answering = false;
  outlet_->lookup("1001", 1);
  ASSERT_TRUE(server_.wait([&] { return downs_ == 1; }, 7000));
  EXPECT_TRUE(host_.logged("does not answer"));
}

TEST_F(KamailioLink, KeepsLessThan16KilobytesUnansweredInABurst) {
  connect();
  server_.most_at_once = 0;
  for (int i = 0; i < 200; ++i) {
    SipReply reply;
    reply.code = 200;
    reply.tid = "1:" + std::to_string(i);
    reply.body = std::string(3000, 'x');
    outlet_->reply(reply);
  }
  ASSERT_TRUE(server_.wait([&] { return taken_ == 200; }, 10000));
  EXPECT_LE(server_.most_at_once, 16u * 1024);
}

TEST_F(KamailioLink, RefusesCommandsAbove32KilobytesAndSaysSo) {
  connect();
  SipReply reply;
  reply.code = 200;
  reply.tid = "1:1";
  reply.body = std::string(40'000, 'x');
  outlet_->reply(reply);
  SipRequest request;
  request.method = "INVITE";
  request.call_id = "big";
  request.cseq = 1;
  request.body = std::string(40'000, 'x');
  outlet_->request(request);
  ASSERT_TRUE(server_.wait([&] { return refused_ == 1 && !events_.empty(); }));
  EXPECT_EQ(events_[0].call_id, "big");
  EXPECT_EQ(events_[0].code, 503);
  EXPECT_EQ(server_.calls.back()["method"], "tm.reply");
  EXPECT_EQ(server_.calls.back()["params"][0], 500) << "the caller is not left without an answer";
  EXPECT_EQ(outlet_->counters().too_large, 2u);
}

TEST_F(KamailioLink, HasABoundedQueue) {
  connect();
  server_.answering = false;
  for (std::size_t i = 0; i < Link::kQueueMax + 2000; ++i) outlet_->lookup("u", i);
  EXPECT_GT(outlet_->counters().queue_full, 0u);
  ASSERT_TRUE(server_.wait([&] { return found_ > 0; })) << "what found no room is answered with nothing";
}

// ---- managed mode, before Kamailio runs

TEST(ManagedKamailio, SaysWhatToDoWhenItIsMissing) {
  EpollHost host("{}");
  Options options;
  options.kamailio_binary = "kamailio-that-is-not-there";
  Managed managed(sdk::Host(host.host()), options);
  std::string error;
  EXPECT_FALSE(managed.prepare(error));
  EXPECT_NE(error.find("apt install kamailio"), std::string::npos);
}

TEST(ManagedKamailio, NamesThePortThatIsTaken) {
  if (find_program("kamailio").empty()) GTEST_SKIP() << "kamailio is not installed";
  EpollHost host("{}");
  const FakeEvapi other(host);
  Options options;
  options.port = other.port;
  options.ws_port = 0;
  const tandem::testing::ScratchFolder folder("kam");
  options.state_dir = folder.string();
  Managed managed(sdk::Host(host.host()), options);
  std::string error;
  EXPECT_FALSE(managed.prepare(error));
  EXPECT_NE(error.find("tcp:127.0.0.1:" + std::to_string(other.port) + " is taken"), std::string::npos)
      << error;
  EXPECT_NE(error.find("[plugin.kamailio] port"), std::string::npos);
}

TEST(ManagedKamailio, WritesFilesThatOnlyItsOwnerReads) {
  if (find_program("kamailio").empty()) GTEST_SKIP() << "kamailio is not installed";
  EpollHost host("{}");
  Options options;
  options.port = free_port();
  options.ws_port = free_port();
  const tandem::testing::ScratchFolder folder("kam");
  options.state_dir = folder.string();
  Managed managed(sdk::Host(host.host()), options);
  std::string error;
  ASSERT_TRUE(managed.prepare(error)) << error;
  EXPECT_EQ(options.link_token.size(), 48u);
  EXPECT_NE(options.link_port, 0);
  for (const char* name : {"kamailio.cfg", "kamailio.lua", "registrations.db"}) {
    const auto file = folder.path() / name;
    EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms(0077),
              std::filesystem::perms::none)
        << name;
  }
}

TEST(ChildProcess, IsEndedWithItsGroup) {
  EpollHost host("{}");
  std::string status;
  Process process(sdk::Host(host.host()), [&](const std::string& s) { status = s; });
  std::string error;
  // a child that ignores SIGTERM, with a child of its own
  ASSERT_TRUE(process.start({"/bin/sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"}, "/dev/null", error))
      << error;
  const pid_t pid = process.pid();
  host.run_for(100);
  process.stop(200'000'000);
  EXPECT_TRUE(host.run_until([&] { return !status.empty(); }, 3000));
  EXPECT_EQ(status, "was killed by signal 9");
  EXPECT_TRUE(host.run_until([&] { return ::kill(-pid, 0) != 0; }, 2000)) << "its child lives on";
  EXPECT_FALSE(process.start({"/nowhere/nothing"}, "/dev/null", error));
  EXPECT_NE(error, "");
}

}  // namespace
}  // namespace tandem::kamailio::testing
