// SignalingBridge against a plugin in memory: each row of docs/signaling.md, and events that are broken.
#include "core/app/signaling_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tandem::app {
namespace {

using nlohmann::json;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::StrictMock;

class MockListener : public call::SignalingListener {
 public:
  MOCK_METHOD(void, on_link_up, (), (override));
  MOCK_METHOD(void, on_link_down, (), (override));
  MOCK_METHOD(void, on_incoming, (const call::Incoming&), (override));
  MOCK_METHOD(void, on_progress, (const call::Progress&), (override));
  MOCK_METHOD(void, on_answered, (const call::Answered&), (override));
  MOCK_METHOD(void, on_failed, (const call::Failed&), (override));
  MOCK_METHOD(void, on_confirmed, (const std::string&, const std::string&), (override));
  MOCK_METHOD(void, on_ended, (const call::Ended&), (override));
  MOCK_METHOD(void, on_reoffer, (const call::Reoffer&), (override));
  MOCK_METHOD(void, on_reanswered, (const call::Reanswered&), (override));
  MOCK_METHOD(void, on_refer, (const call::Refer&), (override));
  MOCK_METHOD(void, on_refer_progress, (const call::ReferProgress&), (override));
  MOCK_METHOD(void, on_info, (const call::Info&), (override));
  MOCK_METHOD(void, on_info_digit, (const call::InfoDigit&), (override));
  MOCK_METHOD(void, on_message, (const call::Message&), (override));
  MOCK_METHOD(void, on_registered, (const call::Registered&), (override));
  MOCK_METHOD(void, on_contacts, (const std::string&, const std::string&, const std::vector<call::Contact>&),
              (override));
  MOCK_METHOD(void, on_subscribed, (const call::Subscribed&), (override));
  MOCK_METHOD(void, on_message_sent, (const std::string&, int), (override));
};

struct Plugin {
  td_signal_event_fn event = nullptr;
  void* user = nullptr;
  std::vector<json> commands;
  int answer = TD_OK;
  int stops = 0;
} g_plugin;

const td_signaling kTable{sizeof(td_signaling), "test",
                          [](td_signal_event_fn event, void* user) noexcept {
                            g_plugin.event = event;
                            g_plugin.user = user;
                          },
                          [](td_str text) noexcept {
                            g_plugin.commands.push_back(json::parse(std::string_view(text.data, text.size)));
                            return g_plugin.answer;
                          },
                          [](std::uint64_t, void (*stopped)(void*), void* user) noexcept {
                            ++g_plugin.stops;
                            stopped(user);
                          }};

class SignalingBridgeTest : public ::testing::Test {
 protected:
  SignalingBridgeTest() {
    g_plugin = {};
    bridge_.set_listener(&listener_);
    bridge_.start();
  }
  void event(const char* text) { g_plugin.event(g_plugin.user, {text, std::strlen(text)}); }
  json sent() {
    EXPECT_EQ(g_plugin.commands.size(), 1u);
    json last = g_plugin.commands.empty() ? json() : g_plugin.commands.back();
    g_plugin.commands.clear();
    return last;
  }
  StrictMock<MockListener> listener_;
  SignalingBridge bridge_{&kTable};
};

TEST_F(SignalingBridgeTest, ReadsAnIncomingCallWithAllItsFields) {
  EXPECT_CALL(listener_, on_incoming(_)).WillOnce([](const call::Incoming& in) {
    EXPECT_EQ(in.leg, "leg-1");
    EXPECT_EQ(in.call_id, "abc@x");
    EXPECT_EQ(in.from.user, "1001");
    EXPECT_EQ(in.from.name, "Ann");
    EXPECT_EQ(in.to.uri, "sip:5000@x");
    EXPECT_EQ(in.dialed, "5000");
    EXPECT_EQ(in.source, "udp:192.0.2.1:5060");
    EXPECT_EQ(in.auth_user, "1001");
    EXPECT_EQ(in.sdp, "v=0\r\n");
    EXPECT_EQ(in.user_agent, "ua");
    EXPECT_EQ(in.headers, (call::Headers{{"X-A", "1"}, {"X-A", "2"}}));
  });
  event(R"({"ev":"incoming","leg":"leg-1","call_id":"abc@x","from":{"user":"1001","name":"Ann"},
    "to":{"uri":"sip:5000@x"},"dialed":"5000","source":"udp:192.0.2.1:5060","auth_user":"1001","sdp":"v=0\r\n",
    "user_agent":"ua","headers":[["X-A","1"],["X-A","2"],["broken"],7]})");
}

