// Whole calls between phones, on fake time: anchored media, hold, transfer, refusals.
#include "tests/scenarios/world.hpp"

namespace tandem::testing {
namespace {

TEST(Calls, TwoPhonesHearEachOther) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  b.sip->answers_after(1s);
  Dialog& call = a.sip->calls("1002");
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  world.advance(200ms);
  const auto from_a = noise(400, 1), from_b = noise(400, 2);
  a.media->say(from_a);
  b.media->say(from_b);
  world.advance(800ms);
  EXPECT_GT(find_in(b.media->heard(), from_a).first, 0.95);
  EXPECT_GT(find_in(a.media->heard(), from_b).first, 0.95);
  a.sip->hangs_up(call);
  world.advance(200ms);
  EXPECT_EQ(world.company().live_dialogs(), 0u);
  EXPECT_TRUE(world.company().violations().empty()) << world.company().violations().front();
  const auto cdrs = world.ask("cdr.list");
  ASSERT_FALSE(cdrs.contains("error")) << cdrs.dump();
  EXPECT_NE(cdrs.dump().find("ANSWERED"), std::string::npos) << cdrs.dump();
}

TEST(Calls, TheCallerHearsRingingAndCanGiveUp) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  b.sip->never_answers();
  Dialog& call = a.sip->calls("1002");
  ASSERT_TRUE(world.until([&] { return call.ringing(); }));
  a.sip->hangs_up(call);
  world.advance(500ms);
  EXPECT_TRUE(call.over());
  ASSERT_NE(b.sip->called(), nullptr);
  EXPECT_TRUE(b.sip->called()->over()) << "the callee still rings";
  EXPECT_EQ(world.company().live_dialogs(), 0u);
}

TEST(Calls, HoldAndResumeFromThePhone) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  Dialog& call = a.sip->calls("1002");
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  world.advance(200ms);
  a.sip->holds(call);
  world.advance(300ms);
  EXPECT_EQ(call.reinvite_code, 200);
  EXPECT_EQ(world.events("leg.held").size(), 1u);
  a.media->forget();
  const auto unheard = noise(300, 3);
  b.media->say(unheard);
  world.advance(500ms);
  EXPECT_LT(find_in(a.media->heard(), unheard).first, 0.3);
  a.sip->resumes(call);
  world.advance(300ms);
  EXPECT_EQ(world.events("leg.resumed").size(), 1u);
  const auto heard = noise(300, 4);
  b.media->say(heard);
  world.advance(600ms);
  EXPECT_GT(find_in(a.media->heard(), heard).first, 0.95);
}

TEST(Calls, BlindTransferMovesTheOtherPartyAndKeepsTheCall) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002"), c = world.phone("1003");
  Dialog& call = a.sip->calls("1002");
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  world.advance(300ms);
  a.sip->refers(call, "1003");
  ASSERT_TRUE(world.until([&] { return c.sip->called() != nullptr && c.sip->called()->up(); }, 10s));
  EXPECT_EQ(call.refer_code, 202);
  world.advance(500ms);
  const auto from_b = noise(400, 5), from_c = noise(400, 6);
  b.media->forget();
  c.media->forget();
  b.media->say(from_b);
  c.media->say(from_c);
  world.advance(800ms);
  EXPECT_GT(find_in(c.media->heard(), from_b).first, 0.95);
  EXPECT_GT(find_in(b.media->heard(), from_c).first, 0.95);
}

TEST(Calls, AnUnknownNumberIsRefusedWith404) {
  World world;
  auto a = world.phone("1001");
  Dialog& call = a.sip->calls("777777");
  ASSERT_TRUE(world.until([&] { return call.over(); }));
  EXPECT_EQ(call.final_code, 404);
  EXPECT_EQ(call.q850, 1);
}

TEST(Calls, NoCodecInCommonIsRefusedWith488AndBrokenSdpWith400) {
  World world;
  auto a = world.phone("1001");
  Dialog& first = a.sip->calls("*43",
                               "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                               "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 SPEEX/8000\r\n");
  Dialog& second = a.sip->calls("*43", "v=0\r\no=garbage");
  world.advance(500ms);
  EXPECT_EQ(first.final_code, 488);
  EXPECT_EQ(second.final_code, 400);
}

TEST(Calls, EchoGivesBackWhatIsSaid) {
  World world;
  auto a = world.phone("1001");
  Dialog& call = a.sip->calls("*43");
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  world.advance(25s);  // what it announces first
  const auto said = noise(400, 7);
  a.media->say(said);
  world.advance(900ms);
  EXPECT_GT(find_in(a.media->heard(), said).first, 0.95);
}

TEST(Calls, AnHourOfCallsLeavesNothingBehind) {
  World world;
  auto a = world.phone("1001"), b = world.phone("1002");
  b.sip->answers_after(100ms);
  for (int i = 0; i < 20; ++i) {
    Dialog& call = a.sip->calls("1002");
    ASSERT_TRUE(world.until([&] { return call.up(); })) << "call " << i;
    world.advance(200ms);
    (i % 2 == 0 ? a : b).sip->hangs_up(i % 2 == 0 ? call : *b.sip->called());
    world.advance(200ms);
  }
  EXPECT_EQ(world.calls().call_count(), 0u);
  EXPECT_EQ(world.calls().leg_count(), 0u);
  EXPECT_EQ(world.engine().counters().legs, 0u);
  EXPECT_EQ(world.company().live_dialogs(), 0u);
}

}  // namespace
}  // namespace tandem::testing
