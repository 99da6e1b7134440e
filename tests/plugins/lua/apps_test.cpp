// The shipped apps as their callers know them: extension, voicemail, ivr, echo, against call layer and store
// in memory.
#include <gmock/gmock.h>

#include "tests/plugins/lua/fake_store.hpp"

namespace tandem::testing {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSubsetOf;
using ::testing::Not;

struct Office : FakeCalls {
  explicit Office(json options = json::object()) : FakeCalls(std::move(options)), store(*host) {
    prompt_ms = 1000;
  }
  // Lets prompts and waits pass until the app does nothing more for `time`.
  void pause(std::chrono::milliseconds time = 500ms) { advance(time); }
  // How often a prompt was asked for.
  long count(const std::string& prompt) const {
    const auto all = played();
    return std::count(all.begin(), all.end(), prompt);
  }
  FakeStore store;
};

json voicemail_main(const std::string& from = "1001") {
  return {{"dialed", "*97"}, {"from", {{"user", from}}}, {"auth_user", from}};
}

}  // namespace

TEST(Extension, RingsItsDevicesForItsOwnTime) {
  Office office;
  office.start("extension", {{"dialed", "1001"}});
  EXPECT_EQ(office.done("leg.dial")[0],
            (json{{"leg", "leg-1"}, {"targets", {{{"to", "1001"}}}}, {"timeout_s", 15}, {"ringback", "us"}}));
  office.advance(10s);
  EXPECT_EQ(office.reason(), "done");
  EXPECT_TRUE(office.done("leg.answer").empty());  // the bridge answers, not the script
  EXPECT_TRUE(office.played().empty());
}

TEST(Extension, FallsToVoicemailWithTheGreetingThatFits) {
  const struct {
    const char* status;
    const char* prompt;
  } rows[] = {{"busy", "vm-isonphone"},
              {"no-answer", "vm-isunavail"},
              {"unavailable", "vm-isunavail"},
              {"failed", "vm-isunavail"}};
  for (const auto& row : rows) {
    Office office;
    office.dial = {row.status, 17, 1s, 0s};
    office.start("extension", {{"dialed", "1001"}});
    office.advance(3s);
    EXPECT_EQ(office.done("leg.answer").size(), 1u);
    EXPECT_THAT(office.played(), Contains(row.prompt)) << row.status;
    EXPECT_THAT(office.played(), Contains("vm-theperson"));
  }
}

TEST(Extension, WithoutAMailboxThePhoneLearnsTheCause) {
  const struct {
    const char* status;
    int cause;
  } rows[] = {{"busy", 17}, {"no-answer", 19}, {"unavailable", 20}, {"failed", 38}};
  for (const auto& row : rows) {
    Office office;
    office.dial = {row.status, 0, 1s, 0s};
    office.start("extension", {{"dialed", "1003"}});
    office.advance(3s);
    EXPECT_EQ(office.done("leg.hangup")[0]["cause"], row.cause) << row.status;
    EXPECT_TRUE(office.done("leg.answer").empty());
  }
}

TEST(Extension, ANumberThatDoesNotExistIsUnallocated) {
  Office office;
  office.start("extension", {{"dialed", "1999"}});
  EXPECT_EQ(office.done("leg.hangup")[0]["cause"], 1);
}

TEST(VoicemailLeave, AMessageEndedByAKeyIsStored) {
  Office office;
  office.start("voicemail", {{"args", {{"mode", "leave"}, {"mailbox", "1001"}}},
                             {"from", {{"user", "1002"}, {"name", "Bert"}}}});
  office.advance(9s);
  EXPECT_EQ(office.played(), (std::vector<std::string>{"vm-theperson", "digits/1", "digits/0", "digits/0",
                                                       "digits/1", "vm-isunavail", "vm-intro", "beep"}));
  ASSERT_EQ(office.done("recording.start").size(), 1u);
  EXPECT_EQ(office.done("recording.start")[0]["silence_end_ms"], 10000);
  office.press("#");
  office.advance(5s);
  ASSERT_EQ(office.store.messages.size(), 1u);
  EXPECT_EQ(office.store.messages[0]["caller"], "1002");
  EXPECT_EQ(office.store.messages[0]["caller_name"], "Bert");
  EXPECT_EQ(office.store.messages[0]["duration_ms"], 4000);
  EXPECT_THAT(office.played(), Contains("vm-msgsaved"));
  EXPECT_EQ(office.reason(), "done");
}

