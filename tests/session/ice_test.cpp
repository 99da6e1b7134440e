// ICE through the engine: where media goes and from whom it is taken once the peer has checked and nominated.
#include "core/stun/ice_lite.hpp"
#include "tests/session/engine_fixture.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;

const stun::Credentials kOurs{"tandemXY", "twentyfour-letters-of-us"};

class IceEngineTest : public EngineTest {
 protected:
  // A phone whose SDP names an address at which nobody is: it sits behind a NAT.
  Party add_behind_nat(bool configured = true) {
    Party party = add(codec::pcmu());
    party.phone->stop();
    if (configured) configure(party);
    return party;
  }
  void configure(const Party& party) {
    media::LegConfig config = config_for(*party.phone, codec::pcmu());
    config.remote_rtp = *Address::parse("10.9.8.7", 5000);
    config.remote_rtcp = *Address::parse("10.9.8.7", 5001);
    EXPECT_TRUE(engine_->configure(party.id, config).ok());
  }
  void set_ice(const Party& party, const stun::Credentials& ours = kOurs,
               const std::string& theirs = "theirs") {
    EXPECT_TRUE(engine_->set_ice(party.id, stun::IceConfig{ours, theirs}).ok());
    advance(5ms);
  }
  static std::vector<std::uint8_t> check(bool nominate, const stun::Credentials& ours = kOurs,
                                         const std::string& theirs = "theirs") {
    std::vector<std::uint8_t> out(256);
    stun::Writer writer(out, stun::Class::request, stun::kBinding, {9, 8, 7});
    writer.username(ours.ufrag + ":" + theirs);
    writer.priority(1000);
    writer.controlling(7);
    if (nominate) writer.use_candidate();
    writer.integrity(ours.password);
    writer.fingerprint();
    out.resize(writer.bytes());
    return out;
  }
  bool hears(const Party& who, const Party& from) {
    who.phone->forget();
    const auto said = noise(400, ++seed_);
    from.phone->say(said);
    advance(900ms);
    return find_in(who.phone->heard(), said).first > 0.95;
  }
  const media::LoopCounters& counters() { return engine_->media_loop(0).counters(); }
  unsigned seed_ = 0;
};

TEST_F(IceEngineTest, MediaGoesToTheNominatedAddressAndNoStrangerIsHeard) {
  Party a = add_behind_nat(), b = add(codec::pcmu(), a.id), stranger = add(codec::pcmu(), a.id);
  stranger.phone->stop();
  stranger.phone->set_remote(a.tandem);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  set_ice(a);
  EXPECT_FALSE(hears(a, b)) << "nobody is where its SDP says";
  a.phone->send_raw(timers_.now(), check(false));
  EXPECT_FALSE(hears(a, b)) << "checked, and not nominated";
  a.phone->send_raw(timers_.now(), check(true));
  EXPECT_TRUE(hears(a, b));
  EXPECT_EQ(counters().stun_answered.get(), 2u);
  EXPECT_EQ(counters().ice_selected.get(), 1u);
  EXPECT_TRUE(stats(a.id).ice_selected);
  EXPECT_EQ(stats(a.id).remote, a.phone->local().text());
  a.phone->start();
  EXPECT_TRUE(hears(b, a));
  a.phone->stop();
  advance(6s);  // long after the peer fell silent, when a port that learns would take another
  stranger.phone->start();
  EXPECT_FALSE(hears(b, stranger));
  EXPECT_GT(stats(a.id).from_strangers, 20u);
  EXPECT_TRUE(hears(a, b));
}

TEST_F(IceEngineTest, WhoDoesNotKnowThePasswordChangesNothing) {
  Party a = add_behind_nat(), b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  set_ice(a);
  a.phone->send_raw(timers_.now(), check(true, {kOurs.ufrag, "some-other-password-here"}));
  a.phone->send_raw(timers_.now(), check(true, kOurs, "another"));
  std::vector<std::uint8_t> cut = check(true);
  cut.pop_back();
  a.phone->send_raw(timers_.now(), cut);
  EXPECT_FALSE(hears(a, b));
  EXPECT_EQ(counters().stun_unauthorized.get(), 2u);
  EXPECT_EQ(counters().stun_refused.get(), 1u);
  EXPECT_EQ(stats(a.id).stun_refused, 3u);
  EXPECT_FALSE(stats(a.id).ice_selected);
}

TEST_F(IceEngineTest, ACheckBeforeTheAnswerCounts) {
  auto opened = engine_->open({.family = Family::v4, .near = 0, .local_host = ""});
  ASSERT_TRUE(opened.ok());
  phones_.push_back(
      std::make_unique<testing::MediaPhone>(network_, *Address::parse("127.0.0.1", 41000), codec::pcmu()));
  Party a{opened->id, phones_.back().get(), opened->rtp};
  a.phone->set_remote(opened->rtp);
  set_ice(a, kOurs, "");
  a.phone->send_raw(timers_.now(), check(true));
  advance(20ms);
  EXPECT_EQ(counters().stun_answered.get(), 1u);
  set_ice(a);  // its SDP came
  configure(a);
  Party b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  EXPECT_TRUE(hears(a, b));
}

