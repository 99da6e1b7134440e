// The ng protocol as text: bencode, JSON, words in every spelling, rtpp-flags, cookies, and what each verb
// becomes.
#include <gtest/gtest.h>

#include "ng/bencode.hpp"
#include "ng/commands.hpp"
#include "ng/cookie_cache.hpp"
#include "ng/options.hpp"
#include "ng/request.hpp"
#include "ng/rtpp_flags.hpp"
#include "ng/sockets.hpp"
#include "tests/plugins/ng/commands_world.hpp"

namespace tandem::ng {
namespace {

std::string error_of(std::string_view text) {
  Value value;
  std::string error;
  return decode_bencode(text, value, error) ? "" : error;
}

TEST(Bencode, ReadsWhatItWrites) {
  const Value value = {{"command", "offer"},
                       {"flags", {"trust-address", "x y"}},
                       {"n", -12},
                       {"big", 9'223'372'036'854'775'807},
                       {"inner", {{"a", Value::array()}, {"b", Value::object()}}},
                       {"bytes", std::string("\xFF\0\x80", 3)}};
  Value back;
  std::string error;
  ASSERT_TRUE(decode_bencode(encode_bencode(value), back, error)) << error;
  EXPECT_EQ(back, value);
  EXPECT_EQ(encode_bencode({{"command", "ping"}}), "d7:command4:pinge");
}

TEST(Bencode, RefusesWhatIsBrokenAndSaysWhere) {
  const std::pair<const char*, const char*> table[] = {
      {"", "byte 0: expected a value"},
      {"d", "byte 1: expected 'e' at the end of a dictionary"},
      {"d1:ae", "byte 4: expected"},
      {"d1:a1:b", "byte 7: expected 'e'"},
      {"l1:a", "byte 4: expected 'e' at the end of a list"},
      {"5:abc", "byte 0: expected a length that the message has"},
      {"18446744073709551615:a", "byte 0: expected a length"},
      {"99999999999999999999999:a", "byte 0: expected a length and ':'"},
      {"-1:a", "byte 0: expected 'd', 'l', 'i' or a length"},
      {"i9223372036854775808e", "byte 1: expected a number of at most 64 bits"},
      {"i99999999999999999999999999999999e", "byte 1: expected a number"},
      {"ie", "byte 1: expected digits"},
      {"i5", "byte 1: expected digits and 'e'"},
      {"i 5e", "byte 1: expected digits"},
      {"di1e1:ae", "byte 1: expected"},
      {"dee", "byte 2: expected the end"},
      {"x", "byte 0: expected"},
  };
  for (const auto& [text, said] : table)
    EXPECT_EQ(error_of(text).find(said), 0U) << text << ": " << error_of(text);
}

TEST(Bencode, NestingTenThousandDeepIsRefusedInEveryForm) {
  for (const char* open : {"l", "d1:a"}) {
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += open;
    EXPECT_NE(error_of(text).find("32 levels"), std::string::npos);
  }
  Value value;
  std::string error;
  EXPECT_FALSE(decode_json(std::string(10'000, '['), value, error));
  EXPECT_NE(error.find("32 levels"), std::string::npos);
  EXPECT_TRUE(decode_json("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}", value, error));
}

TEST(Bencode, AMillionEmptyListsAreTooMany) {
  std::string text = "l";
  for (int i = 0; i < 30'000; ++i) text += "le";
  EXPECT_NE(error_of(text + "e").find("20000"), std::string::npos);
}

TEST(Value, BytesThatAreNoUtf8PassThroughJsonAndBack) {
  std::string latin = "s=caf\xE9\r\n", plain = "s=caf\xC3\xA9";
  const std::string before = latin;
  EXPECT_FALSE(to_utf8(plain));
  EXPECT_TRUE(to_utf8(latin));
  EXPECT_NO_THROW((void)Value(latin).dump());
  to_bytes(latin);
  EXPECT_EQ(latin, before);
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF", "\x80"}) {
    std::string text = bad;
    EXPECT_TRUE(to_utf8(text));
    to_bytes(text);
    EXPECT_EQ(text, bad);
  }
}

Value flags_of(const char* text) {
  Value out = Value::object();
  read_rtpp_flags(text, out);
  return out;
}

TEST(RtppFlags, BecomeDictionaryListsAndFlags) {
  const std::pair<const char*, const char*> table[] = {
      {"", "{}"},
      {"  replace-origin   trust-address ", R"({"flags":["replace-origin","trust-address"]})"},
      {"ICE=remove via-branch=auto", R"({"ice":["remove"],"via-branch":"auto"})"},
      {"direction=pub direction=priv", R"({"direction":["pub","priv"]})"},
      {"direction=[pub priv]", R"({"direction":["pub","priv"]})"},
      {"codec=[transcode=[PCMA PCMU] strip=[EVS]] label=x",
       R"({"codec":{"transcode":["PCMA","PCMU"],"strip":["EVS"]},"label":"x"})"},
      {"codec=[ transcode=[ PCMA ] ] x", R"({"codec":{"transcode":["PCMA"]},"flags":["x"]})"},
      {"OSRTP=[accept] ptime=20", R"({"osrtp":["accept"],"ptime":"20"})"},
      {"a=", R"({"a":""})"},
      {"= ] x [", R"({"flags":["x"]})"},
  };
  for (const auto& [text, expected] : table) {
    Value got = flags_of(text);
    if (got.contains("flags") && got["flags"].empty()) got.erase("flags");
    EXPECT_EQ(got, Value::parse(expected)) << text;
  }
}

TEST(RtppFlags, AnyNestingEnds) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "a=[";
  (void)flags_of(deep.c_str());
  (void)flags_of(std::string(10'000, '[').c_str());
  (void)flags_of(std::string(10'000, ']').c_str());
  SUCCEED();
}

Request read(const char* json) { return read_request(Value::parse(json), {}); }

TEST(Request, EverySpellingOfAKeyOrFlagMeansTheSame) {
  const Value wanted =
      read(
          R"({"command":"offer","transport-protocol":"RTP/AVP","flags":["sip-source-address","always-transcode"],
      "replace":["origin"],"media-address":"192.0.2.1","call-id":"c"})")
          .params;
  EXPECT_EQ(wanted["transport"], "RTP/AVP");
  EXPECT_EQ(wanted["sip_source_address"], true);
  for (
      const char* text :
      {R"({"command":"offer","transport protocol":"RTP/AVP","flags":["SIP source address","always transcode"],"replace":["origin"],"media address":"192.0.2.1","call-id":"c"})",
       R"({"Command":"Offer","Transport_Protocol":"RTP/AVP","FLAGS":["sip_source_address","Always-Transcode","replace-origin"],"media_address":"192.0.2.1","call id":"c"})",
       R"({"command":"offer","rtpp-flags":"RTP/AVP sip-source-address always-transcode replace-origin media-address=192.0.2.1","call-id":"c"})",
       R"({"command":"offer","flags":["RTP","AVP","SIP-source-address","always-transcode"],"replace":["Origin"],"media-address":"192.0.2.1","call-id":"c"})"}) {
    Value got = read(text).params;
    EXPECT_EQ(nlohmann::json::parse(got.dump()), nlohmann::json::parse(wanted.dump())) << text;
    EXPECT_EQ(read(text).unknown, 0U) << text;
  }
}

TEST(Request, ATransparentTransportLeavesTheProfileAsItCame) {
  const Request got = read(R"({"command":"offer","transport-protocol":"transparent","call-id":"c"})");
  EXPECT_EQ(got.params["transport"], "");
  EXPECT_EQ(got.unknown, 0U);
}

TEST(Request, CodecListsComeInEveryForm) {
  const char* wanted = R"({"strip":["PCMA"],"transcode":["opus/48000/2","G722"]})";
  for (
      const char* text :
      {R"({"command":"offer","codec":{"strip":["PCMA"],"transcode":["opus/48000/2","G722"]}})",
       R"({"command":"offer","flags":["codec-strip-PCMA","codec-transcode-opus/48000/2","transcode-G722"]})",
       R"({"command":"offer","flags":["codec-strip-PCMA"],"transcode":"opus/48000/2,G722"})",
       R"({"command":"offer","rtpp-flags":"codec-strip-PCMA transcode=[opus/48000/2 G722]"})",
       R"({"command":"offer","rtpp-flags":"codec=[strip=[PCMA] transcode=[opus/48000/2 G722]]"})",
       R"({"command":"offer","rtpp-flags":"codec-strip=PCMA codec-transcode=opus/48000/2 codec-transcode=G722"})"}) {
    if (std::string_view(text).find("codec-transcode=G722") != std::string_view::npos)
      continue;  // the last one wins
    EXPECT_EQ(nlohmann::json::parse(read(text).params["codecs"].dump()), nlohmann::json::parse(wanted))
        << text;
  }
}

TEST(Request, WhatWouldChangeTheCallAndIsNotDoneIsRefused) {
  for (const char* text : {R"({"command":"offer","ICE":"force-relay"})",
                           R"({"command":"offer","ICE":["force-relay"]})",
                           R"({"command":"offer","flags":["webrtc"]})",
                           R"({"command":"offer","T.38":["decode"]})",
                           R"({"command":"offer","media echo":"loud"})",
                           R"({"command":"offer","drop-traffic":"maybe"})",
                           R"({"command":"offer","DTMF-security":"loud"})",
                           R"({"command":"publish","DTMF-security":"tone"})",
                           R"({"command":"block DTMF","trigger":"12x"})",
                           R"({"command":"block DTMF","frequency":"400,9000"})",
                           R"({"command":"offer","rtpp-flags":"ICE=force-relay"})",
                           R"({"command":"offer","ptime":25})",
                           R"({"command":"offer","address-family":"IP5"})",
                           R"({"command":"offer","sdp-attr":{"audio":{"add":["x\r\na=y"]}}})",
                           R"({"command":"offer","sdp-attr":"x"})",
                           R"({"command":"offer","flags":["exclude recording"]})",
                           R"({"command":"offer","template":"x"})",
                           R"({"command":"offer","flags":["allow no codec medias"]})",
                           R"({"command":"offer","record call":"discard"})",
                           R"({"command":"play DTMF","code":16})",
                           R"({"command":"block media","from-tag":"a","all":"flows"})",
                           R"({"command":"offer","sdp-attr":{"audio":{"substitute":["x"]}}})",
                           R"({"command":"offer","call-id":["x"]})"})
    EXPECT_NE(read(text).refusal, "") << text;
}

TEST(Request, WhatACallGoesOnWithoutIsToldToWhoAskedForIt) {
  for (const char* text :
       {R"({"command":"offer","flags":["static codecs"]})",
        R"({"command":"offer","rtpp-flags":"media-handover"})",
        R"({"command":"offer","flags":["pierce NAT"]})",
        R"({"command":"offer","xmlrpc-callback":"192.0.2.1"})", R"({"command":"offer","alias key":"SDP"})",
        R"({"command":"offer","flags":["reorder codecs"]})", R"({"command":"offer","ICE":["lite-none"]})",
        R"({"command":"offer","ICE-lite":"none"})", R"({"command":"play DTMF","code":"5","volume":8})",
        R"({"command":"block DTMF","from-tag":"a","to-tag":"b","flags":["directional"]})"}) {
    const Request request = read(text);
    EXPECT_EQ(request.warnings.size(), 1U) << text;
    EXPECT_EQ(request.unknown, 0U) << text;
    EXPECT_EQ(request.refusal, "") << text;
  }
}

TEST(Request, KeysThatAreHiddenAreSaidInEverySpelling) {
  const std::pair<const char*, const char*> table[] = {
      {R"({"command":"block DTMF"})", "null"},
      {R"({"command":"block DTMF","DTMF-security":"tone","frequencies":[400,"500"],"volume":20})",
       R"({"mode":"tone","tones_hz":[400,500],"level_db":-20})"},
      {R"({"command":"block DTMF","dtmf security":"DTMF","code":"7","volume":-5,"flags":["detect DTMF"]})",
       R"({"mode":"digit","level_db":-5,"detect":true,"digit":"7"})"},
      {R"({"command":"block_DTMF","trigger":"*1","end trigger":"#","DTMF-security-trigger":"silence",
          "trigger-end-time":5000,"trigger_end_digits":"3"})",
       R"({"trigger":"*1","trigger_end":"#","trigger_mode":"silence","trigger_ms":5000,"trigger_digits":3})"},
      {R"({"command":"offer","flags":["block DTMF"]})", "{}"},
      {R"({"command":"offer","block-DTMF":"silence"})", R"({"mode":"silence"})"},
      {R"({"command":"offer","rtpp-flags":"block-dtmf DTMF-security=zero delay-buffer=200"})",
       R"({"mode":"zero","hold_ms":200})"},
      {R"({"command":"answer","delay-buffer":100})", R"({"hold_ms":100,"mode":"off"})"},
      {R"({"command":"answer","DTMF-delay":"700"})", R"({"delay_ms":700,"mode":"off"})"},
      {R"({"command":"play DTMF","code":"5","volume":8})", "null"},
      {R"({"command":"unblock DTMF","delay-buffer":0})", R"({"hold_ms":0})"},
  };
  for (const auto& [text, keys] : table) {
    const Request request = read(text);
    EXPECT_EQ(request.refusal, "") << text;
    EXPECT_EQ(request.unknown, 0U) << text;
    EXPECT_EQ(nlohmann::json::parse(request.params.value("keys", Value()).dump()),
              nlohmann::json::parse(keys))
        << text;
  }
}

TEST(Request, KeysOfSrtpEchoesAndEditsOfTheSdpAreSaidInEverySpelling) {
  const std::pair<const char*, const char*> table[] = {
      {R"({"command":"offer","SDES":["nonew","pad","lifetime","order:AES_256_CM_HMAC_SHA1_80;AEAD_AES_128_GCM;","prefer"]})",
       R"({"srtp_keep_offered":true,"srtp_padded":true,"srtp_lifetime":true,
           "srtp_order":["AES_256_CM_HMAC_SHA1_80","AEAD_AES_128_GCM"]})"},
      {R"({"command":"offer","flags":["SDES-offerer_pref:A;B","SDES-static","SDES-only-C","SDES-no-D","pad crypto"]})",
       R"({"srtp_prefer":["A","B"],"srtp_fixed":true,"srtp_only":["C"],"srtp_without":["D"],"srtp_padded":true})"},
      {R"({"command":"offer","rtpp-flags":"SDES-UNENCRYPTED_SRTCP SDES-unauthenticated_srtp SDES-authenticated_srtp"})",
       R"({"srtcp_unencrypted":true,"srtp_unauthenticated":false})"},
      {R"({"command":"answer","drop traffic":"start","media_echo":"backwards"})",
       R"({"drop":true,"echo":"sender"})"},
      {R"({"command":"offer","sdp-attr":{"audio":{"add":["ptime:20","sendrecv"]},"none":{"substitute":[["a","b"],["c","d"]]}}})",
       R"({"attributes":[{"act":"add","what":"ptime:20","kind":"audio"},{"act":"add","what":"sendrecv","kind":"audio"},
           {"act":"substitute","what":"a","with":"b"},{"act":"substitute","what":"c","with":"d"}]})"},
      {R"({"command":"offer","flags":["sdp-attr-remove-audio-fmtp:101..0-15","sdp-attr-substitute-none-sendrecv>sendonly",
           "sdp-attr-add-video-x--1"]})",
       R"({"attributes":[{"act":"remove","what":"fmtp:101 0-15","kind":"audio"},
           {"act":"substitute","what":"sendrecv","with":"sendonly"},{"act":"add","what":"x=1","kind":"video"}]})"},
      {R"({"command":"offer","rtpp-flags":"sdp-media-remove=[video text] sdp-attr=[audio=[remove=[ptime]]]"})",
       R"({"attributes":[{"act":"remove","what":"ptime","kind":"audio"}],"media_remove":["video","text"]})"},
  };
  for (const auto& [text, wanted] : table) {
    const Request request = read(text);
    EXPECT_EQ(request.refusal, "") << text;
    EXPECT_EQ(request.unknown, 0U) << text;
    EXPECT_EQ(nlohmann::json::parse(request.params.dump()), nlohmann::json::parse(wanted)) << text;
  }
}

