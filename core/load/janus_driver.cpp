// JanusDriver: one session with one long poll; a handle a member.
//
//   place ─► attach (first member) ─► create room ─► join … attach, join (the others) ─► "joined" events: up
//   hang_up ─► detach the others ─► destroy room ─► detach (first member): ended
//
// Source: Janus 1.1's documentation of its REST interface and of the AudioBridge plugin.
#include "core/load/janus_driver.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <nlohmann/json.hpp>
#include <random>
#include <unordered_map>

#include "core/base/text.hpp"
#include "core/load/http_pipe.hpp"
#include "core/load/process_probe.hpp"
#include "core/loop/tick_timer.hpp"

namespace tandem::load {
namespace {

using Json = nlohmann::json;

constexpr Nanos kAnswerPatience = seconds(5), kPollPatience = seconds(60), kJoinPatience = seconds(10);
constexpr std::size_t kPipes = 4;
constexpr unsigned kEventsMax = 50;  // of one long poll

// How a room mixes: at the codec's own rate.
unsigned room_rate(const td_codec& codec) { return codec.sample_rate; }

class JanusDriver final : public Driver {
 public:
  explicit JanusDriver(const Address& server) : server_(server), events_pipe_(server, kPollPatience) {
    for (auto& pipe : pipes_) pipe = std::make_unique<HttpPipe>(server, kAnswerPatience);
  }

  ~JanusDriver() override {
    if (session_ == 0) return;
    ask(Step::bye, 0, 0, fmt::format("/janus/{}", session_), {{"janus", "destroy"}});
    std::vector<DriverEvent> none;
    for (int i = 0; i < 50 && !asked_.empty(); ++i) poll(milliseconds(10), none);
  }

  Result<void> start() override {
    ask(Step::info, 0, 0, "/janus/info", {});
    ask(Step::session, 0, 0, "/janus", {{"janus", "create"}});
    std::vector<DriverEvent> none;
    while (session_ == 0 && !asked_.empty()) poll(milliseconds(20), none);
    if (session_ == 0)
      return Error{
          ErrorCode::unavailable,
          fmt::format("no Janus answers at {}: {}; is its HTTP transport there?", server_.text(), why_)};
    pids_ = owners_of_port(Transport::tcp, server_.port());
    return {};
  }

  void place(const CallPlan& plan) override {
    Call& call = calls_[plan.call];
    call = {};
    call.plan = plan;
    call.begun = loop::monotonic_now();
    call.room = room_base_ + ++rooms_made_;
    call.handles.resize(plan.legs.size());
    call.up.legs.resize(plan.legs.size());
    call.up.call = plan.call;
    attach(plan.call, 0);
  }

  void hang_up(std::uint32_t number) override {
    const auto at = calls_.find(number);
    if (at == calls_.end()) return tell(number, DriverEvent::What::ended, "");
    leave(at->second);
  }

  void poll(Nanos wait, std::vector<DriverEvent>& out) override {
    wait_for_any(wait);
    const TimePoint now = loop::monotonic_now();
    std::vector<HttpPipe::Answer> answers;
    for (auto& pipe : pipes_) pipe->poll(now, answers);
    for (const HttpPipe::Answer& answer : answers) on_answer(answer);
    if (session_ != 0) {
      if (!events_pipe_.busy())
        events_pipe_.ask(0, fmt::format("/janus/{}?maxev={}", session_, kEventsMax), "");
      answers.clear();
      events_pipe_.poll(now, answers);
      for (const HttpPipe::Answer& answer : answers) on_events(answer);
    }
    if (now >= next_look_) {
      next_look_ = now + milliseconds(100);
      std::vector<std::uint32_t> late;
      for (const auto& [number, call] : calls_)
        if (call.state == State::joining && now - call.begun > kJoinPatience) late.push_back(number);
      for (const std::uint32_t number : late) fail(number, "not all members joined within 10 s");
    }
    out.insert(out.end(), std::make_move_iterator(told_.begin()), std::make_move_iterator(told_.end()));
    told_.clear();
  }

