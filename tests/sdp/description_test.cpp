// What parse() reads, refuses and survives, and that print() gives back what was read.
#include "core/sdp/description.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/sdp/samples.hpp"

namespace tandem::sdp {
namespace {

using testing::HasSubstr;

std::string repeated(std::string_view text, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}

// A description with `lines` after a working session part.
std::string with(std::string_view lines) {
  return "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" + std::string(lines);
}

Description parsed(std::string_view text) {
  auto d = parse(text);
  EXPECT_TRUE(d) << (d ? "" : d.error().message);
  return d ? *d : Description{};
}

TEST(Description, ReadsEveryFieldOfAFullOffer) {
  const Description d = parsed(samples::with_crlf(samples::kBaresip));
  EXPECT_EQ(d.origin.username, "-");
  EXPECT_EQ(d.origin.session_id, "2890844526");
  EXPECT_EQ(d.origin.version, "1467213");
  EXPECT_EQ(d.origin.host, "192.0.2.10");
  ASSERT_TRUE(d.connection);
  EXPECT_EQ(d.connection->address, *Address::parse("192.0.2.10", 0));
  ASSERT_EQ(d.attributes.size(), 1U);
  EXPECT_EQ(d.attributes[0], (Attribute{"tool", "baresip 1.0.0"}));
  ASSERT_EQ(d.media.size(), 1U);
  const Media& m = d.media[0];
  EXPECT_EQ(m.kind, MediaKind::audio);
  EXPECT_EQ(m.port, 10'000);
  EXPECT_EQ(m.proto, "RTP/AVP");
  EXPECT_EQ(m.formats, (std::vector<std::string>{"96", "0", "8", "97"}));
  EXPECT_EQ(m.rtpmap_of(96), (Rtpmap{96, "opus", 48'000, 2}));
  EXPECT_EQ(m.rtpmap_of(97), (Rtpmap{97, "telephone-event", 8'000, 1}));
  EXPECT_EQ(m.fmtp_of(96), "stereo=1;sprop-stereo=1");
  EXPECT_EQ(m.fmtp_of(0), "");
  EXPECT_EQ(m.ptime_ms, 20U);
  EXPECT_FALSE(m.maxptime_ms);
  EXPECT_EQ(m.direction, Direction::sendrecv);
  EXPECT_EQ(m.rtcp, (RtcpAttribute{10'001, std::nullopt}));
  EXPECT_FALSE(m.rtcp_mux);
  EXPECT_EQ(m.lines, (std::vector<Line>{{'b', "AS:125"}}));
  EXPECT_EQ(m.attributes, (std::vector<Attribute>{{"label", "1"},
                                                  {"rtcp-rsize", std::nullopt},
                                                  {"ssrc", "1684287389 cname:sip:1001@example.com"}}));
}

TEST(Description, ToleratesWhatOldPhonesSend) {
  const Description d = parsed(samples::kOldPhone);
  EXPECT_EQ(d.origin.username, "Front Desk 3");
  EXPECT_EQ(d.origin.session_id, "8000");
  EXPECT_EQ(d.session_name, "-");
  EXPECT_EQ(d.direction, Direction::sendrecv);
  EXPECT_EQ(d.lines, (std::vector<Line>{{'x', "unknown"}}));
  ASSERT_TRUE(d.connection);
  EXPECT_EQ(d.connection->host, "192.0.2.13");
  ASSERT_EQ(d.media.size(), 1U);
  EXPECT_EQ(d.media[0].formats, (std::vector<std::string>{"18", "0", "8", "101"}));
  EXPECT_EQ(d.media[0].rtpmap_of(18), (Rtpmap{18, "G729", 8'000, 1}));
  EXPECT_EQ(d.media[0].rtpmap_of(101), (Rtpmap{101, "telephone-event", 8'000, 1}));
  EXPECT_EQ(d.media[0].fmtp_of(101), "0-11");
  EXPECT_EQ(d.media[0].ptime_ms, 30U);
}

TEST(Description, ReadsEverySampleWithEitherLineEndAndPrintsItStably) {
  for (const samples::Sample& sample : samples::kAll) {
    SCOPED_TRACE(sample.name);
    const Description lf = parsed(sample.text), crlf = parsed(samples::with_crlf(sample.text));
    EXPECT_EQ(lf, crlf);
    const std::string once = print(lf);
    EXPECT_EQ(print(parsed(once)), once);
    EXPECT_EQ(parsed(once).media, lf.media);
    EXPECT_EQ(once.find("\n\n"), std::string::npos);
  }
}

TEST(Description, PrintsInTheOrderOfTheStandard) {
  const Description d =
      parsed("v=0\na=z:1\nm=audio 4 RTP/AVP 0\na=ssrc:1\na=sendonly\nb=AS:64\nc=IN IP6 ::1\ni=x\n");
  EXPECT_EQ(print(d),
            "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=z:1\r\n"
            "m=audio 4 RTP/AVP 0\r\ni=x\r\nc=IN IP6 ::1\r\nb=AS:64\r\na=sendonly\r\na=ssrc:1\r\n");
}

TEST(Description, KeepsUnknownLinesAndAttributesInOrder) {
  const std::string text =
      with("k=prompt\r\na=b\r\na=a:1\r\na=b:\r\nm=audio 4 RTP/AVP 0\r\na=y\r\na=x:1 2:3\r\n");
  const std::string again = print(parsed(text));
  EXPECT_THAT(again, HasSubstr("k=prompt\r\na=b\r\na=a:1\r\na=b:\r\nm="));
  EXPECT_THAT(again, HasSubstr("a=y\r\na=x:1 2:3\r\n"));
}

TEST(Description, FallsBackFromTheSectionToTheSession) {
  const Description d = parsed(
      "v=0\nc=IN IP4 192.0.2.1\na=recvonly\nm=audio 4 RTP/AVP 0\nm=audio 4 RTP/AVP 0\nc=IN IP6 "
      "::1\na=inactive\n");
  ASSERT_EQ(d.media.size(), 2U);
  EXPECT_EQ(d.connection_of(d.media[0])->host, "192.0.2.1");
  EXPECT_EQ(d.connection_of(d.media[1])->host, "::1");
  EXPECT_EQ(d.direction_of(d.media[0]), Direction::recvonly);
  EXPECT_EQ(d.direction_of(d.media[1]), Direction::inactive);
  const Description bare = parsed("v=0\nm=audio 4 RTP/AVP 0\n");
  EXPECT_EQ(bare.connection_of(bare.media[0]), nullptr);
  EXPECT_EQ(bare.direction_of(bare.media[0]), Direction::sendrecv);
}

TEST(Description, RefusesBadLinesAndNamesThem) {
  struct Row {
    const char* name;
    std::string text;
    const char* message;
  };
  const Row rows[] = {
      {"nothing", "", "expected v=0, saw no line"},
      {"blanks only", "\r\n \r\n", "expected v=0, saw no line"},
      {"not SDP", "INVITE sip:x SIP/2.0\r\n",
       "SDP line 1: expected a letter and \"=\", saw \"INVITE sip:x SIP/2.0\""},
      {"no v=", "o=- 1 1 IN IP4 192.0.2.1\r\n", "SDP line 1: expected v=0 as the first line, saw \"o=- 1"},
      {"v=1", "v=1\r\n", "expected v=0 as the first line, saw \"v=1\""},
      {"JSON", "{\"v\":0}", "SDP line 1: expected a letter and \"=\", saw \"{?v?:0}\""},
      {"short o=", "v=0\r\no=- 1 IN IP4\r\n", "SDP line 2: expected o=<user>"},
      {"no =", with("audio\r\n"), "SDP line 6: expected a letter and \"=\""},
      {"blank before =", with("m =audio 4 RTP/AVP 0\r\n"), "SDP line 6"},
      {"port 70000", with("m=audio 70000 RTP/AVP 0\r\n"),
       "SDP line 6: expected a port from 0 to 65535 in m=, saw "},
      {"port 65536", with("m=audio 65536 RTP/AVP 0\r\n"), "a port from 0 to 65535"},
      {"port -1", with("m=audio -1 RTP/AVP 0\r\n"), "a port from 0 to 65535"},
      {"port 2^64", with("m=audio 18446744073709551617 RTP/AVP 0\r\n"), "a port from 0 to 65535"},
      {"port text", with("m=audio http RTP/AVP 0\r\n"), "a port from 0 to 65535"},
      {"port hex", with("m=audio 0x20 RTP/AVP 0\r\n"), "a port from 0 to 65535"},
      {"no ports", with("m=audio 4/0 RTP/AVP 0\r\n"), "a count of ports"},
      {"half a port count", with("m=audio 4/ RTP/AVP 0\r\n"), "a count of ports"},
      {"no formats", with("m=audio 4 RTP/AVP\r\n"), "expected a format at the end of m="},
      {"no proto", with("m=audio 4\r\n"), "expected m=<media> <port> <proto>"},
      {"empty m=", with("m=\r\n"), "expected m=<media> <port> <proto>"},
      {"high bytes in m=", with("m=audio 4 RTP/AVP \xc3\xa9\r\n"), "formats of visible ASCII"},
      {"c= of two words", "v=0\r\nc=IN IP4\r\n",
       "SDP line 2: expected c=IN IP4|IP6 <address>, saw \"IN IP4\""},
      {"c= of four words", "v=0\r\nc=IN IP4 192.0.2.1 x\r\n", "SDP line 2"},
      {"c= of another net", "v=0\r\nc=ATM NSAP 47\r\n", "SDP line 2"},
      {"c= of 300 letters", "v=0\r\nc=IN IP4 " + repeated("a", 300) + "\r\n", "SDP line 2"},
      {"rtpmap without clock", with("m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus\r\n"),
       "SDP line 7: expected a=rtpmap"},
      {"rtpmap 128", with("m=audio 4 RTP/AVP 128\r\na=rtpmap:128 opus/8000\r\n"), "type 0-127"},
      {"rtpmap clock 0", with("m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/0\r\n"), "a=rtpmap"},
      {"rtpmap clock 5 GHz", with("m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/5000000000\r\n"), "a=rtpmap"},
      {"NUL in a line", with(std::string_view("a=x\0y\r\n", 7)), "SDP line 6: expected text, saw \"a=x?y\""},
      {"bare CR", with("a=x\ra=y\r\n"), "SDP line 6: expected one line"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto d = parse(row.text);
    ASSERT_FALSE(d);
    EXPECT_EQ(d.error().code, ErrorCode::invalid);
    EXPECT_THAT(d.error().message, HasSubstr(row.message));
    EXPECT_LT(d.error().message.size(), 200U);
    for (char c : d.error().message) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << static_cast<int>(c);
  }
}

TEST(Description, KeepsMalformedAttributesThatNothingDependsOn) {
  struct Row {
    const char* line;
    Attribute kept;
  };
  const Row rows[] = {
      {"a=ptime:abc", {"ptime", "abc"}},   {"a=ptime:0", {"ptime", "0"}},
      {"a=ptime:-20", {"ptime", "-20"}},   {"a=ptime:4294967316", {"ptime", "4294967316"}},
      {"a=maxptime:", {"maxptime", ""}},   {"a=rtcp:0", {"rtcp", "0"}},
      {"a=rtcp:70000", {"rtcp", "70000"}}, {"a=rtcp:5 IN", {"rtcp", "5 IN"}},
      {"a=fmtp:t38 x", {"fmtp", "t38 x"}}, {"a=sendrecv:1", {"sendrecv", "1"}},
      {"a=", {"", std::nullopt}},          {"a=:", {"", ""}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.line);
    const Description d = parsed(with("m=audio 4 RTP/AVP 0\r\n") + row.line + "\r\n");
    ASSERT_EQ(d.media.size(), 1U);
    EXPECT_EQ(d.media[0].attributes, std::vector<Attribute>{row.kept});
    EXPECT_FALSE(d.media[0].ptime_ms || d.media[0].maxptime_ms || d.media[0].rtcp || d.media[0].direction);
  }
  const Description video = parsed(with("m=video 4 RTP/AVP 96\r\na=rtpmap:96 broken\r\n"));
  EXPECT_EQ(video.media[0].attributes, (std::vector<Attribute>{{"rtpmap", "96 broken"}}));
}

TEST(Description, TakesTheFirstOfWhatIsSaidTwice) {
  const Description d =
      parsed(with("c=IN IP4 192.0.2.2\r\ns=again\r\nm=audio 4 RTP/AVP 0\r\na=ptime:20\r\n"
                  "a=ptime:30\r\na=sendonly\r\na=recvonly\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:0 x/1\r\n"));
  EXPECT_EQ(d.connection->host, "192.0.2.1");
  EXPECT_EQ(d.session_name, "-");
  EXPECT_EQ(d.media[0].ptime_ms, 20U);
  EXPECT_EQ(d.media[0].direction, Direction::sendonly);
  EXPECT_EQ(d.media[0].rtpmap_of(0)->name, "PCMU");
  const std::string once = print(d);
  EXPECT_EQ(print(parsed(once)), once);
}

TEST(Description, ReadsAddressesWithoutJudgingThem) {
  struct Row {
    const char* text;
    Family family;
    bool is_address;
  };
  const Row rows[] = {
      {"IN IP4 192.0.2.1", Family::v4, true},
      {"IN IP4 0.0.0.0", Family::v4, true},
      {"IN IP4 224.2.1.1/127/3", Family::v4, true},
      {"IN IP6 ff15::101/3", Family::v6, true},
      {"in ip4 192.0.2.1", Family::v4, true},
      {"IN IP6 2001:db8::1", Family::v6, true},
      {"IN IP4 phone.example.com", Family::v4, false},
      {"IN IP4 999.1.1.1", Family::v4, false},
      {"IN IP4 1.2.3", Family::v4, false},
      {"IN IP6 fe80::1%eth0", Family::v6, false},
      {"IN IP4 192.0.2.1:5060", Family::v4, false},
      {"IN IP6 :::", Family::v6, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const Description d = parsed(std::string("v=0\r\nc=") + row.text + "\r\n");
    ASSERT_TRUE(d.connection);
    EXPECT_EQ(d.connection->family, row.family);
    EXPECT_EQ(d.connection->address.valid(), row.is_address);
  }
}

TEST(Description, KeepsBytesThatAreNotUtf8InTextFields) {
  const Description d = parsed("v=0\ns=\xff\xfe\x80\na=x:\xc3(\n");
  EXPECT_EQ(d.session_name, "\xff\xfe\x80");
  EXPECT_EQ(d.attributes, (std::vector<Attribute>{{"x", "\xc3("}}));
  EXPECT_EQ(printable("\xff\"a\n"), "??a?");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(Description, ReadsAnOriginWithoutAUserName) {
  const Description d = parsed("v=0\no=12 34 IN IP4 pbx.example.com\n");
  EXPECT_EQ(d.origin, (Origin{"-", "12", "34", "IN", "IP4", "pbx.example.com"}));
}

TEST(Description, IgnoresNulBytesAfterTheEnd) {
  std::string text(samples::kSipp);
  text.append(3, '\0');
  EXPECT_EQ(parsed(text), parsed(samples::kSipp));
}

TEST(Description, StopsAtItsLimitsAndNamesThem) {
  struct Row {
    const char* name;
    std::string good, bad;
    const char* message;
  };
  const std::string m = "m=audio 4 RTP/AVP 0\r\n", base = with("");
  std::string formats;
  for (std::size_t i = 0; i < kFormatsMax; ++i) formats += fmt::format(" {}", i);
  const std::string bytes = "v=0\ns=" + repeated("x", kTextBytesMax - 6);
  const Row rows[] = {
      {"bytes", bytes, bytes + "x", "at most 65536"},
      {"lines", "v=0\n" + repeated("\n", kLinesMax - 1), "v=0\n" + repeated("\n", kLinesMax),
       "more than 1000 lines"},
      {"media", base + repeated(m, kMediaMax), base + repeated(m, kMediaMax + 1),
       "more than 32 media sections"},
      {"formats", base + "m=audio 4 RTP/AVP" + formats, base + "m=audio 4 RTP/AVP" + formats + " 0",
       "more than 128 formats"},
      {"rtpmaps", base + m + repeated("a=rtpmap:0 a/1\n", kRtpmapsMax),
       base + m + repeated("a=rtpmap:0 a/1\n", kRtpmapsMax + 1), "more than 128 a=rtpmap"},
      {"fmtps", base + m + repeated("a=fmtp:0 a\n", kFmtpsMax),
       base + m + repeated("a=fmtp:0 a\n", kFmtpsMax + 1), "more than 128 a=fmtp"},
      {"attributes", base + m + repeated("a=x\n", kAttributesMax),
       base + m + repeated("a=x\n", kAttributesMax + 1), "more than 512 attributes"},
      {"session attributes", base + repeated("a=x\n", kAttributesMax),
       base + repeated("a=x\n", kAttributesMax + 1), "more than 512 attributes"},
      {"other lines", base + m + repeated("b=x\n", kLinesKeptMax),
       base + m + repeated("b=x\n", kLinesKeptMax + 1), "more than 64 lines of other kinds"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(parse(row.good));
    const auto bad = parse(row.bad);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::exhausted);
    EXPECT_THAT(bad.error().message, HasSubstr(row.message));
  }
}

TEST(Description, SurvivesTruncationAtEveryByte) {
  for (const samples::Sample& sample : samples::kAll) {
    SCOPED_TRACE(sample.name);
    const std::string whole = samples::with_crlf(sample.text);
    std::size_t read = 0;
    for (std::size_t n = 0; n <= whole.size(); ++n) {
      const std::string cut =
          whole.substr(0, n);  // its own buffer, so that a sanitizer sees one byte too far
      const auto d = parse(cut);
      if (!d) {
        EXPECT_EQ(d.error().code, ErrorCode::invalid) << n;
        continue;
      }
      ++read;
      const std::string once = print(*d);
      EXPECT_EQ(print(parsed(once)), once) << n;
    }
    EXPECT_GT(read, whole.size() / 3);
  }
}

TEST(Description, SurvivesFlippedBytes) {
  std::mt19937 random(3264);
  for (const samples::Sample& sample : samples::kAll) {
    for (int round = 0; round < 2'000; ++round) {
      std::string text = samples::with_crlf(sample.text);
      for (int flips = 0; flips < 3; ++flips) text[random() % text.size()] = static_cast<char>(random());
      const auto d = parse(text);
      if (!d) continue;
      const std::string once = print(*d);
      ASSERT_EQ(print(parsed(once)), once) << text;
    }
  }
}

}  // namespace
}  // namespace tandem::sdp
