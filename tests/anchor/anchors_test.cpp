// Whole offers and answers, as a proxy would send them: who is joined with whom, on which ports, with which
// codecs.
#include "core/anchor/anchors.hpp"

#include "tests/anchor/world.hpp"

namespace tandem::anchor {
namespace {

using AnchorsTest = AnchorWorld;

TEST_F(AnchorsTest, OfferAndAnswerJoinTwoPartiesOnPortsOfOurs) {
  const auto offered = offer(audio_sdp("192.0.2.1", 4000));
  ASSERT_TRUE(offered) << offered.error().message;
  const auto answered = answer(audio_sdp("192.0.2.2", 5000, "0 101"));
  ASSERT_TRUE(answered) << answered.error().message;
  ASSERT_EQ(legs().size(), 2U);
  const auto &a = *legs()[0], &b = *legs()[1];
  EXPECT_EQ(port_of(offered->sdp), b.opened.rtp.port());
  EXPECT_EQ(port_of(answered->sdp), a.opened.rtp.port());
  EXPECT_EQ(a.peer, b.opened.id);
  EXPECT_EQ(b.spec.near, a.opened.id);
  EXPECT_EQ(a.config().remote_rtp.text(), "192.0.2.1:4000");
  EXPECT_EQ(b.config().remote_rtp.text(), "192.0.2.2:5000");
  EXPECT_EQ(b.config().remote_rtcp.port(), 5001);
  ASSERT_EQ(a.config().payloads.size(), 1U);
  EXPECT_EQ(a.config().payloads[0].codec, codec::pcmu());
  EXPECT_EQ(a.config().event_receive_type, 101);
  EXPECT_TRUE(a.config().may_relay);
  remove();
  EXPECT_EQ(media.open_legs(), 0U);
  EXPECT_EQ(anchors->size(), 0U);
}

TEST_F(AnchorsTest, ComfortNoiseStandsBesideTheCodecsOfBoth) {
  ASSERT_TRUE(offer(audio_sdp("192.0.2.1", 4000, "0 13 101")));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000, "0 13 101")));
  for (const auto* leg : {&*legs()[0], &*legs()[1]}) {
    ASSERT_EQ(leg->config().payloads.size(), 1U) << "it is no codec to choose";
    ASSERT_EQ(leg->config().noise.size(), 1U);
    EXPECT_EQ(leg->config().noise[0].receive_type, 13);
    EXPECT_EQ(leg->config().noise[0].clock_rate, 8000U);
  }
}

TEST_F(AnchorsTest, WhatIsNotUnderstoodLeavesAsItCameInItsPlace) {
  const std::string sdp = crlf(R"(v=0
o=- 20518 0 IN IP4 203.0.113.1
s=caf)"
                               "\xE9"
                               R"( time
i=about
u=http://example.com
e=a@example.com
c=IN IP4 203.0.113.1
b=AS:80
t=0 0
a=tool:weird 1.0
k=clear:x
m=audio 54400 RTP/SAVPF 0 96
i=voice
b=TIAS:64000
a=rtpmap:0 PCMU/8000
a=rtpmap:96 opus/48000
a=x-odd
a=candidate:0 1 UDP 2113667327 203.0.113.1 54400 typ host
a=mid:1
m=message 2855 TCP/MSRP *
a=path:msrp://203.0.113.1:2855/x;tcp
)");
  const auto out = offer(sdp);
  ASSERT_TRUE(out) << out.error().message;
  const std::string port = std::to_string(port_of(out->sdp));
  const std::string rtcp = std::to_string(port_of(out->sdp) + 1);
  EXPECT_EQ(out->sdp, crlf(R"(v=0
o=- 20518 0 IN IP4 203.0.113.1
s=caf)"
                           "\xE9"
                           R"( time
i=about
u=http://example.com
e=a@example.com
c=IN IP4 198.51.100.1
b=AS:80
t=0 0
a=tool:weird 1.0
k=clear:x
m=audio )" + port + R"( RTP/SAVPF 0 96
i=voice
b=TIAS:64000
a=rtpmap:0 PCMU/8000
a=rtpmap:96 opus/48000
a=x-odd
a=mid:1
a=rtcp:)" + rtcp + R"(
m=message 2855 TCP/MSRP *
c=IN IP4 203.0.113.1
a=path:msrp://203.0.113.1:2855/x;tcp
)"));
}