TEST(VoicemailLeave, HangingUpLeavesTheMessageToo) {
  Office office;
  office.start("voicemail", {{"args", {{"mailbox", "1001"}}}});
  office.press("#");  // skips the greeting
  office.advance(2s);
  office.hang_up();
  office.finish_recording("leg_closed", 3000);
  office.advance(1s);
  EXPECT_EQ(office.store.messages.size(), 1u) << office.all_logs();
  EXPECT_EQ(office.reason(), "hangup");
}

TEST(VoicemailLeave, WhatIsTooShortIsNoMessage) {
  Office hung;
  hung.start("voicemail", {{"args", {{"mailbox", "1001"}}}});
  hung.press("#");
  hung.advance(2s);
  hung.hang_up();
  hung.finish_recording("leg_closed", 999);
  hung.advance(4s);
  EXPECT_TRUE(hung.store.messages.empty());
  EXPECT_EQ(hung.store.discarded.size(), 1u) << hung.all_logs();

  Office retried;
  retried.start("voicemail", {{"args", {{"mailbox", "1001"}}}});
  retried.press("#");
  retried.advance(2s);
  retried.finish_recording("silence", 500);
  retried.advance(3s);
  EXPECT_THAT(retried.played(), Contains("vm-tooshort"));
  EXPECT_EQ(retried.done("recording.start").size(), 2u);
  EXPECT_EQ(retried.store.discarded.size(), 1u);  // it does not stay on the disk
  retried.finish_recording("silence", 2500);
  retried.advance(5s);
  EXPECT_EQ(retried.store.messages.size(), 1u);
  EXPECT_EQ(retried.store.discarded.size(), 1u);
}

TEST(VoicemailLeave, HangingUpInTheGreetingLeavesNothing) {
  Office office;
  office.start("voicemail", {{"args", {{"mailbox", "1001"}}}});
  office.advance(2s);
  office.hang_up();
  office.advance(5s);
  EXPECT_TRUE(office.store.messages.empty());
  EXPECT_EQ(office.reason(), "hangup");
}

TEST(VoicemailLeave, TheOwnersGreetingsComeBeforeTheStandardOnes) {
  const struct {
    json box;
    const char* why;
    const char* first;
  } rows[] = {
      {{{"greeting_unavail", "/g/un.wav"}}, "unavail", "/g/un.wav"},
      {{{"greeting_unavail", "/g/un.wav"}}, "busy", "vm-theperson"},
      {{{"greeting_busy", "/g/busy.wav"}}, "busy", "/g/busy.wav"},
      {{{"greeting_temp", "/g/temp.wav"}, {"greeting_busy", "/g/busy.wav"}}, "busy", "/g/temp.wav"},
      {{{"greeting_name", "/g/name.wav"}}, "unavail", "/g/name.wav"},
  };
  for (const auto& row : rows) {
    Office office;
    office.store.mailboxes["1001"].update(row.box);
    office.start("voicemail", {{"args", {{"mailbox", "1001"}, {"greeting", row.why}}}});
    EXPECT_EQ(office.played().at(0), row.first) << row.box;
  }
}

