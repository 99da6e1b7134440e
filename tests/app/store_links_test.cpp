// StoreDirectory, StoreCdrs, ScriptApps and MessageWaiting against commands that the test gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/app/message_waiting.hpp"
#include "core/app/script_apps.hpp"
#include "core/app/store_cdrs.hpp"
#include "core/app/store_directory.hpp"
#include "tests/support/fake_timers.hpp"

namespace tandem::app {
namespace {

using nlohmann::json;

class StoreLinksTest : public ::testing::Test {
 protected:
  // A command that answers with `answer` (or an error, when it begins with '!') and keeps what it was asked.
  void give(const std::string& method, std::string answer) {
    answers_[method] = std::move(answer);
    ASSERT_TRUE(api_.provide(
        method,
        R"({"summary":"x","params":{"type":"object","additionalProperties":true},"access":"internal"})",
        [this, method](const api::Caller&, std::string_view params, const api::Reply& reply) {
          asked_[method].push_back(json::parse(params));
          const std::string& told = answers_[method];
          if (told.starts_with("!")) return reply(Error{ErrorCode::unavailable, told.substr(1)});
          reply(told);
        }));
  }
  void turn() { timers_.advance(milliseconds(1)); }

  tandem::testing::FakeTimers timers_;
  api::Api api_{timers_};
  std::map<std::string, std::string> answers_;
  std::map<std::string, std::vector<json>> asked_;
};

constexpr const char* kDevices =
    R"({"devices":[{"user":"1001","tenant":"demo","extension":"1001","ha1":"aa","realm":"tandem"},
                   {"user":"1002","tenant":"demo","extension":"1002","ha1":"bb","realm":"tandem"}]})";

TEST_F(StoreLinksTest, TheDirectoryHoldsTheDevicesAndTellsTheRegistrar) {
  give("device.secrets", kDevices);
  std::vector<call::User> users;
  StoreDirectory directory(api_, timers_, [&](const auto& all) { users = all; });
  directory.load();
  turn();
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(users[0].ha1, "aa");
  std::optional<call::Device> found;
  directory.find_device("1002", [&](const auto& device) { found = device; });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tenant, "demo");
  directory.find_device("nobody", [&](const auto& device) { found = device; });
  EXPECT_FALSE(found);
}

TEST_F(StoreLinksTest, TheDirectoryReadsAnewWhenDevicesChange) {
  give("device.secrets", kDevices);
  int told = 0;
  StoreDirectory directory(api_, timers_, [&](const auto&) { ++told; });
  directory.load();
  turn();
  ASSERT_TRUE(api_.publish(R"({"event":"devices.changed","tenant":"demo"})"));
  turn();
  turn();
  EXPECT_EQ(told, 2);
}

TEST_F(StoreLinksTest, TheDirectoryTriesAgainUntilTheStoreAnswers) {
  give("device.secrets", "!not yet");
  int told = 0;
  StoreDirectory directory(api_, timers_, [&](const auto&) { ++told; });
  directory.load();
  timers_.advance(seconds(3));
  EXPECT_EQ(told, 0);
  answers_["device.secrets"] = kDevices;
  timers_.advance(seconds(2));
  EXPECT_EQ(told, 1);
}

TEST_F(StoreLinksTest, AnExtensionIsResolvedWithItsDevices) {
  give("extension.resolve",
       R"({"tenant":"demo","number":"1001","name":"Ann","devices":[{"user":"a"},{"user":"b"}]})");
  StoreDirectory directory(api_, timers_, [](const auto&) {});
  std::optional<call::Extension> found;
  directory.find_extension("demo", "1001", [&](const auto& extension) { found = extension; });
  turn();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->devices, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(asked_["extension.resolve"][0]["number"], "1001");
}