  std::vector<int> pids() const override { return pids_; }
  std::string describe() const override { return fmt::format("Janus {}at {}", version_, server_.text()); }

  std::string refuses(const Part& part) const override {
    if (part.kind != Kind::room && part.kind != Kind::bridge)
      return "the Janus driver makes rooms (kind = \"room\"), and of a call of two phones (\"bridge\") one "
             "too";
    if (part.srtp != Secured::none || part.record)
      return "the Janus driver makes rooms without SRTP and recording";
    if (part.digit_every_ms > 0 && !part.digits_inband)
      return "Janus's rooms carry no telephone-events: digit_every_ms must be 0, or digits = \"inband\"";
    if (part.kind == Kind::bridge && !part.audio_marks && !part.speech)
      return "a room decodes: marks must be in the sound (audio_marks = true)";
    for (const std::string& codec : {part.codec, part.peer_codec})
      if (!codec.empty() && !same_name(codec, "PCMU") && !same_name(codec, "PCMA") &&
          !same_name(codec, "opus"))
        return fmt::format("the Janus driver's members speak PCMU, PCMA and Opus, not {}", codec);
    return "";
  }

 private:
  enum class Step : std::uint8_t { info, session, attach, create, join, detach, destroy, bye };
  enum class State : std::uint8_t { joining, up, leaving };
  struct Asked {
    Step step = Step::info;
    std::uint32_t call = 0;
    std::size_t leg = 0;
  };
  struct Call {
    CallPlan plan;
    State state = State::joining;
    TimePoint begun;
    std::uint64_t room = 0;
    std::vector<std::uint64_t> handles;  // 0: none yet
    std::size_t joined = 0, detached = 0, to_detach = 0;
    bool created = false;
    DriverEvent up;
  };

  void wait_for_any(Nanos wait) const {
    std::array<pollfd, kPipes + 1> all{};
    std::size_t n = 0;
    for (const auto& pipe : pipes_)
      if (pipe->fd() >= 0) all[n++] = {pipe->fd(), POLLIN, 0};
    if (events_pipe_.fd() >= 0) all[n++] = {events_pipe_.fd(), POLLIN, 0};
    if (told_.empty()) ::poll(all.data(), n, static_cast<int>(wait / milliseconds(1)));
  }

  // All of one call by the same connection: in order.
  void ask(Step step, std::uint32_t call, std::size_t leg, const std::string& path, Json body) {
    const std::uint64_t tag = ++tags_;
    asked_[tag] = {step, call, leg};
    if (!body.is_null()) body["transaction"] = fmt::format("{:x}", tag);
    pipes_[call % kPipes]->ask(tag, path, body.is_null() ? std::string() : body.dump());
  }

  void attach(std::uint32_t call, std::size_t leg) {
    ask(Step::attach, call, leg, fmt::format("/janus/{}", session_),
        {{"janus", "attach"}, {"plugin", "janus.plugin.audiobridge"}});
  }

  void message(Step step, const Call& call, std::size_t leg, Json body) {
    ask(step, call.plan.call, leg, fmt::format("/janus/{}/{}", session_, call.handles[leg]),
        {{"janus", "message"}, {"body", std::move(body)}});
  }

  void join(const Call& call, std::size_t leg) {
    const PlannedLeg& plan = call.plan.legs[leg];
    std::string codec = plan.codec->name;
    for (char& c : codec) c = lower(c);
    message(
        Step::join, call, leg,
        {{"request", "join"},
         {"room", call.room},
         {"codec", codec},
         {"rtp",
          {{"ip", plan.local.host()}, {"port", plan.local.port()}, {"payload_type", plan.payload_type}}}});
  }

