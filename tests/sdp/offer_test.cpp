// Our offers, what answers to them come to, and what stays the same over the rounds of a session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/sdp/negotiate.hpp"
#include "tests/sdp/parties.hpp"
#include "tests/sdp/samples.hpp"

namespace tandem::sdp {
namespace {

using testing::HasSubstr;

TEST(Offer, ReadsAsTheStandardShowsIt) {
  Local local = local_of({opus(), pcma(), pcmu()});
  local.rtcp = at("198.51.100.1", 20'001);
  EXPECT_EQ(print(make_offer(local, {.id = 9})),
            "v=0\r\no=- 9 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
            "m=audio 20000 RTP/AVP 96 8 0 101 97\r\n"
            "a=rtpmap:96 opus/48000/2\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:97 telephone-event/48000\r\n"
            "a=fmtp:96 useinbandfec=1\r\na=fmtp:101 0-16\r\na=fmtp:97 0-16\r\n"
            "a=ptime:20\r\na=sendrecv\r\na=rtcp-mux\r\n");
  local.rtcp = at("198.51.100.1", 30'000);
  EXPECT_THAT(print(make_offer(local, {.id = 9})), HasSubstr("a=rtcp:30000\r\n"));
  local.rtcp = at("198.51.100.2", 20'001);
  EXPECT_THAT(print(make_offer(local, {.id = 9})), HasSubstr("a=rtcp:20001 IN IP4 198.51.100.2\r\n"));
}

TEST(Offer, CountsTheVersionOnlyWhenSomethingChanged) {
  Local local = local_of({pcmu()});
  SessionState state{.id = 5};
  const Description first = make_offer(local, state);
  EXPECT_EQ(first.origin.version, "1");
  remember(state, first);
  const Description refresh = make_offer(local, state);
  EXPECT_EQ(refresh, first);
  EXPECT_TRUE(is_refresh(first, refresh));
  remember(state, refresh);

  local.direction = Direction::sendonly;
  const Description hold = make_offer(local, state);
  EXPECT_EQ(hold.origin.version, "2");
  EXPECT_TRUE(same_session(first, hold));
  EXPECT_FALSE(is_refresh(first, hold));
  remember(state, hold);

  local.direction = Direction::sendrecv;
  local.rtp = at("198.51.100.77", 20'000);  // media moved: o= keeps its address, c= does not
  const Description moved = make_offer(local, state);
  EXPECT_EQ(moved.origin.version, "3");
  EXPECT_TRUE(same_session(first, moved));
  EXPECT_EQ(moved.connection->host, "198.51.100.77");
  EXPECT_FALSE(same_session(first, make_offer(local, {.id = 6})));
}

TEST(Offer, CountsTheVersionOverAnswersAsWell) {
  const Local local = local_of({pcmu(), pcma()});
  SessionState state{.id = 5};
  const Answer first = answered(local, offer_of("m=audio 4 RTP/AVP 0\n"), state);
  remember(state, first.description);
  const Answer same = answered(local, offer_of("m=audio 4 RTP/AVP 0\n"), state);
  EXPECT_EQ(same.description, first.description);
  remember(state, same.description);
  const Answer held = answered(local, offer_of("m=audio 4 RTP/AVP 0\na=sendonly\n"), state);
  EXPECT_EQ(held.description.origin.version, "2");
  remember(state, held.description);
  EXPECT_EQ(make_offer(local, state).origin.version, "3");
}

TEST(Offer, CountsTheVersionPastThirtyTwoBits) {
  Local local = local_of({pcmu()});
  SessionState state{.id = 5};
  Description sent = make_offer(local, state);
  sent.origin.version = "4294967295";
  remember(state, sent);
  local.direction = Direction::inactive;
  EXPECT_EQ(make_offer(local, state).origin.version, "4294967296");
}

TEST(Offer, KeepsPayloadTypesOverAllRounds) {
  Local local = local_of({opus(), pcmu()});
  SessionState state{.id = 5};
  // Their numbers, from our answer to their offer.
  const Answer a = answered(local,
                            offer_of("m=audio 4 RTP/AVP 101 0 99\na=rtpmap:101 opus/48000/2\n"
                                     "a=rtpmap:99 telephone-event/48000\n"),
                            state);
  remember(state, a.description);
  EXPECT_EQ(formats_of(make_offer(local, state).media[0]), "101 0 96 99");
  // Opus goes away, and nothing else may take its number, not even while it is away.
  local.codecs = {pcmu()};
  remember(state, make_offer(local, state));
  EXPECT_EQ(formats_of(state.ours->media[0]), "0 96");
  local.codecs = {{"L16", 16'000, 1, -1, "", nullptr}, pcmu()};
  remember(state, make_offer(local, state));
  EXPECT_EQ(formats_of(state.ours->media[0]), "97 0 96 98");
  local.codecs = {opus(), pcmu()};
  EXPECT_EQ(formats_of(make_offer(local, state).media[0]), "101 0 96 99");
}

TEST(Offer, FollowsThePeerWhenItGivesANumberAnotherMeaning) {
  const Local local = local_of({opus(), pcmu()});
  SessionState state{.id = 5};
  remember(
      state,
      answered(local, offer_of("m=audio 4 RTP/AVP 111\na=rtpmap:111 opus/48000/2\n"), state).description);
  remember(state,
           answered(local, offer_of("m=audio 4 RTP/AVP 111\na=rtpmap:111 PCMU/8000\n"), state).description);
  ASSERT_EQ(state.bindings.size(), 1U);
  EXPECT_EQ(state.bindings[0], (Binding{111, "PCMU", 8'000, 1, ""}));
  EXPECT_EQ(formats_of(make_offer(local, state).media[0]), "96 111 101 97");
}

TEST(Offer, KeepsTheProfileOfThePeer) {
  const Local local = local_of({pcma()});
  SessionState state{.id = 5};
  remember(state, answered(local, parsed(samples::kLinphone), state).description);
  EXPECT_EQ(make_offer(local, state).media[0].proto, "RTP/AVPF");
}

TEST(Offer, GivesACodecListedTwiceTwoNumbers) {
  const Local local = local_of({opus(), opus()});
  SessionState state{.id = 5};
  remember(state, make_offer(local, state));
  EXPECT_EQ(formats_of(state.ours->media[0]), "96 97 101");
  EXPECT_EQ(make_offer(local, state).media[0].formats.size(), 3U);
  EXPECT_NE(make_offer(local, state).media[0].formats[0], make_offer(local, state).media[0].formats[1]);
}

TEST(Offer, NumbersManyCodecsWithoutACollision) {
  Local local = local_of({});
  for (int i = 0; i < 100; ++i) local.codecs.push_back({"x" + std::to_string(i), 8'000, 1, -1, "", nullptr});
  const Media m = make_offer(local, {.id = 1}).media[0];
  EXPECT_EQ(m.formats.size(), 32U + 29U);  // 96 to 127 and 35 to 63, one of them for events
  std::vector<std::string> sorted = m.formats;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
}

TEST(Offer, KeepsRefusedStreamsOfEarlierRoundsInTheirPlaces) {
  Local local = local_of({pcma()});
  local.rtcp_mux = false;
  SessionState state{.id = 5};
  remember(state, answered(local, parsed(samples::kBestEffortSrtp), state).description);
  const Description offer = make_offer(local, state);
  ASSERT_EQ(offer.media.size(), 2U);
  EXPECT_EQ(offer.media[0].port, 0);
  EXPECT_EQ(offer.media[0].proto, "RTP/SAVP");
  EXPECT_EQ(offer.media[1].port, 20'000);
  EXPECT_EQ(offer, *state.ours);
  const Description reply = parsed(
      "v=0\no=- 1 2 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=audio 0 RTP/SAVP 9\nm=audio 5000 RTP/AVP 8\n");
  EXPECT_EQ(payloads_of(local, concluded(local, offer, reply)), "PCMA 8/8");
}

TEST(Conclude, PairsOurTypesWithTheirs) {
  struct Row {
    const char* name;
    const char* lines;
    const char* payloads;
    int event_receive, event_send;
  };
  const Row rows[] = {
      // our offer: 96 opus, 8 PCMA, 0 PCMU, 101 event/8000, 97 event/48000
      {"one codec", "m=audio 4000 RTP/AVP 8\n", "PCMA 8/8", -1, -1},
      {"their order", "m=audio 4000 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\n",
       "PCMU 0/0, PCMA 8/8", 101, 101},
      {"numbers of their own",
       "m=audio 4000 RTP/AVP 111 100\na=rtpmap:111 opus/48000/2\n"
       "a=rtpmap:100 telephone-event/48000\n",
       "opus 96/111", 97, 100},
      {"events at another clock",
       "m=audio 4000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\n"
       "a=rtpmap:101 telephone-event/8000\n",
       "opus 96/96", 101, 101},
      {"no rtpmap", "m=audio 4000 RTP/AVP 96 97\n", "opus 96/96", 97, 97},
      {"one never offered beside", "m=audio 4000 RTP/AVP 18 8\n", "PCMA 8/8", -1, -1},
      {"events at a clock never offered", "m=audio 4000 RTP/AVP 8 99\na=rtpmap:99 telephone-event/16000\n",
       "PCMA 8/8", -1, -1},
      {"AVPF", "m=audio 4000 RTP/AVPF 8\n", "PCMA 8/8", -1, -1},
  };
  const Local local = local_of({opus(), pcma(), pcmu()});
  const Description offer = make_offer(local, {.id = 1});
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Negotiated n = concluded(local, offer, offer_of(row.lines));
    EXPECT_EQ(payloads_of(local, n), row.payloads);
    EXPECT_EQ(n.event_receive_type, row.event_receive);
    EXPECT_EQ(n.event_send_type, row.event_send);
    EXPECT_EQ(n.remote_rtp.text(), "192.0.2.1:4000");
  }
}

TEST(Conclude, RefusesWhatIsNoAnswerAndSaysWhy) {
  struct Row {
    const char* name;
    Description answer;
    int code;
    const char* reason;
  };
  const Row rows[] = {
      {"refused", offer_of("m=audio 0 RTP/AVP 8\n"), 488, "they refused the audio stream"},
      {"no stream", offer_of(""), 400, "expected an answer of 1 streams, saw 0"},
      {"two streams", offer_of("m=audio 4 RTP/AVP 8\nm=audio 6 RTP/AVP 8\n"), 400, "of 1 streams, saw 2"},
      {"video", offer_of("m=video 4 RTP/AVP 8\n"), 400,
       "expected audio as stream 1 of the answer, saw \"video\""},
      {"SRTP", offer_of("m=audio 4 RTP/SAVP 8\n"), 488, "they answered with SRTP, which was not offered"},
      {"codec never offered", offer_of("m=audio 4 RTP/AVP 0\n"), 488,
       "no codec in common: they have PCMU/8000"},
      {"name", offer_of("m=audio 4 RTP/AVP 8\n", "IN IP4 a.example"), 488, "names are not looked up"},
      {"other family", offer_of("m=audio 4 RTP/AVP 8\n", "IN IP6 ::1"), 488, "another family"},
  };
  const Local local = local_of({pcma()});
  const Description offer = make_offer(local, {.id = 1});
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto n = conclude(local, offer, row.answer);
    ASSERT_FALSE(n);
    EXPECT_EQ(sip_code(n.error()), row.code);
    EXPECT_THAT(n.error().message, HasSubstr(row.reason));
  }
  EXPECT_FALSE(conclude(local, offer_of("m=audio 0 RTP/AVP 8\n"), offer_of("m=audio 4 RTP/AVP 8\n")));
}

TEST(Conclude, CombinesBothSidesDirections) {
  using enum Direction;
  struct Row {
    Direction ours;
    const char* theirs;
    Direction agreed;
    bool held;
  };
  const Row rows[] = {
      {sendrecv, "sendrecv", sendrecv, false}, {sendrecv, "sendonly", recvonly, true},
      {sendrecv, "recvonly", sendonly, false}, {sendrecv, "inactive", inactive, true},
      {sendonly, "recvonly", sendonly, false}, {sendonly, "inactive", inactive, true},
      {inactive, "inactive", inactive, false}, {recvonly, "sendonly", recvonly, false},
      {sendonly, "sendrecv", sendonly, false},  // against RFC 3264 6.1: we still hold
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(to_string(row.ours)) + ' ' + row.theirs);
    Local local = local_of({pcma()});
    local.direction = row.ours;
    const Description reply = offer_of(std::string("m=audio 4000 RTP/AVP 8\na=") + row.theirs + "\n");
    const Negotiated n = concluded(local, make_offer(local, {.id = 1}), reply);
    EXPECT_EQ(n.direction, row.agreed);
    EXPECT_EQ(n.held, row.held);
  }
}

TEST(Conclude, AgreesOnRtcpMuxOnlyWhenBothSaySo) {
  for (const bool ours : {true, false}) {
    for (const bool theirs : {true, false}) {
      Local local = local_of({pcma()});
      local.rtcp_mux = ours;
      const Description reply =
          offer_of(std::string("m=audio 4000 RTP/AVP 8\n") + (theirs ? "a=rtcp-mux\n" : ""));
      EXPECT_EQ(concluded(local, make_offer(local, {.id = 1}), reply).rtcp_mux, ours && theirs);
    }
  }
}

TEST(Conclude, AgreesWithWhatTheOtherSideAgreedOn) {
  for (const Preference preference : {Preference::theirs, Preference::ours}) {
    const Local caller = local_of({opus(), pcmu(), pcma()});
    Local callee = local_of({pcma(), opus(), g722()});
    callee.rtp = at("198.51.100.2", 30'000);
    callee.preference = preference;
    callee.ptime_ms = 40;
    const Description offer = make_offer(caller, {.id = 1});
    const Answer a = answered(callee, parsed(print(offer)), {.id = 2});
    const Negotiated n = concluded(caller, offer, parsed(print(a.description)));
    EXPECT_EQ(payloads_of(caller, n), payloads_of(callee, a.negotiated));
    EXPECT_EQ(n.remote_rtp, callee.rtp);
    EXPECT_EQ(a.negotiated.remote_rtp, caller.rtp);
    EXPECT_EQ(n.event_send_type, a.negotiated.event_receive_type);
    EXPECT_EQ(n.event_clock_rate, a.negotiated.event_clock_rate);
    EXPECT_TRUE(n.rtcp_mux && a.negotiated.rtcp_mux);
    EXPECT_EQ(n.send_ptime_ms, 40U);
    EXPECT_EQ(a.negotiated.send_ptime_ms, 20U);
  }
}

TEST(Offer, HasComfortNoiseOnceAClockWhereNoCodecDescribesSilenceItself) {
  CodecOffer own = opus();
  own.own_silence = true;
  Local local = local_of({own, g722(), pcmu()});
  local.noise = NoisePolicy::offer;
  const Description ours = make_offer(local, {.id = 1});
  EXPECT_EQ(formats_of(ours.media[0]), "96 9 0 13 101 97");
  EXPECT_NE(print(ours).find("a=rtpmap:13 CN/8000"), std::string::npos);
  const Negotiated agreed =
      concluded(local, ours, offer_of("m=audio 4000 RTP/AVP 0 13 101\na=rtpmap:101 telephone-event/8000"));
  ASSERT_EQ(agreed.noise.size(), 1u);
  EXPECT_EQ(agreed.noise[0], (AgreedType{13, 13, 8000}));
  EXPECT_TRUE(concluded(local, ours, offer_of("m=audio 4000 RTP/AVP 0")).noise.empty());
  local.noise = NoisePolicy::accept;
  EXPECT_EQ(formats_of(make_offer(local, {.id = 1}).media[0]), "96 9 0 101 97");
}

}  // namespace
}  // namespace tandem::sdp
