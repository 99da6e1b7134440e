// The values: URIs, name-addr, lists, causes, digests, netstrings, events, options. Tables of {in, expected}.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kamailio/cause.hpp"
#include "kamailio/digest.hpp"
#include "kamailio/netstring.hpp"
#include "kamailio/options.hpp"
#include "kamailio/sip.hpp"
#include "kamailio/sockets.hpp"
#include "kamailio/wire.hpp"

namespace tandem::kamailio {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Uri, IsReadOrRefused) {
  struct Row {
    const char *text, *user, *host;
    int port;
    const char *params, *headers;
  };
  const Row rows[] = {
      {"sip:1001@192.0.2.1:5062;transport=tcp", "1001", "192.0.2.1", 5062, "transport=tcp", ""},
      {"SIPS:Bob@Example.COM", "Bob", "example.com", 0, "", ""},
      {"sip:[2001:db8::1]:5060", "", "[2001:db8::1]", 5060, "", ""},
      {"sip:a%20b:secret@h?X=1&Y=2", "a b", "h", 0, "", "X=1&Y=2"},
      {"sip:+49;phone-context=x@h;lr", "+49;phone-context=x", "h", 0, "lr", ""},
      {"tel:+4930;x=1", "+4930", "", 0, "x=1", ""},
  };
  for (const Row& row : rows) {
    const auto uri = parse_uri(row.text);
    ASSERT_TRUE(uri) << row.text;
    EXPECT_EQ(uri->user, row.user);
    EXPECT_EQ(uri->host, row.host);
    EXPECT_EQ(uri->port, row.port);
    EXPECT_EQ(uri->params, row.params);
    EXPECT_EQ(uri->headers, row.headers);
  }
  for (const char* bad :
       {"", "sip:", "http://h", "sip:a@", "sip:h:0", "sip:h:65536", "sip:h:x", "sip:[::1", "tel:"}) {
    EXPECT_FALSE(parse_uri(bad)) << bad;
  }
  EXPECT_FALSE(parse_uri("sip:" + std::string(5000, 'a')));
}

TEST(NameAddr, IsReadOrRefused) {
  struct Row {
    const char *text, *name, *uri, *tag;
  };
  const Row rows[] = {
      {"\"A \\\"B\\\" <c>\" <sip:a@b;x=y>;tag=1", "A \"B\" <c>", "sip:a@b;x=y", "1"},
      {"Bob <sip:b@c> ; tag = 2 ;x", "Bob", "sip:b@c", "2"},
      {"sip:b@c;tag=3", "", "sip:b@c", "3"},
      {"<sip:b@c>", "", "sip:b@c", ""},
  };
  for (const Row& row : rows) {
    const auto addr = parse_name_addr(row.text);
    ASSERT_TRUE(addr) << row.text;
    EXPECT_EQ(addr->name, row.name);
    EXPECT_EQ(addr->uri, row.uri);
    EXPECT_EQ(param(addr->params, "TAG"), row.tag);
  }
  EXPECT_FALSE(parse_name_addr(""));
  EXPECT_FALSE(parse_name_addr("\"x\" <sip:open"));
}

TEST(Lists, SplitOutsideQuotesAndBrackets) {
  EXPECT_THAT(split_list("<sip:a;x=\",\">, \"b, c\" <sip:d,e>,, f"),
              ElementsAre("<sip:a;x=\",\">", "\"b, c\" <sip:d,e>", "f"));
  EXPECT_EQ(split_list(std::string(10000, ',') + "a").size(), 1u);
  EXPECT_LE(split_list([] {
              std::string many;
              for (int i = 0; i < 1000; ++i) many += "a,";
              return many;
            }())
                .size(),
            64u);
}

TEST(Text, CannotBreakOutOfItsHeader) {
  EXPECT_EQ(clean("a\r\nEvil: b"), "a  Evil: b");
  EXPECT_EQ(clean(std::string_view("a\0b", 3)), "a b");
  EXPECT_EQ(quotable("a\"b\\c"), "a\\\"b\\\\c");
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\xc3\xa9";
  EXPECT_EQ(quotable(wide).size(), 128u);
  EXPECT_EQ(quotable("x" + wide).size(), 127u) << "cut at a character";
  for (const char* bad : {"sip:a b@h", "sip:a@h\r\nX:", "tel:1", "sip:a@h>", ""})
    EXPECT_FALSE(sendable_uri(bad)) << bad;
  EXPECT_TRUE(sendable_uri("sip:a@h;transport=ws"));
}