TEST_F(AnchorsTest, AnAnswerWithACodecThatWasNotOfferedIsTranscodedWhenItCanBe) {
  (void)offer(audio_sdp("192.0.2.1", 4000, "8", ""));
  const auto answered = answer(audio_sdp("192.0.2.2", 5000, "0", ""));
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_NE(answered->sdp.find(" RTP/AVP 8\r\n"), std::string::npos);
  EXPECT_EQ(answered->warnings.size(), 1U);
  EXPECT_EQ(legs()[0]->config().payloads[0].codec, codec::pcma());
  EXPECT_EQ(legs()[1]->config().payloads[0].codec, codec::pcmu());
  EXPECT_FALSE(answer(audio_sdp("192.0.2.2", 5000, "97", "a=rtpmap:97 EVS/16000\n")));
}

TEST_F(AnchorsTest, AReinviteKeepsThePortsOfBothSides) {
  const auto first = offer(audio_sdp("192.0.2.1", 4000));
  const auto answered = answer(audio_sdp("192.0.2.2", 5000));
  // B holds A: the offer comes from the other side.
  const auto hold = offer(
      audio_sdp("192.0.2.2", 5000, "0 101", "a=rtpmap:101 telephone-event/8000\na=sendonly\n"), {}, "B", "A");
  ASSERT_TRUE(hold) << hold.error().message;
  EXPECT_EQ(port_of(hold->sdp), port_of(answered->sdp));
  EXPECT_TRUE(has(hold->sdp, "a=sendonly"));
  const auto held = answer(
      audio_sdp("192.0.2.1", 4000, "0 101", "a=rtpmap:101 telephone-event/8000\na=recvonly\n"), {}, "B", "A");
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_EQ(port_of(held->sdp), port_of(first->sdp));
  ASSERT_EQ(legs().size(), 2U);
  EXPECT_FALSE(legs()[0]->config().receive);  // A says nothing
  EXPECT_TRUE(legs()[0]->config().send);
  EXPECT_TRUE(legs()[1]->config().receive);
  EXPECT_EQ(anchors->size(), 1U);
}

TEST_F(AnchorsTest, AnOfferThatNamesNoToTagInARunningCallIsOneToTheSamePartner) {
  const auto first = offer(audio_sdp("192.0.2.1", 4000, "0 8 96", "a=rtpmap:96 telephone-event/8000\n"));
  (void)answer(audio_sdp("192.0.2.2", 5000, "0 96", "a=rtpmap:96 telephone-event/8000\n"));
  const auto again = offer(audio_sdp("192.0.2.1", 4000, "8 101", "a=rtpmap:101 telephone-event/8000\n"));
  ASSERT_TRUE(again);
  EXPECT_EQ(port_of(again->sdp), port_of(first->sdp));
  const auto answered = answer(audio_sdp("192.0.2.2", 5000, "8 101", "a=rtpmap:101 telephone-event/8000\n"));
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_NE(answered->sdp.find("RTP/AVP 8 101\r\n"), std::string::npos) << answered->sdp;
  EXPECT_EQ(legs().size(), 2U);
}

TEST_F(AnchorsTest, AnOldStyleHoldPassesUnlessItIsToBeReplaced) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  (void)answer(audio_sdp("192.0.2.2", 5000));
  const auto held = offer(audio_sdp("0.0.0.0", 5000), {}, "B", "A");
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_TRUE(has(held->sdp, "c=IN IP4 0.0.0.0"));
  Options replace;
  replace.replace_zero_address = true;
  const auto replaced = offer(audio_sdp("0.0.0.0", 5000), replace, "B", "A");
  EXPECT_TRUE(has(replaced->sdp, "c=IN IP4 198.51.100.1"));
  EXPECT_TRUE(has(replaced->sdp, "a=sendonly")) << "it is a hold all the same";
  const auto back = offer(audio_sdp("0.0.0.0", 5000, "0", "a=recvonly\n"), replace, "B", "A");
  EXPECT_TRUE(has(back->sdp, "a=inactive") && !has(back->sdp, "a=recvonly"));
  (void)answer(audio_sdp("192.0.2.1", 4000), {}, "B", "A");
  EXPECT_FALSE(legs()[1]->config().send);
}

