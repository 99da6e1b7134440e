// The verbs beside offer and answer: what each becomes, and what proxies read of it.
#include "tests/plugins/ng/commands_world.hpp"

namespace tandem::ng {
namespace {

class FlowCommandsTest : public CommandsTest {
 protected:
  // The params of the one command that was asked.
  Value params(const char* method) {
    EXPECT_EQ(asked_.size(), 1U);
    const std::string text = asked_.empty() ? "" : asked_.back();
    asked_.clear();
    EXPECT_EQ(text.substr(0, text.find(' ')), method);
    return Value::parse(text.substr(text.find(' ') + 1), nullptr, false);
  }
};

TEST_F(FlowCommandsTest, ASubscriptionIsAskedOfWhomItNamesAndToldInRtpenginesLists) {
  answer_with("anchor.subscribe",
              R"({"sdp":"v=0\r\n","to_tag":"S","sources":[
                 {"tag":"a","label":"caller","kind":"audio","mode":"sendrecv","section_label":"0","index":1},
                 {"tag":"b","label":"","kind":"audio","mode":"sendonly","section_label":"1","index":1}],"warnings":["w"]})");
  const Value got = ask_json(
      R"({"command":"subscribe request","call-id":"c","to-tag":"S","flags":["all","SIPREC","mix"],"set-label":"rec","codec":{"offer":["PCMA"]},
          "transport-protocol":"RTP/AVP","sdp":"ignored"})");
  const Value asked = params("anchor.subscribe");
  EXPECT_EQ(asked["call_id"], "c");
  EXPECT_EQ(asked["to_tag"], "S");
  EXPECT_EQ(asked["set_label"], "rec");
  EXPECT_EQ(asked["all"], true);
  EXPECT_EQ(asked["mix"], true);
  EXPECT_EQ(asked["label_sections"], true);
  EXPECT_FALSE(asked.contains("sdp"));
  EXPECT_FALSE(asked.contains("label"));
  EXPECT_EQ(asked["codecs"]["offer"], Value::parse(R"(["PCMA"])"));
  EXPECT_EQ(got["result"], "ok");
  EXPECT_EQ(got["sdp"], "v=0\r\n");
  EXPECT_EQ(got["to-tag"], "S");
  EXPECT_EQ(got["warning"], "w");
  EXPECT_FALSE(got.contains("from-tag"));
  EXPECT_EQ(got["from-tags"], Value::parse(R"(["a","b"])"));
  EXPECT_EQ(got["media-labels"]["0"]["tag"], "a");
  EXPECT_EQ(got["media-labels"]["1"]["mode"], "sendonly");
  EXPECT_EQ(got["tag-medias"][0]["label"], "caller");
  EXPECT_EQ(got["tag-medias"][1]["medias"][0]["label"], "1");
}

TEST_F(FlowCommandsTest, OneSourceHasAFromTagAndALabelChoosesIt) {
  answer_with("anchor.subscribe", R"({"sdp":"x","to_tag":"t","sources":[{"tag":"a"}]})");
  const Value got = ask_json(
      R"({"command":"subscribe_request","call-id":"c","label":"caller","to-label":"rec","rtpp-flags":"from-tags=[a b] bidirectional"})");
  const Value asked = params("anchor.subscribe");
  EXPECT_EQ(asked["label"], "caller");
  EXPECT_EQ(asked["set_label"], "rec");
  EXPECT_EQ(asked["bidirectional"], true);
  EXPECT_EQ(asked["from_tags"], Value::parse(R"(["a","b"])"));
  EXPECT_EQ(got["from-tag"], "a");
  EXPECT_FALSE(got.contains("tag-medias"));
}