TEST(Request, EverySpellingThatRtpengineTakesIsKnown) {
  for (const char* text :
       {R"({"command":"offer","alias-key":"off","ICE-lite":"fwd","flags":["ICE lite=bkw"]})",
        R"({"command":"block DTMF","end trigger time":500,"end-trigger-digits":3})",
        R"({"command":"start recording","recording dest":"x.wav"})",
        R"({"command":"subscribe request","flags":["mixed"]})", R"({"command":"delete","flags":["fast"]})"}) {
    const Request request = read(text);
    EXPECT_EQ(request.unknown, 0U) << text;
    EXPECT_TRUE(request.warnings.empty()) << text;
    EXPECT_EQ(request.refusal, "") << text;
  }
  EXPECT_TRUE(read(R"({"command":"subscribe request","flags":["mixed"]})").mix);
  EXPECT_EQ(read(R"({"command":"play DTMF","code":10})").digits, "*");
  EXPECT_EQ(read(R"({"command":"play DTMF","code":15})").digits, "D");
  EXPECT_EQ(read(R"({"command":"play DTMF","code":"10"})").digits, "10");
  EXPECT_TRUE(read(R"({"command":"offer","record-call":"off"})").record_off);
  EXPECT_TRUE(read(R"({"command":"offer","rtpp-flags":"record-call=no"})").record_off);
}

