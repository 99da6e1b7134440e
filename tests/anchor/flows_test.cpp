// Subscribers, publishers, parties that we offer to, who hears whom: with media that really flows.
#include "tests/anchor/relay_world.hpp"

namespace tandem::anchor {
namespace {

class FlowsTest : public RelayTest {
 protected:
  static std::vector<Address> addresses_in(const std::string& sdp) {
    std::vector<Address> out;
    for (std::size_t at = 0; (at = sdp.find("\r\nm=audio ", at)) != std::string::npos; at += 10)
      out.push_back(*Address::parse("127.0.0.1", static_cast<std::uint16_t>(std::stoi(sdp.substr(at + 10)))));
    return out;
  }
  // An answer with one section a phone, each of which takes the one format.
  static std::string answer_of(const std::vector<testing::MediaPhone*>& phones, const std::string& line,
                               const std::string& direction = "recvonly") {
    std::string out = "v=0\r\no=- 9 9 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";
    for (const testing::MediaPhone* phone : phones)
      out += "m=audio " + std::to_string(phone->local().port()) + " " + line + "a=" + direction + "\r\n";
    return out;
  }
  static Selector who(const std::string& from, const std::string& to = "") {
    return {"call", from, to, "", "", ""};
  }
  static double like(const testing::MediaPhone& phone, std::uint32_t seed) {
    return session::find_in(phone.heard(), beginning(seed)).first;
  }
  std::size_t count(const std::string& sdp, const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = sdp.find(what, at)) != std::string::npos; at += what.size()) ++n;
    return n;
  }
};

TEST_F(FlowsTest, ARecorderSubscribesToBothPartiesAndHearsEachInAStreamOfItsOwn) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu()), &c = phone(codec::pcmu()),
       &d = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  Sources sources;
  sources.all = sources.label_sections = true;
  const auto asked = anchors_->subscribe(who(""), sources, {});
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(count(asked->sdp, "a=sendonly"), 2U) << asked->sdp;
  EXPECT_NE(asked->sdp.find("a=label:1\r\n"), std::string::npos);
  ASSERT_EQ(asked->sources.size(), 2U);
  EXPECT_EQ(asked->sources[0].tag, "A");
  EXPECT_EQ(asked->sources[1].tag, "B");
  EXPECT_EQ(asked->sources[1].mode, std::string("sendrecv"));
  const auto answered =
      anchors_->subscribe_answer(who("", asked->to_tag), answer_of({&c, &d}, "RTP/AVP 0\r\n"), {});
  ASSERT_TRUE(answered) << answered.error().message;
  advance(milliseconds(200));
  a.say(session::noise(1000, 1));
  b.say(session::noise(1000, 2));
  advance(milliseconds(1000));
  EXPECT_GT(like(c, 1), 0.99);
  EXPECT_GT(like(d, 2), 0.99);
  EXPECT_LT(like(c, 2), 0.3);
  EXPECT_GT(like(b, 1), 0.99);
  EXPECT_EQ(engine_->media_loop(0).counters().decoded.get(), 0U) << "everything is copied as it is";
  EXPECT_EQ(engine_->counters().feeds, 2U);
  ASSERT_TRUE(anchors_->unsubscribe(who("", asked->to_tag)));
  advance(milliseconds(50));
  EXPECT_EQ(engine_->counters().legs, 2U) << "the subscriber's ports are given back";
  EXPECT_EQ(engine_->counters().feeds, 0U);
  EXPECT_FALSE(anchors_->unsubscribe(who("", asked->to_tag)));
}