TEST_F(StoreLinksTest, ARecordHasTheFieldsNames) {
  call::Cdr record;
  record.tenant = "demo";
  record.uniqueid = "leg-1";
  record.linkedid = "call-1";
  record.caller_id_name = "Ann";
  record.caller_id_number = "1001";
  record.destination_number = "5000";
  record.start = WallTime{} + seconds(1'000'000'000);
  record.end = record.start + milliseconds(2500);
  record.duration_ms = 2500;
  record.disposition = "NO ANSWER";
  record.user_agent = "caf\xe9";
  const json told = json::parse(cdr_json(record));
  EXPECT_EQ(told["clid"], "\"Ann\" <1001>");
  EXPECT_EQ(told["src"], "1001");
  EXPECT_EQ(told["dst"], "5000");
  EXPECT_EQ(told["start"], "2001-09-09T01:46:40.000Z");
  EXPECT_EQ(told["end"], "2001-09-09T01:46:42.500Z");
  EXPECT_EQ(told["answer"], "");
  EXPECT_EQ(told["duration"], 2);
  EXPECT_EQ(told["disposition"], "NO ANSWER");
  EXPECT_FALSE(told.contains("mos")) << "unknown is left out";
}

TEST_F(StoreLinksTest, WhatAPhoneMadeTooLongIsCutAndFiguresStayInRange) {
  call::Cdr record;
  record.destination_number = std::string(255, '1') + "\xc3\xa9";  // its last character would be split
  record.jitter_ms = 1e9;
  record.loss_percent = 140;
  record.mos = 4.4;
  const json told = json::parse(cdr_json(record));
  EXPECT_EQ(told["dst"], std::string(255, '1'));
  EXPECT_EQ(told["jitter_ms"], 10000.0);
  EXPECT_EQ(told["loss"], 100.0);
  EXPECT_EQ(told["mos"], 4.4);
}

TEST_F(StoreLinksTest, CountsRecordsThatAreStoredAndRefused) {
  give("cdr.add", "{}");
  StoreCdrs cdrs(api_);
  cdrs.on_cdr({});
  answers_["cdr.add"] = "!disk full";
  cdrs.on_cdr({});
  turn();
  EXPECT_EQ(cdrs.written().get(), 1u);
  EXPECT_EQ(cdrs.refused().get(), 1u);
}

TEST_F(StoreLinksTest, AnAppStartsAsACommandAndEndsAsAnEvent) {
  give("script.start", "{}");
  std::vector<std::pair<std::string, std::uint64_t>> ended;
  ScriptApps apps(api_, [&](const std::string& leg, std::uint64_t run) { ended.emplace_back(leg, run); });
  call::AppStart start;
  start.run = 7;
  start.leg = "leg-1";
  start.app = "ivr";
  start.from = {"1001", "sip:1001@x", "Ann"};
  int started = 0;
  apps.start(start, [&](const Result<void>& r) { started += r ? 1 : 0; });
  turn();
  EXPECT_EQ(started, 1);
  EXPECT_EQ(asked_["script.start"][0]["run"], 7);
  EXPECT_EQ(asked_["script.start"][0]["from"]["name"], "Ann");
  ASSERT_TRUE(api_.publish(R"({"event":"script.ended","leg":"leg-1","run":7,"reason":"done"})"));
  turn();
  EXPECT_EQ(ended, (std::vector<std::pair<std::string, std::uint64_t>>{{"leg-1", 7}}));
}

TEST_F(StoreLinksTest, WithoutALuaHostAnAppIsRefused) {
  ScriptApps apps(api_, [](const std::string&, std::uint64_t) {});
  ErrorCode code = ErrorCode::internal;
  apps.start({}, [&](const Result<void>& r) { code = r.error().code; });
  turn();
  EXPECT_EQ(code, ErrorCode::not_found);
}

TEST_F(StoreLinksTest, LampsOfAllPhonesOfAMailboxFollowIt) {
  give("device.secrets", kDevices);
  give("extension.list", R"({"extensions":[{"tenant":"demo","number":"1001","mailbox":"1001"},
                                           {"tenant":"demo","number":"1002","mailbox":"1001"}]})");
  StoreDirectory directory(api_, timers_, [](const auto&) {});
  directory.load();
  turn();
  std::map<std::string, std::pair<int, int>> shown;
  MessageWaiting waiting(api_, directory, [&](const std::string& user, int fresh, int old) {
    shown[user] = {fresh, old};
  });
  ASSERT_TRUE(
      api_.publish(R"({"event":"mailbox.changed","tenant":"demo","mailbox":"1001","new":2,"old":1})"));
  turn();
  turn();
  EXPECT_EQ(shown, (std::map<std::string, std::pair<int, int>>{{"1001", {2, 1}}, {"1002", {2, 1}}}));
}

TEST_F(StoreLinksTest, APhoneThatSubscribesIsToldAtOnce) {
  give("device.secrets", kDevices);
  give("extension.resolve", R"({"tenant":"demo","number":"1001","mailbox":"1001","devices":[]})");
  give("mailbox.get", R"({"number":"1001","new":3,"old":0})");
  StoreDirectory directory(api_, timers_, [](const auto&) {});
  directory.load();
  turn();
  std::map<std::string, std::pair<int, int>> shown;
  MessageWaiting waiting(api_, directory, [&](const std::string& user, int fresh, int old) {
    shown[user] = {fresh, old};
  });
  ASSERT_TRUE(api_.publish(R"({"event":"device.subscribed","user":"1001","package":"message-summary"})"));
  turn();
  turn();
  EXPECT_EQ(shown["1001"], std::make_pair(3, 0));
}

}  // namespace
}  // namespace tandem::app