TEST(VoicemailLeave, AFullOrUnknownMailboxSaysSo) {
  Office full;
  full.store.mailboxes["1001"]["max_messages"] = 1;
  full.store.add_message("1001", "/m/1.wav");
  full.start("voicemail", {{"args", {{"mailbox", "1001"}}}});
  full.advance(5s);
  EXPECT_THAT(full.played(), ElementsAre("vm-mailboxfull", "vm-goodbye"));
  Office unknown;
  unknown.start("voicemail", {{"args", {{"mailbox", "7777"}}}});
  unknown.advance(5s);
  EXPECT_THAT(unknown.played(), ElementsAre("vm-nobodyavail", "vm-goodbye"));
}

TEST(VoicemailLeave, ReviewLetsTheCallerListenAndRecordAgain) {
  Office office(json{{"settings", {{"voicemail", {{"review", true}}}}}});
  office.start("voicemail", {{"args", {{"mailbox", "1001"}}}});
  office.press("#");
  office.advance(2s);
  office.press("#");
  office.advance(300ms);
  office.press("2");
  office.advance(1500ms);
  office.press("3");
  office.advance(2s);
  EXPECT_EQ(office.done("recording.start").size(), 2u);
  EXPECT_EQ(office.store.discarded.size(), 1u);
  office.press("#");
  office.advance(300ms);
  office.press("1");
  office.advance(5s);
  EXPECT_EQ(office.store.messages.size(), 1u) << office.all_logs();
}

TEST(VoicemailMain, FromTheOwnPhoneOnlyThePinIsAsked) {
  Office office;
  office.store.add_message("1001", "/m/1.wav");
  office.store.add_message("1001", "/m/2.wav", "Old");
  office.start("voicemail", voicemail_main());
  EXPECT_THAT(office.played(), ElementsAre("vm-password"));
  office.press("4711#");
  const auto played = office.played();
  EXPECT_EQ((std::vector<std::string>(played.begin() + 1, played.begin() + 8)),
            (std::vector<std::string>{"vm-youhave", "digits/1", "vm-INBOX", "vm-and", "digits/1", "vm-Old",
                                      "vm-message"}));
}

TEST(VoicemailMain, FromElsewhereNumberAndPin) {
  Office office;
  office.start("voicemail", {{"dialed", "*97"}, {"from", {{"user", "07001"}}}, {"auth_user", ""}});
  EXPECT_THAT(office.played(), ElementsAre("vm-login"));
  office.press("1001#");
  EXPECT_EQ(office.played().back(), "vm-password");
  office.press("4711#");
  EXPECT_THAT(office.played(), Contains("vm-no"));
}

TEST(VoicemailMain, WrongPinsEndInTheLockAndSayNothingOfIt) {
  Office office;
  office.start("voicemail", voicemail_main());
  office.press("1111#");
  office.press("2222#");
  office.press("3333#");
  office.advance(5s);
  EXPECT_EQ(office.reason(), "done");
  EXPECT_THAT(office.played(), Not(Contains("vm-youhave")));
  EXPECT_TRUE(office.logged("mailbox 1001 is locked"));
  Office again;
  again.store.locked = true;
  again.start("voicemail", voicemail_main());
  again.press("4711#");
  again.advance(5s);
  EXPECT_EQ(again.reason(), "done");
  EXPECT_THAT(again.played(), Not(Contains("vm-youhave")));
}

TEST(VoicemailMain, AnUnknownMailboxSoundsLikeAWrongPin) {
  const auto heard = [](const char* mailbox) {
    Office office;
    office.start("voicemail", {{"dialed", "*97"}, {"auth_user", ""}});
    office.press(mailbox);
    office.press("0000#");
    office.advance(500ms);
    return office.played();
  };
  EXPECT_EQ(heard("7777#"), heard("1001#"));
}

