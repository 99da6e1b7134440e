// Town: Calls with everything around it simulated: phones, media, directory, apps. What a test of whole calls
// begins with. An app is a lambda that gets the leg and the verbs. Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/call/calls.hpp"
#include "core/codec/g711.hpp"
#include "tests/support/fake_media.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/phone_company.hpp"

namespace tandem::testing {

using namespace std::chrono_literals;
using namespace tandem::call;

struct EventLog final : EventSink {
  void on_event(const Event& event) override { events.push_back(event); }
  std::size_t count(const std::string& name, const std::string& leg = {}) const {
    std::size_t n = 0;
    for (const Event& event : events) n += event.name == name && (leg.empty() || event.leg == leg) ? 1 : 0;
    return n;
  }
  // The last one of that name; an empty Event when there was none.
  Event last(const std::string& name, const std::string& leg = {}) const {
    for (auto it = events.rbegin(); it != events.rend(); ++it) {
      if (it->name == name && (leg.empty() || it->leg == leg)) return *it;
    }
    return {};
  }
  std::vector<std::string> names(const std::string& leg) const {
    std::vector<std::string> all;
    for (const Event& event : events) {
      if (event.leg == leg) all.push_back(event.name);
    }
    return all;
  }
  std::vector<Event> events;
};

struct CdrLog final : CdrSink {
  void on_cdr(const Cdr& cdr) override { cdrs.push_back(cdr); }
  Cdr of(const std::string& leg) const {
    for (const Cdr& cdr : cdrs) {
      if (cdr.uniqueid == leg) return cdr;
    }
    return {};
  }
  std::vector<Cdr> cdrs;
};

struct LambdaApps final : Apps {
  using App = std::function<void(const AppStart&)>;
  void start(const AppStart& start, std::function<void(Result<void>)> started) override {
    starts.push_back(start);
    const auto it = apps.find(start.app);
    if (it == apps.end()) return started(Error{ErrorCode::not_found, "no app \"" + start.app + "\""});
    started({});
    it->second(start);
  }
  std::map<std::string, App> apps;
  std::deque<AppStart> starts;
};

struct ListedSounds final : Sounds {
  Result<std::string> resolve(std::string_view, std::string_view name) override {
    if (name.find("..") != std::string_view::npos) return Error{ErrorCode::denied, "a name with \"..\""};
    if (name.starts_with("missing")) return Error{ErrorCode::not_found, "no sound of that name"};
    return "/prompts/" + std::string(name) + ".wav";
  }
  Result<std::string> recording_path(std::string_view tenant, std::string_view name) override {
    if (name.find("..") != std::string_view::npos) return Error{ErrorCode::denied, "a name with \"..\""};
    return "/recordings/" + std::string(tenant) + "/" + std::string(name) + ".wav";
  }
};

struct ListedDirectory final : Directory {
  void find_device(const std::string& user, std::function<void(std::optional<Device>)> found) override {
    const auto it = devices.find(user);
    auto device = it == devices.end() ? std::nullopt : std::optional<Device>(it->second);
    if (timers == nullptr) return found(device);
    timers->after(delay, [found = std::move(found), device] { found(device); });
  }
  void find_extension(const std::string& tenant, const std::string& number,
                      std::function<void(std::optional<Extension>)> found) override {
    const auto it = extensions.find(tenant + "/" + number);
    auto extension = it == extensions.end() ? std::nullopt : std::optional<Extension>(it->second);
    if (timers == nullptr) return found(extension);
    timers->after(delay, [found = std::move(found), extension] { found(extension); });
  }
  Timers* timers = nullptr;  // null: answers at once
  milliseconds delay{1};
  std::map<std::string, Device> devices;
  std::map<std::string, Extension> extensions;
};

class Town : public ::testing::Test {
 protected:
  explicit Town(milliseconds wire = 5ms) : company(timers, wire), media(timers) {
    config.media.codecs = {codec::pcmu(), codec::pcma()};
    directory.timers = wire == 0ms ? nullptr : &timers;
    for (const char* number : {"1001", "1002", "1003"}) add_extension("demo", number);
    add_route("_10XX", "phone");
    apps.apps["phone"] = [this](const AppStart& start) {
      DialSpec spec;
      spec.targets.push_back({start.dialed, 0ms, {}});
      spec.timeout = 20s;
      (void)calls->dial("", start.leg, spec);
    };
  }
  void TearDown() override { EXPECT_EQ(company.violations(), std::vector<std::string>{}); }

  // Builds Calls with `config` as it is now; the link comes up.
  void open() {
    calls = std::make_unique<Calls>(
        Surroundings{timers, company, media, events, cdrs, apps, sounds, directory, routes}, config);
    company.goes_up();
    timers.advance(10ms);
  }
  void add_extension(const std::string& tenant, const std::string& number) {
    directory.devices[number] = Device{number, tenant, number, "Person " + number};
    directory.extensions[tenant + "/" + number] =
        Extension{tenant, number, "Person " + number, {number}, false};
  }
  void add_route(const std::string& pattern, const std::string& app, const std::string& args = {}) {
    ASSERT_TRUE(routes.add({pattern, app, args, ""})) << pattern;
  }
  // Everybody hangs up; nothing may be left behind.
  void expect_nothing_left() {
    timers.advance(60s);
    EXPECT_EQ(calls->leg_count(), 0U);
    EXPECT_EQ(calls->call_count(), 0U);
    EXPECT_EQ(media.open_legs(), 0U);
    EXPECT_EQ(company.live_dialogs(), 0U);
    EXPECT_EQ(calls->recordings().size(), 0U);
  }
  Leg* leg(const std::string& id) {
    auto found = calls->find_leg("", id);
    return found ? *found : nullptr;
  }
  FakeMedia::Leg& media_of(const std::string& id) { return media.legs.at(leg(id)->media.id()); }
  bool joined(const std::string& a, const std::string& b) {
    return media_of(a).peer == leg(b)->media.id() && media_of(b).peer == leg(a)->media.id();
  }

  FakeTimers timers;
  PhoneCompany company;
  FakeMedia media;
  EventLog events;
  CdrLog cdrs;
  LambdaApps apps;
  ListedSounds sounds;
  ListedDirectory directory;
  Routes routes;
  CallsConfig config;
  std::unique_ptr<Calls> calls;
};

}  // namespace tandem::testing