TEST(Cause, MapsBothWays) {
  struct Row {
    int sip, q850;
  };
  for (const Row& row : {Row{404, 1}, Row{486, 17}, Row{480, 18}, Row{603, 21}, Row{408, 102}, Row{503, 41},
                         Row{484, 28}, Row{488, 88}, Row{200, 0}, Row{499, 127}, Row{699, 127}}) {
    EXPECT_EQ(q850_of_sip(row.sip), row.q850) << row.sip;
  }
  for (const Row& row :
       {Row{404, 1}, Row{486, 17}, Row{480, 19}, Row{603, 21}, Row{503, 34}, Row{480, 0}, Row{480, 128}}) {
    EXPECT_EQ(sip_of_q850(row.q850), row.sip) << row.q850;
  }
}

TEST(Cause, ReadsReasonHeaders) {
  const Reason reason = parse_reason(
      {{"reason", "SIP ;cause=200 ;text=\"Call, completed\", Q.850;cause=26"}, {"Reason", "X;cause=1"}});
  EXPECT_EQ(reason.q850, 26);
  EXPECT_EQ(reason.sip, 200);
  EXPECT_EQ(reason.text, "Call, completed");
  EXPECT_EQ(parse_reason({{"Reason", "Q.850;cause=128"}, {"Reason", "Q.850"}, {"Reason", ";;"}}).q850, 0);
  EXPECT_EQ(reason_header(17, ""), "Reason: Q.850;cause=17;text=\"User busy\"\r\n");
  EXPECT_EQ(reason_header(0, "x"), "");
}