  void tell(std::uint32_t call, DriverEvent::What what, const std::string& reason) {
    DriverEvent event;
    event.what = what;
    event.call = call;
    event.reason = reason;
    told_.push_back(std::move(event));
  }

  // A call that is up ended, one that is not yet failed; what there is of it is cleared away.
  void fail(std::uint32_t number, const std::string& why) {
    const auto at = calls_.find(number);
    if (at == calls_.end() || at->second.state == State::leaving) return;
    const bool was_up = at->second.state == State::up;
    tell(number, was_up ? DriverEvent::What::ended : DriverEvent::What::failed, why);
    if (was_up) return;
    for (const std::uint64_t handle : at->second.handles)
      if (handle != 0) detach(number, 0, handle);
    calls_.erase(at);
  }

  void detach(std::uint32_t call, std::size_t leg, std::uint64_t handle) {
    ask(Step::detach, call, leg, fmt::format("/janus/{}/{}", session_, handle), {{"janus", "detach"}});
  }

  void leave(Call& call) {
    if (call.state == State::leaving) return;
    call.state = State::leaving;
    call.to_detach = call.handles.size();
    for (std::size_t leg = 1; leg < call.handles.size(); ++leg)
      detach(call.plan.call, leg, call.handles[leg]);
    message(Step::destroy, call, 0, {{"request", "destroy"}, {"room", call.room}});
    detach(call.plan.call, 0, call.handles[0]);
  }

  void on_answer(const HttpPipe::Answer& answer) {
    const auto found = asked_.find(answer.tag);
    if (found == asked_.end()) return;
    const Asked asked = found->second;
    asked_.erase(found);
    const Json json = Json::parse(answer.body, nullptr, false);
    std::string why = answer.status == 0 ? answer.body : refusal(json);
    if (answer.status != 0 && answer.status != 200) why = fmt::format("HTTP {}", answer.status);
    switch (asked.step) {
      case Step::info:
        if (why.empty()) version_ = text_of(json, "version_string") + " ";
        return;
      case Step::session:
        session_ = why.empty() ? id_of(json) : 0;
        why_ = why;
        return;
      case Step::bye: return;
      case Step::detach: return on_detached(asked);
      case Step::destroy: return;
      default: break;
    }
    const auto at = calls_.find(asked.call);
    if (at == calls_.end() || at->second.state != State::joining) return;
    if (!why.empty()) return fail(asked.call, "Janus refused: " + why);
    Call& call = at->second;
    if (asked.step == Step::attach) {
      call.handles[asked.leg] = id_of(json);
      if (asked.leg > 0) return join(call, asked.leg);
      return message(Step::create, call, 0,
                     {{"request", "create"},
                      {"room", call.room},
                      {"permanent", false},
                      {"description", "tandem bench"},
                      {"is_private", true},
                      {"sampling_rate", room_rate(*call.plan.legs[0].codec)},
                      {"audiolevel_ext", false},
                      {"allow_rtp_participants", true}});
    }
    if (asked.step == Step::create) {
      join(call, 0);
      for (std::size_t leg = 1; leg < call.handles.size(); ++leg) attach(asked.call, leg);
    }
  }

  void on_detached(const Asked& asked) {
    const auto at = calls_.find(asked.call);
    if (at == calls_.end() || at->second.state != State::leaving) return;
    if (++at->second.detached < at->second.to_detach) return;
    calls_.erase(at);
    tell(asked.call, DriverEvent::What::ended, "");
  }

  void on_events(const HttpPipe::Answer& answer) {
    if (answer.status != 200) {  // gone, or the session is
      if (++polls_failed_ < 3) return;
      polls_failed_ = 0;
      std::vector<std::uint32_t> all;
      for (const auto& [number, call] : calls_) all.push_back(number);
      for (const std::uint32_t number : all)
        fail(number,
             answer.status == 0 ? "Janus: " + answer.body : fmt::format("Janus: HTTP {}", answer.status));
      return;
    }
    polls_failed_ = 0;
    const Json json = Json::parse(answer.body, nullptr, false);
    if (json.is_array())
      for (const Json& one : json) on_event(one);
    else if (json.is_object())
      on_event(json);
  }