TEST_F(SignalingBridgeTest, ReadsEveryEvent) {
  EXPECT_CALL(listener_, on_link_up());
  event(R"({"ev":"up"})");
  EXPECT_CALL(listener_, on_link_down());
  event(R"({"ev":"down"})");
  EXPECT_CALL(listener_,
              on_progress(AllOf(Field(&call::Progress::code, 183), Field(&call::Progress::sdp, "s"))));
  event(R"({"ev":"progress","leg":"l","code":183,"sdp":"s"})");
  EXPECT_CALL(listener_, on_answered(Field(&call::Answered::sdp, "s")));
  event(R"({"ev":"answered","leg":"l","sdp":"s"})");
  EXPECT_CALL(listener_,
              on_failed(AllOf(Field(&call::Failed::code, 302), Field(&call::Failed::q850, 23),
                              Field(&call::Failed::contacts, std::vector<std::string>{"sip:a", "sip:b"}))));
  event(R"({"ev":"failed","leg":"l","code":302,"q850":23,"contacts":["sip:a",{"uri":"sip:b"}]})");
  EXPECT_CALL(listener_, on_confirmed("l", ""));
  event(R"({"ev":"confirmed","leg":"l"})");
  EXPECT_CALL(listener_, on_ended(AllOf(Field(&call::Ended::by, "remote"), Field(&call::Ended::q850, 16))));
  event(R"({"ev":"ended","leg":"l","by":"remote","q850":16})");
  EXPECT_CALL(listener_, on_reoffer(Field(&call::Reoffer::refresh, true)));
  event(R"({"ev":"reoffer","leg":"l","refresh":true})");
  EXPECT_CALL(listener_, on_reanswered(Field(&call::Reanswered::code, 200)));
  event(R"({"ev":"reanswered","leg":"l","code":200})");
  EXPECT_CALL(listener_,
              on_refer(AllOf(Field(&call::Refer::refer_to, "sip:2"), Field(&call::Refer::user, "2"))));
  event(R"({"ev":"refer","leg":"l","refer_to":"sip:2","user":"2"})");
  EXPECT_CALL(listener_, on_refer_progress(Field(&call::ReferProgress::final, true)));
  event(R"({"ev":"refer_progress","leg":"l","code":200,"final":true})");
  EXPECT_CALL(listener_, on_info(Field(&call::Info::body, "b")));
  event(R"({"ev":"info","leg":"l","ctype":"t","body":"b"})");
  EXPECT_CALL(listener_, on_info_digit(AllOf(Field(&call::InfoDigit::digit, '#'),
                                             Field(&call::InfoDigit::duration_ms, 160))));
  event(R"({"ev":"dtmf","leg":"l","digit":"#","duration_ms":160})");
  EXPECT_CALL(listener_, on_message(Field(&call::Message::dialed, "1002")));
  event(R"({"ev":"message","id":"m","dialed":"1002"})");
  EXPECT_CALL(listener_, on_message_sent("m", 202));
  event(R"({"ev":"message_sent","id":"m","code":202})");
  EXPECT_CALL(listener_, on_registered(AllOf(Field(&call::Registered::user, "1001"),
                                             Field(&call::Registered::expires, 60))));
  event(R"({"ev":"registered","user":"1001","contact":"sip:x","expires":60})");
  EXPECT_CALL(listener_, on_subscribed(Field(&call::Subscribed::event, "message-summary")));
  event(R"({"ev":"subscribed","user":"1001","event":"message-summary","expires":60})");
}

TEST_F(SignalingBridgeTest, HandsAContactBackUnread) {
  std::vector<call::Contact> kept;
  EXPECT_CALL(listener_, on_contacts("q1", "1001", _))
      .WillOnce([&](const auto&, const auto&, const auto& found) { kept = found; });
  event(R"({"ev":"contacts","id":"q1","user":"1001","contacts":[{"uri":"sip:a","path":["p"],"sock":7},3]})");
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].uri, "sip:a");
  call::Invite invite;
  invite.leg = "l";
  invite.contact = kept[0];
  bridge_.invite(invite);
  EXPECT_EQ(sent()["contact"], json::parse(R"({"uri":"sip:a","path":["p"],"sock":7})"));
}

TEST_F(SignalingBridgeTest, CountsAndDropsBrokenEvents) {
  const char* rows[] = {"",
                        "{",
                        "[]",
                        "7",
                        "null",
                        R"({"ev":7})",
                        R"({"ev":"nonsense"})",
                        R"({})",
                        R"({"ev":"incoming"})",
                        R"({"ev":"answered","leg":""})",
                        R"({"ev":"ended","leg":{}})",
                        "{\"ev\":\"up\xff\"}"};
  for (const char* row : rows) event(row);
  EXPECT_EQ(bridge_.events_malformed().get(), std::size(rows));
}

