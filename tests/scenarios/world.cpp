#include "tests/scenarios/world.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/api/call_commands.hpp"
#include "core/api/events.hpp"
#include "core/audio/sound_file.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"
#include "core/plugin/builtin.hpp"

namespace tandem::testing {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kPrompts = "/usr/share/asterisk/sounds/en_US_f_Allison";

}  // namespace

bool World::has_prompts() { return fs::exists(std::string(kPrompts) + "/demo-congrats.wav"); }

World::World() : company_(timers_), api_(timers_), plugins_({timers_, api_, nullptr, nullptr, {}}) {
  for (const char* part : {"recordings", "speech"}) fs::create_directories(folder_.path() / part);
  const std::string recordings = (folder_.path() / "recordings").string();
  load("store", {{"path", (folder_.path() / "tandem.db").string()},
                 {"accounts_file", (folder_.path() / "accounts.json").string()},
                 {"media_root", recordings},
                 {"default_tenant", "demo"},
                 {"pin_iterations", 1000}});
  const fs::path source = TANDEM_SOURCE_DIR;
  load("lua", {{"paths", {(source / "plugins").string(), (source / "scripts" / "examples").string()}}});
  load("dtmf", json::object());
  session::EngineConfig config;
  config.port_min = 20000;
  config.port_max = 29999;
  config.host_v4 = "198.51.100.1";
  config.host_v6 = "2001:db8:ffff::1";
  const auto stages = plugins_.given<td_stage_type>(TD_STAGE_ID);
  engine_ = std::make_unique<session::MediaEngine>(
      config, timers_,
      [this](std::function<void()> work, std::function<void()> done) {
        work();
        timers_.after(Nanos{0}, std::move(done));
        return true;
      },
      [] {}, network_, [this] { return std::make_unique<loop::MemoryIo>(network_); },
      stages.empty() ? nullptr : stages.front());
  directory_ = std::make_unique<app::StoreDirectory>(
      api_, timers_, [this](const std::vector<call::User>& users) { calls_->set_users(users); });
  cdrs_ = std::make_unique<app::StoreCdrs>(api_);
  apps_ = std::make_unique<app::ScriptApps>(api_, [this](const std::string& leg, std::uint64_t run) {
    if (calls_) calls_->app_ended(leg, run);
  });
  sounds_ = std::make_unique<call::SoundFolders>(
      call::SoundFolders::Roots{{kPrompts}, {recordings, (folder_.path() / "speech").string()}, recordings});
  for (const call::Route& route : {call::Route{"_100X", "extension", "", ""},
                                   {"5000", "ivr", "", ""},
                                   {"*97", "voicemail", "", ""},
                                   {"*43", "echo", "", ""}})
    EXPECT_TRUE(routes_.add(route).ok());
  call::CallsConfig calls;
  calls.media.codecs = {codec::pcmu(), codec::pcma()};
  for (const td_codec* codec : calls.media.codecs) EXPECT_TRUE(codecs_.add(codec).ok());
  for (const td_codec* codec : codec::l16_all()) EXPECT_TRUE(codecs_.add(codec).ok());
  calls.media.registry = &codecs_;
  calls.default_tenant = "demo";
  calls_ = std::make_unique<call::Calls>(call::Surroundings{timers_, company_, *engine_, api_.events(),
                                                            *cdrs_, *apps_, *sounds_, *directory_, routes_},
                                         calls);
  waiting_ = std::make_unique<app::MessageWaiting>(
      api_, *directory_,
      [this](const std::string& user, int fresh, int old) { calls_->set_waiting(user, fresh, old); });
  api::bind_call_commands(api_.table(), *calls_, timers_);
  auto subscribed = api_.subscribe({"", api::Role::internal}, "{}",
                                   [this](std::string_view text) { events_.push_back(json::parse(text)); });
  EXPECT_TRUE(subscribed.ok());
  subscription_ = *subscribed;
  const json seeded = ask("store.seed_demo");
  EXPECT_FALSE(seeded.contains("error")) << seeded.dump();
  directory_->load();
  company_.goes_up();
  advance(100ms);
}

World::~World() {
  api_.unsubscribe(subscription_);
  calls_->hang_up_all(16);
  advance(500ms);
  waiting_.reset();
  calls_.reset();
  apps_.reset();
  directory_.reset();
  media_phones_.clear();
  engine_.reset();
  plugins_.unload();
}

void World::load(const char* name, const json& options) {
  for (const plugin::Builtin& one : plugin::builtin_plugins()) {
    if (std::string_view(one.name) != name) continue;
    const auto loaded = plugins_.load(one.name, one.entry, options.dump());
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    return;
  }
  ADD_FAILURE() << "the plugin " << name << " is not linked in";
}