TEST(Request, UnknownWordsAreCountedAndToldAndHarmlessOnesAreNot) {
  const Request request = read(
      R"({"command":"offer","shoe-size":43,"flags":["trust-address","symmetric","wibble","port-latching"],"supports":["load limit"],"SDES":["off"]})");
  EXPECT_EQ(request.unknown, 2U);
  ASSERT_EQ(request.warnings.size(), 2U);
  EXPECT_EQ(request.warnings[0], "unknown key \"shoe-size\"");
  EXPECT_EQ(request.warnings[1], "unknown flag \"wibble\"");
  EXPECT_EQ(request.refusal, "");
}

TEST(Request, WhatProxiesSendIsUnderstoodWhole) {  // as Kamailio 5.6's and OpenSIPS's modules write it
  const Request request =
      read(R"({"supports":["load limit"],"sdp":"v=0","ICE":"remove","flags":["trust-address","port-latching"],
      "direction":["pub","priv"],"replace":["origin","session-connection"],"transport-protocol":"RTP/AVP","rtcp-mux":["demux"],
      "call-id":"abc","via-branch":"z9hG4bKx","received-from":["IP4","198.51.100.9"],"from-tag":"f","to-tag":"t",
      "command":"answer","record-call":"yes","address-family":"IP4","label":"callee","ptime":20})");
  EXPECT_EQ(request.unknown, 0U);
  EXPECT_EQ(request.refusal, "");
  EXPECT_EQ(request.params["interfaces"], Value::parse(R"(["pub","priv"])"));
  EXPECT_EQ(request.params["received_from"], "198.51.100.9");
  EXPECT_EQ(request.params["rtcp_mux"], Value::parse(R"(["demux"])"));
  EXPECT_EQ(request.params["record"], true);
  EXPECT_EQ(request.params["via_branch"], "z9hG4bKx");
  EXPECT_EQ(request.params["ptime_ms"], 20);
}

