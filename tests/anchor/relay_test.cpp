// Anchored calls whose media really flows: Anchors over the media engine on a counted clock, phones on a
// network in memory, and the SDP between them.
#include "core/anchor/anchors.hpp"
#include "tests/session/engine_fixture.hpp"

namespace tandem::anchor {
namespace {

class RelayTest : public session::EngineTest {
 protected:
  RelayTest() {
    (void)registry_.add(codec::pcmu());
    (void)registry_.add(codec::pcma());
    anchors_ = std::make_unique<Anchors>(timers_, *engine_, Codecs{registry_, opaque_}, AnchorsConfig{},
                                         [this](const AnchorEvent& event) { events_.push_back(event); });
    engine_->set_listener(anchors_.get());
  }
  ~RelayTest() override {
    engine_->set_listener(nullptr);
    anchors_.reset();
    engine_.reset();  // before the codecs that its legs borrow
  }
  testing::MediaPhone& phone(const td_codec* codec) {
    const auto port = static_cast<std::uint16_t>(40000 + 2 * phones_.size());
    phones_.push_back(
        std::make_unique<testing::MediaPhone>(network_, *Address::parse("127.0.0.1", port), codec));
    return *phones_.back();
  }
  static std::string sdp(const testing::MediaPhone& phone, const std::string& line) {
    return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio " +
           std::to_string(phone.local().port()) + " " + line;
  }
  static Address address_in(const std::string& sdp) {
    return *Address::parse("127.0.0.1",
                           static_cast<std::uint16_t>(std::stoi(sdp.substr(sdp.find("m=audio ") + 8))));
  }
  // A calls B; both begin to speak.
  void connect(testing::MediaPhone& a, testing::MediaPhone& b, const std::string& line_a,
               const std::string& line_b, const Options& options = {}) {
    const auto offered = anchors_->offer({"call", "A", "", "", "", ""}, sdp(a, line_a), options);
    ASSERT_TRUE(offered) << offered.error().message;
    b.set_remote(last_offered_ = address_in(offered->sdp));
    const auto answered = anchors_->answer({"call", "A", "B", "", "", ""}, sdp(b, line_b), {});
    ASSERT_TRUE(answered) << answered.error().message;
    a.set_remote(address_in(answered->sdp));
    a.say(session::noise(3000, 1));
    b.say(session::noise(3000, 2));
    a.start();
    b.start();
  }
  // The first 200 ms of what a phone says.
  static std::vector<std::int16_t> beginning(std::uint32_t seed) {
    auto all = session::noise(3000, seed);
    all.resize(1600);
    return all;
  }
  static constexpr const char* kPlain = "RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

  codec::CodecRegistry registry_;
  OpaqueCodecs opaque_;
  std::unique_ptr<Anchors> anchors_;
  std::vector<AnchorEvent> events_;
  Address last_offered_;
};

TEST_F(RelayTest, BothHearEachOtherByteForByteAndNothingIsDecoded) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  advance(milliseconds(1000));
  EXPECT_GT(session::find_in(b.heard(), beginning(1)).first, 0.99);
  EXPECT_GT(session::find_in(a.heard(), beginning(2)).first, 0.99);
  EXPECT_EQ(engine_->media_loop(0).counters().decoded.get(), 0U);
  std::uint64_t packets = 0;
  anchors_->remove({"call", "", "", "", "", ""}, {}, [&](const Result<CallReport>& last) {
    for (const PartyReport& party : last->parties) packets += party.lines.at(0).stats.received.packets;
  });
  advance(milliseconds(100));
  EXPECT_GT(packets, 80U);  // the last figures, asked before the lines closed
  EXPECT_EQ(engine_->counters().legs, 0U);
}

TEST_F(RelayTest, UnlikeCodecsAreTranscodedWhenTheOfferWasMadeSo) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcma());
  Options options;
  options.codecs.transcode = {"PCMA"};
  options.codecs.mask = {"PCMU"};
  connect(a, b, kPlain, "RTP/AVP 8\r\n", options);
  advance(milliseconds(1000));
  EXPECT_GT(session::find_in(b.heard(), beginning(1)).first, 0.97);
  EXPECT_GT(session::find_in(a.heard(), beginning(2)).first, 0.97);
}

