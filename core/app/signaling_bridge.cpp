// SignalingBridge: the commands, one function each; the events are in signaling_events.cpp.
#include "core/app/signaling_bridge.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/app/signaling_events.hpp"
#include "core/base/log.hpp"

namespace tandem::app {
namespace {

using nlohmann::json;

// Text from phones may be any bytes: what is no UTF-8 is replaced, never thrown.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json command(const char* name, const std::string& leg) { return {{"cmd", name}, {"leg", leg}}; }

}  // namespace

SignalingBridge::SignalingBridge(const td_signaling* plugin) : plugin_(plugin) {}

void SignalingBridge::start() {
  plugin_->start(
      [](void* user, td_str event) {
        static_cast<SignalingBridge*>(user)->on_event({event.data, event.size});
      },
      this);
}

void SignalingBridge::stop(std::uint64_t grace_ns, std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  plugin_->stop(
      grace_ns,
      [](void* user) {
        const auto done = std::exchange(static_cast<SignalingBridge*>(user)->stopped_, nullptr);
        if (done) done();
      },
      this);
}

void SignalingBridge::on_event(std::string_view event) {
  if (listener_ == nullptr) return;
  const auto delivered = deliver_event(event, *listener_);
  if (delivered) return;
  events_malformed_.add();
  log::warn("signaling", "dropped an event of {}: {}", plugin_->name, delivered.error().message);
}

void SignalingBridge::send(const std::string& text) {
  if (plugin_ == nullptr || plugin_->command({text.data(), text.size()}) >= 0) return;
  commands_refused_.add();
  log::error("signaling", "{} refused a command of {} bytes as malformed", plugin_->name, text.size());
}

void SignalingBridge::users(const std::vector<call::User>& users) {
  json list = json::array();
  for (const auto& one : users) list.push_back({{"user", one.user}, {"ha1", one.ha1}, {"realm", one.realm}});
  send(dump({{"cmd", "users"}, {"users", std::move(list)}}));
}

void SignalingBridge::lookup(const std::string& id, const std::string& user) {
  send(dump({{"cmd", "lookup"}, {"id", id}, {"user", user}}));
}

void SignalingBridge::invite(const call::Invite& invite) {
  json out = command("invite", invite.leg);
  json contact = invite.contact.opaque.empty() ? json() : json::parse(invite.contact.opaque, nullptr, false);
  if (contact.is_object()) {
    out["contact"] = std::move(contact);
  } else {
    out["uri"] = invite.contact.uri;
  }
  out["from"] = {{"user", invite.from.user}, {"name", invite.from.name}};
  if (!invite.from.uri.empty()) out["from"]["uri"] = invite.from.uri;
  out["sdp"] = invite.sdp;
  json headers = json::array();
  for (const auto& [name, value] : invite.headers) headers.push_back({name, value});
  out["headers"] = std::move(headers);
  if (!invite.auth_user.empty())
    out["auth"] = {{"user", invite.auth_user}, {"password", invite.auth_password}};
  if (!invite.call_id.empty()) out["call_id"] = invite.call_id;
  send(dump(out));
}

void SignalingBridge::ring(const std::string& leg, int code, const std::string& reason,
                           const std::string& sdp) {
  json out = command("ring", leg);
  out["code"] = code;
  if (!reason.empty()) out["reason"] = reason;
  if (!sdp.empty()) out["sdp"] = sdp;
  send(dump(out));
}

void SignalingBridge::accept(const std::string& leg, const std::string& sdp) {
  json out = command("accept", leg);
  out["sdp"] = sdp;
  send(dump(out));
}

void SignalingBridge::reject(const std::string& leg, int code, const std::string& reason, int q850) {
  json out = command("reject", leg);
  out["code"] = code;
  if (!reason.empty()) out["reason"] = reason;
  if (q850 != 0) out["q850"] = q850;
  send(dump(out));
}

void SignalingBridge::redirect(const std::string& leg, const std::string& uri) {
  json out = command("redirect", leg);
  out["uri"] = uri;
  send(dump(out));
}

void SignalingBridge::reoffer(const std::string& leg, const std::string& sdp) {
  json out = command("reoffer", leg);
  out["sdp"] = sdp;
  send(dump(out));
}

void SignalingBridge::reanswer(const std::string& leg, int code, const std::string& sdp) {
  json out = command("reanswer", leg);
  out["code"] = code;
  if (!sdp.empty()) out["sdp"] = sdp;
  send(dump(out));
}

void SignalingBridge::hangup(const std::string& leg, int q850, const std::string& reason) {
  json out = command("hangup", leg);
  out["q850"] = q850;
  if (!reason.empty()) out["reason"] = reason;
  send(dump(out));
}

void SignalingBridge::refer(const std::string& leg, const std::string& to, const std::string& replaces) {
  json out = command("refer", leg);
  out["to"] = to;
  if (!replaces.empty()) out["replaces"] = replaces;
  send(dump(out));
}

void SignalingBridge::refer_reply(const std::string& leg, int code) {
  json out = command("refer_reply", leg);
  out["code"] = code;
  send(dump(out));
}

void SignalingBridge::refer_notify(const std::string& leg, int code, const std::string& reason, bool final) {
  json out = command("refer_notify", leg);
  out["code"] = code;
  out["reason"] = reason;
  out["final"] = final;
  send(dump(out));
}

void SignalingBridge::info(const std::string& leg, const std::string& ctype, const std::string& body) {
  json out = command("info", leg);
  out["ctype"] = ctype;
  out["body"] = body;
  send(dump(out));
}

void SignalingBridge::mwi(const std::string& user, int fresh, int old) {
  send(dump({{"cmd", "mwi"}, {"user", user}, {"new", fresh}, {"old", old}}));
}

void SignalingBridge::message(const std::string& id, const std::string& to, const call::Party& from,
                              const std::string& ctype, const std::string& body) {
  send(dump({{"cmd", "message"},
             {"id", id},
             {"to", to},
             {"from", {{"user", from.user}, {"uri", from.uri}, {"name", from.name}}},
             {"ctype", ctype},
             {"body", body}}));
}

void SignalingBridge::message_reply(const std::string& id, int code) {
  send(dump({{"cmd", "message_reply"}, {"id", id}, {"code", code}}));
}

}  // namespace tandem::app
