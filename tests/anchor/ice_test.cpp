// ICE of anchored calls: in whose SDP it stands, and that media follows each side's checks.
#include "core/sdp/description.hpp"
#include "tests/anchor/relay_world.hpp"
#include "tests/anchor/world.hpp"

namespace tandem::anchor {
namespace {

using namespace std::chrono_literals;

constexpr const char* kIceA =
    "a=ice-ufrag:aaaa\na=ice-pwd:password-of-22-chars-aa\n"
    "a=candidate:0 1 UDP 2113667327 192.0.2.1 4000 typ host\n"
    "a=candidate:0 2 UDP 2113667326 192.0.2.1 4001 typ host\n";
constexpr const char* kIceB =
    "a=ice-ufrag:bbbb\na=ice-pwd:password-of-22-chars-bb\n"
    "a=candidate:0 1 UDP 2113667327 192.0.2.2 5000 typ host\n";

std::string with_ice(const char* ice) { return audio_sdp("192.0.2.1", 4000, "0", ice); }

std::string value_of(const std::string& sdp, const std::string& name) {
  const std::size_t at = sdp.find("\r\na=" + name + ":");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 5;
  return sdp.substr(begin, sdp.find('\r', begin) - begin);
}

bool speaks(const std::string& sdp) {
  const bool ufrag = !value_of(sdp, "ice-ufrag").empty();
  EXPECT_EQ(ufrag, !value_of(sdp, "ice-pwd").empty());
  EXPECT_EQ(ufrag, sdp.find("a=candidate:") != std::string::npos);
  EXPECT_EQ(ufrag, sdp.find("\r\na=ice-lite\r\n") != std::string::npos);
  return ufrag;
}

class IceSdpTest : public AnchorWorld {
 protected:
  static Options options(IceOption ice, bool reject = false) {
    Options out;
    out.ice = ice;
    out.ice_reject = reject;
    return out;
  }
};

TEST_F(IceSdpTest, WhoSpeaksItIsAnsweredWithOursAndOurCandidatesOnly) {
  const auto out = offer(with_ice(kIceA));
  ASSERT_TRUE(out) << out.error().message;
  const int port = port_of(out->sdp);
  EXPECT_TRUE(
      has(out->sdp, "a=candidate:1 1 UDP 2130706431 198.51.100.1 " + std::to_string(port) + " typ host"));
  EXPECT_TRUE(
      has(out->sdp, "a=candidate:1 2 UDP 2130706430 198.51.100.1 " + std::to_string(port + 1) + " typ host"));
  EXPECT_EQ(out->sdp.find("192.0.2.1"), out->sdp.find("192.0.2.1\r\ns=-")) << "but for o=, nothing of theirs";
  EXPECT_NE(value_of(out->sdp, "ice-ufrag"), "aaaa");
  EXPECT_EQ(out->sdp.find("a=ice-lite"), out->sdp.rfind("a=ice-lite"));
  EXPECT_LT(out->sdp.find("a=ice-lite"), out->sdp.find("m=audio"));
  const auto back = answer(with_ice(kIceB));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(speaks(back->sdp));
  EXPECT_NE(value_of(back->sdp, "ice-pwd"), value_of(out->sdp, "ice-pwd"));
  ASSERT_TRUE(legs()[0]->ice && legs()[1]->ice);
  EXPECT_EQ(legs()[0]->ice->peer_ufrag, "aaaa");
  EXPECT_EQ(legs()[1]->ice->peer_ufrag, "bbbb");
  EXPECT_EQ(legs()[0]->ice->ours.password, value_of(back->sdp, "ice-pwd"));
  EXPECT_EQ(legs()[1]->ice->ours.password, value_of(out->sdp, "ice-pwd"));
}

struct Flags {
  const char* what;
  bool offered;  // by the caller
  IceOption in_offer;
  bool rejected;
  bool sent;      // to the callee
  bool answered;  // by the callee
  IceOption in_answer;
  bool back;  // to the caller
};

TEST_F(IceSdpTest, EachFlagDecidesWhoIsWrittenIce) {
  using enum IceOption;
  for (const Flags& row : {Flags{"none", false, standard, false, false, false, standard, false},
                           Flags{"as it came", true, standard, false, true, true, standard, true},
                           Flags{"callee has none", true, standard, false, true, false, standard, true},
                           Flags{"removed", true, remove, false, false, false, standard, true},
                           Flags{"removed both ways", true, remove, false, false, false, remove, false},
                           Flags{"forced", false, force, false, true, true, force, false},
                           Flags{"forced, refused", false, force, false, true, false, force, false},
                           Flags{"force on ICE", true, force, false, true, true, standard, true},
                           Flags{"rejected", true, standard, true, true, true, standard, false},
                           Flags{"in an answer only", false, standard, false, false, true, force, false}}) {
    const auto out = offer(with_ice(row.offered ? kIceA : ""), options(row.in_offer, row.rejected));
    ASSERT_TRUE(out) << row.what << out.error().message;
    EXPECT_EQ(speaks(out->sdp), row.sent) << row.what;
    const auto back = answer(with_ice(row.answered ? kIceB : ""), options(row.in_answer));
    ASSERT_TRUE(back) << row.what << back.error().message;
    EXPECT_EQ(speaks(back->sdp), row.back) << row.what;
    EXPECT_EQ(legs()[0]->ice.has_value(), row.back) << row.what;
    EXPECT_EQ(legs()[1]->ice.has_value(), row.sent && row.answered) << row.what;
    AnchorWorld::remove();
  }
}

TEST_F(IceSdpTest, AReInviteKeepsTheCredentialsAndARestartChangesThem) {
  const auto out = offer(with_ice(kIceA)), back = answer(with_ice(kIceB));
  const auto again = offer(with_ice(kIceA), {}, "A", "B"), back_again = answer(with_ice(kIceB));
  ASSERT_TRUE(out && back && again && back_again);
  EXPECT_EQ(value_of(again->sdp, "ice-pwd"), value_of(out->sdp, "ice-pwd"));
  EXPECT_EQ(value_of(back_again->sdp, "ice-pwd"), value_of(back->sdp, "ice-pwd"));
  const auto restart =
      offer(audio_sdp("192.0.2.1", 4000, "0", "a=ice-ufrag:anew\na=ice-pwd:another-password-of-aaaa\n"), {},
            "A", "B");
  const auto restarted = answer(with_ice(kIceB));
  ASSERT_TRUE(restart && restarted);
  EXPECT_EQ(value_of(restart->sdp, "ice-ufrag"), value_of(out->sdp, "ice-ufrag")) << "B's goes on";
  EXPECT_NE(value_of(restarted->sdp, "ice-ufrag"), value_of(back->sdp, "ice-ufrag"));
  EXPECT_NE(value_of(restarted->sdp, "ice-pwd"), value_of(back->sdp, "ice-pwd"));
  EXPECT_EQ(legs()[0]->ice->peer_ufrag, "anew");
  EXPECT_EQ(port_of(restarted->sdp), port_of(back->sdp));
}

TEST_F(IceSdpTest, TheOtherSidesReInviteKeepsToWhatEachSideSpeaks) {
  ASSERT_TRUE(offer(with_ice(kIceA), options(IceOption::remove)) && answer(with_ice("")));
  const auto out = offer(audio_sdp("192.0.2.2", 5000, "0", ""), {}, "B", "A");
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(speaks(out->sdp)) << "A had it in its offer";
  const auto back = answer(with_ice(kIceA), {}, "B", "A");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_FALSE(speaks(back->sdp));
  EXPECT_TRUE(legs()[0]->ice && !legs()[1]->ice);
}

TEST_F(IceSdpTest, OfSeveralAnswersToOneOfferEachMayHaveItOrNot) {
  const auto out = offer(with_ice(kIceA));
  ASSERT_TRUE(out && answer(with_ice("")));
  EXPECT_FALSE(legs()[1]->ice);
  ASSERT_TRUE(answer(with_ice(kIceB), {}, "A", "C"));
  ASSERT_TRUE(legs()[1]->ice);
  EXPECT_EQ(legs()[1]->ice->ours.ufrag, value_of(out->sdp, "ice-ufrag"));
  EXPECT_EQ(legs()[1]->ice->ours.password, value_of(out->sdp, "ice-pwd"));
  EXPECT_EQ(legs()[1]->ice->peer_ufrag, "bbbb");
}

TEST_F(IceSdpTest, OneComponentWithRtcpMuxAndTheSessionsCredentials) {
  const auto out =
      offer(crlf("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
                 "a=ice-ufrag:aaaa\na=ice-pwd:password-of-22-chars-aa\na=ice-lite\n"
                 "m=audio 4000 RTP/AVP 0\na=rtcp-mux\n"));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(speaks(out->sdp));
  EXPECT_NE(out->sdp.find(" 2 UDP "), std::string::npos) << "the callee may refuse to multiplex";
  const auto back = answer(audio_sdp("192.0.2.2", 5000, "0", "a=rtcp-mux\n"));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(speaks(back->sdp));
  EXPECT_EQ(back->sdp.find(" 2 UDP "), std::string::npos);
  EXPECT_EQ(legs()[0]->ice->peer_ufrag, "aaaa");
}

TEST_F(IceSdpTest, AnAddressToBeFoundByChecksIsNoHold) {
  const auto out = offer(audio_sdp("0.0.0.0", 9, "0", kIceA));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(has(out->sdp, "c=IN IP4 198.51.100.1"));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000, "0", "")));
  EXPECT_TRUE(legs()[0]->config().send);
}