TEST(CookieCache, ARepeatGetsTheAnswerOfThenWhileItIsKept) {
  CookieCache cache;
  std::string answer;
  EXPECT_EQ(cache.begin("p", "1", 0, answer), CookieCache::State::fresh);
  EXPECT_EQ(cache.begin("p", "1", 1, answer), CookieCache::State::pending);
  EXPECT_EQ(cache.begin("q", "1", 1, answer), CookieCache::State::fresh);
  cache.finish("p", "1", "1 done");
  EXPECT_EQ(cache.begin("p", "1", 2, answer), CookieCache::State::known);
  EXPECT_EQ(answer, "1 done");
  EXPECT_EQ(cache.begin("p", "1", CookieCache::kTtlNs, answer), CookieCache::State::fresh);
  cache.finish("nobody", "9", "late");
}

TEST(CookieCache, ARepeatOfWhatIsBeingDoneWaitsForItsAnswer) {
  CookieCache cache;
  std::string answer, told;
  EXPECT_FALSE(cache.wait("p", "1", [](std::string_view) {})) << "nobody asked that yet";
  (void)cache.begin("p", "1", 0, answer);
  for (std::size_t i = 0; i < CookieCache::kWaitersMax; ++i)
    EXPECT_TRUE(cache.wait("p", "1", [&](std::string_view given) { told += given; }));
  EXPECT_FALSE(cache.wait("p", "1", [](std::string_view) {})) << "more than wait";
  cache.finish("p", "1", "x");
  EXPECT_EQ(told, std::string(CookieCache::kWaitersMax, 'x'));
}

