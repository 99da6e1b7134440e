// Which codecs are offered and answered, as tables: offer, options, what leaves.
#include "core/anchor/formats.hpp"

#include "tests/anchor/world.hpp"

namespace tandem::anchor {
namespace {

class FormatsTest : public AnchorWorld {
 protected:
  std::vector<Format> read(const std::string& formats, const std::string& lines = "") {
    const auto sdp = sdp::parse(audio_sdp("192.0.2.1", 4000, formats, lines));
    return read_formats(sdp->media[0], {registry, opaque});
  }
  static std::string text(const std::vector<Format>& formats) {
    std::string out;
    for (const Format& f : formats)
      out += (out.empty() ? "" : " ") + std::to_string(f.type) + ":" + f.name + (f.added ? "+" : "");
    return out;
  }
  static const td_codec* wide() {  // a codec at 48 kHz
    static const td_codec codec = [] {
      td_codec made = *codec::l16_8000();
      made.name = "wide", made.clock_rate = made.sample_rate = 48'000;
      return made;
    }();
    return &codec;
  }
  static constexpr const char* kMap =
      "a=rtpmap:96 EVS/16000\na=rtpmap:97 L16/8000\na=rtpmap:101 telephone-event/8000\na=rtpmap:13 CN/8000\n";
};

TEST_F(FormatsTest, OffersAreChangedAsAsked) {
  struct Row {
    const char* formats;
    CodecOptions options;
    const char* wanted;
  };
  const Row table[] = {
      {"0 8 101", {}, "0:PCMU 8:PCMA 101:telephone-event"},
      {"0 8 101", {.strip = {"PCMA"}}, "0:PCMU 101:telephone-event"},
      {"0 8 101", {.strip = {"pcma", "telephone-event"}}, "0:PCMU"},
      {"0 8", {.strip = {"8"}}, "0:PCMU"},
      {"0 8", {.strip = {"PCMA/16000"}}, "0:PCMU 8:PCMA"},
      {"0 8 101", {.strip = {"all"}, .except = {"PCMA", "telephone-event"}}, "8:PCMA 101:telephone-event"},
      {"0 8", {.offer = {"PCMA"}}, "8:PCMA 0:PCMU"},
      {"0 8", {.strip = {"all"}, .offer = {"PCMA", "PCMU"}}, "8:PCMA 0:PCMU"},
      {"0 101", {.transcode = {"PCMA"}}, "0:PCMU 8:PCMA+ 101:telephone-event"},
      {"0 101", {.transcode = {"L16"}}, "0:PCMU 96:L16+ 101:telephone-event"},
      {"0 8", {.transcode = {"PCMA"}}, "0:PCMU 8:PCMA"},
      {"0 101", {.mask = {"PCMU"}, .transcode = {"PCMA"}}, "8:PCMA+ 101:telephone-event"},
      {"0 101", {.mask = {"all"}, .transcode = {"PCMA"}}, "8:PCMA+"},
      {"0 8", {.strip = {"all"}, .transcode = {"PCMA"}}, "8:PCMA"},
      {"0 8", {.strip = {"full"}, .transcode = {"PCMA"}}, "8:PCMA+"},
      {"0 8", {.strip = {"all"}}, "0:PCMU 8:PCMA"},  // none would be left
      {"96 0", {.transcode = {"PCMA"}}, "0:PCMU 8:PCMA+"},
      {"96 0", {.strip = {"PCMA"}}, "96:EVS 0:PCMU"},
      {"0", {.transcode = {"G729"}}, "0:PCMU"},
      {"96 0", {.consume = {"EVS"}}, "0:PCMU"},
      {"96", {.transcode = {"PCMA"}}, "96:EVS"},  // what cannot be decoded can only pass
      {"0 8 101",
       {.strip = {"telephone-event"}, .offer = {"telephone-event"}, .mask = {"PCMU"}},
       "8:PCMA 101:telephone-event"},
      {"97 0 101",
       {.mask = {"all"}, .transcode = {"PCMA", "PCMU", "telephone-event"}},
       "8:PCMA+ 0:PCMU 101:telephone-event"},
      {"0 8 101", {.offer = {"telephone-event", "PCMA"}}, "8:PCMA 0:PCMU 101:telephone-event"},
      {"0", {.transcode = {"telephone-event"}}, "0:PCMU 96:telephone-event+"},
      {"0 101", {.transcode = {"telephone-event"}}, "0:PCMU 101:telephone-event"},
      {"0 101", {.mask = {"full"}, .transcode = {"PCMA", "telephone-event"}}, "8:PCMA+ 96:telephone-event+"},
      {"0", {.transcode = {"telephone-event/16000"}}, "0:PCMU 96:telephone-event+"},
      {"0 101", {.transcode = {"CN"}}, "0:PCMU 13:CN+ 101:telephone-event"},
      {"0 13", {.transcode = {"CN"}}, "0:PCMU 13:CN"},
      {"0", {.transcode = {"CN/16000"}}, "0:PCMU"},  // no codec of that clock
  };
  for (const Row& row : table) {
    const Chosen chosen = offer_formats(read(row.formats, kMap), row.options, {registry, opaque});
    EXPECT_EQ(text(chosen.formats), row.wanted) << row.formats;
  }
}

TEST_F(FormatsTest, WhatCannotBeDoneIsAWarning) {
  EXPECT_EQ(offer_formats(read("0"), {.transcode = {"G729"}}, {registry, opaque}).warnings.size(), 1U);
  EXPECT_EQ(offer_formats(read("0"), {.strip = {"all"}}, {registry, opaque}).warnings.size(), 1U);
}

TEST_F(FormatsTest, AnswersKeepTheOfferersNumbers) {
  struct Row {
    const char *offered, *answered;
    CodecOptions options;
    bool always, single;
    const char* wanted;
  };
  const Row table[] = {
      {"0 8 101", "0 101", {}, false, false, "0:PCMU 101:telephone-event"},
      {"0 8 101", "8 0", {}, false, false, "8:PCMA 0:PCMU"},
      {"0 8 101", "8 0", {}, false, true, "8:PCMA"},
      {"0 101", "8 101", {.transcode = {"PCMA"}}, false, false, "0:PCMU+ 101:telephone-event"},
      {"0 101", "8", {.transcode = {"PCMA"}}, false, false, "0:PCMU+ 101:telephone-event+"},
      {"0 8", "8", {}, true, false, "8:PCMA 0:PCMU+"},
      {"0 8", "8", {.accept = {"PCMU"}}, false, false, "8:PCMA 0:PCMU+"},
      {"0 97", "8", {.mask = {"L16"}, .transcode = {"PCMA"}}, false, false, "97:L16+"},
      {"96 0", "96", {}, false, false, "96:EVS"},
      {"0", "96", {}, false, false, "error"},
      {"96", "0", {.transcode = {"PCMU"}}, false, false, "error"},  // the offerer's only codec cannot be
                                                                    // decoded
      {"0 13", "0 13", {}, false, false, "0:PCMU 13:CN"},
      {"0 13", "0", {}, false, false, "0:PCMU"},
      {"0 13", "0", {}, true, false, "0:PCMU 13:CN+"},
      {"0 13", "97 13", {.mask = {"PCMU"}, .transcode = {"L16"}}, false, false, "0:PCMU+ 13:CN"},
      {"0 13", "97", {.mask = {"PCMU"}, .transcode = {"L16"}}, false, false, "0:PCMU+ 13:CN+"},
      {"0 13", "0", {.consume = {"CN"}}, false, false, "0:PCMU 13:CN+"},
      {"0", "0 13", {.transcode = {"CN"}}, false, false, "0:PCMU"},
      {"0 101", "0", {.transcode = {"telephone-event"}}, false, false, "0:PCMU 101:telephone-event+"},
  };
  for (const Row& row : table) {
    const auto offered = read(row.offered, kMap);
    const auto sent = offer_formats(offered, row.options, {registry, opaque}).formats;
    const auto told =
        answer_formats({offered, sent, read(row.answered, kMap), row.options, row.always, row.single});
    EXPECT_EQ(told ? text(*told) : "error", row.wanted) << row.offered << " answered " << row.answered;
  }
}

TEST_F(FormatsTest, AnAddedCodecIsWrittenWithItsLinesAndRenumberedBack) {
  Options options;
  options.codecs.transcode = {"L16"};
  options.codecs.mask = {"PCMU"};
  const auto out =
      offer(audio_sdp("192.0.2.1", 4000, "0 96", "a=rtpmap:0 PCMU/8000\na=rtpmap:96 telephone-event/8000\n"),
            options);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_NE(out->sdp.find(" RTP/AVP 97 96\r\n"), std::string::npos) << out->sdp;
  EXPECT_TRUE(has(out->sdp, "a=rtpmap:97 L16/8000"));
  EXPECT_FALSE(has(out->sdp, "a=rtpmap:0 PCMU/8000"));
  const auto back = answer(audio_sdp("192.0.2.2", 5000, "97 96",
                                     "a=rtpmap:97 L16/8000\na=rtpmap:96 telephone-event/8000\na=ptime:20\n"));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_NE(back->sdp.find(" RTP/AVP 0 96\r\n"), std::string::npos) << back->sdp;
  EXPECT_FALSE(has(back->sdp, "a=rtpmap:97 L16/8000"));
  EXPECT_TRUE(has(back->sdp, "a=rtpmap:0 PCMU/8000"));
  EXPECT_EQ(legs()[0]->config().payloads[0].codec, codec::pcmu());
  EXPECT_EQ(legs()[1]->config().payloads[0].codec, codec::l16_8000());
}

TEST_F(FormatsTest, APtimeThatIsAskedForIsWrittenAndRepacketized) {
  Options options;
  options.ptime_ms = 40;
  const auto out = offer(audio_sdp("192.0.2.1", 4000, "0", "a=ptime:20\n"), options);
  EXPECT_TRUE(has(out->sdp, "a=ptime:40"));
  EXPECT_FALSE(has(out->sdp, "a=ptime:20"));
  EXPECT_TRUE(has(answer(audio_sdp("192.0.2.2", 5000, "0", "a=ptime:40\n"))->sdp, "a=ptime:20"));
  EXPECT_TRUE(legs()[1]->config().ptime_fixed);
  EXPECT_EQ(legs()[1]->config().send_ptime_ms, 40U);
  EXPECT_TRUE(legs()[0]->config().ptime_fixed) << "what goes back is of the length that was asked for";
  EXPECT_EQ(legs()[0]->config().send_ptime_ms, 20U);
  EXPECT_TRUE(legs()[0]->config().may_relay && legs()[1]->config().may_relay);
  remove();
  (void)offer(audio_sdp("192.0.2.1", 4000, "0", ""), options);
  const auto back = answer(audio_sdp("192.0.2.2", 5000, "0", "a=ptime:40\n"));
  EXPECT_FALSE(legs()[0]->config().ptime_fixed) << "nothing was asked for: a relay";
  EXPECT_TRUE(has(back->sdp, "a=ptime:40"));
}

TEST_F(FormatsTest, WhatNobodyHereCanDecodePassesWhateverLengthOrCodingIsAskedFor) {
  for (const bool forced : {false, true}) {
    Options options;
    options.force_transcoding = forced;
    if (!forced) options.ptime_ms = options.ptime_reverse_ms = 40;
    const std::string ilbc = "a=rtpmap:97 iLBC/8000\n";
    (void)offer(audio_sdp("192.0.2.1", 4000, "97", ilbc), options);
    const auto back = answer(audio_sdp("192.0.2.2", 5000, "97", ilbc));
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(back->warnings.size(), 1U);
    EXPECT_NE(back->warnings[0].find("iLBC"), std::string::npos);
    for (const auto* leg : legs()) {
      EXPECT_TRUE(leg->config().may_relay);
      EXPECT_FALSE(leg->config().ptime_fixed);
    }
    remove();
  }
}

TEST_F(FormatsTest, KeysAreOfferedAtTheClockOfAnAddedCodecToo) {
  (void)registry.add(wide());
  const auto offered = read("96 101", "a=rtpmap:96 wide/48000\na=rtpmap:101 telephone-event/48000\n");
  const auto sent = offer_formats(offered, {.transcode = {"PCMU", "PCMA"}}, {registry, opaque}).formats;
  EXPECT_EQ(text(sent), "96:wide 0:PCMU+ 8:PCMA+ 101:telephone-event 97:telephone-event+");
  EXPECT_EQ(sent.back().clock_rate, 8000U);
  const auto without = offer_formats(read("97", kMap), {.transcode = {"PCMU"}}, {registry, opaque}).formats;
  EXPECT_EQ(text(without), "97:L16 0:PCMU+") << "where none are offered there are none";
}

}  // namespace
}  // namespace tandem::anchor