TEST_F(FlowsTest, MixedIntoOneStreamInAnotherCodecAndASecondRequestReplacesTheFirst) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu()), &c = phone(codec::pcma());
  connect(a, b, kPlain, kPlain);
  Sources sources;
  sources.all = sources.mix = true;
  Options options;
  options.codecs.transcode = {"PCMA"};
  options.codecs.strip = {"PCMU"};
  const auto asked = anchors_->subscribe(who("", "SUP"), sources, options);
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->to_tag, "SUP");
  EXPECT_EQ(count(asked->sdp, "m=audio"), 1U) << asked->sdp;
  EXPECT_NE(asked->sdp.find("a=rtpmap:8 PCMA/8000"), std::string::npos) << asked->sdp;
  EXPECT_EQ(asked->sdp.find("PCMU"), std::string::npos);
  ASSERT_TRUE(anchors_->subscribe_answer(who("", "SUP"), answer_of({&c}, "RTP/AVP 8\r\n"), {}));
  advance(milliseconds(200));
  a.say(session::noise(1000, 1));
  b.say(session::noise(1000, 2));
  advance(milliseconds(1000));
  EXPECT_GT(like(c, 1), 0.6);
  EXPECT_GT(like(c, 2), 0.6);
  const auto again = anchors_->subscribe(who("A", "SUP"), {}, options);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(addresses_in(again->sdp), addresses_in(asked->sdp)) << "its ports stay";
  EXPECT_NE(again->sdp.find(" 2 IN IP4"), std::string::npos) << "the version counts up";
  ASSERT_TRUE(anchors_->subscribe_answer(who("", "SUP"), answer_of({&c}, "RTP/AVP 8\r\n"), {}));
  advance(milliseconds(100));
  c.forget();
  a.say(session::noise(1000, 1));
  b.say(session::noise(1000, 2));
  advance(milliseconds(800));
  EXPECT_GT(like(c, 1), 0.95);
  EXPECT_LT(like(c, 2), 0.3);
  EXPECT_EQ(engine_->counters().feeds, 1U);
}

TEST_F(FlowsTest, ASubscriberInBothDirectionsIsHeardByWhomItHears) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu()), &c = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  Sources sources;
  sources.bidirectional = true;
  const auto asked = anchors_->subscribe(who("A"), sources, {});
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_NE(asked->sdp.find("a=sendrecv"), std::string::npos);
  c.set_remote(address_in(asked->sdp));
  ASSERT_TRUE(
      anchors_->subscribe_answer(who("", asked->to_tag), answer_of({&c}, "RTP/AVP 0\r\n", "sendrecv"), {}));
  advance(milliseconds(300));
  c.start();
  advance(milliseconds(200));
  c.say(session::noise(800, 3));
  advance(milliseconds(700));
  EXPECT_GT(like(a, 3), 0.6) << "the whisper";
  EXPECT_LT(like(b, 3), 0.3);
}

TEST_F(FlowsTest, APublisherIsHeardByWhoSubscribesToIt) {
  auto &p = phone(codec::pcma()), &c = phone(codec::pcma());
  Options options;
  options.codecs.accept = {"PCMA"};
  const auto published = anchors_->publish({"", "", "", "", "", ""}, sdp(p, "RTP/AVP 0 8\r\na=sendonly\r\n"),
                                           options, Ways::one);
  ASSERT_TRUE(published) << published.error().message;
  EXPECT_NE(published->sdp.find("a=recvonly"), std::string::npos);
  EXPECT_NE(published->sdp.find(" RTP/AVP 8\r\n"), std::string::npos) << published->sdp;
  EXPECT_FALSE(published->call_id.empty());
  p.set_remote(address_in(published->sdp));
  p.start();
  const Selector listener{published->call_id, published->from_tag, "L", "", "", ""};
  const auto asked = anchors_->subscribe(listener, {}, {});
  ASSERT_TRUE(asked) << asked.error().message;
  ASSERT_TRUE(anchors_->subscribe_answer(listener, answer_of({&c}, "RTP/AVP 8\r\n"), {}));
  advance(milliseconds(100));
  EXPECT_EQ(p.got().size(), 0U) << "a publisher is sent nothing";
  p.say(session::noise(800, 5));
  advance(milliseconds(800));
  EXPECT_GT(like(c, 5), 0.99);
  p.stop();
  advance(seconds(190));
  EXPECT_EQ(anchors_->size(), 0U) << "a publisher that fell silent is given up";
  EXPECT_EQ(events_.back().text, "media_timeout");
}