TEST_F(IceSdpTest, CredentialsOutOfTheGrammarAreNoIce) {
  for (const char* lines :
       {"a=ice-ufrag:a\na=ice-pwd:password-of-22-chars-aa\n", "a=ice-ufrag:aaaa\n",
        "a=ice-ufrag:aaaa\na=ice-pwd:short\n", "a=ice-ufrag:aa:a\na=ice-pwd:password-of-22-chars-aa\n"}) {
    const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", lines));
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_FALSE(speaks(out->sdp)) << lines;
    EXPECT_EQ(out->sdp.find("ice-"), std::string::npos);
    remove();
  }
}

TEST_F(IceSdpTest, PublishersAndSubscribersHaveItToo) {
  const auto published = anchors->publish({"pub", "P", "", "", "", ""}, with_ice(kIceA), {}, Ways::one);
  ASSERT_TRUE(published) << published.error().message;
  EXPECT_TRUE(speaks(published->sdp));
  EXPECT_EQ(legs()[0]->ice->peer_ufrag, "aaaa");
  const auto asked = anchors->subscribe({"pub", "P", "S", "", "", ""}, Sources{}, options(IceOption::force));
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_TRUE(speaks(asked->sdp));
  ASSERT_TRUE(anchors->subscribe_answer({"pub", "P", "S", "", "", ""}, with_ice(kIceB), {}));
  EXPECT_EQ(legs()[1]->ice->peer_ufrag, "bbbb");
}

