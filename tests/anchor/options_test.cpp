// What options of an offer do to the SDP and to the legs: TOS, encoder settings, header extensions.
#include "core/anchor/payloads.hpp"
#include "tests/anchor/world.hpp"

namespace tandem::anchor {
namespace {

using OptionsTest = AnchorWorld;

TEST_F(OptionsTest, TosIsThatOfBothSidesOfTheCallUntilAnotherIsAsked) {
  Options tos;
  tos.tos = 0x68;
  ASSERT_TRUE(offer(audio_sdp("192.0.2.1", 4000), tos));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000)));
  EXPECT_EQ(legs()[0]->config().dscp, 0x1A);
  EXPECT_EQ(legs()[1]->config().dscp, 0x1A);
  ASSERT_TRUE(offer(audio_sdp("192.0.2.1", 4000), {}, "A", "B"));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000)));
  EXPECT_EQ(legs()[0]->config().dscp, 46) << "the default again, as rtpengine has it";
}

TEST_F(OptionsTest, ExtensionsThatDoNotPassAreNotOffered) {
  const std::string lines =
      "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
      "m=video 4002 RTP/AVP 99\na=rtpmap:99 VP8/90000\na=extmap:2/sendonly urn:3gpp:video-orientation\n"
      "a=extmap:3 urn:ietf:params:rtp-hdrext:toffset\n";
  const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", lines));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->sdp.find("ssrc-audio-level"), std::string::npos) << "audio's headers are ours";
  EXPECT_NE(out->sdp.find("a=extmap:2/sendonly urn:3gpp:video-orientation"), std::string::npos);
  remove();
  Options strip;
  strip.extmap_strip = {"urn:3gpp:video-orientation"};
  const auto less = offer(audio_sdp("192.0.2.1", 4000, "0", lines), strip);
  EXPECT_EQ(less->sdp.find("video-orientation"), std::string::npos);
  EXPECT_NE(less->sdp.find("toffset"), std::string::npos);
  remove();
  strip.extmap_strip = {"all"};
  EXPECT_EQ(offer(audio_sdp("192.0.2.1", 4000, "0", lines), strip)->sdp.find("extmap"), std::string::npos);
}

TEST_F(OptionsTest, CodecSetIsLaidOverWhatThePeerAsksOfOurEncoder) {
  media::LegConfig leg;
  leg.payloads.push_back({codec::pcmu(), 0, 0, "", "x=1;annexb=yes"});
  leg.payloads.push_back({codec::pcma(), 8, 8, "", "y"});
  CodecOptions options;
  options.set = {"PCMU/8000/1//40/annexb--no;z--3", "PCMA/16000///60", "G722////mode--1"};
  set_encoders(leg, options);
  EXPECT_EQ(leg.payloads[0].peer_fmtp, "x=1;annexb=no;z=3");
  EXPECT_EQ(leg.payloads[1].peer_fmtp, "y") << "another clock rate";
  EXPECT_EQ(leg.send_ptime_ms, 40U);
  EXPECT_EQ(leg.payloads[0].our_fmtp, "");
  const CodecSpec spec = read_codec_spec("opus/48000/2/24000/20/cbr--1");
  EXPECT_EQ(spec.bitrate, 24'000U);
  EXPECT_EQ(spec.ptime_ms, 20U);
  EXPECT_EQ(spec.fmtp, "cbr=1");
}

}  // namespace
}  // namespace tandem::anchor