TEST_F(AnchorsTest, BranchesOfAForkHaveTheirOwnPortsAndWhoAnsweredLastIsHeard) {
  const auto one = offer(audio_sdp("192.0.2.1", 4000), {}, "A", "", "branch1");
  const auto two = offer(audio_sdp("192.0.2.1", 4000), {}, "A", "", "branch2");
  ASSERT_TRUE(one && two);
  EXPECT_NE(port_of(one->sdp), port_of(two->sdp));
  ASSERT_EQ(legs().size(), 3U);
  const auto first = answer(audio_sdp("192.0.2.2", 5000), {}, "A", "B1", "branch1");
  const auto second = answer(audio_sdp("192.0.2.3", 5000), {}, "A", "B2", "branch2");
  EXPECT_EQ(port_of(first->sdp), port_of(second->sdp));
  EXPECT_EQ(legs()[0]->peer, legs()[2]->opened.id);
  const auto again = answer(audio_sdp("192.0.2.2", 5000), {}, "A", "B1", "branch1");
  ASSERT_TRUE(again);
  EXPECT_EQ(legs()[0]->peer, legs()[1]->opened.id);
  remove("A", "branch2");
  EXPECT_EQ(legs().size(), 2U);
  remove("A", "branch1");
  EXPECT_EQ(media.open_legs(), 0U);
}

TEST_F(AnchorsTest, SeveralToTagsOnOneBranchShareItsPorts) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000), {}, "A", "B1"));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.3", 6000), {}, "A", "B2"));
  ASSERT_EQ(legs().size(), 2U);
  EXPECT_EQ(legs()[1]->config().remote_rtp.text(), "192.0.2.3:6000");
  ASSERT_TRUE(offer(audio_sdp("192.0.2.3", 6000), {}, "B2", "A"));
  EXPECT_EQ(legs().size(), 2U);
}

TEST_F(AnchorsTest, ADelayedOfferIsThatOfTheCallee) {
  const auto out = offer(audio_sdp("192.0.2.2", 5000), {}, "B", "A");
  ASSERT_TRUE(out);
  const auto back = answer(audio_sdp("192.0.2.1", 4000), {}, "B", "A");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(legs()[0]->peer, legs()[1]->opened.id);
}

TEST_F(AnchorsTest, AnswersWithoutAnOfferAndUnknownCallsAreErrorsThatSaySo) {
  EXPECT_EQ(answer(audio_sdp("192.0.2.2", 5000)).error().message, "Unknown call-id");
  (void)offer(audio_sdp("192.0.2.1", 4000));
  EXPECT_EQ(answer(audio_sdp("192.0.2.2", 5000), {}, "X").error().code, ErrorCode::not_found);
  EXPECT_EQ(answer(audio_sdp("192.0.2.2", 5000), {}, "A", "").error().message, "No to-tag in message");
  EXPECT_EQ(answer(audio_sdp("192.0.2.2", 5000) + "m=video 6000 RTP/AVP 96\r\n").error().code,
            ErrorCode::invalid);
  EXPECT_EQ(offer("").error().code, ErrorCode::invalid);
  EXPECT_EQ(offer(audio_sdp("192.0.2.1", 4000), {}, "").error().message, "No from-tag in message");
  EXPECT_EQ(anchors->offer({"other", "A", "", "", "", ""}, "rubbish", {}).error().code, ErrorCode::invalid);
  EXPECT_EQ(anchors->size(), 1U);  // a refused first offer leaves no call
}

TEST_F(AnchorsTest, LimitsAreSaidInTheWordsThatProxiesLookFor) {
  media.ports_left = 1;
  EXPECT_EQ(offer(audio_sdp("192.0.2.1", 4000)).error().message, "Ran out of ports");
  EXPECT_EQ(media.open_legs(), 0U);
  config.calls_max = 1;
  media.ports_left = 100;
  make();
  (void)offer(audio_sdp("192.0.2.1", 4000));
  EXPECT_EQ(anchors->offer({"other", "A", "", "", "", ""}, audio_sdp("192.0.2.1", 4000), {}).error().message,
            "Parallel session limit reached");
}

TEST_F(AnchorsTest, VideoAndUdptlPassAsDatagramsAndARefusedStreamHasPortZero) {
  const std::string sdp = audio_sdp("192.0.2.1", 4000) +
                          crlf(
                              "m=video 4002 RTP/AVPF 96\na=rtpmap:96 H264/90000\na=rtcp-fb:96 nack pli\n"
                              "m=image 4004 udptl t38\na=T38FaxVersion:0\n");
  const auto out = offer(sdp);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(has(out->sdp, "a=rtcp-fb:96 nack pli"));
  EXPECT_TRUE(has(out->sdp, "m=image " + std::to_string(port_of(out->sdp, 2)) + " udptl t38"));
  const auto back = answer(audio_sdp("192.0.2.2", 5000) +
                           crlf("m=video 5002 RTP/AVPF 96\na=rtpmap:96 H264/90000\nm=image 0 udptl t38\n"));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(has(back->sdp, "m=image 0 udptl t38"));
  ASSERT_EQ(legs().size(), 4U);
  EXPECT_TRUE(legs()[2]->config().opaque && legs()[3]->config().opaque);
  EXPECT_EQ(legs()[2]->peer, legs()[3]->opened.id);
}