TEST(VoicemailMain, AMailboxWithoutPinMustGetOneFirstAndOnlyFromItsPhone) {
  Office own;
  own.start("voicemail", voicemail_main("1002"));
  own.advance(1s);
  EXPECT_EQ(own.played().at(0), "vm-newuser");
  own.press("12#");  // too short
  own.advance(2s);
  own.press("2580#");
  own.press("2581#");  // not the same
  own.advance(2s);
  own.press("2580#");
  own.press("2580#");
  own.advance(2s);
  EXPECT_EQ(own.store.pins["1002"], "2580");
  EXPECT_THAT(own.played(), Contains("vm-mismatch"));
  EXPECT_THAT(own.played(), Contains("vm-youhave"));

  Office stranger;
  stranger.start("voicemail", {{"dialed", "*97"}, {"auth_user", ""}});
  stranger.press("1002#");
  stranger.press("0000#");
  stranger.advance(60s);
  EXPECT_EQ(stranger.store.pins.count("1002"), 0u);
  EXPECT_THAT(stranger.played(), Not(Contains("vm-youhave")));
}

struct Listening : Office {
  Listening() {
    for (const char* path : {"/m/1.wav", "/m/2.wav", "/m/3.wav"}) store.add_message("1001", path);
    start("voicemail", voicemail_main());
    press("4711#");
    press("1");
  }
};

TEST(VoicemailListen, MessagesAreHeardWithTimeAndCaller) {
  Listening box;
  const auto played = box.played();
  EXPECT_THAT(played, Contains("vm-first"));
  EXPECT_THAT(played, Contains("vm-received"));
  EXPECT_THAT(played, Contains("digits/today"));
  EXPECT_THAT(played, Contains("vm-from-phonenumber"));
  EXPECT_THAT(played, Contains("/m/1.wav"));
}

TEST(VoicemailListen, NextPreviousAgainAndTheEnd) {
  Listening box;
  box.press("6");
  EXPECT_EQ(box.count("/m/2.wav"), 1);
  box.press("5");
  EXPECT_EQ(box.count("/m/2.wav"), 2);
  box.press("4");
  EXPECT_EQ(box.count("/m/1.wav"), 2);
  box.press("66");
  EXPECT_EQ(box.count("/m/3.wav"), 1);
  box.press("6");
  box.advance(1s);
  EXPECT_THAT(box.played(), Contains("vm-nomore"));
  EXPECT_EQ(box.store.folder("1001", "Old").size(), 3u);  // heard, so old
}

TEST(VoicemailListen, WhatIsDeletedGoesWhenTheFolderIsLeftAndCanBeTakenBack) {
  Listening box;
  box.press("7");  // the first; on to the second
  box.advance(1s);
  EXPECT_EQ(box.store.messages.size(), 3u);
  box.press("4");  // back to the first
  box.press("7");  // taken back
  box.advance(1s);
  EXPECT_THAT(box.played(), Contains("vm-undeleted"));
  box.press("6");
  box.press("7");  // the second
  box.advance(1s);
  box.press("#");
  box.advance(500ms);
  EXPECT_EQ(box.store.folder("1001", "Old"), (std::vector<std::string>{"msg-1", "msg-3"})) << box.all_logs();
  EXPECT_EQ(box.store.messages.size(), 2u);
}

TEST(VoicemailListen, AHangUpSettlesWhatWasMarked) {
  Listening box;
  box.press("7");
  box.advance(1s);
  box.hang_up();
  box.advance(1s);
  EXPECT_EQ(box.store.messages.size(), 2u);
  EXPECT_EQ(box.store.folder("1001", "Old"), std::vector<std::string>{"msg-2"});
  EXPECT_EQ(box.store.folder("1001", "INBOX"), std::vector<std::string>{"msg-3"});
  EXPECT_EQ(box.reason(), "hangup");
}

TEST(VoicemailListen, AMessageWhoseFileIsGoneIsPassedOver) {
  Office box;
  box.missing = {"/m/gone.wav"};
  box.store.add_message("1001", "/m/gone.wav");
  box.start("voicemail", voicemail_main());
  box.press("4711#");
  box.press("1");
  box.advance(2s);
  EXPECT_THAT(box.played(), Contains("vm-sorry"));
  box.press("#");
  EXPECT_EQ(box.reason(), "(runs)");
}

