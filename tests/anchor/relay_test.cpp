// Anchored calls whose media really flows: Anchors over the media engine on a counted clock, phones on a
// network in memory, and the SDP between them.
#include "tests/anchor/relay_world.hpp"

namespace tandem::anchor {
namespace {

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
  ASSERT_TRUE(anchors_->play_digits({"call", "B", "", "", "", ""}, "9", Anchors::Everybody::no,
                                    milliseconds(100), milliseconds(100)));
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

TEST_F(RelayTest, APhoneThatChangesFromOneOfItsKeysToAnotherIsHeardOn) {
  auto &a = phone(codec::pcmu()), &b = phone(codec::pcmu());
  const srtp::Suite suite = srtp::Suite::aes_cm_128_hmac_sha1_32;
  sdp::CryptoLine line{1, srtp::facts(suite).name, {srtp::Key::random(suite)}, 0};
  line.protection.mki = std::string("\0\1", 2);
  line.protection.others.push_back({srtp::Key::random(suite), std::string("\0\2", 2)});
  Options options;
  options.transport = "RTP/AVP";
  const auto offered =
      anchors_->offer({"call", "A", "", "", "", ""},
                      sdp(a, "RTP/SAVP 0\r\na=crypto:" + sdp::print_crypto(line) + "\r\n"), options);
  ASSERT_TRUE(offered) << offered.error().message;
  EXPECT_EQ(offered->sdp.find("crypto"), std::string::npos);
  b.set_remote(address_in(offered->sdp));
  const auto answered = anchors_->answer({"call", "A", "B", "", "", ""}, sdp(b, kPlain), {});
  ASSERT_TRUE(answered) << answered.error().message;
  const auto ours = sdp::crypto_lines(sdp::parse(answered->sdp)->media[0]).lines;
  ASSERT_EQ(ours.size(), 1U);
  EXPECT_TRUE(ours[0].protection.others.empty());
  EXPECT_EQ(ours[0].protection.mki, line.protection.mki);
  a.set_remote(address_in(answered->sdp));
  srtp::Protection first{line.protection.key}, second{line.protection.others[0].key};
  first.mki = line.protection.mki;
  second.mki = line.protection.others[0].mki;
  a.secure(first, ours[0].protection);
  a.say(session::noise(600, 1));
  a.start();
  b.start();
  advance(milliseconds(600));
  EXPECT_GT(session::find_in(b.heard(), beginning(1)).first, 0.99);
  a.secure(second, ours[0].protection);
  b.forget();
  a.say(session::noise(600, 2));
  advance(milliseconds(600));
  EXPECT_GT(session::find_in(b.heard(), beginning(2)).first, 0.99);
  EXPECT_EQ(engine_->media_loop(0).counters().srtp_forged.get(), 0U);
  EXPECT_EQ(a.unopened(), 0U);
}

}  // namespace
}  // namespace tandem::anchor