TEST_F(AnchorsTest, AnotherTransportOfTheSameKindIsWrittenAndOneThatNeedsKeysIsRefused) {
  Options options;
  options.transport = "RTP/AVPF";
  const auto out = offer(audio_sdp("192.0.2.1", 4000), options);
  ASSERT_TRUE(out);
  EXPECT_NE(out->sdp.find(" RTP/AVPF 0 8 101"), std::string::npos);
  const auto back = answer(audio_sdp("192.0.2.2", 5000, "0", "a=rtcp-fb:* nack\n", "RTP/AVPF"));
  ASSERT_TRUE(back);
  EXPECT_NE(back->sdp.find(" RTP/AVP 0\r\n"), std::string::npos);
  EXPECT_EQ(back->sdp.find("rtcp-fb"), std::string::npos);
}

constexpr const char* kTheirKey = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";  // RFC 4568 9.1

std::string crypto_line(int tag, const std::string& key, const char* suite = "AES_CM_128_HMAC_SHA1_80") {
  return "a=crypto:" + std::to_string(tag) + " " + suite + " inline:" + key + "\n";
}

// The line with this suite of an SDP that left, without its end.
std::string crypto_of(const std::string& sdp, const std::string& suite) {
  for (std::size_t at = 0; (at = sdp.find("a=crypto:", at)) != std::string::npos; ++at) {
    const std::string line = sdp.substr(at, sdp.find("\r\n", at) - at);
    if (line.find(" " + suite + " ") != std::string::npos) return line;
  }
  return "";
}

TEST_F(AnchorsTest, RtpBecomesSrtpWithKeysOfOursThatReinvitesKeep) {
  Options options;
  options.transport = "RTP/SAVP";
  const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", ""), options);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_NE(out->sdp.find(" RTP/SAVP 0\r\n"), std::string::npos);
  const std::string line = crypto_of(out->sdp, "AES_CM_128_HMAC_SHA1_80");
  ASSERT_NE(line, "");
  const int tag = std::stoi(line.substr(9));
  const auto back = answer(audio_sdp("192.0.2.2", 5000, "0", crypto_line(tag, kTheirKey), "RTP/SAVP"));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_NE(back->sdp.find(" RTP/AVP 0\r\n"), std::string::npos);
  EXPECT_EQ(back->sdp.find("a=crypto"), std::string::npos);
  EXPECT_FALSE(legs()[0]->config().srtp);
  ASSERT_TRUE(legs()[1]->config().srtp);
  EXPECT_EQ(legs()[1]->config().srtp->receive.key.to_base64(), kTheirKey);
  EXPECT_NE(line.find(legs()[1]->config().srtp->send.key.to_base64()), std::string::npos);
  EXPECT_EQ(crypto_of(offer(audio_sdp("192.0.2.1", 4000, "0", ""), options, "A", "B")->sdp,
                      "AES_CM_128_HMAC_SHA1_80"),
            line);
  // The far side answers with what was not offered.
  EXPECT_FALSE(answer(audio_sdp("192.0.2.2", 5000, "0", crypto_line(99, kTheirKey), "RTP/SAVP")));
  EXPECT_FALSE(answer(audio_sdp("192.0.2.2", 5000, "0", "", "RTP/SAVP")));
}

TEST_F(AnchorsTest, SrtpBecomesRtpAndTheAnswerHasTheOfferersTag) {
  Options options;
  options.transport = "RTP/AVP";
  const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", crypto_line(7, kTheirKey), "RTP/SAVP"), options);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->sdp.find("a=crypto"), std::string::npos);
  const auto back = answer(audio_sdp("192.0.2.2", 5000, "0", ""));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_NE(back->sdp.find(" RTP/SAVP 0\r\n"), std::string::npos);
  EXPECT_EQ(crypto_of(back->sdp, "AES_CM_128_HMAC_SHA1_80").find("a=crypto:7 "), 0U);
  ASSERT_TRUE(legs()[0]->config().srtp);
  EXPECT_EQ(legs()[0]->config().srtp->receive.key.to_base64(), kTheirKey);
  EXPECT_FALSE(legs()[1]->config().srtp);
  const auto again = answer(audio_sdp("192.0.2.2", 5000, "0", ""));
  EXPECT_EQ(crypto_of(again->sdp, "AES_CM_128_HMAC_SHA1_80"),
            crypto_of(back->sdp, "AES_CM_128_HMAC_SHA1_80"));
}