// ---- with media

class IceRelayTest : public RelayTest {
 protected:
  void check(testing::MediaPhone& phone, const std::string& sdp, const std::string& theirs) {
    std::vector<std::uint8_t> out(256);
    stun::Writer writer(out, stun::Class::request, stun::kBinding, {1});
    writer.username(value_of(sdp, "ice-ufrag") + ":" + theirs);
    writer.priority(1);
    writer.controlling(1);
    writer.use_candidate();
    writer.integrity(value_of(sdp, "ice-pwd"));
    writer.fingerprint();
    out.resize(writer.bytes());
    phone.send_raw(timers_.now(), out);
  }
  static std::string hidden(const std::string& ice) {  // an SDP of someone behind a NAT
    return "v=0\r\no=- 1 1 IN IP4 10.9.9.9\r\ns=-\r\nc=IN IP4 10.9.9.9\r\nt=0 0\r\nm=audio 7000 RTP/AVP "
           "0\r\n" +
           crlf(ice);
  }
};

TEST_F(IceRelayTest, EachSideIsReachedWhereItsChecksComeFrom) {
  testing::MediaPhone& a = phone(codec::pcmu());
  testing::MediaPhone& b = phone(codec::pcmu());
  const auto offered = anchors_->offer({"call", "A", "", "", "", ""}, hidden(kIceA), {});
  ASSERT_TRUE(offered) << offered.error().message;
  b.set_remote(address_in(offered->sdp));
  advance(20ms);
  check(b, offered->sdp, "bbbb");  // before its answer is here
  advance(20ms);
  const auto answered = anchors_->answer({"call", "A", "B", "", "", ""}, hidden(kIceB), {});
  ASSERT_TRUE(answered) << answered.error().message;
  a.set_remote(address_in(answered->sdp));
  check(a, answered->sdp, "aaaa");
  advance(20ms);
  EXPECT_EQ(engine_->media_loop(0).counters().ice_selected.get(), 2u);
  a.say(session::noise(3000, 1));
  b.say(session::noise(3000, 2));
  a.start();
  b.start();
  advance(1s);
  EXPECT_GT(session::find_in(b.heard(), beginning(1)).first, 0.95);
  EXPECT_GT(session::find_in(a.heard(), beginning(2)).first, 0.95);
}

TEST_F(IceRelayTest, OneSideWithIceAndOneWithout) {
  testing::MediaPhone& a = phone(codec::pcmu());
  testing::MediaPhone& b = phone(codec::pcmu());
  Options forced;
  forced.ice = IceOption::force;
  const auto offered = anchors_->offer({"call", "A", "", "", "", ""}, sdp(a, kPlain), forced);
  ASSERT_TRUE(offered) << offered.error().message;
  b.set_remote(address_in(offered->sdp));
  const auto answered = anchors_->answer({"call", "A", "B", "", "", ""}, hidden(kIceB), {});
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_FALSE(speaks(answered->sdp));
  a.set_remote(address_in(answered->sdp));
  advance(20ms);
  check(b, offered->sdp, "bbbb");
  advance(20ms);
  EXPECT_EQ(engine_->media_loop(0).counters().stun_answered.get(), 1u);
  EXPECT_EQ(engine_->media_loop(0).counters().ice_selected.get(), 1u);
  a.say(session::noise(3000, 1));
  b.say(session::noise(3000, 2));
  a.start();
  b.start();
  advance(1s);
  EXPECT_GT(session::find_in(b.heard(), beginning(1)).first, 0.95);
  EXPECT_GT(session::find_in(a.heard(), beginning(2)).first, 0.95);
}

}  // namespace
}  // namespace tandem::anchor
