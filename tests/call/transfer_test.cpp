// Transfers on fake time: REFER from a phone, attended, ours, and what happens when they fail.
#include "tests/call/town.hpp"

namespace tandem::testing {
namespace {

class TransferTest : public Town {
 protected:
  void SetUp() override {
    open();
    for (const char* user : {"1001", "1002", "1003"}) company.phone(user).registers();
    (void)routes.add({"5000", "ivr", "", ""});
    apps.apps["ivr"] = [this](const AppStart& start) {
      (void)calls->answer("", start.leg);
      calls->play("", start.leg, {{"welcome"}, "", "us", false, 0ms, 0ms, false, 0},
                  [](const Result<std::string>&) {});
    };
    timers.advance(10ms);
    // 1001 calls 1002, who answers.
    caller = &company.phone("1001").calls("1002");
    timers.advance(2s);
    callee = company.phone("1002").called();
    ASSERT_TRUE(joined(caller->leg, callee->leg));
    call_id = leg(caller->leg)->call;
  }
  Dialog* caller = nullptr;
  Dialog* callee = nullptr;
  std::string call_id;
};

TEST_F(TransferTest, CalleeSendsTheCallerToAThirdPhoneAndTheCallKeepsItsId) {
  company.phone("1002").refers(*callee, "1003");
  timers.advance(500ms);
  EXPECT_EQ(callee->refer_code, 202);
  EXPECT_EQ(callee->notifies, (std::vector<int>{100, 180}));
  timers.advance(1s);
  EXPECT_EQ(callee->notifies, (std::vector<int>{100, 180, 200}));
  EXPECT_TRUE(callee->notify_final);
  Dialog* third = company.phone("1003").called();
  ASSERT_NE(third, nullptr);
  EXPECT_TRUE(joined(caller->leg, third->leg));
  EXPECT_EQ(leg(third->leg)->call, call_id);
  EXPECT_EQ(leg(caller->leg)->call, call_id);
  EXPECT_EQ(events.last("transfer.done").number("code"), 200);
  timers.advance(6s);
  EXPECT_TRUE(callee->over()) << "a transferor that does not hang up is hung up";
  company.phone("1003").hangs_up(*third);
  timers.advance(100ms);
  calls->app_ended(caller->leg, 0);
  expect_nothing_left();
}

TEST_F(TransferTest, CallerSendsTheCalleeToAnIvr) {
  company.phone("1001").refers(*caller, "5000");
  timers.advance(500ms);
  EXPECT_EQ(caller->notifies, (std::vector<int>{100, 200}));
  EXPECT_TRUE(callee->up());
  EXPECT_EQ(apps.starts.back().app, "ivr");
  EXPECT_EQ(apps.starts.back().leg, callee->leg);
  company.phone("1001").hangs_up(*caller);
  timers.advance(1s);
  EXPECT_TRUE(callee->up()) << "the IVR has it now";
  company.phone("1002").hangs_up(*callee);
  expect_nothing_left();
}

TEST_F(TransferTest, TransferorThatHangsUpAtOnceDoesNotStopIt) {
  company.phone("1002").refers(*callee, "1003");
  timers.advance(20ms);
  EXPECT_EQ(callee->refer_code, 202);
  company.phone("1002").hangs_up(*callee);
  timers.advance(3s);
  EXPECT_TRUE(joined(caller->leg, company.phone("1003").called()->leg));
}

TEST_F(TransferTest, FailedTransferReturnsToTheTransferor) {
  company.phone("1003").refuses(486);
  apps.apps["phone"] = [this](const AppStart& start) {  // a script that gives up when its dial fails
    DialSpec spec;
    spec.targets.push_back({start.dialed, 0ms, {}});
    (void)calls->dial("", start.leg, spec);
    timers.after(1s, [this, start] { calls->app_ended(start.leg, start.run); });
  };
  company.phone("1002").refers(*callee, "1003");
  timers.advance(2s);
  EXPECT_EQ(callee->notifies.back(), 486);
  EXPECT_TRUE(callee->notify_final);
  EXPECT_TRUE(joined(caller->leg, callee->leg));
  EXPECT_EQ(calls->counters().transfers_failed.get(), 1U);
  company.phone("1002").hangs_up(*callee);
  timers.advance(100ms);
  EXPECT_TRUE(caller->over()) << "no app is left to look after it";
  expect_nothing_left();
}

TEST_F(TransferTest, TargetThatIsUnknownIsRefusedAtOnceAndNothingChanges) {
  company.phone("1002").refers(*callee, "7777");
  timers.advance(100ms);
  EXPECT_EQ(callee->refer_code, 404);
  EXPECT_TRUE(joined(caller->leg, callee->leg));
}

TEST_F(TransferTest, ReferWithNobodyToSendIsDeclined) {
  Dialog& alone = company.phone("1003").calls("5000");
  timers.advance(100ms);
  company.phone("1003").refers(alone, "1001");
  timers.advance(100ms);
  EXPECT_EQ(alone.refer_code, 603);
  EXPECT_TRUE(alone.up());
}

TEST_F(TransferTest, MovedPartyThatHangsUpEndsTheTransfer) {
  company.phone("1003").never_answers();
  company.phone("1002").refers(*callee, "1003");
  timers.advance(500ms);
  company.phone("1001").hangs_up(*caller);
  timers.advance(100ms);
  EXPECT_EQ(callee->notifies.back(), 487);
  EXPECT_TRUE(company.phone("1003").called()->over());
  timers.advance(1s);
  EXPECT_TRUE(callee->over()) << "it has nobody left";
  expect_nothing_left();
}

TEST_F(TransferTest, TransfersInACircleAreStopped) {
  Dialog* at = callee;
  for (int i = 0; i < 12 && !at->over(); ++i) {
    Phone& to = company.phone(i % 2 == 0 ? "1003" : "1002");
    at->phone->refers(*at, to.user());
    timers.advance(8s);
    if (at->refer_code != 202) break;
    at = to.called();
  }
  EXPECT_EQ(at->refer_code, 482);
  EXPECT_EQ(calls->counters().transfers.get(), 10U);
  EXPECT_EQ(calls->counters().loops.get(), 1U);
}

TEST_F(TransferTest, AttendedTransferJoinsTheTwoOthersAndEndsBothLegsOfTheTransferor) {
  Dialog& consultation = company.phone("1002").calls("1003");
  timers.advance(2s);
  Dialog* third = company.phone("1003").called();
  ASSERT_TRUE(joined(consultation.leg, third->leg));
  company.phone("1002").refers(*callee, "1003", "sip-" + consultation.leg + ";to-tag=a;from-tag=b");
  timers.advance(100ms);
  EXPECT_EQ(callee->refer_code, 202);
  EXPECT_EQ(callee->notifies, std::vector<int>{200});
  EXPECT_TRUE(joined(caller->leg, third->leg));
  EXPECT_EQ(leg(third->leg)->call, leg(caller->leg)->call);
  EXPECT_TRUE(consultation.over());
  EXPECT_EQ(events.count("leg.unbridged", caller->leg), 0U)
      << "for whoever waits on it the conversation goes on";
  EXPECT_EQ(events.last("leg.bridged", caller->leg).text("peer"), third->leg);
  timers.advance(6s);
  EXPECT_TRUE(callee->over());
  company.phone("1003").hangs_up(*third);
  timers.advance(100ms);
  EXPECT_TRUE(caller->over());
  expect_nothing_left();
}

TEST_F(TransferTest, ReplacesOfAnUnknownOrForeignDialogIsRefused) {
  company.phone("1002").refers(*callee, "1003", "no-such-call;to-tag=a;from-tag=b");
  timers.advance(100ms);
  EXPECT_EQ(callee->refer_code, 481);
  EXPECT_TRUE(joined(caller->leg, callee->leg));
}

TEST_F(TransferTest, OurTransferMovesTheLegAndEndsAPeerWithoutAnApp) {
  ASSERT_TRUE(calls->transfer("", caller->leg, "5000"));
  timers.advance(500ms);
  EXPECT_TRUE(callee->over());
  EXPECT_TRUE(caller->up());
  EXPECT_EQ(apps.starts.back().app, "ivr");
  EXPECT_EQ(apps.starts.back().call, call_id);
  EXPECT_EQ(calls->transfer("", caller->leg, "7777").error().code, ErrorCode::not_found);
  company.phone("1001").hangs_up(*caller);
  expect_nothing_left();
}

TEST_F(TransferTest, OurReferAsksThePhoneAndTellsHowItWent) {
  ASSERT_TRUE(calls->refer("", caller->leg, "5000"));
  timers.advance(1s);
  EXPECT_EQ(caller->referred_to, "5000");
  EXPECT_EQ(events.last("transfer.done").number("code"), 200);
}

}  // namespace
}  // namespace tandem::testing
