// Setting up and steering the live world; see live_world.hpp.
#include "tests/plugins/kamailio/live_world.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kamailio/digest.hpp"
#include "kamailio/process.hpp"
#include "tandem/abi.h"

extern "C" const td_plugin* tandem_plugin_kamailio(void);

namespace tandem::kamailio::testing {
namespace {

bool binds(int type, int family, std::uint16_t port) {
  const int fd = ::socket(family, type | SOCK_CLOEXEC, 0);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  const bool good = family == AF_INET ? ::bind(fd, reinterpret_cast<sockaddr*>(&v4), sizeof v4) == 0
                                      : ::bind(fd, reinterpret_cast<sockaddr*>(&v6), sizeof v6) == 0;
  ::close(fd);
  return good;
}

bool has_ipv6() { return binds(SOCK_DGRAM, AF_INET6, 0); }

std::string ha1(const std::string& user, const std::string& password) {
  return hex_digest(DigestAlgorithm::md5, user + ":tandem:" + password);
}

}  // namespace

std::uint16_t free_port() {
  static std::uint16_t next = static_cast<std::uint16_t>(20000 + ::getpid() % 9000);
  for (;;) {
    next = static_cast<std::uint16_t>(next + 7);
    if (binds(SOCK_DGRAM, AF_INET, next) && binds(SOCK_STREAM, AF_INET, next) &&
        (!has_ipv6() || (binds(SOCK_DGRAM, AF_INET6, next) && binds(SOCK_STREAM, AF_INET6, next)))) {
      return next;
    }
  }
}

LiveWorld::LiveWorld(const Json& extra) {
  if (find_program("kamailio").empty()) {
    missing_ = true;
    trouble_ = "kamailio is not installed";
    return;
  }
  if (extra.contains("state_dir")) {
    state_dir = extra["state_dir"];
  } else {
    folder_ = std::make_unique<tandem::testing::ScratchFolder>("kam");
    state_dir = folder_->string();
  }
  port = free_port();
  ws_port = free_port();
  Json addresses = {"127.0.0.1"};
  if (has_ipv6()) addresses.push_back("::1");
  options_ = {{"addresses", addresses},
              {"port", port},
              {"ws_port", ws_port},
              {"state_dir", state_dir},
              {"shm_mb", 128}};
  options_.update(extra);
  start_plugin();
}

LiveWorld::LiveWorld(const std::string& folder, std::uint16_t sip_port, std::uint16_t web_port)
    : port(sip_port), ws_port(web_port), state_dir(folder) {
  const auto quoted = [](const std::string& file, const std::string& before) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    const std::size_t at = text.str().find(before) + before.size();
    return text.str().substr(at, text.str().find('"', at) - at);
  };
  options_ = {{"mode", "external"},
              {"evapi", quoted(folder + "/kamailio.cfg", "\"bind_addr\", \"")},
              {"link_token", quoted(folder + "/kamailio.lua", "TOKEN = \"")}};
  kamailio_ = std::make_unique<Process>(sdk::Host(host.host()), [](const std::string&) {});
  std::string error;
  if (!kamailio_->start({"kamailio", "-DD", "-f", folder + "/kamailio.cfg", "-m", "128", "-Y", folder, "-P",
                         folder + "/external.pid"},
                        folder + "/external.log", error)) {
    trouble_ = error;
  }
}