TEST_F(AnchorsTest, BothSidesOfSrtpHaveKeysOfTheirOwnAndSuitesAreChosen) {
  Options options;
  options.srtp_only = {"AES_256_CM_HMAC_SHA1_80", "aead_aes_128_gcm"};
  const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", crypto_line(1, kTheirKey), "RTP/SAVP"), options);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(crypto_of(out->sdp, "AES_CM_128_HMAC_SHA1_80"), "");
  const std::string ours = crypto_of(out->sdp, "AEAD_AES_128_GCM");
  ASSERT_NE(ours, "");
  const std::string theirs = srtp::Key::random(srtp::Suite::aead_aes_128_gcm).to_base64();
  const auto back =
      answer(audio_sdp("192.0.2.2", 5000, "0",
                       crypto_line(std::stoi(ours.substr(9)), theirs, "AEAD_AES_128_GCM"), "RTP/SAVP"));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(legs()[0]->config().srtp && legs()[1]->config().srtp);
  EXPECT_FALSE(legs()[0]->config().opaque);
  options.srtp_only = {"NOBODYS_SUITE"};
  EXPECT_EQ(offer(audio_sdp("192.0.2.1", 4000, "0", ""),
                  [&] {
                    options.transport = "RTP/SAVP";
                    return options;
                  }())
                .error()
                .code,
            ErrorCode::unsupported);
}

