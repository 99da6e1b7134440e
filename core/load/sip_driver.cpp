// SipDriver: the dialogs.
//
//   place ─► INVITE ─► 401/407 ─► ACK, INVITE with digest ─► 200 ─► ACK: up      hang_up ─► BYE ─► 200: ended
#include "core/load/sip_driver.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <random>
#include <unordered_map>

#include "core/load/sdp_text.hpp"
#include "core/load/signal_socket.hpp"
#include "core/load/sip_agents.hpp"
#include "core/load/sip_callee.hpp"
#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

constexpr Nanos kFirstRepeat = milliseconds(500), kPatience = seconds(10), kByePatience = seconds(4);
constexpr std::size_t kMessageMax = 65536;

enum class State : std::uint8_t { inviting, up, leaving };

struct Dialog {
  std::uint32_t call = 0;
  CallPlan plan;
  State state = State::inviting;
  std::string number_uri, from, to, target, authorization, last_sent, ack;
  std::optional<SdpMedia> peer;     // what our other phone was offered, once it answered
  std::optional<SdpMedia> own;      // in a queue: what the server answered
  TimePoint waits_since{};          //
  Nanos waited{0};                  //
  bool out_of_turn = false;         //
  std::vector<std::string> routes;  // as they are to be sent
  unsigned cseq = 0;
  bool answered_challenge = false, responded = false;
  TimePoint begun, since, repeat_at;
  Nanos repeat = kFirstRepeat;
};

class SipDriver final : public Driver {
 public:
  SipDriver(const Address& server, SipAccount account, const SipAccount& peer,
            const std::vector<SipAccount>& agents)
      : server_(server), account_(std::move(account)), agents_(server, agents) {
    if (!peer.user.empty()) callee_ = std::make_unique<SipCallee>(server, peer);
  }
  ~SipDriver() override {
    if (fd_ >= 0) ::close(fd_);
  }
  SipDriver(const SipDriver&) = delete;
  SipDriver& operator=(const SipDriver&) = delete;

