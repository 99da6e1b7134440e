// Whole calls with SDES: on one side or both, over re-INVITEs, refused where it must be. The phones' a=crypto
// is written and read by hand.
#include "tests/scenarios/world.hpp"

namespace tandem::testing {
namespace {

using srtp::Suite;

// One phone's own key, its SDP, and the key that Tandem's SDP names.
struct Secret {
  Suite suite = Suite::aes_cm_128_hmac_sha1_80;
  int tag = 1;
  srtp::Key key = srtp::Key::random(suite);

  std::string attribute() const {
    return "a=crypto:" + std::to_string(tag) + " " + srtp::facts(suite).name + " inline:" + key.to_base64() +
           "\r\n";
  }
  std::string sdp(Phone& phone, const std::string& profile = "RTP/SAVP") const {
    std::string text = phone.sdp().text();
    text.replace(text.find("RTP/AVP"), 7, profile);
    return text + attribute();
  }
  // What Tandem sends with, by its SDP; nothing when it names no key.
  std::optional<srtp::Protection> theirs(const std::string& text) const {
    const std::string wanted = "a=crypto:" + std::to_string(tag) + " " + srtp::facts(suite).name + " inline:";
    const std::size_t at = text.find(wanted);
    if (at == std::string::npos) return std::nullopt;
    const std::size_t begin = at + wanted.size();
    auto read =
        srtp::Key::from_base64(suite, text.substr(begin, text.find_first_of(" |\r\n", begin) - begin));
    if (!read) return std::nullopt;
    return srtp::Protection{*read};
  }
  // The phone's sound goes encrypted from now on.
  void apply(MediaPhone& media, const std::string& tandems_sdp) const {
    const auto receive = theirs(tandems_sdp);
    ASSERT_TRUE(receive.has_value()) << tandems_sdp;
    media.secure({key}, *receive);
  }
};

bool talk(World& world, const World::Caller& a, const World::Caller& b, unsigned seed) {
  a.media->forget();
  b.media->forget();
  const auto from_a = noise(400, seed), from_b = noise(400, seed + 1);
  a.media->say(from_a);
  b.media->say(from_b);
  world.advance(900ms);
  return find_in(b.media->heard(), from_a).first > 0.95 && find_in(a.media->heard(), from_b).first > 0.95;
}

std::string mode_of(World& world, const std::string& leg) {
  return world.ask("leg.show", {{"leg", leg}}).value("/media/mode"_json_pointer, "");
}

TEST(SrtpCalls, APhoneWithSrtpTalksToOneWithout) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  const Secret secret{
      .suite = Suite::aead_aes_128_gcm, .tag = 3, .key = srtp::Key::random(Suite::aead_aes_128_gcm)};
  Dialog& call = a.sip->calls("1002", secret.sdp(*a.sip));
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  EXPECT_NE(call.their_text.find("RTP/SAVP "), std::string::npos);
  secret.apply(*a.media, call.their_text);
  ASSERT_NE(b.sip->called(), nullptr);
  EXPECT_EQ(b.sip->called()->their_text.find("crypto"), std::string::npos) << "\"accept\" offers none";
  world.advance(200ms);
  EXPECT_TRUE(talk(world, a, b, 1));
  const auto shown = world.ask("leg.show", {{"leg", call.leg}});
  EXPECT_EQ(shown.value("/media/srtp"_json_pointer, ""), "AEAD_AES_128_GCM");
  EXPECT_EQ(shown.value("/media/mode"_json_pointer, ""), "relay");
  EXPECT_EQ(shown.dump().find(secret.key.to_base64()), std::string::npos) << "the API tells no key";
  EXPECT_EQ(world.story().find("inline:"), std::string::npos) << "nor do events";
  a.sip->hangs_up(call);
  world.advance(200ms);
  EXPECT_TRUE(world.company().violations().empty());
}

TEST(SrtpCalls, BothSidesHaveTheirOwnKeysAndSuites) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  const Secret one;
  const Secret two{.suite = Suite::aes_cm_128_hmac_sha1_80, .tag = 4};
  b.sip->answers_with(two.sdp(*b.sip));
  // a's media is RTP until its own SDP says otherwise; `required` makes Tandem offer RTP/SAVP to b.
  const auto placed =
      world.ask("call.originate", {{"to", "1002"}, {"bridge_to", "1001"}, {"srtp", "required"}});
  ASSERT_FALSE(placed.contains("error")) << placed.dump();
  ASSERT_TRUE(world.until([&] { return a.sip->called() != nullptr && a.sip->called()->up(); }));
  const std::string offer = b.sip->called()->invite.sdp;
  EXPECT_NE(offer.find("RTP/SAVP "), std::string::npos) << offer;
  EXPECT_NE(offer.find("a=crypto:5 "), std::string::npos) << "several suites are offered";
  two.apply(*b.media, offer);
  world.advance(300ms);
  EXPECT_TRUE(talk(world, a, b, 3));
  Dialog& of_a = *a.sip->called();
  a.sip->reinvites(of_a, one.sdp(*a.sip));  // a turns SRTP on in mid-call
  world.advance(100ms);
  ASSERT_EQ(of_a.reinvite_code, 200);
  one.apply(*a.media, of_a.their_text);
  EXPECT_TRUE(talk(world, a, b, 5));
  EXPECT_EQ(mode_of(world, of_a.leg), "relay");
}