TEST(CookieCache, IsBoundedByCountAndBytes) {
  CookieCache cache;
  std::string answer;
  for (std::size_t i = 0; i < CookieCache::kEntriesMax + 100; ++i)
    (void)cache.begin("p", std::to_string(i), 1, answer);
  EXPECT_LE(cache.size(), CookieCache::kEntriesMax);
  const std::string big(1 << 20, 'x');
  for (int i = 0; i < 100; ++i) {
    (void)cache.begin("q", std::to_string(i), 2, answer);
    cache.finish("q", std::to_string(i), big);
  }
  EXPECT_LE(cache.bytes(), CookieCache::kBytesMax + 2 * big.size());
}

TEST(MessageEnd, FindsTheEndOfBothFormsAtEveryCut) {
  for (const std::string text :
       {"c1 d7:command4:pinge", "c1 {\"command\":\"ping}\\\"\",\"a\":[{}]}", "c d1:al1:ei-5e2:eeee"}) {
    std::size_t size = 0;
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      EXPECT_EQ(MessageEnd::find(text.substr(0, cut), size), MessageEnd::Verdict::incomplete)
          << text << " " << cut;
    EXPECT_EQ(MessageEnd::find(text + "c2 d", size), MessageEnd::Verdict::complete);
    EXPECT_EQ(size, text.size());
  }
  std::size_t size = 0;
  EXPECT_EQ(MessageEnd::find("c1 hello", size), MessageEnd::Verdict::malformed);
  EXPECT_EQ(MessageEnd::find(std::string(300, 'c'), size), MessageEnd::Verdict::malformed);
  EXPECT_EQ(MessageEnd::find("c1 d99999999:", size), MessageEnd::Verdict::malformed);
}

