// Our answers: what is agreed with real phones, what is refused and why, direction, ptime, RTCP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/sdp/negotiate.hpp"
#include "tests/sdp/parties.hpp"
#include "tests/sdp/samples.hpp"

namespace tandem::sdp {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Answer, AgreesWithRealPhones) {
  struct Row {
    const char* name;
    std::string_view offer;
    std::vector<CodecOffer> codecs;
    const char* payloads;
    const char* rtp;
    const char* rtcp;
    int event;
    unsigned ptime_ms;
    std::size_t stream;  // the accepted one
  };
  const Row rows[] = {
      {"baresip",
       samples::kBaresip,
       {pcmu(), pcma()},
       "PCMU 0/0, PCMA 8/8",
       "192.0.2.10:10000",
       "192.0.2.10:10001",
       97,
       20,
       0},
      {"baresip with opus",
       samples::kBaresip,
       {pcma(), opus()},
       "opus 96/96, PCMA 8/8",
       "192.0.2.10:10000",
       "192.0.2.10:10001",
       97,
       20,
       0},
      {"sipp", samples::kSipp, {pcma(), pcmu()}, "PCMU 0/0", "192.0.2.11:6000", "192.0.2.11:6001", -1, 20, 0},
      {"linphone",
       samples::kLinphone,
       {pcmu(), pcma()},
       "PCMU 0/0, PCMA 8/8",
       "192.0.2.12:7078",
       "192.0.2.12:7078",
       100,
       20,
       0},
      {"linphone with opus",
       samples::kLinphone,
       {opus(), pcma()},
       "opus 96/96, PCMA 8/8",
       "192.0.2.12:7078",
       "192.0.2.12:7078",
       101,
       20,
       0},
      {"asterisk",
       samples::kAsterisk,
       {pcma(), pcmu(), g722()},
       "G722 9/9, PCMU 0/0, PCMA 8/8",
       "198.51.100.5:14882",
       "198.51.100.5:14883",
       101,
       20,
       0},
      {"plain RTP beside SRTP",
       samples::kBestEffortSrtp,
       {pcmu(), pcma()},
       "PCMA 8/8, PCMU 0/0",
       "203.0.113.7:58864",
       "203.0.113.7:58865",
       101,
       20,
       1},
      {"old phone",
       samples::kOldPhone,
       {pcmu(), pcma()},
       "PCMU 0/0, PCMA 8/8",
       "192.0.2.13:2230",
       "192.0.2.13:2231",
       101,
       30,
       0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Local local = local_of(row.codecs);
    const Description offer = parsed(row.offer);
    const Answer a = answered(local, offer);
    EXPECT_EQ(payloads_of(local, a.negotiated), row.payloads);
    EXPECT_EQ(a.negotiated.remote_rtp.text(), row.rtp);
    EXPECT_EQ(a.negotiated.remote_rtcp.text(), row.rtcp);
    EXPECT_EQ(a.negotiated.event_receive_type, row.event);
    EXPECT_EQ(a.negotiated.event_send_type, row.event);
    EXPECT_EQ(a.negotiated.send_ptime_ms, row.ptime_ms);
    EXPECT_TRUE(a.negotiated.send && a.negotiated.receive && !a.negotiated.held);
    ASSERT_EQ(a.description.media.size(), offer.media.size());
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
      EXPECT_EQ(a.description.media[i].kind, offer.media[i].kind);
      EXPECT_EQ(a.description.media[i].proto, offer.media[i].proto);
      EXPECT_EQ(a.description.media[i].port, i == row.stream ? 20'000 : 0);
    }
    EXPECT_EQ(parsed(print(a.description)), a.description);
  }
}

TEST(Answer, ReadsAsTheStandardShowsIt) {
  const Answer a = answered(local_of({pcma(), opus()}), parsed(samples::kLinphone), {.id = 42});
  EXPECT_EQ(print(a.description),
            "v=0\r\no=- 42 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
            "m=audio 20000 RTP/AVPF 96 8 101 100\r\n"
            "a=rtpmap:96 opus/48000/2\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/48000\r\n"
            "a=rtpmap:100 telephone-event/8000\r\n"
            "a=fmtp:96 useinbandfec=1\r\na=fmtp:101 0-16\r\na=fmtp:100 "
            "0-16\r\na=ptime:20\r\na=sendrecv\r\na=rtcp-mux\r\n"
            "m=video 0 RTP/AVPF 96\r\n");
}

TEST(Answer, RefusesEveryOtherStreamInItsPlaceWithItsFormats) {
  const Description offer = offer_of(
      "m=video 9000 RTP/AVP 31 96\nm=audio 9002 RTP/SAVP 0\nm=audio 9004 RTP/AVP 0 8\nm=audio 9006 RTP/AVP "
      "0\n"
      "m=image 9008 udptl t38\nm=application 9010 UDP/DTLS/SCTP webrtc-datachannel\nm=holo 9012 X/Y a b\n");
  const Answer a = answered(local_of({pcma()}), offer);
  const std::string text = print(a.description);
  EXPECT_THAT(text,
              HasSubstr("m=video 0 RTP/AVP 31 96\r\nm=audio 0 RTP/SAVP 0\r\nm=audio 20000 RTP/AVP 8\r\n"));
  EXPECT_THAT(text.substr(text.find("m=audio 20000")),
              HasSubstr("m=audio 0 RTP/AVP 0\r\nm=image 0 udptl t38\r\n"
                        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nm=holo 0 X/Y a b\r\n"));
}

TEST(Answer, RefusesWhatItCannotServeAndSaysWhy) {
  struct Row {
    const char* name;
    Description offer;
    const char* reason;
  };
  const std::string audio = "m=audio 4000 RTP/AVP 0\n";
  const Row rows[] = {
      {"no stream", offer_of(""), "it has none"},
      {"WebRTC", parsed(samples::kWebrtc), "UDP/TLS/RTP/SAVPF is not spoken here, RTP/AVP is"},
      {"fax", parsed(samples::kFax),
       "stream 1 (audio RTP/AVP): its port is 0; stream 2 (image udptl): image is not"},
      {"port 0", offer_of("m=audio 0 RTP/AVP 0\n"), "its port is 0"},
      {"SAVP", offer_of("m=audio 4 RTP/SAVP 0\n"), "RTP/SAVP is offered, and SRTP is off here"},
      {"unknown proto", offer_of("m=audio 4 TCP/XYZ 0\n"), "TCP/XYZ is not spoken here"},
      {"no codec in common", offer_of("m=audio 4 RTP/AVP 18 3 99\na=rtpmap:99 iLBC/8000\n"),
       "no codec in common: they have G729/8000 GSM/8000 iLBC/8000, we have PCMU/8000 PCMA/8000"},
      {"another clock", offer_of("m=audio 4 RTP/AVP 99\na=rtpmap:99 PCMU/16000\n"), "no codec in common"},
      {"two channels", offer_of("m=audio 4 RTP/AVP 99\na=rtpmap:99 PCMU/8000/2\n"), "no codec in common"},
      {"0 renamed", offer_of("m=audio 4 RTP/AVP 0\na=rtpmap:0 G711/8000\n"), "no codec in common"},
      {"events alone", offer_of("m=audio 4 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n"),
       "no codec in common"},
      {"types without meaning", offer_of("m=audio 4 RTP/AVP 99 200 -1 x\n"), "they have none we know"},
      {"no c=", parsed("v=0\n" + audio), "expected c= for the stream, saw none"},
      {"name", offer_of(audio, "IN IP4 phone.example.com"),
       "expected an IP address in c=, saw the name \"phone.example.com\"; names are not looked up"},
      {"half an address", offer_of(audio, "IN IP4 1.2.3"), "saw the name \"1.2.3\""},
      {"multicast", offer_of(audio, "IN IP4 224.2.1.1/127"), "saw 224.2.1.1: a multicast address"},
      {"IPv6 multicast", offer_of(audio, "IN IP6 ff15::101"), "saw ff15::101: a multicast address"},
      {"broadcast", offer_of(audio, "IN IP4 255.255.255.255"), "a broadcast or reserved address"},
      {"reserved", offer_of(audio, "IN IP4 240.0.0.1"), "a broadcast or reserved address"},
      {"this network", offer_of(audio, "IN IP4 0.0.0.1"), "an address in 0.0.0.0/8"},
      {"mapped", offer_of(audio, "IN IP6 ::ffff:192.0.2.1"), "an IPv4 address written as IPv6"},
      {"other family", offer_of(audio, "IN IP6 2001:db8::1"), "of another family than ours"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto a = answer(local_of({pcmu(), pcma()}), row.offer, {.id = 1});
    ASSERT_FALSE(a);
    EXPECT_EQ(sip_code(a.error()), 488);
    EXPECT_THAT(a.error().message, StartsWith("no stream of the offer can be accepted; "));
    EXPECT_THAT(a.error().message, HasSubstr(row.reason));
  }
}

TEST(Answer, KeepsItsReasonsShortForTheLargestOffer) {
  std::string lines;
  for (std::size_t i = 0; i < kMediaMax; ++i) {
    lines += "m=audio 4 RTP/AVP 3";
    for (int type = 20; type < 40; ++type) lines += ' ' + std::to_string(type);
    lines += '\n';
    for (int type = 20; type < 40; ++type)
      lines += "a=rtpmap:" + std::to_string(type) + " LongNamedCodec/8000\n";
  }
  const auto a = answer(local_of({pcmu()}), offer_of(lines), {.id = 1});
  ASSERT_FALSE(a);
  EXPECT_LT(a.error().message.size(), 1'200U);
}

TEST(Answer, CombinesBothSidesDirections) {
  using enum Direction;
  struct Row {
    const char* c;
    const char* theirs;
    Direction ours, agreed;
    bool held;
  };
  const char* here = "IN IP4 192.0.2.1";
  const Row rows[] = {
      {here, "sendrecv", sendrecv, sendrecv, false},
      {here, "sendonly", sendrecv, recvonly, true},
      {here, "recvonly", sendrecv, sendonly, false},
      {here, "inactive", sendrecv, inactive, true},
      {here, "sendrecv", sendonly, sendonly, false},
      {here, "sendonly", sendonly, inactive, true},
      {here, "recvonly", sendonly, sendonly, false},
      {here, "inactive", sendonly, inactive, true},
      {here, "sendrecv", recvonly, recvonly, false},
      {here, "sendonly", recvonly, recvonly, true},
      {here, "recvonly", recvonly, inactive, false},
      {here, "sendrecv", inactive, inactive, false},
      {"IN IP4 0.0.0.0", "sendrecv", sendrecv, recvonly, true},
      {"IN IP6 ::", "sendrecv", sendrecv, recvonly, true},
      {"IN IP4 0.0.0.0", "inactive", sendrecv, inactive, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.c) + ' ' + row.theirs + ' ' + to_string(row.ours));
    Local local = local_of({pcmu()});
    local.direction = row.ours;
    const Answer a =
        answered(local, offer_of(std::string("m=audio 4000 RTP/AVP 0\na=") + row.theirs + "\n", row.c));
    EXPECT_EQ(a.negotiated.direction, row.agreed);
    EXPECT_EQ(a.description.media[0].direction, row.agreed);
    EXPECT_EQ(a.negotiated.send, sends(row.agreed));
    EXPECT_EQ(a.negotiated.receive, receives(row.agreed));
    EXPECT_EQ(a.negotiated.held, row.held);
    EXPECT_EQ(a.negotiated.remote_rtp.valid(), row.c == here);
    EXPECT_EQ(a.negotiated.remote_rtcp.valid(), row.c == here);
  }
  const Description session_level = parsed("v=0\nc=IN IP4 192.0.2.1\na=sendonly\nm=audio 4000 RTP/AVP 0\n");
  EXPECT_TRUE(answered(local_of({pcmu()}), session_level).negotiated.held);
}

TEST(Answer, OrdersCodecsByWhoseChoiceCounts) {
  Local local = local_of({g722(), pcma(), pcmu()});
  const Description offer = offer_of("m=audio 4 RTP/AVP 0 8 9\n");
  EXPECT_EQ(formats_of(answered(local, offer).description.media[0]), "0 8 9");
  local.preference = Preference::ours;
  EXPECT_EQ(formats_of(answered(local, offer).description.media[0]), "9 8 0");
}

TEST(Answer, MatchesCodecsByMeaningAndNotByNumber) {
  struct Row {
    const char* lines;
    const char* payloads;
  };
  const Row rows[] = {
      {"m=audio 4 RTP/AVP 97\na=rtpmap:97 pcmu/8000\n", "PCMU 97/97"},
      {"m=audio 4 RTP/AVP 9\na=rtpmap:9 G722/16000\n", "G722 9/9"},
      {"m=audio 4 RTP/AVP 120 0\na=rtpmap:120 OPUS/48000/2\n", "opus 120/120, PCMU 0/0"},
      {"m=audio 4 RTP/AVP 0 0 0\n", "PCMU 0/0"},
      {"m=audio 4 RTP/AVP 0 97\na=rtpmap:97 PCMU/8000\n", "PCMU 0/0"},
      {"m=audio 4 RTP/AVP 0\na=rtpmap:0 PCMU/8000/1\n", "PCMU 0/0"},
      {"m=audio 4 RTP/AVP 127\na=rtpmap:127 PCMU/8000/\n", "PCMU 127/127"},
  };
  const Local local = local_of({pcmu(), g722(), opus()});
  for (const Row& row : rows) {
    SCOPED_TRACE(row.lines);
    EXPECT_EQ(payloads_of(local, answered(local, offer_of(row.lines)).negotiated), row.payloads);
  }
}

int needs_octet_align(td_str, td_str theirs) noexcept {
  return std::string_view(theirs.data, theirs.size).find("octet-align=1") != std::string_view::npos;
}
int refuses_octet_align(td_str ours, td_str theirs) noexcept { return !needs_octet_align(ours, theirs); }

TEST(Answer, AsksTheCodecWhetherTheFmtpsFit) {
  CodecOffer amr{"AMR", 8'000, 1, -1, "octet-align=1", needs_octet_align};
  const Description offer = offer_of(
      "m=audio 4 RTP/AVP 96 97\na=rtpmap:96 AMR/8000\na=fmtp:96 mode-set=7\na=rtpmap:97 AMR/8000\n"
      "a=fmtp:97 octet-align=1;mode-set=7\n");
  Local local = local_of({amr});
  const Answer one = answered(local, offer);
  ASSERT_EQ(one.negotiated.payloads.size(), 1U);
  EXPECT_EQ(one.negotiated.payloads[0],
            (AgreedPayload{0, 97, 97, "octet-align=1", "octet-align=1;mode-set=7"}));
  local.codecs.push_back({"AMR", 8'000, 1, -1, "", refuses_octet_align});
  const Answer two = answered(local, offer);
  ASSERT_EQ(two.negotiated.payloads.size(), 2U);
  EXPECT_EQ(two.negotiated.payloads[0], (AgreedPayload{1, 96, 96, "", "mode-set=7"}));
  EXPECT_FALSE(answer(local_of({amr}), offer_of("m=audio 4 RTP/AVP 96\na=rtpmap:96 AMR/8000\n"), {.id = 1}));
}

TEST(Answer, TakesANumberThatIsListedTwiceOnce) {
  const Local local = local_of({pcmu(), pcmu()});
  EXPECT_EQ(payloads_of(local, answered(local, offer_of("m=audio 4 RTP/AVP 0 0\n")).negotiated), "PCMU 0/0");
}

TEST(Answer, TakesTheSendPtimeFromThePeerWithinOurRange) {
  struct Row {
    const char* lines;
    unsigned ms;
  };
  const Row rows[] = {
      {"", 20},
      {"a=ptime:10\n", 10},
      {"a=ptime:60\n", 60},
      {"a=ptime:5\n", 10},
      {"a=ptime:90\n", 60},
      {"a=ptime:25\n", 20},
      {"a=ptime:0\n", 20},
      {"a=ptime:x\n", 20},
      {"a=maxptime:10\n", 10},
      {"a=maxptime:150\n", 20},
      {"a=ptime:40\na=maxptime:30\n", 30},
      {"a=maxptime:1\n", 10},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.lines);
    const Answer a = answered(local_of({pcmu()}), offer_of(std::string("m=audio 4 RTP/AVP 0\n") + row.lines));
    EXPECT_EQ(a.negotiated.send_ptime_ms, row.ms);
  }
  Local local = local_of({pcmu()});
  local.ptime_ms = 30;
  const Answer a = answered(local, offer_of("m=audio 4 RTP/AVP 0\na=ptime:10\n"));
  EXPECT_EQ(a.negotiated.send_ptime_ms, 10U);
  EXPECT_EQ(a.description.media[0].ptime_ms, 30U);
}

TEST(Answer, FindsWhereRtcpGoes) {
  struct Row {
    const char* lines;
    bool mux_here;
    const char* rtcp;  // "": nowhere
    bool mux;
  };
  const Row rows[] = {
      {"m=audio 4000 RTP/AVP 0\n", true, "192.0.2.1:4001", false},
      {"m=audio 4000 RTP/AVP 0\na=rtcp:4009\n", true, "192.0.2.1:4009", false},
      {"m=audio 4000 RTP/AVP 0\na=rtcp:4009 IN IP4 192.0.2.9\n", true, "192.0.2.9:4009", false},
      {"m=audio 4000 RTP/AVP 0\na=rtcp:4009 IN IP4 there.example\n", true, "192.0.2.1:4009", false},
      {"m=audio 4000 RTP/AVP 0\na=rtcp:4009 IN IP4 224.1.1.1\n", true, "192.0.2.1:4009", false},
      {"m=audio 4000 RTP/AVP 0\na=rtcp:4009 IN IP6 ::1\n", true, "192.0.2.1:4009", false},
      {"m=audio 4000 RTP/AVP 0\na=rtcp:70000\n", true, "192.0.2.1:4001", false},
      {"m=audio 4000 RTP/AVP 0\na=rtcp-mux\na=rtcp:4009\n", true, "192.0.2.1:4000", true},
      {"m=audio 4000 RTP/AVP 0\na=rtcp-mux\na=rtcp:4009\n", false, "192.0.2.1:4009", false},
      {"m=audio 65535 RTP/AVP 0\n", true, "", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.lines);
    Local local = local_of({pcmu()});
    local.rtcp_mux = row.mux_here;
    const Answer a = answered(local, offer_of(row.lines));
    EXPECT_EQ(a.negotiated.remote_rtcp.valid() ? a.negotiated.remote_rtcp.text() : "", row.rtcp);
    EXPECT_EQ(a.negotiated.rtcp_mux, row.mux);
    EXPECT_EQ(a.description.media[0].rtcp_mux, row.mux);
  }
}

TEST(Answer, SpeaksIpv6) {
  Local local = local_of({pcma()});
  local.rtp = at("2001:db8::1", 20'000);
  const Description offer = parsed(samples::kIpv6);
  EXPECT_EQ(family_of(offer), Family::v6);
  const Answer a = answered(local, offer);
  EXPECT_EQ(a.negotiated.remote_rtp.text(), "[2001:db8::10]:30000");
  EXPECT_EQ(a.negotiated.remote_rtcp.text(), "[2001:db8::11]:30009");
  EXPECT_THAT(print(a.description),
              HasSubstr("o=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\n"));
}

TEST(Answer, LeavesEventsOutWhenTurnedOff) {
  Local local = local_of({pcmu()});
  local.event.enabled = false;
  const Answer a = answered(local, parsed(samples::kAsterisk));
  EXPECT_EQ(a.negotiated.event_receive_type, -1);
  EXPECT_EQ(formats_of(a.description.media[0]), "0");
  EXPECT_EQ(formats_of(make_offer(local, {.id = 1}).media[0]), "0");
}

// RFC 3389: type 13 at 8000 needs no a=rtpmap; other clocks have one.
TEST(Answer, TakesComfortNoiseAtTheClocksOfItsCodecsWhenThePolicySaysSo) {
  const Description offer = offer_of(
      "m=audio 4000 RTP/AVP 0 13 97 101\na=rtpmap:97 CN/16000\n"
      "a=rtpmap:101 telephone-event/8000");
  Local local = local_of({pcmu(), pcma()});
  EXPECT_EQ(formats_of(answered(local, offer).description.media[0]), "0 101") << "off";
  local.noise = NoisePolicy::accept;
  const Answer taken = answered(local, offer);
  EXPECT_EQ(formats_of(taken.description.media[0]), "0 13 101");
  ASSERT_EQ(taken.negotiated.noise.size(), 1u) << "nothing here has a clock of 16000";
  EXPECT_EQ(taken.negotiated.noise[0], (AgreedType{13, 13, 8000}));
  const Answer without =
      answered(local, offer_of("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000"));
  EXPECT_TRUE(without.negotiated.noise.empty());
  EXPECT_EQ(formats_of(without.description.media[0]), "0 101") << "not offered, so not answered";
}

TEST(Answer, HasTelephoneEventsAtEveryClockOfItsCodecs) {
  const Description offer = offer_of(
      "m=audio 4000 RTP/AVP 96 0 101 102 103\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\n"
      "a=rtpmap:102 telephone-event/48000\na=rtpmap:103 telephone-event/16000");
  const Answer a = answered(local_of({opus(), pcmu()}), offer);
  EXPECT_EQ(formats_of(a.description.media[0]), "96 0 102 101");
  EXPECT_EQ(a.negotiated.event_send_type, 102);
  EXPECT_EQ(a.negotiated.event_clock_rate, 48000u);
  ASSERT_EQ(a.negotiated.other_events.size(), 1u);
  EXPECT_EQ(a.negotiated.other_events[0], (AgreedType{101, 101, 8000}));
}

TEST(Answer, SaysWhetherTheyAskedForAPacketLength) {
  const Local local = local_of({pcmu()});
  EXPECT_FALSE(answered(local, offer_of("m=audio 4000 RTP/AVP 0")).negotiated.ptime_asked);
  EXPECT_TRUE(answered(local, offer_of("m=audio 4000 RTP/AVP 0\na=ptime:30")).negotiated.ptime_asked);
  EXPECT_TRUE(answered(local, offer_of("m=audio 4000 RTP/AVP 0\na=maxptime:40")).negotiated.ptime_asked);
}

}  // namespace
}  // namespace tandem::sdp