TEST_F(FlowsTest, PartiesThatWeOfferToAreConnectedAcrossCallsAndTheirCodecsConverted) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcma());
  const auto made = [&](const char* call, const char* tag, const char* codec, testing::MediaPhone& phone,
                        const char* line) {
    const Selector party{call, tag, "", "", "", ""};
    const auto created = anchors_->create(party, {{"audio", {codec}}}, {});
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_NE(created->sdp.find(codec), std::string::npos);
    phone.set_remote(address_in(created->sdp));
    const auto taken = anchors_->create_answer(party, sdp(phone, line), {});
    ASSERT_TRUE(taken) << taken.error().message;
    phone.start();
  };
  made("one", "A", "PCMU", a, "RTP/AVP 0\r\n");
  made("two", "B", "PCMA", b, "RTP/AVP 8\r\n");
  const Selector pair{"one", "A", "B", "", "", ""};
  EXPECT_EQ(anchors_->connect(pair, "").error().code, ErrorCode::not_found);
  EXPECT_EQ(anchors_->connect(pair, "three").error().code, ErrorCode::not_found);
  EXPECT_EQ(anchors_->size(), 2U) << "what failed merged nothing";
  const auto joined = anchors_->connect(pair, "two");
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(anchors_->size(), 1U);
  EXPECT_EQ(anchors_->list(10).size(), 2U);
  advance(milliseconds(100));
  a.say(session::noise(800, 1));
  b.say(session::noise(800, 2));
  advance(milliseconds(900));
  EXPECT_GT(like(b, 1), 0.97);
  EXPECT_GT(like(a, 2), 0.97);
  anchors_->remove({"two", "", "", "", "", ""}, {}, [](const Result<CallReport>&) {});
  EXPECT_EQ(anchors_->size(), 0U);
  anchors_->query({"one", "", "", "", "", ""}, [](const Result<CallReport>& told) { EXPECT_FALSE(told); });
  advance(milliseconds(50));
  EXPECT_EQ(engine_->counters().legs, 0U);
}

TEST_F(FlowsTest, AnAnnouncerIsInjectedAndThenNoMore) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu()), &p = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  const auto published =
      anchors_->publish({"other", "P", "", "", "", ""}, sdp(p, "RTP/AVP 0\r\na=sendonly\r\n"), {}, Ways::one);
  ASSERT_TRUE(published) << published.error().message;
  p.set_remote(address_in(published->sdp));
  p.start();
  const auto heard = anchors_->hear({"other", "P", "B", "", "", ""}, "call", {}, Ways::one);
  ASSERT_TRUE(heard) << heard.error().message;
  advance(milliseconds(300));
  a.say(session::noise(800, 1));
  p.say(session::noise(800, 3));
  advance(milliseconds(900));
  EXPECT_GT(like(b, 1), 0.6);
  EXPECT_GT(like(b, 3), 0.6);
  EXPECT_LT(like(a, 3), 0.3);
  EXPECT_TRUE(anchors_->stop_hearing(who("", "B"), "other", "P"));
  EXPECT_EQ(anchors_->stop_hearing(who("", "B"), "other", "P").error().code, ErrorCode::not_found);
  advance(milliseconds(100));
  b.forget();
  p.say(session::noise(800, 3));
  advance(milliseconds(800));
  EXPECT_LT(like(b, 3), 0.3);
}