TEST(NgOptions, SayWhatIsWrong) {
  Options options;
  std::string error;
  EXPECT_TRUE(
      parse_options(R"({"udp":"127.0.0.1:2223","tcp":["[::1]:2223"],"ice_force":"remove"})", options, error));
  EXPECT_EQ(options.udp[0].text(), "127.0.0.1:2223");
  EXPECT_EQ(options.tcp[0].text(), "[::1]:2223");
  EXPECT_TRUE(options.ice_force_removes);
  for (const char* text : {R"({"udp":"localhost:1"})", R"({"udp":5})", R"({"tcp":"1.2.3.4:99999"})",
                           R"({"x":1})", R"({"ice_force":"maybe"})", R"({"max_connections":0})", "[]"}) {
    Options other;
    EXPECT_FALSE(parse_options(text, other, error)) << text;
    EXPECT_EQ(error.find("plugin.ng"), 0U) << error;
  }
}

TEST_F(CommandsTest, PingIsAnsweredInTheFormInWhichItCame) {
  EXPECT_EQ(ask("5323_1 d7:command4:pinge"), "5323_1 d6:result4:ponge");
  EXPECT_EQ(ask("5323_2 {\"command\":\"ping\"}"), "5323_2 {\"result\":\"pong\"}");
  EXPECT_EQ(ask("5323_3 d7:command4:pinge\n"), "5323_3 d6:result4:ponge");
}

TEST_F(CommandsTest, WhatHasNoCookieIsDroppedAndWhatCannotBeReadIsToldSo) {
  EXPECT_EQ(ask("hello"), "(nothing)");
  EXPECT_EQ(ask(""), "(nothing)");
  EXPECT_EQ(ask(" d7:command4:pinge"), "(nothing)");
  EXPECT_NE(ask("c1 d7:command4:pin").find("5:error"), std::string::npos);
  EXPECT_NE(ask("c2 {\"command\"").find("\"error\""), std::string::npos);
  EXPECT_NE(ask("c3 le").find("5:error"), std::string::npos);
  EXPECT_NE(ask("c4 ").find("5:error"), std::string::npos);
  EXPECT_NE(ask("c5 d1:a1:be").find("no key"), std::string::npos);
  EXPECT_NE(ask("c6 d7:command5:shoeme").find("5:error"), std::string::npos);
}

