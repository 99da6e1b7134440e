// Our end of ICE: who is answered what, and which address is taken as the peer's.
#include "core/stun/ice_lite.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tandem::stun {
namespace {

using Verdict = IceLite::Verdict;

const Credentials kOurs{"ourfrag1", "our-password-of-24-chars"};

struct Check {
  std::string username = "ourfrag1:theirs";
  std::string password = kOurs.password;
  bool use_candidate = false, controlled = false, fingerprint = true, integrity = true, named = true;
  std::uint32_t priority = 100;
  Class kind = Class::request;
  std::uint16_t method = kBinding, unknown = 0;
};

std::vector<std::uint8_t> write(const Check& check) {
  std::vector<std::uint8_t> out(700);
  Writer writer(out, check.kind, check.method, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  if (check.unknown != 0) writer.attribute(check.unknown, {});
  if (check.named) writer.username(check.username);
  writer.priority(check.priority);
  if (check.controlled)
    writer.controlled(~0ull);
  else
    writer.controlling(1);
  if (check.use_candidate) writer.use_candidate();
  if (check.integrity) writer.integrity(check.password);
  if (check.fingerprint) writer.fingerprint();
  out.resize(writer.bytes());
  return out;
}

class IceLiteTest : public ::testing::Test {
 protected:
  IceLite::Outcome ask(IceLite& ice, const Check& check, std::uint16_t port = 1000,
                       Component component = Component::rtp) {
    return ask_bytes(ice, write(check), port, component);
  }
  IceLite::Outcome ask_bytes(IceLite& ice, const std::vector<std::uint8_t>& bytes, std::uint16_t port = 1000,
                             Component component = Component::rtp) {
    out_.assign(IceLite::kAnswerBytesMax, 0);
    const auto outcome = ice.on_datagram(bytes, at(port), component, now_, out_);
    out_.resize(outcome.answer_bytes);
    if (outcome.verdict != Verdict::answered) {
      EXPECT_LE(outcome.answer_bytes, bytes.size());
    }
    if (outcome.answer_bytes != 0) {
      EXPECT_EQ(parse(out_, answer_), ParseVerdict::ok);
    }
    return outcome;
  }
  static Address at(std::uint16_t port) { return *Address::parse("192.0.2.7", port); }

  IceLite ice_{{kOurs, "theirs"}};
  TimePoint now_{seconds(1000)};
  std::vector<std::uint8_t> out_;
  Message answer_;
};

TEST_F(IceLiteTest, AnswersAPeersCheckWithItsAddress) {
  const auto outcome = ask(ice_, {}, 4711);
  EXPECT_EQ(outcome.verdict, Verdict::answered);
  EXPECT_FALSE(outcome.selected);
  EXPECT_EQ(answer_.kind, Class::success);
  EXPECT_EQ(answer_.mapped, at(4711));
  EXPECT_EQ(answer_.transaction[11], 12);
  EXPECT_TRUE(answer_.authentic(kOurs.password));
  EXPECT_TRUE(answer_.has_fingerprint);
  EXPECT_TRUE(ice_.admits(at(4711), Component::rtp, now_));
  EXPECT_FALSE(ice_.admits(at(4711), Component::rtcp, now_));
  EXPECT_FALSE(ice_.admits(at(4712), Component::rtp, now_));
  EXPECT_FALSE(ice_.selected(Component::rtp).valid());
}

TEST_F(IceLiteTest, RefusesWhoDoesNotKnowThePassword) {
  struct Row {
    const char* what;
    Check check;
    std::uint16_t error;
  };
  for (const Row& row :
       {Row{"password", {.password = "our-password-of-24-charz"}, 401},
        Row{"their password", {.password = ""}, 401}, Row{"user", {.username = "ourfrag2:theirs"}, 401},
        Row{"peer", {.username = "ourfrag1:another"}, 401}, Row{"prefix", {.username = "ourfrag1"}, 401},
        Row{"turned round", {.username = "theirs:ourfrag1"}, 401}, Row{"no user", {.named = false}, 400},
        Row{"no integrity", {.integrity = false}, 400}}) {
    const auto outcome = ask(ice_, row.check);
    EXPECT_EQ(outcome.verdict, Verdict::unauthorized) << row.what;
    ASSERT_NE(outcome.answer_bytes, 0u) << row.what;
    EXPECT_EQ(answer_.error, row.error) << row.what;
    EXPECT_EQ(answer_.integrity_at, 0u) << row.what;
    EXPECT_FALSE(ice_.admits(at(1000), Component::rtp, now_)) << row.what;
  }
}

TEST_F(IceLiteTest, WithoutCredentialsOfItsOwnNobodyIsLetIn) {
  IceLite bare{{}};
  EXPECT_EQ(ask(bare, {.username = ":theirs", .password = ""}).verdict, Verdict::unauthorized);
}

TEST_F(IceLiteTest, TellsOfUnknownAttributesAndOfAConflictOfRoles) {
  EXPECT_EQ(ask(ice_, {.unknown = 0x7abc}).verdict, Verdict::refused);
  EXPECT_EQ(answer_.error, 420);
  EXPECT_TRUE(answer_.authentic(kOurs.password));
  EXPECT_EQ(ask(ice_, {.use_candidate = true, .controlled = true}).verdict, Verdict::refused);
  EXPECT_EQ(answer_.error, 487);
  EXPECT_TRUE(answer_.authentic(kOurs.password));
  EXPECT_FALSE(ice_.selected(Component::rtp).valid());
}

TEST_F(IceLiteTest, SaysNothingToWhatIsNoQuestion) {
  EXPECT_EQ(ask(ice_, {.kind = Class::indication}).answer_bytes, 0u);
  EXPECT_EQ(ask(ice_, {.kind = Class::success}).answer_bytes, 0u);
  EXPECT_EQ(ask(ice_, {.kind = Class::error}).answer_bytes, 0u);
  EXPECT_EQ(ask(ice_, {.method = 3}).answer_bytes, 0u);
  std::vector<std::uint8_t> bare = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                    3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
  EXPECT_EQ(ask_bytes(ice_, bare).answer_bytes, 0u) << "an answer would be longer than this";
  EXPECT_EQ(ask_bytes(ice_, {}).verdict, Verdict::refused);
  EXPECT_EQ(ask_bytes(ice_, {0}).verdict, Verdict::refused);
}

TEST_F(IceLiteTest, TakesTheNominatedAddressOfEachComponent) {
  EXPECT_TRUE(ask(ice_, {.use_candidate = true}, 1000).selected);
  EXPECT_FALSE(ask(ice_, {.use_candidate = true}, 1000).selected) << "the same once more";
  EXPECT_TRUE(ask(ice_, {.use_candidate = true}, 1001, Component::rtcp).selected);
  EXPECT_EQ(ice_.selected(Component::rtp), at(1000));
  EXPECT_EQ(ice_.selected(Component::rtcp), at(1001));
}

TEST_F(IceLiteTest, OfSeveralNominatedTheBestCountsUntilItFallsSilent) {
  EXPECT_TRUE(ask(ice_, {.use_candidate = true, .priority = 100}, 1000).selected);
  EXPECT_TRUE(ask(ice_, {.use_candidate = true, .priority = 200}, 2000).selected);
  EXPECT_FALSE(ask(ice_, {.use_candidate = true, .priority = 100}, 1000).selected);
  EXPECT_EQ(ice_.selected(Component::rtp), at(2000));
  now_ += seconds(1);
  EXPECT_TRUE(ice_.admits(at(2000), Component::rtp, now_));  // its media
  now_ += seconds(1);
  EXPECT_FALSE(ask(ice_, {.use_candidate = true, .priority = 100}, 1000).selected);
  now_ += seconds(1);
  EXPECT_TRUE(ask(ice_, {.use_candidate = true, .priority = 100}, 1000).selected);
}

TEST_F(IceLiteTest, RemembersABoundedNumberOfSourcesAndKeepsTheNominated) {
  EXPECT_TRUE(ask(ice_, {.use_candidate = true}, 1).selected);
  for (std::uint16_t port = 100; port < 200; ++port) {
    now_ += milliseconds(10);
    (void)ask(ice_, {}, port);
  }
  EXPECT_EQ(ice_.selected(Component::rtp), at(1));
  EXPECT_TRUE(ice_.admits(at(1), Component::rtp, now_));
  EXPECT_TRUE(ice_.admits(at(199), Component::rtp, now_));
  EXPECT_FALSE(ice_.admits(at(100), Component::rtp, now_));
}

TEST_F(IceLiteTest, BeforeThePeersSdpItAnswersWhoeverKnowsThePassword) {
  IceLite early({kOurs, ""});
  EXPECT_TRUE(ask(early, {.username = "ourfrag1:theirs", .use_candidate = true}, 1000).selected);
  EXPECT_EQ(ask(early, {.username = "ourfrag1:fork"}, 2000).verdict, Verdict::answered);
  IceLite later({kOurs, "theirs"});
  later.follow(early);
  EXPECT_EQ(later.selected(Component::rtp), at(1000));
  EXPECT_FALSE(later.admits(at(2000), Component::rtp, now_)) << "another branch";
  IceLite other({kOurs, "fork"});
  other.follow(later);
  EXPECT_FALSE(other.selected(Component::rtp).valid()) << "now another answered";
}

TEST_F(IceLiteTest, ARestartKeepsThePairInUseUntilTheNewOneIsNominated) {
  EXPECT_TRUE(ask(ice_, {.use_candidate = true, .priority = 500}, 1000).selected);
  IceLite fresh({{"newfrag2", "the-new-password-24-char"}, "renewed"});
  fresh.follow(ice_);
  EXPECT_EQ(fresh.selected(Component::rtp), at(1000));
  EXPECT_EQ(ask(fresh, {}, 1000).verdict, Verdict::answered) << "consent of before";
  EXPECT_EQ(ask(fresh, {.use_candidate = true}, 3000).verdict, Verdict::answered);
  EXPECT_FALSE(fresh.admits(at(3000), Component::rtp, now_)) << "nothing new by the old password";
  const Check renewed{.username = "newfrag2:renewed", .password = "the-new-password-24-char", .priority = 1};
  EXPECT_EQ(ask(fresh, renewed, 2000).verdict, Verdict::answered);
  EXPECT_EQ(fresh.selected(Component::rtp), at(1000));
  Check nominated = renewed;
  nominated.use_candidate = true;
  EXPECT_TRUE(ask(fresh, nominated, 2000).selected);
  EXPECT_EQ(fresh.selected(Component::rtp), at(2000));
  EXPECT_FALSE(fresh.admits(at(1000), Component::rtp, now_));
  EXPECT_EQ(ask(fresh, {}, 1000).verdict, Verdict::unauthorized) << "the old password is over";
}

TEST_F(IceLiteTest, AFloodIsAnsweredSeldomAndDoesNotKeepThePeerOut) {
  std::size_t errors = 0;
  for (int i = 0; i < 10'000; ++i) errors += ask(ice_, {.username = "guess:me"}).answer_bytes != 0;
  EXPECT_EQ(errors, IceLite::kErrorsPerSecond);
  EXPECT_EQ(ask(ice_, {}).verdict, Verdict::answered);
  std::size_t checks = 0;
  for (int i = 0; i < 10'000; ++i) checks += ask(ice_, {}).answer_bytes != 0;
  EXPECT_LT(checks, IceLite::kChecksPerSecond);
  now_ += seconds(1);
  EXPECT_EQ(ask(ice_, {}).verdict, Verdict::answered);
}

TEST(IceCredentials, AreRandomAndWithinTheGrammar) {
  const Credentials one = make_credentials(), two = make_credentials();
  EXPECT_TRUE(good_credentials(one.ufrag, one.password));
  EXPECT_NE(one.ufrag, two.ufrag);
  EXPECT_NE(one.password, two.password);
  EXPECT_FALSE(good_credentials("abc", one.password));
  EXPECT_FALSE(good_credentials(one.ufrag, std::string(21, 'a')));
  EXPECT_FALSE(good_credentials(std::string(257, 'a'), one.password));
  EXPECT_FALSE(good_credentials("ab:c", one.password));
  EXPECT_FALSE(good_credentials("abcd\n", one.password));
}

}  // namespace
}  // namespace tandem::stun
