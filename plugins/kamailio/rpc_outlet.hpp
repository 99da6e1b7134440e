// RpcOutlet: the Outlet over the Link. Says hello when the connection stands, pushes the users, then takes
// calls.
//
//   connected ─► tandem.hello ─► core.sockets_list ─► tandem.users … ─► tandem.ready ─► on_up
//
// Thread: [control].
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kamailio/link.hpp"
#include "kamailio/wire.hpp"

namespace tandem::kamailio {

struct User {
  std::string name, ha1;
};

class RpcOutlet final : public Outlet {
 public:
  struct Callbacks {
    std::function<void(const std::string& boot, const nlohmann::json& sockets)> on_up;
    std::function<void()> on_down;
    std::function<void(const WireEvent&)> on_wire;
    std::function<void(const std::string& tid, int code, bool taken)> on_reply_result;
    std::function<void(std::uint64_t ticket, const std::vector<Contact>&)> on_contacts;
    std::function<void(const nlohmann::json&)> on_event;  // to the call side
  };

  RpcOutlet(const sdk::Host& host, std::string address, std::uint16_t port, std::string token,
            Callbacks callbacks);

  void open() { link_.open(); }
  void close() { link_.close(); }
  // Kamailio refuses new calls with 503 once `done` is called; at once when there is no link.
  void leave(std::function<void()> done);
  // The whole set of who may register and call; kept, and pushed again after each connect.
  void set_users(std::vector<User> users);

  void reply(const SipReply& reply) override;
  void request(const SipRequest& request) override;
  void cancel(const std::string& call_id, std::uint32_t cseq) override;
  void lookup(const std::string& user, std::uint64_t ticket) override;
  void event(const nlohmann::json& event) override;
  void log(int level, std::string_view line) override;

  bool up() const { return up_; }
  const LinkCounters& counters() const { return link_.counters(); }
  std::uint64_t bad_events() const { return bad_events_; }

 private:
  void on_connected();
  void on_hello(const nlohmann::json& result);
  void push_users();
  void on_wire(const nlohmann::json& event);
  void synthesize_failure(const SipRequest& request);
  // False when the command could not even be queued.
  bool call(std::string_view method, const nlohmann::json& params, Link::Done done);
  // After the step that is running.
  void later(std::function<void()> run);

  // borrowed
  sdk::Host host_;
  // owned
  Callbacks callbacks_;
  std::string token_;
  std::vector<User> users_;
  bool users_known_ = false;
  bool users_waiting_ = false;  // the newest set is not pushed yet
  sdk::Timer deferred_timer_;
  std::vector<std::function<void()>> deferred_;
  Link link_;
  // state
  bool up_ = false;
  std::uint64_t generation_ = 0;  // of the users
  std::uint64_t bad_events_ = 0;
};

}  // namespace tandem::kamailio