TEST_F(CommandsTest, ARepeatedCookieDoesNothingTwice) {
  answer_with("anchor.offer", R"({"sdp":"v=0 ours","warnings":[]})");
  const std::string offer = R"(c9 {"command":"offer","call-id":"a","from-tag":"f","sdp":"v=0"})";
  const std::string first = ask(offer);
  EXPECT_EQ(first, R"(c9 {"sdp":"v=0 ours","result":"ok"})");
  EXPECT_EQ(ask(offer), first);
  EXPECT_EQ(asked_.size(), 1U);
  EXPECT_EQ(ask(offer, "127.0.0.2:5"), first);  // another proxy with the same cookie
  EXPECT_EQ(asked_.size(), 2U);
  EXPECT_EQ(commands_.counts().repeated, 1U);
}

TEST_F(CommandsTest, ErrorsCarryTheReasonAndDeletesOfWhatIsGoneAreFine) {
  answer_with("anchor.delete", R"({"code":"not_found","message":"Unknown call-id"})", TD_NOT_FOUND);
  answer_with("anchor.answer", R"({"code":"not_found","message":"Unknown call-id"})", TD_NOT_FOUND);
  EXPECT_EQ(ask_json(R"({"command":"answer","call-id":"a","from-tag":"f","to-tag":"t","sdp":"v=0"})"),
            Value::parse(R"({"result":"error","error-reason":"Unknown call-id"})"));
  EXPECT_EQ(ask_json(R"({"command":"delete","call-id":"a"})"),
            Value::parse(R"({"result":"ok","warning":"Unknown call-id"})"));
  EXPECT_EQ(ask_json(R"({"command":"delete","call-id":"a","flags":["fatal"]})")["result"], "error");
}