TEST_F(AnchorsTest, KeysThatAreNotReadAndDtlsPassFromEndToEndOrAreRefused) {
  const std::string odd =
      audio_sdp("192.0.2.1", 4000, "0", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:abc\n", "RTP/SAVP");
  const auto out = offer(odd);
  ASSERT_TRUE(out);
  EXPECT_TRUE(has(out->sdp, "a=crypto:1 F8_128_HMAC_SHA1_80 inline:abc"));
  Options options;
  options.transport = "RTP/AVP";
  EXPECT_EQ(offer(odd, options).error().code, ErrorCode::unsupported);
  const std::string dtls =
      audio_sdp("192.0.2.1", 4000, "0", "a=fingerprint:sha-256 AA\na=setup:actpass\n", "UDP/TLS/RTP/SAVP");
  EXPECT_EQ(offer(dtls, options).error().code, ErrorCode::unsupported);
  const auto passed = offer(dtls, {}, "A");
  ASSERT_TRUE(passed) << passed.error().message;
  EXPECT_TRUE(has(passed->sdp, "a=fingerprint:sha-256 AA"));
  (void)answer(audio_sdp("192.0.2.2", 5000, "0", "a=fingerprint:sha-256 BB\n", "UDP/TLS/RTP/SAVP"));
  EXPECT_TRUE(legs()[0]->config().opaque);
}

TEST_F(AnchorsTest, WhereSdesOrPlainRtpIsSpokenNoLineOfDtlsIsLeft) {
  const std::string both =
      std::string(crypto_line(1, kTheirKey)) + "a=fingerprint:sha-256 AA\na=setup:actpass\n";
  for (const char* transport : {"RTP/AVP", "RTP/SAVP"}) {
    Options options;
    options.transport = transport;
    std::string text = audio_sdp("192.0.2.1", 4000, "0", both, "RTP/SAVP");
    text.insert(text.find("t=0 0"), "a=fingerprint:sha-256 BB\r\na=tls-id:1\r\n");
    const auto out = offer(text, options);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(out->sdp.find("a=fingerprint"), std::string::npos) << out->sdp;
    EXPECT_EQ(out->sdp.find("a=setup"), std::string::npos);
    EXPECT_EQ(out->sdp.find("a=tls-id"), std::string::npos);
    remove();
  }
}

TEST_F(AnchorsTest, ACryptoLineInPlainRtpIsNotPassedOn) {
  const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", crypto_line(1, kTheirKey)));
  EXPECT_EQ(out->sdp.find("a=crypto"), std::string::npos);
}

TEST_F(AnchorsTest, InterfacesAreBoundAndTheirAdvertisedAddressIsSaid) {
  config.interfaces = {{"priv", "127.0.0.2", ""}, {"pub", "127.0.0.3", "198.51.100.7"}};
  make();
  Options options;
  options.direction = {"priv", "pub"};
  options.replace_origin = true;
  const auto out = offer(audio_sdp("192.0.2.1", 4000), options);
  ASSERT_TRUE(out);
  EXPECT_TRUE(has(out->sdp, "c=IN IP4 198.51.100.7"));
  EXPECT_TRUE(has(out->sdp, "o=alice 2890844526 2890844526 IN IP4 198.51.100.7"));
  EXPECT_EQ(legs()[0]->spec.local_host, "127.0.0.2");
  EXPECT_EQ(legs()[1]->spec.local_host, "127.0.0.3");
  options.direction = {"nowhere", "pub"};
  EXPECT_EQ(offer(audio_sdp("192.0.2.1", 4000), options)->warnings.size(), 1U);
  options.media_address = "203.0.113.9";
  EXPECT_TRUE(has(offer(audio_sdp("192.0.2.1", 4000), options)->sdp, "c=IN IP4 203.0.113.9"));
}

TEST_F(AnchorsTest, AnIpv6SideStandsBesideAnIpv4One) {
  Options options;
  options.address_family = Family::v6;
  const auto out = offer(audio_sdp("192.0.2.1", 4000), options);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_NE(out->sdp.find("c=IN IP6 2001:db8:"), std::string::npos);
  std::string six = audio_sdp("2001:db8::2", 5000);
  for (std::size_t at; (at = six.find("IP4")) != std::string::npos;) six.replace(at, 3, "IP6");
  ASSERT_TRUE(answer(six));
  EXPECT_EQ(answer(audio_sdp("192.0.2.2", 5000)).error().code, ErrorCode::unsupported);
}

TEST_F(AnchorsTest, RtcpMuxIsOfferedAcceptedAndTakenApartAsAsked) {
  const std::string with = "a=rtcp-mux\n";
  struct Row {
    bool theirs;
    MuxOptions options;
    bool offered, answer_has, answered, leg_a, leg_b;
  };
  const Row table[] = {
      {true, {}, true, true, true, true, true},
      {true, {}, true, false, false, false, false},
      {false, {}, false, false, false, false, false},
      {false, {.offer = true}, true, true, false, false, true},
      {false, {.require = true}, true, false, false, false, true},
      {true, {.demux = true}, false, false, true, true, false},
      {true, {.accept = true}, true, false, true, true, false},
      {true, {.reject = true}, false, false, false, false, false},
      {true, {.offer = true, .reject = true}, true, true, false, false, true},
  };
  for (const Row& row : table) {
    Options options;
    options.mux = row.options;
    const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", row.theirs ? with : ""), options);
    EXPECT_EQ(has(out->sdp, "a=rtcp-mux"), row.offered);
    const auto back = answer(audio_sdp("192.0.2.2", 5000, "0", row.answer_has ? with : ""), options);
    EXPECT_EQ(has(back->sdp, "a=rtcp-mux"), row.answered);
    EXPECT_EQ(legs()[0]->config().rtcp_mux, row.leg_a);
    EXPECT_EQ(legs()[1]->config().rtcp_mux, row.leg_b);
    remove();
  }
}

TEST_F(AnchorsTest, SipSourceAddressAndAsymmetricAreHonoured) {
  Options options;
  options.sip_source_address = true;
  options.received_from = "198.51.100.50";
  options.asymmetric = true;
  (void)offer(audio_sdp("10.0.0.1", 4000), options);
  (void)answer(audio_sdp("192.0.2.2", 5000));
  EXPECT_EQ(legs()[0]->config().remote_rtp.text(), "198.51.100.50:4000");
  EXPECT_TRUE(legs()[0]->config().symmetric);
  EXPECT_FALSE(legs()[1]->config().symmetric);
  options.received_from = "nonsense";
  EXPECT_EQ(offer(audio_sdp("10.0.0.1", 4000), options).error().code, ErrorCode::invalid);
}

TEST_F(AnchorsTest, BlocksAreLaidOverWhatWasAgreedAndTakenOffAgain) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  (void)answer(audio_sdp("192.0.2.2", 5000));
  const Selector a{"call", "A", "", "", "", ""}, all{"call", "", "", "", "", ""};
  ASSERT_TRUE(anchors->block(a, Anchors::Block::media, true));
  EXPECT_FALSE(legs()[0]->config().receive);
  EXPECT_TRUE(legs()[1]->config().receive);
  ASSERT_TRUE(anchors->block(a, Anchors::Block::media, false));
  EXPECT_TRUE(legs()[0]->config().receive);
  ASSERT_TRUE(anchors->block(all, Anchors::Block::digits, true));
  for (const auto* leg : legs()) EXPECT_EQ(leg->config().keys.act, media::KeyAct::drop);
  ASSERT_TRUE(anchors->block(a, Anchors::Block::silence, true));
  EXPECT_FALSE(legs()[0]->config().may_relay);
  EXPECT_EQ(anchors->block({"call", "nobody", "", "", "", ""}, Anchors::Block::media, true).error().code,
            ErrorCode::not_found);
  (void)answer(audio_sdp("192.0.2.2", 5000));  // a repeated answer lifts nothing
  EXPECT_FALSE(legs()[0]->config().may_relay);
}