LiveWorld::~LiveWorld() {
  stop_plugin();
  if (kamailio_) {
    kamailio_->stop(3'000'000'000);
    host.run_until([&] { return !kamailio_->running(); }, 5000);
  }
  if (std::getenv("KAM_KEEP") != nullptr) (void)folder_.release();
}

void LiveWorld::start_plugin() {
  host.set_config(options_.dump());
  const td_plugin* plugin = tandem_plugin_kamailio();
  const char* error = nullptr;
  if (plugin->activate(host.host(), &error) < 0) {
    trouble_ = error == nullptr ? "activate failed" : error;
    missing_ = trouble_.find("apt install") != std::string::npos;
    return;
  }
  active_ = true;
  signaling_ = static_cast<const td_signaling*>(plugin->interface(TD_SIGNALING_ID, 0));
  signaling_->start(
      [](void* user, td_str text) {
        auto* self = static_cast<LiveWorld*>(user);
        self->events_.push_back(Json::parse(std::string(text.data, text.size)));
        if (std::getenv("KAM_LOG") != nullptr)
          std::fprintf(stderr, "    <- %.*s\n", static_cast<int>(text.size), text.data);
      },
      this);
  Json users = Json::array();
  for (const char* user : {"1001", "1002", "1003"}) {
    users.push_back({{"user", user}, {"ha1", ha1(user, std::string("pw-") + user)}, {"realm", "tandem"}});
  }
  command({{"cmd", "users"}, {"users", users}});
  if (event("up", 15000).is_null()) trouble_ = "the link did not come up within 15 s";
}

void LiveWorld::stop_plugin(const std::function<void()>& meanwhile) {
  if (!active_) return;
  active_ = false;
  bool stopped = false;
  signaling_->stop(
      500'000'000, [](void* user) { *static_cast<bool*>(user) = true; }, &stopped);
  if (meanwhile) {
    meanwhile();
    EXPECT_FALSE(stopped) << "the calls were not waited for";
  }
  host.run_until([&] { return stopped; }, 8000);
  tandem_plugin_kamailio()->deactivate();
}

void LiveWorld::command(const Json& command) {
  const std::string text = command.dump();
  EXPECT_EQ(signaling_->command({text.data(), text.size()}), TD_OK) << text;
}

Json LiveWorld::event(const std::string& name, int ms) {
  Json found;
  host.run_until(
      [&] {
        const auto it =
            std::find_if(events_.begin(), events_.end(), [&](const Json& e) { return e["ev"] == name; });
        if (it == events_.end()) return false;
        found = *it;
        events_.erase(it);
        return true;
      },
      ms);
  return found;
}

bool LiveWorld::none(const std::string& name, int ms) { return event(name, ms).is_null(); }

std::unique_ptr<Phone> LiveWorld::phone(const std::string& user, Wire wire, const std::string& address) {
  return std::make_unique<Phone>(host, user, wire, address, wire == Wire::ws ? ws_port : port);
}

LiveWorld::Ringing LiveWorld::call_in(Phone& phone, const std::string& to, const std::string& extra,
                                      const std::string& sdp) {
  Ringing out;
  // the first INVITE is challenged; then the one with credentials has no answer but 100 until the test gives
  // one
  phone.request("INVITE", phone.server_uri(to), out.dialog, extra, sdp);
  const SipMessage challenge = phone.expect("407");
  EXPECT_TRUE(challenge.valid()) << "in place of 407 came: " << phone.came();
  auto parsed = best_challenge(challenge.headers);
  EXPECT_TRUE(parsed);
  if (!parsed) return out;
  PhoneDialog refused = out.dialog;
  refused.remote = challenge.get("To");
  const auto from = parse_name_addr(out.dialog.local);
  const std::string user = parse_uri(from->uri)->user;
  const std::string auth =
      authorization(*parsed, {user, "pw-" + user}, "INVITE", out.dialog.target, "c0ffee");
  out.branch = phone.request("INVITE", phone.server_uri(to), out.dialog, extra + auth, sdp);
  const Json incoming = event("incoming");
  EXPECT_FALSE(incoming.is_null());
  if (!incoming.is_null()) out.leg = incoming["leg"].get<std::string>();
  return out;
}

LiveWorld::Ringing LiveWorld::answered_in(Phone& phone, const std::string& to, const std::string& extra) {
  Ringing out = call_in(phone, to, extra);
  command({{"cmd", "accept"}, {"leg", out.leg}, {"sdp", kSdp}});
  const SipMessage ok = phone.expect("200");
  EXPECT_TRUE(ok.valid());
  out.dialog.remote = ok.get("To");
  const auto contact = parse_name_addr(ok.get("Contact"));
  if (contact) out.dialog.target = contact->uri;
  phone.ack(out.dialog, out.dialog.cseq);
  EXPECT_FALSE(event("confirmed").is_null());
  return out;
}

SipMessage LiveWorld::call_out(Phone& phone, const std::string& leg, const Json& extra) {
  Json invite = {{"cmd", "invite"},
                 {"leg", leg},
                 {"uri", phone.contact()},
                 {"from", {{"user", "5000"}, {"name", "Tür \"1\""}}},
                 {"sdp", kSdp}};
  invite.update(extra);
  command(invite);
  return phone.expect("INVITE");
}

int LiveWorld::kamailio_pid() const {
  std::ifstream in(state_dir + "/kamailio.pid");
  int pid = 0;
  in >> pid;
  return pid;
}

void LiveWorld::kill_kamailio() {
  ::kill(kamailio_pid(), SIGKILL);
  EXPECT_FALSE(event("down", 5000).is_null());
}

}  // namespace tandem::kamailio::testing
