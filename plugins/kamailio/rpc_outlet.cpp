// Commands to Kamailio as JSON-RPC; see rpc_outlet.hpp.
#include "kamailio/rpc_outlet.hpp"

#include <bit>
#include <nlohmann/json.hpp>

namespace tandem::kamailio {
namespace {

using nlohmann::json;

constexpr std::size_t kUsersPerFrame = 150;

}  // namespace

RpcOutlet::RpcOutlet(const sdk::Host& host, std::string address, std::uint16_t port, std::string token,
                     Callbacks callbacks)
    : host_(host),
      callbacks_(std::move(callbacks)),
      token_(std::move(token)),
      deferred_timer_(host),
      link_(host, std::move(address), port,
            {[this] { on_connected(); }, [this](const json& event) { on_wire(event); },
             [this] {
               if (std::exchange(up_, false)) callbacks_.on_down();
             }}) {}

void RpcOutlet::log(int level, std::string_view line) {
  if (level >= TD_LOG_ERROR) return host_.error(line);
  if (level == TD_LOG_WARN) return host_.warn(line);
  level == TD_LOG_INFO ? host_.info(line) : host_.debug(line);
}

void RpcOutlet::event(const json& event) { callbacks_.on_event(event); }

bool RpcOutlet::call(std::string_view method, const json& params, Link::Done done) {
  return link_.call(method, params, std::move(done));
}

void RpcOutlet::later(std::function<void()> run) {
  deferred_.push_back(std::move(run));
  if (deferred_timer_.running()) return;
  deferred_timer_.start(0, [this] {
    for (const auto& step : std::exchange(deferred_, {})) step();
  });
}

// ---- the log-in

void RpcOutlet::on_connected() {
  (void)call("tandem.hello", {{"token", token_}}, [this](bool ok, const json& result) {
    if (!ok) return host_.error("Kamailio refused the link's hello: " + result.dump());
    on_hello(result);
  });
}

void RpcOutlet::on_hello(const json& result) {
  const auto boot = result.is_object() ? result.find("boot") : result.end();
  const std::string id =
      result.is_object() && boot != result.end() && boot->is_string() ? boot->get<std::string>() : "?";
  (void)call("core.sockets_list", nullptr, [this, id](bool ok, const json& sockets) {
    if (users_known_) push_users();
    (void)call("tandem.ready", json::object(),
               [this, id, list = ok ? sockets : json::array()](bool ready, const json&) {
                 if (!ready)
                   return host_.error(
                       "Kamailio did not take 'tandem.ready': is its kamailio.lua the one that ships?");
                 up_ = true;
                 if (users_waiting_) push_users();  // a set that came while we logged in
                 callbacks_.on_up(id, list);
               });
  });
}

void RpcOutlet::leave(std::function<void()> done) {
  // a kamailio.lua of before 'tandem.leaving' answers with an error: it refuses from the link's end on
  const bool queued = up_ && call("tandem.leaving", json::object(), [done](bool, const json&) { done(); });
  if (!queued) done();
}

void RpcOutlet::set_users(std::vector<User> users) {
  users_ = std::move(users);
  users_known_ = users_waiting_ = true;
  if (up_) push_users();
}

void RpcOutlet::push_users() {
  users_waiting_ = false;
  // grows over restarts of ours too, so that what another process pushed is told apart
  generation_ = std::max(generation_ + 1, host_.wall_us());
  const std::string generation = std::to_string(generation_);
  for (std::size_t at = 0; at < users_.size(); at += kUsersPerFrame) {
    json rows = json::array();
    for (std::size_t i = at; i < std::min(at + kUsersPerFrame, users_.size()); ++i) {
      rows.push_back({users_[i].name, users_[i].ha1});
    }
    (void)call("tandem.users", {{"generation", generation}, {"users", std::move(rows)}}, {});
  }
  (void)call("tandem.users_done", {{"generation", generation}}, {});
}

// ---- commands

void RpcOutlet::reply(const SipReply& r) {
  const json params = {r.code, r.reason, r.tid, r.to_tag, r.headers, r.body};
  const bool queued = call("tm.reply", params, [this, tid = r.tid, code = r.code](bool ok, const json&) {
    callbacks_.on_reply_result(tid, code, ok);
  });
  if (!queued && r.code >= 200) {
    // too large or no room: a short refusal still fits
    (void)call("tm.reply", {r.code < 300 ? 500 : r.code, "Server Internal Error", r.tid, r.to_tag, "", ""},
               {});
    later([this, tid = r.tid, code = r.code] { callbacks_.on_reply_result(tid, code, false); });
  }
}

void RpcOutlet::synthesize_failure(const SipRequest& r) {
  if (r.method == "ACK") return;
  WireEvent event;
  event.kind = WireKind::timeout;
  event.method = r.method;
  event.call_id = r.call_id;
  event.from_tag = r.from_tag;
  event.cseq = r.cseq;
  event.code = 503;
  callbacks_.on_wire(event);
}

void RpcOutlet::request(const SipRequest& r) {
  const json params = {{"method", r.method},
                       {"ruri", r.ruri},
                       {"nexthop", r.nexthop.empty() ? "." : r.nexthop},
                       {"socket", r.socket.empty() ? "." : r.socket},
                       {"hdrs", r.headers},
                       {"body", r.body}};
  SipRequest key;  // what a failure needs
  key.method = r.method;
  key.call_id = r.call_id;
  key.from_tag = r.from_tag;
  key.cseq = r.cseq;
  const bool queued = call("uac.send", params, [this, key](bool ok, const json&) {
    if (!ok) synthesize_failure(key);
  });
  // not from within the step that sent it
  if (!queued) later([this, key] { synthesize_failure(key); });
}

void RpcOutlet::cancel(const std::string& call_id, std::uint32_t cseq) {
  (void)call("tm.cancel", {call_id, std::to_string(cseq)}, {});
}

void RpcOutlet::lookup(const std::string& user, std::uint64_t ticket) {
  const bool queued = call("ul.lookup", {"location", user}, [this, ticket](bool ok, const json& result) {
    callbacks_.on_contacts(ticket, ok ? contacts_of_lookup(result) : std::vector<Contact>{});
  });
  if (!queued) later([this, ticket] { callbacks_.on_contacts(ticket, {}); });
}

void RpcOutlet::on_wire(const json& event) {
  if (!up_) return;  // what happens between the hello and `ready` is refused by Kamailio itself
  std::string error;
  if (const auto decoded = decode(event, error)) return callbacks_.on_wire(*decoded);
  if (!std::has_single_bit(++bad_events_)) return;  // a flood of them is not a flood of lines
  host_.warn("event from Kamailio dropped: " + error + " (" + std::to_string(bad_events_) +
             " dropped so far)");
}

}  // namespace tandem::kamailio