TEST_F(RelayTest, DatagramsThatAreNotOursToReadPassUntouchedFromThePeerOnly) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu()), &stranger = phone(codec::pcmu());
  connect(a, b, "UDP/TLS/RTP/SAVP 0\r\na=setup:actpass\r\n", "UDP/TLS/RTP/SAVP 0\r\na=setup:active\r\n");
  advance(milliseconds(1000));
  ASSERT_GT(b.got().size(), 40U);
  EXPECT_EQ(engine_->media_loop(0).counters().decoded.get(), 0U);
  EXPECT_EQ(engine_->media_loop(0).counters().encoded.get(), 0U);
  EXPECT_EQ(b.got().at(5).header.ssrc, b.got().at(6).header.ssrc);
  const auto before = engine_->media_loop(0).counters().strangers.get();
  stranger.set_remote(last_offered_);  // B's port of ours
  stranger.start();
  const std::size_t heard = a.got().size();
  b.stop();
  advance(milliseconds(300));
  EXPECT_LE(a.got().size(), heard + 1);
  EXPECT_GT(engine_->media_loop(0).counters().strangers.get(), before);
}

TEST_F(RelayTest, BlockedMediaStopsSilencedMediaBecomesSilenceAndBothComeBack) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  advance(milliseconds(500));
  const Selector of_a{"call", "A", "", "", "", ""};
  ASSERT_TRUE(anchors_->block(of_a, Anchors::Block::media, true));
  advance(milliseconds(100));
  b.forget();
  advance(milliseconds(300));
  EXPECT_EQ(b.got().size(), 0U);
  ASSERT_TRUE(anchors_->block(of_a, Anchors::Block::media, false));
  ASSERT_TRUE(anchors_->block(of_a, Anchors::Block::silence, true));
  advance(milliseconds(200));
  b.forget();
  advance(milliseconds(300));
  EXPECT_GE(b.got().size(), 13U);
  for (const std::int16_t sample : b.heard()) ASSERT_LT(std::abs(sample), 100);
  ASSERT_TRUE(anchors_->block(of_a, Anchors::Block::silence, false));
  advance(milliseconds(100));
  b.forget();
  advance(milliseconds(300));
  double energy = 0;
  for (const std::int16_t sample : b.heard()) energy += std::abs(sample);
  EXPECT_GT(energy / static_cast<double>(b.heard().size()), 1000);
}

TEST_F(RelayTest, KeysPassAndAreHeardOfAndABlockKeepsThemBack) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  connect(a, b, kPlain, kPlain);
  advance(milliseconds(300));
  a.press('5');
  advance(milliseconds(400));
  EXPECT_EQ(b.digits(), "5");
  ASSERT_FALSE(events_.empty());
  EXPECT_STREQ(events_.back().name, "anchor.digit");
  ASSERT_TRUE(anchors_->block({"call", "", "", "", "", ""}, Anchors::Block::digits, true));
  a.press('6');
  advance(milliseconds(400));
  EXPECT_EQ(b.digits(), "5");
  EXPECT_EQ(events_.back().text, "6");
  ASSERT_TRUE(
      anchors_->play_digits({"call", "B", "", "", "", ""}, "9", milliseconds(100), milliseconds(100)));
  advance(milliseconds(600));
  EXPECT_EQ(a.digits(), "9");
}

TEST_F(RelayTest, SrtpOnOneSideAndRtpOnTheOther) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  Options options;
  options.transport = "RTP/SAVP";
  const auto offered = anchors_->offer({"call", "A", "", "", "", ""}, sdp(a, kPlain), options);
  ASSERT_TRUE(offered) << offered.error().message;
  const auto parsed = sdp::parse(offered->sdp);
  const auto lines = sdp::crypto_lines(parsed->media[0]).lines;
  ASSERT_FALSE(lines.empty());
  const auto mine = srtp::Key::random(lines[0].protection.key.suite());
  sdp::CryptoLine answer = lines[0];
  answer.protection.key = mine;
  b.set_remote(address_in(offered->sdp));
  const auto answered =
      anchors_->answer({"call", "A", "B", "", "", ""},
                       sdp(b, "RTP/SAVP 0\r\na=crypto:" + sdp::print_crypto(answer) + "\r\n"), {});
  ASSERT_TRUE(answered) << answered.error().message;
  a.set_remote(address_in(answered->sdp));
  b.secure({mine}, lines[0].protection);
  a.say(session::noise(3000, 1));
  b.say(session::noise(3000, 2));
  a.start();
  b.start();
  advance(milliseconds(1000));
  EXPECT_GT(session::find_in(b.heard(), beginning(1)).first, 0.99);
  EXPECT_GT(session::find_in(a.heard(), beginning(2)).first, 0.99);
  EXPECT_EQ(b.unopened(), 0U);
}

}  // namespace
}  // namespace tandem::anchor