World::Caller World::phone(const std::string& user) {
  if (const auto known = callers_.find(user); known != callers_.end()) return known->second;
  Caller made;
  made.sip = &company_.phone(user);
  made.sip->registers();
  made.sip->speaks({0, 101});
  const PhoneSdp& sdp = made.sip->sdp();
  media_phones_.push_back(
      std::make_unique<MediaPhone>(network_, *Address::parse(sdp.host, sdp.port), codec::pcmu()));
  made.media = media_phones_.back().get();
  callers_[user] = made;
  advance(20ms);
  return made;
}

// A phone sends where the last SDP that it got says, while a call of its stands.
void World::follow_sdp() {
  for (auto& [user, caller] : callers_) {
    const Dialog* live = nullptr;
    for (const auto& dialog : company_.dialogs())
      if (dialog->phone == caller.sip && !dialog->over() && dialog->theirs) live = dialog.get();
    if (live == nullptr || live->own.direction == "inactive" || live->own.direction == "recvonly") {
      caller.media->stop();
      continue;
    }
    if (const auto to = Address::parse(live->theirs->host, live->theirs->port)) caller.media->set_remote(*to);
    if (live->up()) caller.media->start();
  }
}

void World::advance(milliseconds by) {
  for (milliseconds t{0}; t < by; t += media::kTick) {
    timers_.advance(media::kTick);
    follow_sdp();
    for (const auto& phone : media_phones_) phone->step(timers_.now());
    engine_->tick(timers_.now());
    for (const auto& phone : media_phones_) phone->step(timers_.now());
  }
}

bool World::until(const std::function<bool()>& done, milliseconds limit) {
  for (milliseconds t{0}; t < limit && !done(); t += 20ms) advance(20ms);
  return done();
}

json World::ask(const std::string& method, const json& params) {
  auto answer = std::make_shared<json>();
  api_.invoke({"", api::Role::internal}, method, params.dump(), [answer](Result<std::string> result) {
    *answer = result ? json::parse(*result) : json{{"error", json::parse(api::error_json(result.error()))}};
  });
  if (engine_ != nullptr && calls_ != nullptr) until([&] { return !answer->is_null(); }, 5s);
  EXPECT_FALSE(answer->is_null()) << method << " was never answered";
  return *answer;
}

std::vector<json> World::events(const std::string& name) const {
  std::vector<json> found;
  for (const json& event : events_)
    if (event.value("event", "") == name) found.push_back(event);
  return found;
}

std::string World::story() const {
  std::string text = "what happened:\n";
  for (const json& event : events_) text += event.dump() + "\n";
  return text;
}

std::vector<std::int16_t> World::prompt(const std::string& name) {
  auto sound = audio::read_sound(std::string(kPrompts) + "/" + name + ".wav", 8000);
  EXPECT_TRUE(sound.ok()) << name;
  return sound ? sound->pcm : std::vector<std::int16_t>{};
}

std::string World::pin_of(const std::string& mailbox) const {
  std::ifstream file(folder_.path() / "accounts.json");
  const json kept = json::parse(file);
  for (const json& account : kept["accounts"])
    if (account["user"] == mailbox) return account["pin"];
  return "";
}

std::vector<std::int16_t> noise(unsigned ms, std::uint32_t seed) {
  std::vector<std::int16_t> out(8 * ms);
  std::uint32_t x = seed;
  for (std::int16_t& sample : out) {
    x = x * 1664525u + 1013904223u;
    sample = static_cast<std::int16_t>(static_cast<std::int32_t>(x >> 18) - 8192);
  }
  return out;
}

std::pair<double, std::size_t> find_in(const std::vector<std::int16_t>& hay,
                                       const std::vector<std::int16_t>& needle) {
  // 200 ms from the middle of the needle are enough to know it, and quick to look for.
  const std::size_t n = std::min<std::size_t>(needle.size(), 1600);
  const std::size_t from = (needle.size() - n) / 2;
  std::pair<double, std::size_t> best{0, 0};
  if (hay.size() < n || n == 0) return best;
  // Bare pointers, whole numbers: an hour of sound is looked through, also where every access is checked.
  const std::int16_t* const wanted = needle.data() + from;
  const std::int16_t* const heard = hay.data();
  std::int64_t own = 0, energy = 1;
  for (std::size_t k = 0; k < n; ++k) own += wanted[k] * wanted[k], energy += heard[k] * heard[k];
  for (std::size_t i = 0; i + n <= hay.size(); ++i) {
    if (energy > 1) {
      std::int64_t dot = 0;
      for (const std::int16_t *h = heard + i, *w = wanted; w != wanted + n; ++h, ++w) dot += *h * *w;
      const double c = double(dot) / std::sqrt(double(energy) * double(own));
      if (c > best.first) best = {c, i};
    }
    if (i + n < hay.size()) energy += heard[i + n] * heard[i + n] - heard[i] * heard[i];
  }
  return best;
}

}  // namespace tandem::testing