TEST_F(FlowCommandsTest, EachVerbBecomesOneCommand) {
  for (const char* method : {"anchor.subscribe_answer", "anchor.unsubscribe", "anchor.create_answer",
                             "anchor.connect", "anchor.hear", "anchor.stop_hearing", "anchor.mesh"})
    answer_with(method, R"({"warnings":[]})");
  const std::pair<const char*, const char*> table[] = {
      {R"({"command":"subscribe answer","call-id":"c","to-tag":"t","sdp":"v=0"})",
       R"(anchor.subscribe_answer {"call_id":"c","to_tag":"t","sdp":"v=0"})"},
      {R"({"command":"unsubscribe","call-id":"c","from-tag":"f","to-tag":"t"})",
       R"(anchor.unsubscribe {"call_id":"c","to_tag":"t"})"},
      {R"({"command":"unsubscribe","call-id":"c","from-tag":"f","to-tag":"t","flags":["directional"]})",
       R"(anchor.unsubscribe {"call_id":"c","from_tag":"f","to_tag":"t"})"},
      {R"({"command":"create answer","call-id":"c","from-tag":"f","sdp":"v=0"})",
       R"(anchor.create_answer {"call_id":"c","from_tag":"f","sdp":"v=0"})"},
      {R"({"command":"connect","call-id":"c","from-tag":"f","to-tag":"t","to-call-id":"d"})",
       R"(anchor.connect {"call_id":"c","from_tag":"f","to_tag":"t","to_call_id":"d"})"},
      {R"({"command":"connect","call-id":"c","from-tag":"f","to-tag":"t","flags":["directional","bidirectional"]})",
       R"(anchor.hear {"call_id":"c","from_tag":"f","to_tag":"t","all":false,"bidirectional":true})"},
      {R"({"command":"inject start","call-id":"c","to-tag":"t","source-call-id":"d","source-tag":"s"})",
       R"(anchor.hear {"to_tag":"t","call_id":"d","to_call_id":"c","from_tag":"s"})"},
      {R"({"command":"inject stop","call-id":"c","to-tag":"t","source-tag":"s"})",
       R"(anchor.stop_hearing {"to_tag":"t","call_id":"c","source_tag":"s"})"},
      {R"({"command":"mesh","calls":["c","d"],"tags":[{"from":"a","to":["b","x"]}],"flags":["unsubscribe"]})",
       R"(anchor.mesh {"calls":["c","d"],"rows":[{"from":"a","to":["b","x"]}],"reset":true,"bidirectional":false})"},
  };
  for (const auto& [message, command] : table) {
    const Value got = ask_json(message);
    EXPECT_EQ(got["result"], "ok") << message << got;
    ASSERT_FALSE(asked_.empty()) << message;
    EXPECT_EQ(asked_.back(), command) << message;
  }
}

TEST_F(FlowCommandsTest, WhoIsMadeIsNamedInTheAnswer) {
  answer_with("anchor.publish", R"({"sdp":"x","call_id":"C","from_tag":"F"})");
  const Value published =
      ask_json(R"({"command":"publish","sdp":"v=0","codec-accept":["PCMA"],"to-tag":"t"})");
  EXPECT_EQ(published["call-id"], "C");
  EXPECT_EQ(published["from-tag"], "F");
  EXPECT_EQ(published["sdp"], "x");
  const Value asked = params("anchor.publish");
  EXPECT_EQ(asked["codecs"]["accept"], Value::parse(R"(["PCMA"])"));
  EXPECT_FALSE(asked.contains("to_tag"));
  answer_with("anchor.create", R"({"sdp":"x","call_id":"C","from_tag":"F"})");
  EXPECT_EQ(
      ask_json(R"({"command":"create","rtpp-flags":"medias=[[type=audio codecs=[G722 PCMA]]]"})")["from-tag"],
      "F");
  EXPECT_EQ(params("anchor.create")["media"], Value::parse(R"([{"kind":"audio","codecs":["G722","PCMA"]}])"));
}

TEST_F(FlowCommandsTest, WhatIsIncompleteIsRefusedWithAReason) {
  for (const char* message :
       {R"({"command":"publish"})", R"({"command":"inject start","call-id":"c","to-tag":"t"})",
        R"({"command":"mesh"})", R"({"command":"mesh","calls":["c"],"tags":["x"]})",
        R"({"command":"subscribe request","call-id":{}})"}) {
    const Value got = ask_json(message);
    EXPECT_EQ(got["result"], "error") << message;
    EXPECT_FALSE(text_at(got, "error-reason").empty()) << message;
  }
  EXPECT_TRUE(asked_.empty());
}

