// The menu and the voicemail that ship, called by phones on fake time; what is heard is compared with the
// prompts.
#include "tests/scenarios/world.hpp"

namespace tandem::testing {
namespace {

class Apps : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!World::has_prompts()) GTEST_SKIP() << "Debian's asterisk-core-sounds-en-wav is not installed";
  }
};

TEST_F(Apps, TheMenuIsHeardAndAKeyChoosesItsBranch) {
  World world;
  auto a = world.phone("1001");
  Dialog& call = a.sip->calls("5000");
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  world.advance(1500ms);
  a.media->press('3');
  world.advance(6s);
  std::vector<std::int16_t> begin = World::prompt("demo-congrats");
  begin.resize(8000 * 3);
  EXPECT_GT(find_in(a.media->heard(), begin).first, 0.9);
}

TEST_F(Apps, TheMenuPutsThroughToAnExtension) {
  World world;
  auto a = world.phone("1002"), b = world.phone("1001");
  b.sip->answers_after(500ms);
  Dialog& call = a.sip->calls("5000");
  ASSERT_TRUE(world.until([&] { return call.up(); }));
  world.advance(1s);
  a.media->press('1');
  ASSERT_TRUE(world.until([&] { return b.sip->called() != nullptr && b.sip->called()->up(); }));
  world.advance(300ms);
  const auto said = noise(300, 8);
  b.media->say(said);
  world.advance(700ms);
  EXPECT_GT(find_in(a.media->heard(), said).first, 0.95);
}

// Leaves a message for 1002, who does what `manner` says, and listens to it.
void leave_and_listen(const std::function<void(World&)>& manner) {
  World world;
  auto a = world.phone("1001");
  manner(world);
  Dialog& call = a.sip->calls("1002");
  ASSERT_TRUE(world.until([&] { return call.up(); }, 60s)) << "the mailbox did not answer";
  world.advance(500ms);
  // The beep is the end of the greeting: it is known by the recording that begins.
  ASSERT_TRUE(world.until([&] { return !world.events("recording.started").empty(); }, 40s));
  const auto said = noise(2500, 9);
  world.advance(300ms);
  a.media->say(said);
  world.advance(3500ms);
  a.sip->hangs_up(call);
  ASSERT_TRUE(world.until([&] { return !world.events("mailbox.changed").empty(); }, 5s))
      << "no message was kept";
  EXPECT_EQ(world.events("mailbox.changed").back().value("new", 0), 1);

  auto owner = world.phone("1002");
  world.advance(200ms);
  EXPECT_EQ(owner.sip->mwi_fresh, 1);
  Dialog& listening = owner.sip->calls("*97");
  ASSERT_TRUE(world.until([&] { return listening.up(); }));
  world.advance(3s);
  for (const char digit : world.pin_of("1002")) owner.media->press(digit);
  owner.media->press('#');
  world.advance(10s);
  owner.media->press('1');
  world.advance(30s);
  EXPECT_GT(find_in(owner.media->heard(), said).first, 0.9) << "the message was not heard; " << world.story();
}

TEST_F(Apps, VoicemailOfAnUnansweredCall) {
  leave_and_listen([](World& world) { world.phone("1002").sip->never_answers(); });
}

TEST_F(Apps, VoicemailOfABusyPhone) {
  leave_and_listen([](World& world) { world.phone("1002").sip->refuses(486); });
}

TEST_F(Apps, VoicemailOfAnAbsentPhone) {
  leave_and_listen([](World&) {});
}

}  // namespace
}  // namespace tandem::testing