TEST(VoicemailOptions, AGreetingIsRecordedHeardAndAccepted) {
  Office office;
  office.start("voicemail", voicemail_main());
  office.press("4711#");
  office.press("0");
  office.press("1");
  office.advance(2500ms);  // vm-rec-unv, beep
  EXPECT_THAT(office.played(), Contains("vm-rec-unv"));
  office.press("#");
  office.press("1");
  office.advance(2s);
  const std::string path = office.store.mailboxes["1001"]["greeting_unavail"];
  EXPECT_EQ(path.find("/rec/voicemail/1001/unavail-"), 0u) << path;
}

TEST(VoicemailOptions, ThePinIsChangedAfterTwoEqualEntries) {
  Office office;
  office.start("voicemail", voicemail_main());
  office.press("4711#");
  office.press("0");
  office.press("5");
  office.press("9876#");
  office.press("9876#");
  office.advance(1s);
  EXPECT_EQ(office.store.pins["1001"], "9876");
}

TEST(VoicemailOptions, ATemporaryGreetingCanBeTakenAway) {
  Office office;
  office.store.mailboxes["1001"]["greeting_temp"] = "/g/temp.wav";
  office.start("voicemail", voicemail_main());
  office.press("4711#");
  office.press("0");
  office.press("4");
  office.press("2");
  office.advance(1s);
  EXPECT_EQ(office.store.mailboxes["1001"]["greeting_temp"], "");
  EXPECT_THAT(office.played(), Contains("vm-tempremoved"));
}

TEST(Ivr, EachKeyOfTheDemoLeadsWhereItSays) {
  const struct {
    const char* keys;
    const char* method;
    const char* field;
    json value;
  } rows[] = {
      {"1", "leg.dial", "targets", {{{"to", "1001"}}}}, {"2", "leg.run", "app", "voicemail"},
      {"3", "leg.play", "files", {"demo-congrats"}},    {"0", "leg.transfer", "to", "1001"},
      {"1002", "leg.run", "app", "extension"},
  };
  for (const auto& row : rows) {
    Office office;
    office.start("ivr");
    office.advance(1500ms);
    office.press(row.keys);
    office.advance(2s);
    bool seen = false;
    for (const json& params : office.done(row.method))
      seen = seen || params.value(row.field, json()) == row.value;
    EXPECT_TRUE(seen) << row.keys << "\n" << office.all_logs();
  }
}

TEST(Ivr, GreetsOnceAndRepeatsThePrompt) {
  Office office;
  office.start("ivr");
  office.advance(1500ms);
  office.press("3");
  office.advance(3s);
  office.press("9");
  office.advance(2s);
  EXPECT_EQ(office.count("hello-world"), 1);
  EXPECT_EQ(office.count("vm-reachoper"), 3);
}

TEST(Ivr, WrongKeysAndSilenceEndAfterThreeTries) {
  Office wrong;
  wrong.start("ivr");
  wrong.advance(1500ms);
  for (int i = 0; i < 3; ++i) {
    wrong.press("8");
    wrong.advance(3s);
  }
  wrong.advance(5s);
  EXPECT_EQ(wrong.count("pbx-invalid"), 2);
  EXPECT_EQ(wrong.played().back(), "vm-goodbye");
  EXPECT_EQ(wrong.reason(), "done");
  Office silent;
  silent.start("ivr");
  silent.advance(200s);
  EXPECT_EQ(silent.count("pbx-invalid"), 0);
  EXPECT_EQ(silent.reason(), "done");
}

TEST(Ivr, UnansweredDialFallsToTheActionBehindIt) {
  Office office;
  office.dial = {"no-answer", 19, 1s, 0s};
  office.start("ivr");
  office.advance(1500ms);
  office.press("1");
  office.advance(5s);
  ASSERT_EQ(office.done("leg.run").size(), 1u) << office.all_logs();
  EXPECT_EQ(json::parse(office.done("leg.run")[0]["args"].get<std::string>()),
            (json{{"mode", "leave"}, {"mailbox", "1001"}}));
}

