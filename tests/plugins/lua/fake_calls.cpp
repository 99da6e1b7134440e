// The scripted call layer. See the header.
#include "tests/plugins/lua/fake_calls.hpp"

namespace tandem::testing {

namespace fs = std::filesystem;

FakeCalls* FakeCalls::current_ = nullptr;

FakeCalls::FakeCalls(json options) {
  if (current_ != nullptr) current_->host->deactivate();
  current_ = this;
  json config = {{"paths", {folder.string(), std::string(TANDEM_SOURCE_DIR) + "/plugins"}}};
  config.update(options);
  host = std::make_unique<FakeHost>(config.dump());
  face_ = std::make_unique<sdk::Host>(host->host());
  for (const char* plain :
       {"leg.answer", "leg.ring", "leg.reject", "leg.hangup", "leg.hold", "leg.unhold", "leg.transfer",
        "leg.refer", "leg.run", "leg.bridge", "leg.cancel_dial", "leg.unbridge"}) {
    take(plain, [](const FakeHost::Call& call, const json&) { call.ok("{}"); });
  }
  provide_media();
  provide_dial();
  const int code = host->activate(tandem_plugin_lua());
  EXPECT_GE(code, 0) << host->error();
}

FakeCalls::~FakeCalls() {
  if (current_ == this) current_ = nullptr;
  timers_.clear();
  host.reset();
}

void FakeCalls::after(std::chrono::milliseconds delay, std::function<void()> what) {
  timers_.push_back(std::make_unique<sdk::Timer>(*face_));
  timers_.back()->start(static_cast<std::uint64_t>(delay.count()) * 1'000'000, std::move(what));
}

void FakeCalls::take(const std::string& method,
                     std::function<void(const FakeHost::Call&, const json&)> body) {
  host->add_command(method, [this, method, body](const FakeHost::Call& call) {
    const json params = json::parse(call.params);
    commands.push_back({method, params, call.tenant});
    body(call, params);
  });
}

void FakeCalls::end_play(const std::string& reason, int played_ms) {
  if (playing_.empty()) return;
  const std::string playback = std::exchange(playing_, "");
  event({{"event", "play.finished"},
         {"leg", playing_leg_},
         {"playback", playback},
         {"reason", reason},
         {"played_ms", played_ms}});
}

void FakeCalls::provide_media() {
  take("leg.play", [this](const FakeHost::Call& call, const json& params) {
    int count = 0;
    for (const auto& file : params.value("files", json::array())) {
      ++count;
      if (missing.count(file.get<std::string>()) != 0) {
        return call.reply(
            TD_NOT_FOUND,
            json{{"code", "not_found"}, {"message", "no prompt " + file.get<std::string>()}}.dump());
      }
    }
    end_play("replaced", 0);
    const std::string playback = "play-" + std::to_string(++last_);
    playing_ = playback;
    playing_leg_ = params["leg"];
    int length = params.contains("tone") ? 1'000'000 : count * prompt_ms * (params.contains("loop") ? 2 : 1);
    length = std::min(length, params.value("limit_ms", length));
    call.ok(json{{"playback", playback}}.dump());
    after(std::chrono::milliseconds(length), [this, playback, length] {
      if (playing_ == playback) end_play("done", length);
    });
  });
  take("leg.stop_play", [this](const FakeHost::Call& call, const json&) {
    call.ok("{}");
    end_play("stopped", 500);
  });
  take("tts.render", [](const FakeHost::Call& call, const json& params) {
    call.ok(json{{"path", "/speech/" + params["text"].get<std::string>() + ".wav"}}.dump());
  });
  take("leg.send_digits", [this](const FakeHost::Call& call, const json& params) {
    call.ok("{}");
    after(500ms, [this, leg = params["leg"]] { event({{"event", "digits.sent"}, {"leg", leg}}); });
  });
  take("recording.start", [this](const FakeHost::Call& call, const json& params) {
    recording_ = "rec-" + std::to_string(++last_);
    recording_path_ = "/rec/" + params.value("name", recording_) + ".wav";
    call.ok(json{{"recording", recording_}, {"path", recording_path_}}.dump());
    after(std::chrono::milliseconds(params.value("limit_ms", 1'000'000)),
          [this, id = recording_, ms = params.value("limit_ms", 0)] {
            if (recording_ == id) finish_recording("limit", ms);
          });
  });
  take("recording.stop", [this](const FakeHost::Call& call, const json&) {
    call.ok("{}");
    finish_recording("stopped", 4000);
  });
  for (const char* plain : {"recording.pause", "recording.resume"}) {
    take(plain, [](const FakeHost::Call& call, const json&) { call.ok("{}"); });
  }
}

void FakeCalls::finish_recording(const std::string& reason, int duration_ms) {
  if (recording_.empty()) return;
  event({{"event", "recording.finished"},
         {"leg", "leg-1"},
         {"recording", std::exchange(recording_, "")},
         {"path", recording_path_},
         {"duration_ms", duration_ms},
         {"reason", reason}});
}

void FakeCalls::provide_dial() {
  take("leg.dial", [this](const FakeHost::Call& call, const json& params) {
    const std::string id = "dial-" + std::to_string(++last_);
    call.ok(json{{"dial", id}}.dump());
    const Dialed how = dial;
    after(how.after, [this, id, how, leg = params["leg"]] {
      json finished = {{"event", "dial.finished"}, {"leg", leg},       {"dial", id},
                       {"status", how.status},     {"q850", how.q850}, {"code", 200}};
      if (how.status == "answered") finished["peer"] = "leg-peer";
      event(finished);
      if (how.status != "answered") return;
      event({{"event", "leg.bridged"}, {"leg", leg}, {"peer", "leg-peer"}});
      after(how.talk, [this, leg] {
        event({{"event", "leg.unbridged"}, {"leg", leg}, {"peer", "leg-peer"}, {"reason", "peer_hangup"}});
      });
    });
  });
}

void FakeCalls::write(const std::string& app, const std::string& text) {
  const fs::path path = folder / (app.find('.') == std::string::npos ? app + "/" + app + ".lua" : app);
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

FakeHost::Outcome FakeCalls::start(const std::string& app, json more) {
  json params = {{"leg", "leg-1"},           {"call", "call-1"},
                 {"tenant", "demo"},         {"app", app},
                 {"args", json::object()},   {"from", {{"user", "1001"}, {"name", "Anna"}}},
                 {"to", {{"user", "5000"}}}, {"dialed", "5000"},
                 {"auth_user", "1001"},      {"direction", "in"}};
  params.update(more);
  const auto outcome = host->call("script.start", params.dump());
  host->advance(0ns);
  return outcome;
}

void FakeCalls::press(const std::string& keys) {
  for (const char key : keys) {
    event({{"event", "leg.digit"},
           {"leg", "leg-1"},
           {"digit", std::string(1, key)},
           {"duration_ms", 100},
           {"source", "rfc4733"}});
    host->advance(200ms);
  }
}

void FakeCalls::hang_up(const std::string& leg) {
  event({{"event", "leg.ended"},
         {"leg", leg},
         {"cause", "NORMAL_CLEARING"},
         {"q850", 16},
         {"by", "remote"},
         {"code", 0}});
  host->advance(0ns);
}

std::vector<json> FakeCalls::done(const std::string& method) const {
  std::vector<json> all;
  for (const Command& command : commands) {
    if (command.method == method) all.push_back(command.params);
  }
  return all;
}

std::vector<std::string> FakeCalls::played() const {
  std::vector<std::string> files;
  for (const json& params : done("leg.play")) {
    for (const auto& file : params.value("files", json::array())) files.push_back(file);
  }
  return files;
}

json FakeCalls::ended(const std::string& leg) const {
  for (const std::string& text : host->published()) {
    json object = json::parse(text, nullptr, false);
    if (object.is_object() && object["event"] == "script.ended" && object["leg"] == leg) return object;
  }
  return nullptr;
}

std::string FakeCalls::reason(const std::string& leg) const {
  const json object = ended(leg);
  return object.is_null() ? "(runs)" : object["reason"].get<std::string>();
}

std::string FakeCalls::all_logs() const {
  std::string all;
  for (const auto& line : host->log()) all += line.text + "\n";
  return all;
}

}  // namespace tandem::testing