TEST_F(FlowsTest, AMeshIsAConferenceOfThree) {
  std::vector<testing::MediaPhone*> all;
  for (const char* tag : {"A", "B", "C"}) {
    auto& one = phone(codec::pcmu());
    all.push_back(&one);
    const Selector party{std::string("call-") + tag, tag, "", "", "", ""};
    const auto created = anchors_->create(party, {}, {});
    ASSERT_TRUE(created);
    one.set_remote(address_in(created->sdp));
    ASSERT_TRUE(anchors_->create_answer(party, sdp(one, "RTP/AVP 0\r\n"), {}));
    one.start();
  }
  const std::vector<std::string> calls{"call-A", "call-B", "call-C"};
  EXPECT_EQ(anchors_->mesh(calls, {{"A", {"Z"}}}, false, Ways::both).error().code, ErrorCode::not_found);
  EXPECT_EQ(anchors_->size(), 3U);
  const auto meshed = anchors_->mesh(calls, {{"A", {"B", "C"}}, {"B", {"C"}}}, true, Ways::both);
  ASSERT_TRUE(meshed) << meshed.error().message;
  EXPECT_EQ(engine_->counters().feeds, 6U);
  advance(milliseconds(300));
  for (std::uint32_t i = 0; i < 3; ++i) all[i]->say(session::noise(800, 11 + i));
  advance(milliseconds(900));
  for (std::uint32_t i = 0; i < 3; ++i)
    for (std::uint32_t k = 0; k < 3; ++k) {
      const double similar = like(*all[i], 11 + k);
      if (i == k) {
        EXPECT_LT(similar, 0.3) << i << " hears itself";
      } else {
        EXPECT_GT(similar, 0.6) << i << " does not hear " << k;
      }
    }
  ASSERT_TRUE(anchors_->mesh({"call-A"}, {{"A", {}}}, true, Ways::both));
  EXPECT_EQ(engine_->counters().feeds, 2U);
}

TEST_F(FlowsTest, WhatCannotBeSaysWhyAndLeavesNothingBehind) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  Sources all;
  all.all = true;
  EXPECT_EQ(anchors_->subscribe(who("A"), {}, {}).error().code, ErrorCode::not_found);
  (void)anchors_->offer(who("A"), sdp(a, kPlain), {});
  EXPECT_EQ(anchors_->subscribe(who("A"), {}, {}).error().code, ErrorCode::conflict)
      << "nothing is heard yet";
  (void)anchors_->answer(who("A", "B"), sdp(b, kPlain), {});
  const auto error = [](const auto& result) { return result ? "no error" : result.error().message; };
  EXPECT_EQ(error(anchors_->subscribe(who("nobody"), {}, {})),
            "Unknown participant: no party with that tag, label or address");
  EXPECT_EQ(anchors_->subscribe(who(""), {}, {}).error().code, ErrorCode::not_found);
  EXPECT_EQ(anchors_->subscribe(who("A", "B"), {}, {}).error().code, ErrorCode::conflict);
  EXPECT_EQ(anchors_->subscribe_answer(who("", "B"), sdp(b, kPlain), {}).error().code, ErrorCode::not_found);
  EXPECT_EQ(anchors_->create_answer(who("A"), sdp(b, kPlain), {}).error().code, ErrorCode::not_found);
  EXPECT_EQ(anchors_->connect(who("A", "A"), "").error().code, ErrorCode::invalid);
  EXPECT_EQ(anchors_->publish(who("A"), sdp(a, kPlain), {}, Ways::one).error().code, ErrorCode::conflict);
  EXPECT_EQ(anchors_->publish(who("P"), "v=", {}, Ways::one).error().code, ErrorCode::invalid);
  Options options;
  options.transport = "UDP/TLS/RTP/SAVPF";
  EXPECT_EQ(anchors_->create({"x", "", "", "", "", ""}, {}, options).error().code, ErrorCode::unsupported);
  EXPECT_EQ(anchors_->create({"x", "", "", "", "", ""}, {{"audio", {"EVS"}}}, {}).error().code,
            ErrorCode::unsupported);
  const auto asked = anchors_->subscribe(who("A", "S"), {}, {});
  ASSERT_TRUE(asked);
  EXPECT_EQ(anchors_->subscribe_answer(who("", "S"), sdp(b, "RTP/AVP 97\r\na=rtpmap:97 EVS/16000\r\n"), {})
                .error()
                .code,
            ErrorCode::unsupported);
  EXPECT_EQ(anchors_->subscribe_answer(who("", "S"), answer_of({&a, &b}, "RTP/AVP 0\r\n"), {}).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(engine_->counters().legs, 3U);
  for (int i = 0; i < 100; ++i) (void)anchors_->subscribe(who("A", "S" + std::to_string(i)), {}, {});
  EXPECT_LE(engine_->counters().legs, 64U);
  EXPECT_GT(anchors_->counters().refused_limit.get(), 0U);
  EXPECT_EQ(anchors_->size(), 1U);
}

}  // namespace
}  // namespace tandem::anchor