TEST_F(IceEngineTest, RtcpGoesToItsOwnNominatedAddress) {
  Party a = add_behind_nat(), b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  set_ice(a);
  loop::MemoryPhone rtcp(network_, *Address::parse("127.0.0.1", 45'000));
  Address to = a.tandem;
  to.set_port(static_cast<std::uint16_t>(to.port() + 1));
  rtcp.send(timers_.now(), to, check(true));
  a.phone->send_raw(timers_.now(), check(true));
  unsigned answers = 0, reports = 0;
  for (int i = 0; i < 40; ++i) {
    b.phone->say(noise(500, 7));
    advance(500ms);
    rtcp.receive(timers_.now(), [&](std::span<const std::uint8_t> bytes, const Address& from, TimePoint) {
      EXPECT_EQ(from, to);
      ++(stun::is_stun(bytes) ? answers : reports);
    });
  }
  EXPECT_EQ(answers, 1u);
  EXPECT_GT(reports, 1u);
}

TEST_F(IceEngineTest, ARestartMovesTheMediaWithoutAGap) {
  Party a = add_behind_nat(), b = add(codec::pcmu(), a.id), moved = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  engine_->close(moved.id);  // only its phone is needed
  moved.phone->stop();
  moved.phone->set_remote(a.tandem);
  set_ice(a);
  a.phone->send_raw(timers_.now(), check(true));
  EXPECT_TRUE(hears(a, b));
  const stun::Credentials fresh{"freshXYZ", "another-of-24-characters"};
  set_ice(a, fresh, "again");
  configure(a);
  EXPECT_TRUE(hears(a, b)) << "the pair of before, until there is another";
  moved.phone->send_raw(timers_.now(), check(true, fresh, "again"));
  EXPECT_TRUE(hears(moved, b));
  EXPECT_FALSE(hears(a, b));
  a.phone->send_raw(timers_.now(), check(true));
  EXPECT_FALSE(hears(a, b)) << "the old password";
}

TEST_F(IceEngineTest, AReInviteThatChangesNothingOfIceKeepsTheAddress) {
  Party a = add_behind_nat(), b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  set_ice(a);
  a.phone->send_raw(timers_.now(), check(true));
  EXPECT_TRUE(hears(a, b));
  set_ice(a);
  media::LegConfig config = config_for(*a.phone, codec::pcmu());
  config.remote_rtp = *Address::parse("10.9.8.7", 6000);  // its default candidate is another now
  ASSERT_TRUE(engine_->configure(a.id, config).ok());
  EXPECT_TRUE(hears(a, b));
}

TEST_F(IceEngineTest, WithoutIceAgainTheSdpsAddressCounts) {
  Party a = add_behind_nat(), b = add(codec::pcmu(), a.id), other = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  set_ice(a);
  a.phone->send_raw(timers_.now(), check(true));
  EXPECT_TRUE(hears(a, b));
  engine_->close(other.id);  // only its phone is needed
  other.phone->stop();
  other.phone->set_remote(a.tandem);
  ASSERT_TRUE(engine_->set_ice(a.id, std::nullopt).ok());
  ASSERT_TRUE(engine_->configure(a.id, config_for(*other.phone, codec::pcmu())).ok());
  EXPECT_TRUE(hears(other, b));
  other.phone->send_raw(timers_.now(), check(true));
  advance(50ms);
  EXPECT_EQ(counters().stun_answered.get(), 1u) << "no ICE, no answers";
}

TEST_F(IceEngineTest, AFloodIsBoundedAndThePeerIsHeardAllTheSame) {
  Party a = add_behind_nat(), b = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  set_ice(a);
  a.phone->send_raw(timers_.now(), check(true));
  a.phone->start();
  loop::MemoryPhone flood(network_, *Address::parse("127.0.0.1", 46'000));
  std::size_t asked = 0, answered = 0;
  for (int i = 0; i < 200; ++i) {
    for (int k = 0; k < 50; ++k, ++asked) flood.send(timers_.now(), a.tandem, check(true, {"guessing", "x"}));
    advance(5ms);
    flood.receive(timers_.now(), [&](auto, const Address&, TimePoint) { ++answered; });
  }
  EXPECT_EQ(asked, 10'000u);
  EXPECT_LE(answered, 2 * stun::IceLite::kErrorsPerSecond);
  EXPECT_TRUE(hears(b, a));
  EXPECT_TRUE(hears(a, b));
}

TEST_F(IceEngineTest, APlainLegAnswersNoChecks) {
  Party a = add(codec::pcmu());
  a.phone->send_raw(timers_.now(), check(true));
  advance(50ms);
  EXPECT_EQ(counters().stun_answered.get() + counters().stun_unauthorized.get(), 0u);
  EXPECT_EQ(counters().malformed.get(), 1u);
}

}  // namespace
}  // namespace tandem::session