TEST_F(AnchorsTest, AQueryOfAPartyTellsOfItAndItsPartner) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  (void)answer(audio_sdp("192.0.2.2", 5000));
  ASSERT_TRUE(anchors->publish({"call", "P", "", "", "", ""}, audio_sdp("192.0.2.3", 6000), {}, Ways::one));
  const auto told = [&](const Selector& who) {
    std::string tags;
    anchors->query(who, [&](const Result<CallReport>& report) {
      ASSERT_TRUE(report);
      for (const PartyReport& party : report->parties) tags += party.tag;
    });
    timers.advance(milliseconds(1));
    return tags;
  };
  EXPECT_EQ(told({"call", "", "", "", "", ""}), "ABP");
  EXPECT_EQ(told({"call", "A", "", "", "", ""}), "AB");
  EXPECT_EQ(told({"call", "A", "P", "", "", ""}), "P") << "the to-tag counts more";
  EXPECT_EQ(told({"call", "B", "not yet", "", "", ""}), "AB");
  EXPECT_EQ(told({"call", "nobody", "", "", "", ""}), "");
}

TEST_F(AnchorsTest, SoundsKeysAndRecordingsReachTheRightSide) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  const Selector a{"call", "A", "", "", "", ""};
  bool refused = false;
  anchors->play(a, {{"/x.wav"}, false, false, {}, {}}, [&](const auto& done) { refused = !done; });
  EXPECT_TRUE(refused);  // nothing is agreed yet
  (void)answer(audio_sdp("192.0.2.2", 5000));
  milliseconds length{0};
  anchors->play(a, {{"/x.wav", "/x.wav"}, false, false, {}, {}},
                [&](const auto& done) { length = done.ok() ? *done : milliseconds(0); });
  timers.advance(milliseconds(1));
  EXPECT_EQ(length, milliseconds(2000));
  EXPECT_NE(legs()[0]->playing, 0U);
  ASSERT_TRUE(anchors->play_digits(a, "12", Anchors::Everybody::no, milliseconds(100), milliseconds(100)));
  EXPECT_EQ(legs()[1]->digits_sent, "12");
  const auto paths = anchors->record({"call", "", "", "", "", ""}, "/rec/x");
  ASSERT_TRUE(paths);
  EXPECT_EQ(*paths, std::vector<std::string>{"/rec/x.wav"});
  ASSERT_EQ(media.recordings.size(), 1U);
  EXPECT_TRUE(media.recordings.begin()->second.spec.stereo);
  ASSERT_TRUE(anchors->control_recording(a, Anchors::RecordAct::pause));
  EXPECT_TRUE(media.recordings.begin()->second.paused);
  ASSERT_TRUE(anchors->control_recording(a, Anchors::RecordAct::stop));
  media.press(legs()[0]->opened.id, '5');
  ASSERT_FALSE(events.empty());
  EXPECT_STREQ(events.back().name, "anchor.digit");
  EXPECT_EQ(events.back().tag, "A");
}

TEST_F(AnchorsTest, ASoundAndAKeyForAllReachEachParty) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  (void)answer(audio_sdp("192.0.2.2", 5000));
  const Selector call{"call", "A", "", "", "", ""};
  int begun = 0;
  anchors->play(call, {{"/x.wav"}, false, true, {}, {}}, [&](const auto& done) { begun += done.ok(); });
  timers.advance(milliseconds(1));
  EXPECT_EQ(begun, 1);
  EXPECT_NE(legs()[0]->playing, 0U);
  EXPECT_NE(legs()[1]->playing, 0U);
  ASSERT_TRUE(anchors->play_digits(call, "7", Anchors::Everybody::yes, milliseconds(100), milliseconds(100)));
  EXPECT_EQ(legs()[0]->digits_sent, "7");
  EXPECT_EQ(legs()[1]->digits_sent, "7");
}