TEST(SrtpCalls, AnAppIsHeardEncrypted) {
  World world;
  ASSERT_TRUE(world.routes().add({"7777", "echo", "", "", {}}).ok());
  auto a = world.phone("1001");
  const Suite suite = Suite::aes_256_cm_hmac_sha1_80;
  const Secret secret{.suite = suite, .tag = 1, .key = srtp::Key::random(suite)};
  Dialog& call = a.sip->calls("7777", secret.sdp(*a.sip));
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  secret.apply(*a.media, call.their_text);
  world.advance(30s);  // the app's own words first
  a.media->forget();
  const auto said = noise(400, 21);
  a.media->say(said);
  world.advance(1s);
  EXPECT_GT(find_in(a.media->heard(), said).first, 0.95);
  EXPECT_EQ(a.media->unopened(), 0u);
}

TEST(SrtpCalls, AHoldKeepsTheKeysAndANewKeyTakesOver) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  const Secret first, second;
  Dialog& call = a.sip->calls("1002", first.sdp(*a.sip));
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  first.apply(*a.media, call.their_text);
  world.advance(2s);  // past the wrap of the phone's sequence
  const auto ours = first.theirs(call.their_text);
  a.sip->reinvites(call, first.sdp(*a.sip));
  world.advance(100ms);
  ASSERT_EQ(call.reinvite_code, 200);
  EXPECT_TRUE(ours == first.theirs(call.their_text)) << "Tandem's key stays what it was";
  EXPECT_TRUE(talk(world, a, b, 7)) << "and so does the rollover";
  a.sip->reinvites(call, second.sdp(*a.sip));
  world.advance(100ms);
  ASSERT_EQ(call.reinvite_code, 200);
  EXPECT_TRUE(ours == second.theirs(call.their_text));
  a.media->restart_stream(0x7777);
  second.apply(*a.media, call.their_text);
  EXPECT_TRUE(talk(world, a, b, 9));
}

TEST(SrtpCalls, ARouteThatRequiresItRefusesPlainRtpWith488) {
  World world;
  ASSERT_TRUE(world.routes().add({"7777", "echo", "", "", {.srtp = sdp::SrtpPolicy::required}}).ok());
  ASSERT_TRUE(world.routes().add({"7778", "echo", "", "", {.srtp = sdp::SrtpPolicy::off}}).ok());
  auto a = world.phone("1001");
  const Secret secret;
  Dialog& plain = a.sip->calls("7777");
  ASSERT_TRUE(world.until([&] { return plain.over(); }));
  EXPECT_EQ(plain.final_code, 488);
  EXPECT_NE(plain.final_reason.find("SRTP is required"), std::string::npos) << plain.final_reason;
  Dialog& good = a.sip->calls("7777", secret.sdp(*a.sip));
  EXPECT_TRUE(world.until([&] { return good.up(); }));
  Dialog& off = a.sip->calls("7778", secret.sdp(*a.sip));
  ASSERT_TRUE(world.until([&] { return off.over(); }));
  EXPECT_EQ(off.final_code, 488);
}

TEST(SrtpCalls, ACalleeThatCannotDoWhatIsRequiredIsHungUp) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  const auto placed =
      world.ask("call.originate", {{"to", "1002"}, {"bridge_to", "1001"}, {"srtp", "required"}});
  ASSERT_FALSE(placed.contains("error"));
  world.advance(3s);
  ASSERT_NE(b.sip->called(), nullptr);
  EXPECT_TRUE(b.sip->called()->over()) << "it answered RTP/AVP without a key";
  EXPECT_EQ(a.sip->called(), nullptr);
}

// What the call's own list allows, in its order, and nothing else; the rest of [media] stays.
TEST(PeerCalls, AnOriginationMayHaveCodecsOfItsOwn) {
  World world;
  (void)world.phone("1001");
  auto b = world.phone("1002");
  const auto refused =
      world.ask("call.originate", {{"to", "1002"}, {"bridge_to", "1001"}, {"codecs", {"PCMQ"}}});
  ASSERT_TRUE(refused.contains("error"));
  EXPECT_NE(refused.dump().find("PCMQ"), std::string::npos) << "it says which";
  const auto placed = world.ask("call.originate", {{"to", "1002"},
                                                   {"bridge_to", "1001"},
                                                   {"codecs", {"L16/16000", "PCMA"}},
                                                   {"ptime_ms", 40},
                                                   {"comfort_noise", "offer"}});
  ASSERT_FALSE(placed.contains("error")) << placed;
  ASSERT_TRUE(world.until([&] { return b.sip->called() != nullptr; }));
  const std::string& offer = b.sip->called()->invite.sdp;
  EXPECT_NE(offer.find("RTP/AVP 96 8 "), std::string::npos) << offer;
  EXPECT_EQ(offer.find("PCMU"), std::string::npos) << offer;
  EXPECT_NE(offer.find("a=ptime:40"), std::string::npos) << offer;
  EXPECT_NE(offer.find("a=rtpmap:13 CN/8000"), std::string::npos) << offer;
  EXPECT_NE(offer.find("CN/16000"), std::string::npos) << offer;
}

TEST(SrtpCalls, OptionalFallsBackToRtp) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  const auto placed =
      world.ask("call.originate", {{"to", "1002"}, {"bridge_to", "1001"}, {"srtp", "optional"}});
  ASSERT_FALSE(placed.contains("error"));
  ASSERT_TRUE(world.until([&] { return a.sip->called() != nullptr && a.sip->called()->up(); }));
  EXPECT_NE(b.sip->called()->invite.sdp.find("RTP/AVP "), std::string::npos);
  EXPECT_NE(b.sip->called()->invite.sdp.find("a=crypto:1 "), std::string::npos);
  world.advance(300ms);
  EXPECT_TRUE(talk(world, a, b, 11));
}

}  // namespace
}  // namespace tandem::testing