TEST_F(FlowCommandsTest, BundlesExtensionsAndTosAreDoneOrSaidNotToBe) {
  answer_with("anchor.offer", R"({"sdp":"x"})");
  const Value offer = {{"command", "offer"}, {"call-id", "c"}, {"from-tag", "f"}, {"sdp", "v=0"}};
  const auto with = [&](const char* flags) {
    Value message = offer;
    message["rtpp-flags"] = flags;
    return ask_json(message.dump());
  };
  Value got = with("TOS=104 extmap=[strip=[urn:a urn:b]] bundle=[accept] OSRTP-accept");
  EXPECT_EQ(got["result"], "ok");
  EXPECT_FALSE(got.contains("warning")) << got;
  const Value asked = params("anchor.offer");
  EXPECT_EQ(asked["tos"], 104);
  EXPECT_EQ(asked["extmap_strip"], Value::parse(R"(["urn:a","urn:b"])"));
  EXPECT_NE(text_at(with("bundle=offer"), "warning").find("not bundled"), std::string::npos);
  EXPECT_NE(text_at(with("OSRTP-offer"), "warning").find("OSRTP"), std::string::npos);
  EXPECT_FALSE(with("TOS=256").contains("warning"));
  for (const char* refused : {"bundle=require", "bundle-strict", "delay-buffer=20000"})
    EXPECT_EQ(with(refused)["result"], "error") << refused;
  EXPECT_EQ(with("delay-buffer=0")["result"], "ok");
}

TEST_F(FlowCommandsTest, ATransformIsAskedForWithoutSdpAndToldWhereToSend) {
  answer_with(
      "anchor.transform",
      R"({"call_id":"c","from_tag":"t","media":[{"id":"1","family":"IP4","host":"203.0.113.1","port":4000}]})");
  const Value got = ask_json(R"({"command":"transform","interface":"priv","media":[{"type":"audio","codec":[
      {"input":{"codec":"opus","payload type":"96","clock rate":48000,"channels":2,"format":"useinbandfec=1"},
       "output":{"codec":"PCMU","payload type":0,"clock rate":8000,"channels":1,"options":"bitrate=32000 x"}}],
      "destination":{"family":"IP4","address":"198.51.100.14","port":6150}}]})");
  const Value asked = params("anchor.transform");
  EXPECT_EQ(asked["interfaces"], Value::parse(R"(["priv"])"));
  const Value& media = asked["media"][0];
  EXPECT_EQ(
      media["codecs"],
      Value::parse(
          R"([{"input":{"codec":"opus","type":96,"clock_rate":48000,"channels":2,"fmtp":"useinbandfec=1"},
               "output":{"codec":"PCMU","type":0,"clock_rate":8000,"channels":1,"bitrate":32000}}])"));
  EXPECT_EQ(media["host"], "198.51.100.14");
  EXPECT_EQ(media["port"], 6150);
  EXPECT_EQ(got, Value::parse(R"({"call-id":"c","from-tag":"t","media":[
      {"id":"1","family":"IP4","address":"203.0.113.1","port":4000}],"result":"ok"})"));
}

TEST_F(FlowCommandsTest, ATransformThatCannotBeReadIsRefusedWithAReason) {
  const std::string codec = R"({"codec":"PCMU","payload type":0})",
                    to = R"("destination":{"address":"192.0.2.1","port":4})";
  for (const auto& [media, words] : std::vector<std::pair<std::string, std::string>>{
           {"1", "each a dictionary"},
           {"{}", "expected codecs"},
           {R"({"codec":[1],)" + to + "}", "input and output"},
           {R"({"codec":[{"input":)" + codec + "}]," + to + "}", "input and output"},
           {R"({"type":"video","codec":[]})", "audio"},
           {R"({"codec":[{"input":)" + codec + R"(,"output":)" + codec + "}]}", "Destination"}}) {
    const Value got = ask_json(R"({"command":"transform","media":[)" + media + "]}");
    EXPECT_EQ(got["result"], "error") << media;
    EXPECT_NE(text_at(got, "error-reason").find(words), std::string::npos) << text_at(got, "error-reason");
  }
  EXPECT_TRUE(asked_.empty());
}

TEST_F(FlowCommandsTest, ForwardingSelectsAsBlocksDo) {
  answer_with("anchor.forward", "{}");
  (void)ask_json(R"({"command":"start forwarding","call-id":"c","from-tag":"a","metadata":"x=1"})");
  Value asked = params("anchor.forward");
  EXPECT_EQ(asked["on"], true);
  EXPECT_EQ(asked["metadata"], "x=1");
  EXPECT_FALSE(asked.contains("from_tag"));
  (void)ask_json(R"({"command":"stop forwarding","call-id":"c","from-tag":"a","flags":["directional"]})");
  asked = params("anchor.forward");
  EXPECT_EQ(asked["on"], false);
  EXPECT_EQ(asked["from_tag"], "a");
}

}  // namespace
}  // namespace tandem::ng
