// anchor.*: as a program would anchor a call over the API.
#include "core/api/anchor_commands.hpp"

#include <gtest/gtest.h>

#include "core/api/api.hpp"
#include "core/codec/g711.hpp"
#include "tests/support/fake_media.hpp"
#include "tests/support/fake_timers.hpp"

namespace tandem::testing {
namespace {

using api::Json;

struct NoSounds final : call::Sounds {
  Result<std::string> resolve(std::string_view, std::string_view name) override {
    if (name == "hello") return std::string("/prompts/hello.wav");
    return Error{ErrorCode::not_found, "no such prompt"};
  }
  Result<std::string> recording_path(std::string_view, std::string_view name) override {
    return "/rec/" + std::string(name) + ".wav";
  }
};

class AnchorCommandsTest : public ::testing::Test {
 protected:
  AnchorCommandsTest() {
    (void)registry.add(codec::pcmu());
    (void)registry.add(codec::pcma());
    media.set_listener(&anchors);
    api::bind_anchor_commands(door.table(), anchors, sounds);
  }
  Json run(const std::string& method, const Json& params, const std::string& tenant = "") {
    Json answer = "unanswered";
    door.invoke({tenant, api::Role::anyone}, method, params.dump(), [&](const Result<std::string>& got) {
      answer = got ? Json::parse(*got)
                   : Json{{"error", to_string(got.error().code)}, {"message", got.error().message}};
    });
    timers.advance(milliseconds(5));
    return answer;
  }
  static std::string anchor_sdp(int port, const std::string& rest = "0 8\r\n") {
    return "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio " +
           std::to_string(port) + " RTP/AVP " + rest;
  }
  void connect() {
    (void)run("anchor.offer", {{"call_id", "c"}, {"from_tag", "a"}, {"sdp", anchor_sdp(4000)}});
    (void)run("anchor.answer",
              {{"call_id", "c"}, {"from_tag", "a"}, {"to_tag", "b"}, {"sdp", anchor_sdp(5000)}});
  }
  FakeTimers timers;
  FakeMedia media{timers};
  codec::CodecRegistry registry;
  anchor::OpaqueCodecs opaque;
  anchor::Anchors anchors{timers, media, {registry, opaque}, {}, {}};
  NoSounds sounds;
  api::Api door{timers};
};

TEST_F(AnchorCommandsTest, ACallIsAnchoredAskedAboutAndDeleted) {
  const Json offered = run("anchor.offer", {{"call_id", "c"},
                                            {"from_tag", "a"},
                                            {"sdp", anchor_sdp(4000)},
                                            {"codecs", {{"strip", {"PCMA"}}}},
                                            {"replace", {"origin"}},
                                            {"ptime_ms", 20},
                                            {"rtcp_mux", {"offer"}},
                                            {"interfaces", {"x", "y"}}});
  ASSERT_TRUE(offered.contains("sdp")) << offered;
  EXPECT_NE(offered["sdp"].get<std::string>().find(" RTP/AVP 0\r\n"), std::string::npos);
  EXPECT_NE(offered["sdp"].get<std::string>().find("o=- 1 1 IN IP4 198.51.100.1"), std::string::npos);
  EXPECT_NE(offered["sdp"].get<std::string>().find("a=rtcp-mux"), std::string::npos);
  const Json answered =
      run("anchor.answer",
          {{"call_id", "c"}, {"from_tag", "a"}, {"to_tag", "b"}, {"sdp", anchor_sdp(5000, "0\r\n")}});
  ASSERT_TRUE(answered.contains("sdp")) << answered;
  const Json shown = run("anchor.query", {{"call_id", "c"}});
  EXPECT_EQ(shown["parties"][0]["tag"], "a");
  EXPECT_EQ(shown["parties"][0]["lines"][0]["received"]["codec"], "PCMU");
  EXPECT_EQ(run("anchor.list", Json::object())["calls"], Json::parse(R"(["c"])"));
  EXPECT_EQ(run("anchor.statistics", Json::object())["offers"], 1);
  (void)run("anchor.delete", {{"call_id", "c"}});  // its figures: tests/anchor/relay_test.cpp
  EXPECT_EQ(media.open_legs(), 0U);
  EXPECT_EQ(run("anchor.query", {{"call_id", "c"}})["error"], "not_found");
}

TEST_F(AnchorCommandsTest, OnlyTheOperatorMayAndOnlyWithParametersThatAreKnown) {
  EXPECT_EQ(run("anchor.list", Json::object(), "acme")["error"], "denied");
  const Json offer{{"call_id", "c"}, {"from_tag", "a"}, {"sdp", anchor_sdp(4000)}};
  const auto refused = [&](const char* key, const Json& value) {
    Json params = offer;
    params[key] = value;
    return api::text_at(run("anchor.offer", params), "error");
  };
  EXPECT_EQ(refused("shoe_size", 43), "invalid");
  EXPECT_EQ(refused("ptime_ms", 25), "invalid");
  EXPECT_EQ(refused("address_family", "IP5"), "invalid");
  EXPECT_EQ(refused("media_address", "example.com"), "invalid");
  EXPECT_EQ(refused("codecs", {{"burn", {"x"}}}), "invalid");
  EXPECT_EQ(anchors.size(), 0U);
}

TEST_F(AnchorCommandsTest, SoundsKeysBlocksAndRecordingsAreCommands) {
  connect();
  EXPECT_EQ(run("anchor.play", {{"call_id", "c"}, {"from_tag", "a"}, {"files", {"hello"}}, {"repeat", 3}}),
            (Json{{"duration_ms", 1000}}));
  EXPECT_EQ(media.legs.begin()->second.play.files.size(), 3U);
  EXPECT_EQ(run("anchor.play", {{"call_id", "c"}, {"from_tag", "a"}, {"files", {"../etc"}}})["error"],
            "not_found");
  timers.advance(milliseconds(1391));
  EXPECT_EQ(run("anchor.stop_play", {{"call_id", "c"}}), (Json{{"position_ms", 400}}));
  EXPECT_EQ(run("anchor.stop_play", {{"call_id", "c"}}), Json::object()) << "nothing is played any more";
  EXPECT_EQ(run("anchor.stop_play", {{"call_id", "x"}})["error"], "not_found");
  EXPECT_EQ(run("anchor.play_digits", {{"call_id", "c"}, {"from_tag", "b"}, {"digits", "7"}}),
            Json::object());
  EXPECT_EQ(media.legs.begin()->second.digits_sent, "7");
  EXPECT_EQ(run("anchor.block", {{"call_id", "c"}, {"what", "media"}}), Json::object());
  EXPECT_FALSE(media.legs.begin()->second.config().receive);
  EXPECT_EQ(run("anchor.record", {{"call_id", "c"}, {"name", "x"}})["paths"],
            Json::parse(R"(["/rec/x.wav"])"));
  EXPECT_EQ(run("anchor.control_recording", {{"call_id", "c"}, {"act", "stop"}}), Json::object());
}

}  // namespace
}  // namespace tandem::testing