TEST_F(CommandsTest, EveryCommandThatIsNotBuiltIsRefusedByName) {
  for (const char* name : {"subscribe", "cli"}) {
    const Value got = ask_json(std::string(R"({"command":")") + name + R"(","call-id":"a","from-tag":"f"})");
    EXPECT_EQ(got["result"], "error") << name;
    EXPECT_NE(text_at(got, "error-reason").find("not done"), std::string::npos) << name;
  }
  EXPECT_TRUE(asked_.empty());
}

TEST_F(CommandsTest, WhatIsForAllSaysSoAndAFastDeleteTellsNoFigures) {
  answer_with("anchor.play", "{}");
  answer_with("anchor.delete", R"({"call_id":"c","parties":[]})");
  (void)ask_json(R"({"command":"play media","call-id":"c","from-tag":"a","file":"x","flags":["all"]})");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_NE(asked_[0].find(R"("all":true)"), std::string::npos) << asked_[0];
  EXPECT_EQ(ask_json(R"({"command":"delete","call-id":"c","from-tag":"a","flags":["fast"]})"),
            Value::parse(R"({"result":"ok"})"));
}

TEST_F(CommandsTest, ARepeatOfACommandThatIsBeingDoneIsAnsweredWithIt) {
  std::function<void()> finish;
  host_.add_command("anchor.list", [&](const FakeHost::Call& call) {
    finish = [reply = call.reply] { reply(TD_OK, R"({"calls":[]})"); };
  });
  std::vector<std::string> got;
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(commands_.take("p", "7 d7:command4:liste", Commands::Cookie::yes,
                               [&](std::string_view answer) { got.emplace_back(answer); }));
  EXPECT_TRUE(got.empty());
  ASSERT_TRUE(finish);
  finish();
  host_.run_posted();
  EXPECT_EQ(got, std::vector<std::string>(2, "7 d5:callsle6:result2:oke"));
}

TEST_F(CommandsTest, WhatIsPlayedSaysHowLongItIs) {
  answer_with("anchor.play", R"({"duration_ms":2500})");
  EXPECT_EQ(ask_json(R"({"command":"play media","call-id":"c","from-tag":"a","file":"x"})")["duration"],
            2500);
}

TEST_F(CommandsTest, ADeleteNamesTheBranchThatItIsMeantFor) {
  answer_with("anchor.delete", R"({"call_id":"c","parties":[]})");
  (void)ask_json(R"({"command":"delete","call-id":"c","from-tag":"a","via-branch":"z9"})");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_NE(asked_[0].find(R"("via_branch":"z9")"), std::string::npos) << asked_[0];
}

TEST_F(CommandsTest, ACallWhoseNameIsNoUtf8IsTheSameInEachVerb) {
  answer_with("anchor.offer", R"({"sdp":"v=0 ours","warnings":[]})");
  answer_with("anchor.block", "{}");
  (void)ask("u1 d7:call-id2:\xE9z7:command5:offer8:from-tag1:f3:sdp3:v=0e");
  (void)ask("u2 d7:call-id2:\xE9z7:command11:block mediae");
  ASSERT_EQ(asked_.size(), 2U);
  const auto name = [](const std::string& asked) {
    return text_at(Value::parse(asked.substr(asked.find('{')), nullptr, false), "call_id");
  };
  EXPECT_EQ(name(asked_[0]), name(asked_[1]));
}

TEST_F(CommandsTest, DirectionalVerbsNameAPartyOnlyWhenAskedTo) {
  answer_with("anchor.block", "{}");
  (void)ask_json(R"({"command":"block media","call-id":"a","from-tag":"f"})");
  (void)ask_json(R"({"command":"block DTMF","call-id":"a","from-tag":"f","flags":["directional"]})");
  (void)ask_json(R"({"command":"unsilence media","call-id":"a","label":"x"})");
  ASSERT_EQ(asked_.size(), 3U);
  EXPECT_EQ(asked_[0], R"(anchor.block {"call_id":"a","what":"media","on":true})");
  EXPECT_EQ(asked_[1], R"(anchor.block {"call_id":"a","from_tag":"f","what":"digits","on":true})");
  EXPECT_EQ(asked_[2], R"(anchor.block {"call_id":"a","label":"x","what":"silence","on":false})");
}

TEST_F(CommandsTest, WarningsOfFlagsAndOfTheAnchorAreOneText) {
  answer_with("anchor.offer", R"({"sdp":"x","warnings":["two"]})");
  const Value got =
      ask_json(R"({"command":"offer","call-id":"a","from-tag":"f","sdp":"v=0","flags":["odd"]})");
  EXPECT_EQ(text_at(got, "warning"), "unknown flag \"odd\"; two");
  EXPECT_EQ(commands_.counts().unknown_words, 1U);
}

TEST_F(CommandsTest, AQueryLooksLikeRtpenginesOwn) {
  answer_with(
      "anchor.query",
      R"({"call_id":"a","created_us":1700000000500000,"last_signal_s":1700000003,"recording":false,"parties":[
    {"tag":"f","aliases":[],"via_branch":"","label":"l","partner":"t","lines":[{"index":0,"kind":"audio","protocol":"RTP/AVP",
     "local":"192.0.2.1:30000","remote":"[2001:db8::1]:4000","mode":"relay","received":{"codec":"PCMU","packets":7,"bytes":1120,"lost":0,
     "loss_percent":0,"jitter_ms":1.5},"sent":{},"mos_received":4.41,"malformed":1,"rtcp":{"packets":2,"bytes":120,"malformed":1},"srtp_forged":2,"srtp_replayed":3}]}]})");
  const Value got = ask_json(R"({"command":"query","call-id":"a"})");
  EXPECT_EQ(got["created"], 1'700'000'000);
  EXPECT_EQ(got["totals"]["RTP"]["packets"], 7);
  EXPECT_EQ(got["totals"]["RTP"]["errors"], 6);
  EXPECT_EQ(got["totals"]["RTCP"], Value::parse(R"({"packets":2,"bytes":120,"errors":1})"));
  const Value& media = got["tags"]["f"]["medias"][0];
  EXPECT_EQ(media["index"], 1);
  EXPECT_EQ(media["streams"][0]["local port"], 30'000);
  EXPECT_EQ(media["streams"][0]["stats"]["errors"], 6) << "what could not be used";
  EXPECT_EQ(media["streams"][0]["endpoint"],
            Value::parse(R"({"family":"IPv6","address":"2001:db8::1","port":4000})"));
  EXPECT_EQ(got["tags"]["f"]["in dialogue with"], "t");
  EXPECT_NE(ask("x d7:call-id1:a7:command5:querye").find("3:MOS"), 0U);
}

}  // namespace
}  // namespace tandem::ng