// RFC 7616 section 3.9.1: Mufasa's two answers.
TEST(Digest, GivesTheAnswersOfRfc7616) {
  struct Row {
    const char *algorithm, *response;
  };
  for (const Row& row :
       {Row{"MD5", "8ca523f5e9506fed4657c9700eebdbec"},
        Row{"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"}}) {
    auto challenge = parse_challenge(
        std::string("Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=") +
            row.algorithm +
            ", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
            "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        false);
    ASSERT_TRUE(challenge);
    const std::string line = authorization(*challenge, {"Mufasa", "Circle of Life"}, "GET", "/dir/index.html",
                                           "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
    EXPECT_THAT(line, HasSubstr(std::string("response=\"") + row.response + "\""));
    EXPECT_THAT(line, HasSubstr("nc=00000001"));
    EXPECT_THAT(line, HasSubstr("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""));
    EXPECT_THAT(authorization(*challenge, {"Mufasa", "x"}, "GET", "/", "c"), HasSubstr("nc=00000002"));
  }
}

// RFC 2617 section 3.5 without qop is RFC 2069's form; its known answer.
TEST(Digest, AnswersWithoutQop) {
  auto challenge = parse_challenge(
      "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"", true);
  ASSERT_TRUE(challenge);
  const std::string line =
      authorization(*challenge, {"Mufasa", "Circle Of Life"}, "GET", "/dir/index.html", "c");
  EXPECT_THAT(line, HasSubstr("Proxy-Authorization: "));
  EXPECT_THAT(line, HasSubstr("response=\"670fd8c2df070c60b045671b8b24ff02\""));
  EXPECT_EQ(line.find("cnonce"), std::string::npos);
}

TEST(Digest, ChoosesTheStrongestThatItKnowsAndRefusesTheRest) {
  const auto best =
      best_challenge({{"WWW-Authenticate", "Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256"},
                      {"WWW-Authenticate", "Digest realm=\"a\", nonce=\"2\", algorithm=MD5"},
                      {"Proxy-Authenticate", "Digest realm=\"a\", nonce=\"3\", algorithm=SHA-256"}});
  ASSERT_TRUE(best);
  EXPECT_EQ(best->nonce, "3");
  EXPECT_TRUE(best->proxy);
  for (const char* bad : {"", "Basic realm=\"x\"", "Digest realm=\"x\"",
                          "Digest nonce=\"1\", qop=\"auth-int\"", "Digest nonce=\"1\", algorithm=foo"}) {
    EXPECT_FALSE(parse_challenge(bad, false)) << bad;
  }
  EXPECT_FALSE(parse_challenge("Digest nonce=\"" + std::string(5000, 'x') + "\"", false));
}

TEST(NetstringStream, GivesWholeFramesHoweverTheyCome) {
  const std::string stream = netstring("hello") + netstring("") + netstring(std::string(300, 'x'));
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    Netstrings frames(1000);
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_EQ(frames.push(std::string_view(stream).substr(at, piece)), Netstrings::Verdict::ok);
      while (auto frame = frames.next()) got.emplace_back(*frame);
    }
    EXPECT_THAT(got, ElementsAre("hello", "", std::string(300, 'x'))) << piece;
  }
}

TEST(NetstringStream, SkipsFramesAboveItsLimit) {
  Netstrings frames(10);
  const std::string stream = netstring("one") + netstring(std::string(10'000'000, 'x')) + netstring("two");
  std::vector<std::string> got;
  for (std::size_t at = 0; at < stream.size(); at += 65536) {
    ASSERT_EQ(frames.push(std::string_view(stream).substr(at, 65536)), Netstrings::Verdict::ok);
    while (auto frame = frames.next()) got.emplace_back(*frame);
  }
  EXPECT_THAT(got, ElementsAre("one", "two"));
  EXPECT_EQ(frames.oversized(), 1u);
}

TEST(NetstringStream, SaysWhenItIsBroken) {
  for (const char* bad : {"x", ":", "5hello,", "3:abcd,", "-1:,", "1234567890:", " 3:abc,"}) {
    Netstrings frames(100);
    EXPECT_EQ(frames.push(bad), Netstrings::Verdict::broken) << bad;
    frames.reset();
    EXPECT_EQ(frames.push("2:ok,"), Netstrings::Verdict::ok);
    EXPECT_EQ(frames.next(), "ok");
  }
}

TEST(WireEvents, AreReadOrRefused) {
  std::string error;
  const auto event =
      decode(json::parse(R"({"ev":"request","method":"INVITE","tid":"1:2","call_id":"c","cseq":4294967,
    "rr":"<sip:a;lr>,<sip:b;lr>","hdrs":[["A","1"],["a","2"]],"nat":true,"to_tag":null})"),
             error);
  ASSERT_TRUE(event) << error;
  EXPECT_EQ(event->cseq, 4294967u);
  EXPECT_THAT(event->record_route, ElementsAre("<sip:a;lr>", "<sip:b;lr>"));
  EXPECT_EQ(event->headers.size(), 2u);
  EXPECT_TRUE(event->nat);
  const char* bad[] = {
      "[]",
      "7",
      "{}",
      R"({"ev":7})",
      R"({"ev":"dance"})",
      R"({"ev":"request","call_id":"c"})",
      R"({"ev":"ack"})",
      R"({"ev":"ack","call_id":5})",
      R"({"ev":"ack","call_id":"c","cseq":"1"})",
      R"({"ev":"ack","call_id":"c","cseq":-1})",
      R"({"ev":"ack","call_id":"c","cseq":4294967296})",
      R"({"ev":"ack","call_id":"c","hdrs":[["a"]]})",
      R"({"ev":"ack","call_id":"c","hdrs":{"a":1}})",
      R"({"ev":"reply","call_id":"c","code":99})",
      R"({"ev":"reply","call_id":"c","code":700})",
      R"({"ev":"ack","call_id":"c","body":{}})",
  };
  for (const char* text : bad) {
    error.clear();
    EXPECT_FALSE(decode(json::parse(text), error)) << text;
    EXPECT_NE(error, "") << text;
  }
}

TEST(Lookups, GiveUsableContactsTheHighestQFirst) {
  const json result = json::parse(R"({"AoR":"1001","Contacts":[
    {"Contact":{"Address":"sip:a@h","Q":0.5,"Expires":60,"Received":"[not set]","Path":"[not set]","Socket":"udp:1.2.3.4:5060"}},
    {"Contact":{"Address":"sip:b@h","Q":1,"Expires":"permanent","Received":"sip:9.9.9.9:1;transport=tcp"}},
    {"Contact":{"Address":"sip:c@h","Q":1,"Expires":"expired"}},
    {"Contact":{"Address":"nonsense","Q":1}}, {"Contact":7}, 8]})");
  const auto contacts = contacts_of_lookup(result);
  ASSERT_EQ(contacts.size(), 2u);
  EXPECT_EQ(contacts[0].uri, "sip:b@h");
  EXPECT_EQ(contacts[0].received, "sip:9.9.9.9:1;transport=tcp");
  EXPECT_EQ(contacts[1].received, "");
  EXPECT_EQ(contacts[1].socket, "udp:1.2.3.4:5060");
  const auto back = contact_of(to_json(contacts[0]));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->received, contacts[0].received);
  EXPECT_TRUE(contacts_of_lookup(json(5)).empty());
  EXPECT_FALSE(contact_of(json{{"uri", "sip:a@h"}, {"received", "sip:a@h\r\nX: y"}}));
}

