// Signaling: a way to reach phones, as the call layer sees it. docs/signaling.md is the vocabulary; each
// struct here is one row of it. Implementations: the bridge to a tandem.signaling/1 plugin (core/app), and
// the simulated phone company on fake time (tests/support).
//
// Thread: all of it [control]. Events of one leg come in order; events may come from inside a command.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tandem::call {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Party {
  std::string user, uri, name;
};

struct Contact {
  std::string uri;
  std::string opaque;  // JSON text of the contact object, handed back unread
};

// ---- events
struct Incoming {
  std::string leg, call_id;
  Party from, to;
  std::string dialed, source, auth_user, sdp, replaces, user_agent;
  Headers headers;
};
struct Progress {
  std::string leg;
  int code = 180;
  std::string reason, sdp;
};
struct Answered {
  std::string leg, sdp, contact, user_agent;
};
struct Failed {
  std::string leg;
  int code = 0;
  std::string reason;
  int q850 = 0;
  std::vector<std::string> contacts;
};
struct Ended {
  std::string leg, by;
  int code = 0, q850 = 0;
  std::string reason;
};
struct Reoffer {
  std::string leg, sdp;
  bool refresh = false;
};
struct Reanswered {
  std::string leg;
  int code = 0;
  std::string sdp;
};
struct Refer {
  std::string leg, refer_to, user, replaces, referred_by;
};
struct ReferProgress {
  std::string leg;
  int code = 0;
  std::string reason;
  bool final = false;
};
struct Info {
  std::string leg, ctype, body;
};
struct InfoDigit {
  std::string leg;
  char digit = 0;
  int duration_ms = 0;
};
struct Message {
  std::string id;
  Party from, to;
  std::string dialed, ctype, body, auth_user;
};
struct Registered {
  std::string user, contact, source, user_agent;
  int expires = 0;
};
struct Subscribed {
  std::string user, event;
  int expires = 0;
};

class SignalingListener {
 public:
  virtual ~SignalingListener() = default;
  virtual void on_link_up() = 0;
  virtual void on_link_down() = 0;
  virtual void on_incoming(const Incoming&) = 0;
  virtual void on_progress(const Progress&) = 0;
  virtual void on_answered(const Answered&) = 0;
  virtual void on_failed(const Failed&) = 0;
  virtual void on_confirmed(const std::string& leg, const std::string& sdp) = 0;
  virtual void on_ended(const Ended&) = 0;
  virtual void on_reoffer(const Reoffer&) = 0;
  virtual void on_reanswered(const Reanswered&) = 0;
  virtual void on_refer(const Refer&) = 0;
  virtual void on_refer_progress(const ReferProgress&) = 0;
  virtual void on_info(const Info&) = 0;
  virtual void on_info_digit(const InfoDigit&) = 0;
  virtual void on_message(const Message&) = 0;
  virtual void on_registered(const Registered&) = 0;
  virtual void on_contacts(const std::string& id, const std::string& user, const std::vector<Contact>&) = 0;
  virtual void on_subscribed(const Subscribed&) = 0;
  virtual void on_message_sent(const std::string& id, int code) = 0;
};

// ---- commands
struct User {
  std::string user, ha1, realm;
};
struct Invite {
  std::string leg;
  Contact contact;  // from lookup; its opaque text is empty for a plain URI
  Party from;       // user and name
  std::string sdp;
  Headers headers;
  std::string auth_user, auth_password;
  std::string call_id;
};

class Signaling {
 public:
  virtual ~Signaling() = default;
  virtual void set_listener(SignalingListener* listener) = 0;
  virtual void users(const std::vector<User>&) = 0;
  virtual void lookup(const std::string& id, const std::string& user) = 0;
  virtual void invite(const Invite&) = 0;
  virtual void ring(const std::string& leg, int code, const std::string& reason, const std::string& sdp) = 0;
  virtual void accept(const std::string& leg, const std::string& sdp) = 0;
  virtual void reject(const std::string& leg, int code, const std::string& reason, int q850) = 0;
  virtual void redirect(const std::string& leg, const std::string& uri) = 0;
  virtual void reoffer(const std::string& leg, const std::string& sdp) = 0;
  virtual void reanswer(const std::string& leg, int code,
                        const std::string& sdp) = 0;  // code 200 with sdp, or an error
  virtual void hangup(const std::string& leg, int q850, const std::string& reason) = 0;
  virtual void refer(const std::string& leg, const std::string& to, const std::string& replaces) = 0;
  virtual void refer_reply(const std::string& leg, int code) = 0;
  virtual void refer_notify(const std::string& leg, int code, const std::string& reason, bool final) = 0;
  virtual void info(const std::string& leg, const std::string& ctype, const std::string& body) = 0;
  virtual void mwi(const std::string& user, int fresh, int old) = 0;
  virtual void message(const std::string& id, const std::string& to, const Party& from,
                       const std::string& ctype, const std::string& body) = 0;
  virtual void message_reply(const std::string& id, int code) = 0;
};

}  // namespace tandem::call