TEST_F(AnchorsTest, ACallInWhichNobodyIsHeardEndsAndOneThatIsHeardAgainStands) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  (void)answer(audio_sdp("192.0.2.2", 5000));
  media.time_out(legs()[0]->opened.id);
  timers.advance(milliseconds(5));
  EXPECT_EQ(anchors->size(), 1U);
  legs()[0]->stats.received.packets = 77;  // heard again before the other fell silent
  media.time_out(legs()[1]->opened.id);
  timers.advance(milliseconds(5));
  EXPECT_EQ(anchors->size(), 1U);
  media.time_out(legs()[0]->opened.id);
  timers.advance(milliseconds(5));
  EXPECT_EQ(anchors->size(), 0U);
  EXPECT_EQ(media.open_legs(), 0U);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().text, "media_timeout");
}

TEST_F(AnchorsTest, AnOfferThatIsNeverAnsweredEnds) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  timers.advance(seconds(3599));
  EXPECT_EQ(anchors->size(), 1U);
  timers.advance(seconds(2));
  EXPECT_EQ(anchors->size(), 0U);
}

TEST_F(AnchorsTest, ADeleteMayWaitAndANewOfferKeepsTheCall) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  (void)answer(audio_sdp("192.0.2.2", 5000));
  remove("A", "", seconds(30));
  EXPECT_EQ(anchors->size(), 1U);
  (void)offer(audio_sdp("192.0.2.1", 4000), {}, "A", "B");
  timers.advance(seconds(60));
  EXPECT_EQ(anchors->size(), 1U);
  remove("A", "", seconds(30));
  timers.advance(seconds(31));
  EXPECT_EQ(anchors->size(), 0U);
}

TEST_F(AnchorsTest, AQueryTellsTheFiguresOfEveryLine) {
  (void)offer(audio_sdp("192.0.2.1", 4000));
  (void)answer(audio_sdp("192.0.2.2", 5000));
  legs()[0]->stats.received.packets = 12;
  int told = 0;
  anchors->query({"call", "", "", "", "", ""}, [&](const Result<CallReport>& report) {
    ++told;
    ASSERT_TRUE(report);
    ASSERT_EQ(report->parties.size(), 2U);
    EXPECT_EQ(report->parties[0].tag, "A");
    EXPECT_EQ(report->parties[0].partner, "B");
    EXPECT_EQ(report->parties[0].lines.at(0).stats.received.packets, 12U);
  });
  timers.advance(milliseconds(1));
  EXPECT_EQ(told, 1);
}

TEST_F(AnchorsTest, LoopProtectionLeavesOurOwnSdpAlone) {
  Options options;
  options.loop_protect = true;
  const auto out = offer(audio_sdp("192.0.2.1", 4000), options);
  const auto again = offer(out->sdp, options, "C");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sdp, out->sdp);
}

TEST_F(AnchorsTest, NamesAndMulticastWhereMediaShouldGoAreRefused) {
  EXPECT_EQ(offer(audio_sdp("phone.example.com", 4000)).error().code, ErrorCode::unsupported);
  EXPECT_EQ(offer(audio_sdp("224.0.0.1", 4000)).error().code, ErrorCode::unsupported);
  EXPECT_EQ(anchors->size(), 0U);
  EXPECT_EQ(media.open_legs(), 0U);
}

TEST_F(AnchorsTest, EachSideGetsPortsOfTheFamilyThatItsSdpNamesForTheSession) {
  const auto v6 = [](std::string text) {
    for (std::size_t at; (at = text.find("IP4")) != std::string::npos;) text.replace(at, 3, "IP6");
    return text;
  };
  Options options;
  options.address_family = Family::v4;
  ASSERT_TRUE(offer(v6(audio_sdp("2001:db8::1", 4000)), options));
  ASSERT_TRUE(answer(audio_sdp("192.0.2.2", 5000)));
  ASSERT_EQ(legs().size(), 2U);
  EXPECT_EQ(legs()[0]->opened.rtp.family(), Family::v6);
  EXPECT_EQ(legs()[1]->opened.rtp.family(), Family::v4);
  ASSERT_TRUE(offer(audio_sdp("0.0.0.0", 4000)));  // held as RFC 2543 has it
  EXPECT_EQ(legs()[0]->opened.rtp.family(), Family::v6) << "its ports stay";
}

}  // namespace
}  // namespace tandem::anchor