TEST_F(SignalingBridgeTest, AFieldOfAWrongTypeCountsAsAbsent) {
  EXPECT_CALL(listener_, on_ended(AllOf(Field(&call::Ended::by, ""), Field(&call::Ended::code, 0),
                                        Field(&call::Ended::q850, 0))));
  event(R"({"ev":"ended","leg":"l","by":5,"code":"x","q850":99999999999999})");
}

TEST_F(SignalingBridgeTest, WritesEveryCommand) {
  const struct {
    std::function<void()> act;
    const char* text;
  } rows[] = {
      {[&] {
         bridge_.users({{"1001", "abcd", "tandem"}});
       },
       R"({"cmd":"users","users":[{"user":"1001","ha1":"abcd","realm":"tandem"}]})"},
      {[&] { bridge_.lookup("q", "1001"); }, R"({"cmd":"lookup","id":"q","user":"1001"})"},
      {[&] { bridge_.ring("l", 183, "", "s"); }, R"({"cmd":"ring","leg":"l","code":183,"sdp":"s"})"},
      {[&] { bridge_.accept("l", "s"); }, R"({"cmd":"accept","leg":"l","sdp":"s"})"},
      {[&] { bridge_.reject("l", 486, "Busy", 17); },
       R"({"cmd":"reject","leg":"l","code":486,"reason":"Busy","q850":17})"},
      {[&] { bridge_.redirect("l", "sip:2"); }, R"({"cmd":"redirect","leg":"l","uri":"sip:2"})"},
      {[&] { bridge_.reoffer("l", "s"); }, R"({"cmd":"reoffer","leg":"l","sdp":"s"})"},
      {[&] { bridge_.reanswer("l", 488, ""); }, R"({"cmd":"reanswer","leg":"l","code":488})"},
      {[&] { bridge_.hangup("l", 16, ""); }, R"({"cmd":"hangup","leg":"l","q850":16})"},
      {[&] { bridge_.refer("l", "2", ""); }, R"({"cmd":"refer","leg":"l","to":"2"})"},
      {[&] { bridge_.refer_reply("l", 202); }, R"({"cmd":"refer_reply","leg":"l","code":202})"},
      {[&] { bridge_.refer_notify("l", 200, "OK", true); },
       R"({"cmd":"refer_notify","leg":"l","code":200,"reason":"OK","final":true})"},
      {[&] { bridge_.info("l", "t", "b"); }, R"({"cmd":"info","leg":"l","ctype":"t","body":"b"})"},
      {[&] { bridge_.mwi("1001", 2, 1); }, R"({"cmd":"mwi","user":"1001","new":2,"old":1})"},
      {[&] {
         bridge_.message("m", "1002", {"1001", "", "Ann"}, "text/plain", "hi");
       },
       R"({"cmd":"message","id":"m","to":"1002","from":{"user":"1001","uri":"","name":"Ann"},"ctype":"text/plain","body":"hi"})"},
      {[&] { bridge_.message_reply("m", 200); }, R"({"cmd":"message_reply","id":"m","code":200})"},
  };
  for (const auto& row : rows) {
    row.act();
    EXPECT_EQ(sent(), json::parse(row.text));
  }
}

TEST_F(SignalingBridgeTest, AnInviteToAPlainUriCarriesHeadersAndCredentials) {
  call::Invite invite;
  invite.leg = "l";
  invite.contact.uri = "sip:x@y";
  invite.from = {"1001", "", "Ann"};
  invite.sdp = "s";
  invite.headers = {{"X-A", "1"}};
  invite.auth_user = "u";
  invite.auth_password = "p";
  bridge_.invite(invite);
  EXPECT_EQ(sent(),
            json::parse(R"({"cmd":"invite","leg":"l","uri":"sip:x@y","from":{"user":"1001","name":"Ann"},
    "sdp":"s","headers":[["X-A","1"]],"auth":{"user":"u","password":"p"}})"));
}

TEST_F(SignalingBridgeTest, ReplacesBytesThatAreNoUtf8) {
  bridge_.info("l", "t", "a\xff");
  EXPECT_EQ(sent()["body"], "a\xEF\xBF\xBD");
}

TEST_F(SignalingBridgeTest, CountsACommandThatThePluginRefuses) {
  g_plugin.answer = TD_INVALID;
  bridge_.hangup("l", 16, "");
  EXPECT_EQ(bridge_.commands_refused().get(), 1u);
}

TEST_F(SignalingBridgeTest, SaysOnceThatItHasStopped) {
  int stopped = 0;
  bridge_.stop(1000, [&] { ++stopped; });
  EXPECT_EQ(stopped, 1);
}

}  // namespace
}  // namespace tandem::app