TEST(Ivr, AMenuFromArgumentsWithSubmenusLanguagesAndGoodbye) {
  const json menu = {
      {"greeting", {{"en", "welcome"}, {"es", "hola"}}},
      {"prompt", {{"en", {"main"}}, {"es", {"principal"}}}},
      {"keys",
       {{"1", {{"menu", "sub"}}},
        {"2", {{"language", "es"}}},
        {"3", {{"hangup", 17}, {"goodbye", "bye"}}},
        {"4", {{"app", "other"}, {"args", {{"x", 1}}}, {"play", "one-moment-please"}}}}},
      {"menus",
       {{"sub", {{"prompt", "sub"}, {"keys", {{"1", {{"play", "news"}}}, {"9", {{"back", true}}}}}}}}}};
  Office office;
  office.start("ivr", {{"args", menu}});
  office.advance(1100ms);
  office.press("1");
  office.press("1");
  office.advance(1s);
  office.press("9");
  office.press("2");
  office.press("4");
  office.advance(2s);
  const auto played = office.played();
  EXPECT_EQ(played, (std::vector<std::string>{"welcome", "main", "sub", "news", "sub", "main", "principal",
                                              "one-moment-please"}));
  EXPECT_EQ(office.done("leg.run")[0]["app"], "other");
  Office busy;
  busy.start("ivr", {{"args", menu}});
  busy.advance(1100ms);
  busy.press("3");
  busy.advance(2s);
  EXPECT_EQ(busy.done("leg.hangup")[0]["cause"], 17);
}

TEST(Ivr, AMissingPromptLeavesTheKeysWorking) {
  Office office;
  office.missing = {"main"};
  office.start("ivr", {{"args", {{"prompt", "main"}, {"keys", {{"1", {{"play", "news"}}}}}}}});
  office.advance(100ms);
  office.press("1");
  EXPECT_THAT(office.played(), Contains("news"));
}

TEST(Ivr, MenusThatMakeNoSenseAreErrorsWithTheirReason) {
  const struct {
    json args;
    const char* message;
  } rows[] = {
      {{{"menu", "../x"}}, "menu: expected a name"},
      {{{"menu", "none"}}, "was not found"},
      {{{"keys", {{"1", {{"menu", "nowhere"}}}}}}, "no such menu: nowhere"},
      {{{"keys", {{"1", {{"fly", true}}}}}}, "an action needs one of"},
  };
  for (const auto& row : rows) {
    Office office;
    office.start("ivr", {{"args", row.args}});
    office.press("1");
    office.advance(1s);
    EXPECT_EQ(office.reason(), "error") << row.args;
    EXPECT_NE(office.ended()["error"].get<std::string>().find(row.message), std::string::npos)
        << office.ended();
  }
}

TEST(Ivr, AMenuThatLeadsToItselfIsBounded) {
  const json loop = {{"prompt", "a"}, {"keys", {{"1", {{"menu", "again"}}}}}};
  Office office;
  json args = loop;
  args["menus"] = {{"again", loop}};
  office.start("ivr", {{"args", args}});
  office.press("111111111111");
  EXPECT_EQ(office.reason(), "error");
  EXPECT_NE(office.ended()["error"].get<std::string>().find("nested deeper"), std::string::npos);
}

TEST(Echo, LastsUntilAKey) {
  Office office;
  office.start("echo", {{"dialed", "*43"}});
  office.advance(2s);
  EXPECT_EQ(office.done("leg.bridge")[0]["with"], "leg-1");
  office.press("5");
  EXPECT_TRUE(office.done("leg.unbridge").empty());
  office.press("#");
  office.advance(2s);
  EXPECT_EQ(office.done("leg.unbridge").size(), 1u);
  EXPECT_EQ(office.played().back(), "demo-echodone");
  EXPECT_EQ(office.reason(), "done");
}

}  // namespace tandem::testing