  void on_event(const Json& event) {
    if (!event.is_object() || text_of(event, "janus") != "event" || !event.contains("sender")) return;
    const Json& sender = event["sender"];
    const Json* data = plugin_data(event);
    if (!sender.is_number_unsigned() || data == nullptr) return;
    for (auto& [number, call] : calls_) {
      if (call.state != State::joining) continue;
      for (std::size_t leg = 0; leg < call.handles.size(); ++leg)
        if (call.handles[leg] == sender.get<std::uint64_t>()) return on_member(call, leg, event, *data);
    }
  }

  void on_member(Call& call, std::size_t leg, const Json& event, const Json& data) {
    if (const std::string why = refusal(event); !why.empty())
      return fail(call.plan.call, "Janus refused: " + why);
    if (text_of(data, "audiobridge") != "joined" || !data.contains("rtp")) return;  // of another member
    const Json& rtp = data["rtp"];
    const auto port = rtp.is_object() && rtp.contains("port") && rtp["port"].is_number_unsigned()
                          ? rtp["port"].get<std::uint64_t>()
                          : 0;
    const auto address = port == 0 || port > 65535
                             ? std::nullopt
                             : Address::parse(text_of(rtp, "ip"), static_cast<std::uint16_t>(port));
    if (!address) return fail(call.plan.call, "Janus's answer names no address");
    if (call.up.legs[leg].remote.valid()) return;
    call.up.legs[leg].remote = *address;
    if (++call.joined < call.handles.size()) return;
    call.state = State::up;
    call.up.took = loop::monotonic_now() - call.begun;
    told_.push_back(call.up);
  }

  static std::string text_of(const Json& json, const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string() ? json[key].get<std::string>()
                                                                           : std::string();
  }
  static std::uint64_t id_of(const Json& json) {
    const bool there = json.is_object() && json.contains("data") && json["data"].is_object() &&
                       json["data"].contains("id") && json["data"]["id"].is_number_unsigned();
    return there ? json["data"]["id"].get<std::uint64_t>() : 0;
  }
  static const Json* plugin_data(const Json& json) {
    if (!json.contains("plugindata") || !json["plugindata"].is_object()) return nullptr;
    const Json& plugin = json["plugindata"];
    return plugin.contains("data") && plugin["data"].is_object() ? &plugin["data"] : nullptr;
  }
  // What Janus, or its plugin, has against it; "" when nothing.
  static std::string refusal(const Json& json) {
    if (!json.is_object()) return "no JSON";
    if (json.contains("error") && json["error"].is_object()) {
      const std::string reason = text_of(json["error"], "reason");
      return reason.empty() ? "an error without a reason" : reason;
    }
    const Json* data = plugin_data(json);
    return data != nullptr ? text_of(*data, "error") : std::string();
  }

  const Address server_;
  std::array<std::unique_ptr<HttpPipe>, kPipes> pipes_;
  HttpPipe events_pipe_;
  std::uint64_t session_ = 0, tags_ = 0, rooms_made_ = 0;
  // Rooms of this run alone: another may be there already.
  const std::uint64_t room_base_ = 1'000'000ULL + std::random_device()() % 1'000'000ULL * 100'000ULL;
  std::string version_, why_ = "no answer";
  std::vector<int> pids_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::unordered_map<std::uint32_t, Call> calls_;
  std::vector<DriverEvent> told_;
  unsigned polls_failed_ = 0;
  TimePoint next_look_{};
};

}  // namespace

std::unique_ptr<Driver> make_janus_driver(const Address& server) {
  return std::make_unique<JanusDriver>(server);
}

}  // namespace tandem::load