  Result<void> start() override {
    auto socket = SignalSocket::connect(server_);
    if (!socket) return socket.error();
    fd_ = socket->fd;
    local_ = socket->local.text();
    // Whether anybody is there: any answer to OPTIONS will do.
    const std::string probe = fmt::format(
        "OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/UDP {1};branch=z9hG4bKprobe{2}\r\nFrom: "
        "<sip:bench@{1}>;tag=p\r\nTo: <sip:{0}>\r\n"
        "Call-ID: bench-probe-{2}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        server_.text(), local_, getpid());
    for (int i = 0; i < 6; ++i) {
      pollfd one{fd_, POLLIN, 0};
      char answer[kMessageMax / 16];
      if (::send(fd_, probe.data(), probe.size(), 0) >= 0 && ::poll(&one, 1, 500) == 1 &&
          recv(fd_, answer, sizeof answer, 0) > 0)
        return start_others();
    }
    return Error{ErrorCode::unavailable,
                 fmt::format("no SIP server answers at {} over UDP within 3 s", server_.text())};
  }

  Result<void> start_others() {
    if (callee_)
      if (auto started = callee_->start(); !started) return started;
    return agents_.start();
  }

  void place(const CallPlan& plan) override {
    if (plan.legs.size() < 2 || plan.part->kind == Kind::queue) return call(plan);
    waiting_.push_back(plan);
    call_next();
  }

  // An INVITE that rings here is of the call that is being made: one at a time.
  void call_next() {
    if (!ringing_.empty() || waiting_.empty()) return;
    const CallPlan plan = waiting_.front();
    waiting_.pop_front();
    call(plan);
    ringing_ = ids_[plan.call];
  }

  void call(const CallPlan& plan) {
    const std::string id = fmt::format("bench-{:x}-{}-{}", token_, ++calls_placed_, plan.call);
    Dialog& d = dialogs_[id];
    ids_[plan.call] = id;
    d.call = plan.call;
    d.plan = plan;
    const std::string number = !plan.part->number.empty() ? plan.part->number
                               : plan.legs.size() == 2    ? callee_->account().user
                                                          : "*43";
    d.number_uri = d.target = fmt::format("sip:{}@{}", number, server_.text());
    const bool stranger = plan.part->kind == Kind::queue && account_.password.empty();
    d.from = fmt::format("<sip:{}@{}>;tag=b{}", stranger ? SipAgents::number_of(plan.call) : account_.user,
                         server_.text(), calls_placed_);
    d.to = fmt::format("<{}>", d.number_uri);
    d.begun = d.since = loop::monotonic_now();
    invite(id, d);
  }

  void hang_up(std::uint32_t call) override {
    const auto id = ids_.find(call);
    const auto at = id == ids_.end() ? dialogs_.end() : dialogs_.find(id->second);
    if (at == dialogs_.end() || at->second.state != State::up) {  // the server hung up before
      DriverEvent event;
      event.what = DriverEvent::What::ended;
      event.call = call;
      events_.push_back(std::move(event));
      return;
    }
    at->second.state = State::leaving;
    at->second.since = loop::monotonic_now();
    agents_.forget(call);
    bye(at->first, at->second);
  }

  void poll(Nanos wait, std::vector<DriverEvent>& out) override {
    watched_.assign({{fd_, POLLIN, 0}, {callee_ ? callee_->fd() : -1, POLLIN, 0}});
    for (std::size_t i = 0; i < agents_.size(); ++i) watched_.push_back({agents_.fd(i), POLLIN, 0});
    if (events_.empty()) ::poll(watched_.data(), watched_.size(), static_cast<int>(wait / milliseconds(1)));
    if (callee_)
      for (const auto& invited : callee_->poll(loop::monotonic_now())) on_invited(invited);
    for (int i = 0; i < 1000; ++i) {
      const ssize_t n = recv(fd_, bytes_.data(), bytes_.size(), 0);
      if (n < 0 && errno == ECONNREFUSED) continue;
      if (n <= 0) break;
      SipMessage message;
      if (read_sip(std::string_view(bytes_).substr(0, static_cast<std::size_t>(n)), message))
        on_message(message);
    }
    serve(loop::monotonic_now());
    repeat(loop::monotonic_now());
    out.insert(out.end(), events_.begin(), events_.end());
    events_.clear();
  }

  std::vector<int> pids() const override { return {}; }
  std::string describe() const override { return fmt::format("a SIP server at {}", server_.text()); }
  unsigned agents() const override { return static_cast<unsigned>(agents_.size()); }
  std::string refuses(const Part& part) const override {
    if (part.kind == Kind::bridge && !callee_)
      return "calls from phone to phone need who is called: --peer USER";
    if (part.kind == Kind::room) return kNoRooms;
    if (part.kind == Kind::queue && agents_.size() == 0)
      return "a queue needs agents: --agents FILE (accounts.json of the server) or --peer USER";
    if (part.kind == Kind::play)
      return "the SIP driver calls numbers: kind = \"echo\" (an echo app, *43 unless number says otherwise), "
             "\"bridge\" (the phone of --peer), \"queue\" or \"number\"";
    return {};
  }

 private:
  std::string request(const std::string& id, const Dialog& d, const char* method, const std::string& uri,
                      unsigned cseq, const std::string& branch, const std::string& more,
                      const std::string& body) const {
    std::string routes;
    for (const std::string& route : d.routes) routes += "Route: " + route + "\r\n";
    return fmt::format(
        "{} {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{}\r\n{}From: {}\r\nTo: {}\r\nCall-ID: "
        "{}\r\nCSeq: {} {}\r\n"
        "Contact: <sip:{}@{}>\r\nMax-Forwards: 70\r\n{}Content-Length: {}\r\n\r\n{}",
        method, uri, local_, branch, routes, d.from, d.to, id, cseq, method, account_.user, local_, more,
        body.size(), body);
  }

  void transmit(const std::string& text) {
    if (::send(fd_, text.data(), text.size(), 0) < 0) return;  // repeated later
  }

  void send_repeated(Dialog& d, std::string text) {
    d.last_sent = std::move(text);
    d.repeat = kFirstRepeat;
    d.repeat_at = loop::monotonic_now() + kFirstRepeat;
    transmit(d.last_sent);
  }

  void invite(const std::string& id, Dialog& d) {
    ++d.cseq;
    d.responded = false;
    const PlannedLeg& leg = d.plan.legs[0];
    send_repeated(d, request(id, d, "INVITE", d.number_uri, d.cseq, fmt::format("{}i{}", id, d.cseq),
                             d.authorization + "Content-Type: application/sdp\r\n",
                             sdp_of(leg, d.call, leg.payload_type, d.plan.part->ptime_ms)));
  }

  void bye(const std::string& id, Dialog& d) {
    ++d.cseq;
    d.responded = false;
    send_repeated(
        d, request(id, d, "BYE", d.target, d.cseq, fmt::format("{}b{}", id, d.cseq), d.authorization, ""));
  }

  void on_invited(const SipCallee::Invited& invited) {
    const auto at = dialogs_.find(ringing_);
    if (ringing_.empty() || at == dialogs_.end()) return callee_->refuse(invited.call_id, "486 Busy Here");
    Dialog& d = at->second;
    const PlannedLeg& leg = d.plan.legs[1];
    const auto media = read_sdp(invited.sdp, leg);
    ringing_.clear();
    if (media && media->type >= 0 && media->type <= 127) {
      d.peer = *media;
      callee_->answer(invited.call_id,
                      sdp_of(leg, d.call, static_cast<std::uint8_t>(media->type), d.plan.part->ptime_ms,
                             media->crypto_tag),
                      loop::monotonic_now());
    } else {
      callee_->refuse(invited.call_id, "488 Not Acceptable Here");
    }
    call_next();
  }

  // What rings at agents is answered at once; who has settled is up.
  void serve(TimePoint now) {
    for (const SipAgents::Rung& rung : agents_.poll(now)) {
      Dialog* d = dialog_of(rung.call);
      const auto media = d == nullptr ? std::nullopt : read_sdp(rung.sdp, d->plan.legs[1]);
      if (!media || media->type < 0 || media->type > 127) {
        agents_.refuse(rung, "488 Not Acceptable Here");
        continue;
      }
      d->peer = *media;
      d->waited = now - d->waits_since;
      d->out_of_turn = rung.out_of_turn;
      agents_.answer(rung,
                     sdp_of(d->plan.legs[1], d->call, static_cast<std::uint8_t>(media->type),
                            d->plan.part->ptime_ms, media->crypto_tag),
                     now);
    }
    for (const std::uint32_t call : agents_.settled(now)) {
      const Dialog* d = dialog_of(call);
      if (d == nullptr || d->state != State::up || !d->own || !d->peer) continue;
      DriverEvent event;
      event.call = call;
      event.took = d->waited;
      event.out_of_turn = d->out_of_turn;
      event.legs = {leg_of(*d->own), leg_of(*d->peer)};
      events_.push_back(std::move(event));
    }
  }

  Dialog* dialog_of(std::uint32_t call) {
    const auto id = ids_.find(call);
    const auto at = id == ids_.end() ? dialogs_.end() : dialogs_.find(id->second);
    return at == dialogs_.end() ? nullptr : &at->second;
  }

  static DriverEvent::Leg leg_of(const SdpMedia& one) {
    return DriverEvent::Leg{one.at, static_cast<std::uint8_t>(one.type), one.fmtp, one.key};
  }

  void on_message(const SipMessage& message) {
    const auto at = dialogs_.find(message.call_id);
    if (message.status == 0) {
      if (message.method == "ACK") return;
      answer(message, at != dialogs_.end() ? "200 OK" : "481 Call/Transaction Does Not Exist");
      if (message.method == "BYE" && at != dialogs_.end()) end(at, "BYE");
      return;
    }
    if (at == dialogs_.end()) return;
    Dialog& d = at->second;
    if (std::strtoul(message.cseq.c_str(), nullptr, 10) != d.cseq) {
      if (message.status == 200 && !d.ack.empty() && message.cseq.find("INVITE") != std::string::npos)
        transmit(d.ack);
      return;
    }
    d.responded = true;
    if (message.status < 200) return;
    if (d.state == State::leaving) return on_bye_answered(at, message);
    if (d.state == State::up) {
      if (message.status == 200) transmit(d.ack);  // a repeated 200: our ACK was lost
      return;
    }
    if (message.status < 300) return on_answered(at->first, d, message);
    Dialog acked = d;
    acked.to = message.to;
    transmit(request(at->first, acked, "ACK", d.number_uri, d.cseq, fmt::format("{}i{}", at->first, d.cseq),
                     "", ""));
    if (challenged(d, message, "INVITE", d.number_uri)) return invite(at->first, d);
    fail(at, fmt::format("the server refused: {}", message.status));
  }

  bool challenged(Dialog& d, const SipMessage& message, const char* method, const std::string& uri) const {
    if ((message.status != 401 && message.status != 407) || d.answered_challenge) return false;
    const std::string value = digest_answer(message.challenge, account_, method, uri);
    if (value.empty()) return false;
    d.answered_challenge = true;
    d.authorization = message.challenge_header + ": " + value + "\r\n";
    return true;
  }

  void on_answered(const std::string& id, Dialog& d, const SipMessage& message) {
    d.to = message.to;
    const std::size_t open = message.contact.find('<');
    d.target = open == std::string::npos
                   ? message.contact.substr(0, message.contact.find(';'))
                   : message.contact.substr(open + 1, message.contact.find('>', open) - open - 1);
    d.routes.assign(message.record_routes.rbegin(), message.record_routes.rend());
    d.authorization.clear();
    d.answered_challenge = false;
    d.ack = request(id, d, "ACK", d.target, d.cseq, fmt::format("{}a{}", id, d.cseq), "", "");
    d.state = State::up;
    transmit(d.ack);
    DriverEvent event;
    event.call = d.call;
    event.took = loop::monotonic_now() - d.begun;
    const auto media = read_sdp(message.body, d.plan.legs[0]);
    const bool queued = d.plan.part->kind == Kind::queue;
    const bool alone = d.plan.legs.size() == 2 && !d.peer && !queued;
    if (alone || !media || media->type < 0) {
      event.what = DriverEvent::What::failed;
      event.reason =
          alone ? "somebody else answered: is the number the one of --peer?"
                : fmt::format("the server's SDP has no address or no {}", d.plan.legs[0].codec->name);
      if (ringing_ == id) ringing_.clear();
      d.state = State::leaving;
      d.since = loop::monotonic_now();
      bye(id, d);
    } else {
      event.legs.push_back(leg_of(*media));
      if (queued) {
        event.what = DriverEvent::What::waiting;
        d.own = *media;
        d.waits_since = loop::monotonic_now();
        agents_.waits(d.call, d.waits_since);
      }
      if (d.peer) event.legs.push_back(leg_of(*d.peer));
    }
    events_.push_back(std::move(event));
  }

  using Place = std::unordered_map<std::string, Dialog>::iterator;

  void on_bye_answered(Place at, const SipMessage& message) {
    Dialog& d = at->second;
    if (challenged(d, message, "BYE", d.target)) return bye(at->first, d);
    end(at, "");
  }

  void answer(const SipMessage& message, const char* status) {
    std::string vias;
    for (const std::string& via : message.vias) vias += "Via: " + via + "\r\n";
    transmit(fmt::format(
        "SIP/2.0 {}\r\n{}From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n", status,
        vias, message.from, message.to, message.call_id, message.cseq));
  }

  void end(Place at, const std::string& reason) {
    DriverEvent event;
    event.what = at->second.state == State::inviting ? DriverEvent::What::failed : DriverEvent::What::ended;
    event.call = at->second.call;
    event.reason = reason;
    forget(at);
    events_.push_back(std::move(event));
  }

  void fail(Place at, const std::string& reason) {
    DriverEvent event;
    event.what = DriverEvent::What::failed;
    event.call = at->second.call;
    event.reason = reason;
    forget(at);
    events_.push_back(std::move(event));
  }

  void forget(Place at) {
    agents_.forget(at->second.call);
    const auto id = ids_.find(at->second.call);
    if (id != ids_.end() && id->second == at->first) ids_.erase(id);
    if (ringing_ == at->first) ringing_.clear();
    dialogs_.erase(at);
  }

  void repeat(TimePoint now) {
    if (now < next_look_) return;
    next_look_ = now + milliseconds(50);
    call_next();
    for (auto at = dialogs_.begin(); at != dialogs_.end();) {
      const auto one = at++;
      Dialog& d = one->second;
      if (d.state == State::up) continue;
      if (now - d.since > (d.state == State::leaving ? kByePatience : kPatience)) {
        end(one, "no answer from the SIP server");
      } else if (!d.responded && now >= d.repeat_at) {
        d.repeat *= 2;
        d.repeat_at = now + d.repeat;
        transmit(d.last_sent);
      }
    }
  }

  const Address server_;
  const std::uint32_t token_ = std::random_device()();  // of this run alone
  const SipAccount account_;
  std::unique_ptr<SipCallee> callee_;  // null: calls go to numbers only
  SipAgents agents_;
  std::vector<pollfd> watched_;
  std::deque<CallPlan> waiting_;
  std::string ringing_;  // the Call-ID whose other phone has not rung yet
  int fd_ = -1;
  std::string local_;
  std::string bytes_ = std::string(kMessageMax, '\0');
  std::unordered_map<std::string, Dialog> dialogs_;  // by Call-ID
  std::unordered_map<std::uint32_t, std::string> ids_;
  std::vector<DriverEvent> events_;
  std::uint64_t calls_placed_ = 0;
  TimePoint next_look_{};
};

}  // namespace

std::unique_ptr<Driver> make_sip_driver(const Address& server, const SipAccount& account,
                                        const SipAccount& peer, const std::vector<SipAccount>& agents) {
  return std::make_unique<SipDriver>(server, account, peer, agents);
}

}  // namespace tandem::load