TEST(LocalAddress, FitsTransportFamilyAndLoopback) {
  Sockets sockets;
  sockets.learn(json::parse(R"([{"socket":{"proto":"udp","ipaddress":"127.0.0.1","port":"5060"}},
    {"socket":{"proto":"udp","ipaddress":"192.0.2.1","port":"5060"}}, {"socket":{"proto":"tcp","ipaddress":"192.0.2.1","port":"5060"}},
    {"socket":{"proto":"udp","ipaddress":"2001:db8::1","port":"5060"}}, {"socket":5}, 6])"));
  ASSERT_EQ(sockets.size(), 4u);
  struct Row {
    const char *uri, *socket, *contact;
  };
  const Row rows[] = {
      {"sip:a@127.0.0.1:9", "udp:127.0.0.1:5060", "sip:tandem@127.0.0.1:5060"},
      {"sip:a@198.51.100.1", "udp:192.0.2.1:5060", "sip:tandem@192.0.2.1:5060"},
      {"sip:a@198.51.100.1;transport=tcp", "tcp:192.0.2.1:5060", "sip:tandem@192.0.2.1:5060;transport=tcp"},
      {"sip:a@[2001:db8::9]", "udp:[2001:db8::1]:5060", "sip:tandem@[2001:db8::1]:5060"},
      {"sip:a@trunk.example.com", "udp:192.0.2.1:5060", "sip:tandem@192.0.2.1:5060"},
  };
  for (const Row& row : rows) {
    Contact to;
    to.uri = row.uri;
    EXPECT_EQ(sockets.choose(to).socket, row.socket) << row.uri;
    EXPECT_EQ(sockets.choose(to).contact, row.contact) << row.uri;
  }
}

TEST(PluginOptions, AreCheckedByKey) {
  Options good;
  std::string error;
  ASSERT_TRUE(parse_options(
      R"({"address":"192.0.2.1","port":5080,"ws_port":0,"realm":"example.com","session_expires":0,
    "trusted":["192.0.2.0/24","2001:db8::/32"],"colour":"red"})",
      good, error))
      << error;
  EXPECT_THAT(good.addresses, ElementsAre("192.0.2.1"));
  EXPECT_EQ(good.port, 5080);
  EXPECT_EQ(good.flood_per_second, 50u) << "reachable from elsewhere";
  EXPECT_THAT(good.warnings, ElementsAre("colour"));
  Options loopback;
  ASSERT_TRUE(parse_options("{}", loopback, error));
  EXPECT_EQ(loopback.flood_per_second, 0u);
  Options external;
  ASSERT_TRUE(parse_options(R"({"mode":"external","evapi":"[::1]:9000"})", external, error));
  EXPECT_EQ(external.link_address, "::1");
  EXPECT_EQ(external.link_port, 9000);
  struct Row {
    const char *text, *key;
  };
  const Row bad[] = {{R"({"mode":"both"})", "mode"},
                     {R"({"port":0})", "port"},
                     {R"({"port":"5060"})", "port"},
                     {R"({"address":"localhost"})", "address"},
                     {R"({"addresses":[]})", "addresses"},
                     {R"({"addresses":["1.2.3.4",5]})", "addresses"},
                     {R"({"realm":"a\"b"})", "realm"},
                     {R"({"realm":""})", "realm"},
                     {R"({"state_dir":"/x\ny"})", "state_dir"},
                     {R"({"evapi":"host:1"})", "evapi"},
                     {R"({"evapi":"127.0.0.1"})", "evapi"},
                     {R"({"session_expires":60})", "session_expires"},
                     {R"({"trusted":["192.0.2.0/33"]})", "trusted"},
                     {R"({"ws_port":5060})", "ws_port"},
                     {R"([])", "table"}};
  for (const Row& row : bad) {
    Options options;
    error.clear();
    EXPECT_FALSE(parse_options(row.text, options, error)) << row.text;
    EXPECT_THAT(error, HasSubstr(row.key)) << row.text;
  }
}

}  // namespace
}  // namespace tandem::kamailio
