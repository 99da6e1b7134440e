// Config: what is read, what is refused, where and with which words.
#include "core/app/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tandem::app {
namespace {

using ::testing::HasSubstr;

std::string all(const ConfigOutcome& outcome) {
  std::string text;
  for (const auto& error : outcome.errors) text += error.text("t.toml") + "\n";
  return text;
}

TEST(Config, AnEmptyFileIsSafeDefaults) {
  const auto out = parse_config("");
  EXPECT_EQ(all(out), "");
  EXPECT_EQ(out.config.api.listen, "127.0.0.1:8480");
  EXPECT_EQ(out.config.media.engine.host_v4, "127.0.0.1");
  EXPECT_EQ(out.config.media.engine.host_v6, "::1");
  EXPECT_EQ(out.config.server.guest_tenant, "");
}

TEST(Config, ReadsEverySection) {
  const auto out = parse_config(R"(
[server]
state_dir = "/var/lib/tandem"
log_level = "debug"
[media]
address = ["192.0.2.1", "2001:db8::1"]
advertised = "198.51.100.7"
port_min = 30000
port_max = 30099
codecs = ["PCMA"]
ptime_ms = 30
jitter_mode = "fixed"
jitter_min_ms = 60
jitter_max_ms = 120
forwarding = "on_tick"
[api]
listen = "[::1]:9000"
token = "0123456789abcdef"
[store]
path = "/var/lib/tandem/x.db"
[prompts]
roots = "/srv/prompts"
[recordings]
dir = "/srv/recordings"
[[route]]
number = "_1XXX"
app = "extension"
[[route]]
number = "*43"
app = "echo"
args = "slow"
tenant = "acme"
[plugin.kamailio]
mode = "managed"
listen = ["udp:127.0.0.1:5060"]
nested = { a = 1, b = [true, 2.5] }
[plugin.tts]
enabled = false
)");
  EXPECT_EQ(all(out), "");
  const Config& c = out.config;
  EXPECT_EQ(c.server.state_dir, "/var/lib/tandem");
  EXPECT_EQ(c.media.engine.host_v4, "192.0.2.1");
  EXPECT_EQ(c.media.engine.host_v6, "2001:db8::1");
  EXPECT_EQ(c.media.engine.advertised_v4, "198.51.100.7");
  EXPECT_EQ(c.media.engine.advertised_v6, "");
  EXPECT_EQ(c.media.engine.port_min, 30000);
  EXPECT_EQ(c.media.engine.forwarding, session::Forwarding::on_tick);
  EXPECT_EQ(c.media.ptime_ms, 30u);
  EXPECT_TRUE(c.media.engine.jitter.fixed);
  EXPECT_EQ(c.media.engine.jitter.min_delay.count(), 60);
  EXPECT_EQ(c.media.engine.jitter.max_delay.count(), 120);
  EXPECT_EQ(c.prompt_roots, std::vector<std::string>{"/srv/prompts"});
  ASSERT_EQ(c.routes.size(), 2u);
  EXPECT_EQ(c.routes[1].args, "slow");
  EXPECT_EQ(c.routes[1].tenant, "acme");
  EXPECT_EQ(c.plugins.at("kamailio"),
            R"({"listen":["udp:127.0.0.1:5060"],"mode":"managed","nested":{"a":1,"b":[true,2.5]}})");
  EXPECT_EQ(c.plugins_off, std::vector<std::string>{"tts"});
}

TEST(Config, NamesLineColumnKeyExpectedAndFound) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"[media]\nport_min = 80\n",
       "t.toml:2:12: media.port_min: expected a whole number from 1024 to 65534, found 80"},
      {"[media]\nport_min = \"x\"\n",
       "t.toml:2:12: media.port_min: expected a whole number from 1024 to 65534, found \"x\""},
      {"[media]\ndscp = 64\n", "t.toml:2:8: media.dscp: expected a whole number from 0 to 63, found 64"},
      {"[media]\ndscp = 1.5\n", "t.toml:2:8: media.dscp: expected a whole number from 0 to 63, found 1.5"},
      {"[media]\nport_mim = 2000\n",
       "t.toml:2:1: media.port_mim: expected a known key (did you mean port_min?), found an unknown key"},
      {"[medai]\n", "medai: expected a known key (did you mean media?), found an unknown key"},
      {"[media]\nport_min = 3000\nport_max = 2999\n",
       "t.toml:3:12: media.port_max: expected a port above port_min (3000), found 2999"},
      {"[media]\naddress = \"localhost\"\n",
       "media.address: expected an IPv4 or IPv6 address, found \"localhost\""},
      {"[media]\naddress = \"0.0.0.0\"\n", "media.address: expected one address of this machine"},
      {"[media]\naddress = [\"127.0.0.1\", \"127.0.0.2\"]\n", "expected at most one address a family"},
      {"[media]\naddress = [1]\n", "t.toml:2:12: media.address: expected a list of texts in quotes, found 1"},
      {"[media]\njitter_min_ms = 300\n",
       "media.jitter_max_ms: expected at least jitter_min_ms (300), found 240"},
      {"[media]\njitter_mode = \"elastic\"\n", "media.jitter_mode: expected"},
      {"[media]\nptime_ms = 25\n", "media.ptime_ms: expected a multiple of 10, found 25"},
      {"[media]\nforwarding = \"fast\"\n",
       "expected one of \"automatic\", \"immediate\", \"on_tick\", found \"fast\""},
      {"[media]\nrealtime = 1\n", "media.realtime: expected true or false, found 1"},
      {"[api]\nlisten = \"8480\"\n", "t.toml:2:10: api.listen: expected ADDRESS:PORT"},
      {"[api]\nlisten = \"localhost:8480\"\n", "api.listen: expected ADDRESS:PORT"},
      {"[api]\nlisten = \"127.0.0.1:99999\"\n", "api.listen: expected ADDRESS:PORT"},
      {"[api]\ntoken = \"short\"\n", "api.token: expected at least 16 characters, found 5"},
      {"[api]\ntokens = [{token = \"short\", tenant = \"acme\"}]\n",
       "api.tokens.token: expected 16 to 96 characters, found 5"},
      {"[api]\ntokens = [{token = \"0123456789abcdef\"}]\n",
       "api.tokens.tenant: expected the tenant that this token may see, found nothing"},
      {"[api]\ntokens = 5\n", "t.toml:2:10: api.tokens: expected a list of { token, tenant }, found 5"},
      {"server = 3\n", "t.toml:1:10: server: expected a table [server], found 3"},
      {"[[route]]\nnumber = \"5000\"\n", "route.app: expected the name of an app, found nothing"},
      {"[[route]]\napp = \"ivr\"\n", "route.number: expected a number or a pattern"},
      {"[[route]]\nnumber = \"_[1\"\napp = \"ivr\"\n", "t.toml:2:10: route.number: expected a valid pattern"},
      {"[[route]]\nnumber = \"1\"\napp = \"a\"\nnumbr = 2\n",
       "t.toml:4:1: route.numbr: expected a known key"},
      {"route = 5\n", "route: expected [[route]] sections, found 5"},
      {"[plugin]\nhttp = 1\n", "plugin.http: expected a table [plugin.http], found 1"},
      {"[plugin.http]\nenabled = \"no\"\n", "plugin.http.enabled: expected true or false, found \"no\""},
      {"[media\n", "t.toml:1:7: expected TOML, found"},
      {"[media]\ndscp = 1\ndscp = 2\n", "expected TOML, found"},
  };
  for (const auto& row : rows) EXPECT_THAT(all(parse_config(row.text)), HasSubstr(row.error)) << row.text;
}

TEST(Config, TellsAllErrorsAtOnceInTheOrderOfTheFile) {
  const auto out = parse_config("[media]\ndscp = 99\nloops = -1\n[api]\nlisten = 4\n[x]\n");
  ASSERT_EQ(out.errors.size(), 4u) << all(out);
  EXPECT_EQ(out.errors[0].key, "media.dscp");
  EXPECT_EQ(out.errors[1].key, "media.loops");
  EXPECT_EQ(out.errors[2].key, "api.listen");
  EXPECT_EQ(out.errors[3].key, "x");
}

TEST(Config, SaysWhyAFileCannotBeRead) {
  const auto out = load_config("/nonexistent/t.toml");
  ASSERT_EQ(out.errors.size(), 1u);
  EXPECT_EQ(out.errors[0].text("/nonexistent/t.toml"),
            "/nonexistent/t.toml: expected a readable file, found No such file or directory");
}

TEST(Config, RandomBytesNeverCrashIt) {
  std::uint32_t state = 1;
  const std::string base =
      "[media]\ndscp = 46\ncodecs = [\"PCMU\"]\n[[route]]\nnumber = \"_1X.\"\napp = \"a\"\n";
  for (int round = 0; round < 3000; ++round) {
    std::string text = base;
    for (int change = 0; change < 3; ++change) {
      state = state * 1664525u + 1013904223u;
      text[(state >> 8U) % text.size()] = static_cast<char>(state >> 24U);
    }
    (void)parse_config(text);
  }
}

TEST(Config, ReadsTheSrtpPolicyOfTheServerAndOfARoute) {
  const auto read = parse_config(
      "[media]\nsrtp = \"required\"\nsrtp_suites = [\"AEAD_AES_256_GCM\", \"AES_CM_128_HMAC_SHA1_80\"]\n"
      "[[route]]\nnumber = \"7777\"\napp = \"echo\"\nsrtp = \"off\"\n[[route]]\nnumber = \"7\"\napp = "
      "\"echo\"\n");
  ASSERT_TRUE(read.errors.empty()) << read.errors.front().text("t");
  EXPECT_EQ(read.config.media.srtp, sdp::SrtpPolicy::required);
  EXPECT_EQ(read.config.media.srtp_suites.size(), 2u);
  EXPECT_EQ(read.config.routes.at(0).media.srtp, sdp::SrtpPolicy::off);
  EXPECT_FALSE(read.config.routes.at(1).media.srtp.has_value());
  EXPECT_EQ(parse_config("").config.media.srtp, sdp::SrtpPolicy::accept);
  const auto wrong = parse_config("[media]\nsrtp = \"mandatory\"\nsrtp_suites = [\"AES\"]\n");
  ASSERT_EQ(wrong.errors.size(), 2u);
  EXPECT_EQ(wrong.errors[0].key, "media.srtp");
  EXPECT_EQ(wrong.errors[1].key, "media.srtp_suites");
}

TEST(Config, APeerHasMediaOfItsOwn) {
  const auto read = parse_config(
      "[media]\ncomfort_noise = \"send\"\ncodec_order = \"ours\"\n"
      "[[peer]]\nname = \"carrier\"\nhosts = [\"sip.example.net\", \"203.0.113.5\"]\ncodecs = [\"G729\", "
      "\"PCMA\"]\n"
      "ptime_ms = 30\nsrtp = \"off\"\ncomfort_noise = \"off\"\ncodec_order = \"theirs\"\n"
      "[[peer]]\nusers = \"1001\"\ncodecs = [\"opus;cbr=1\"]\n"
      "[[route]]\nnumber = \"7\"\napp = \"echo\"\ncodecs = [\"PCMU\"]\n");
  ASSERT_TRUE(read.errors.empty()) << read.errors[0].text("t");
  EXPECT_EQ(read.config.media.noise, sdp::NoisePolicy::send);
  EXPECT_EQ(read.config.media.order, sdp::Preference::ours);
  ASSERT_EQ(read.config.peers.size(), 2u);
  const call::PeerMedia& carrier = read.config.peers[0].media;
  EXPECT_EQ(carrier.codecs, (std::vector<std::string>{"G729", "PCMA"}));
  EXPECT_EQ(carrier.ptime_ms, 30u);
  EXPECT_EQ(carrier.noise, sdp::NoisePolicy::off);
  EXPECT_FALSE(read.config.peers[1].media.ptime_ms.has_value());
  EXPECT_EQ(read.config.routes.at(0).media.codecs, std::vector<std::string>{"PCMU"});
  const auto& peers = read.config.peers;
  for (const char* address : {"sip:5551000@SIP.example.net:5060", "udp:203.0.113.5:5060", "203.0.113.5"})
    EXPECT_EQ(call::find_peer(peers, address, ""), &peers[0]) << address;
  EXPECT_EQ(call::find_peer(peers, "udp:198.51.100.9:5060", "1001"), &peers[1]);
  EXPECT_EQ(call::find_peer(peers, "sip:1001@198.51.100.9", "1002"), nullptr);
  EXPECT_EQ(call::host_in("sip:1@[2001:db8::1]:5060"), "2001:db8::1");
  EXPECT_EQ(call::host_in("udp:2001:db8::1:5060"), "2001:db8::1") << "as the SIP side tells a source";
  EXPECT_EQ(call::host_in("2001:db8::1"), "2001:db8::1");
  const auto both = carrier.with({.codecs = {"PCMU"}});
  EXPECT_EQ(both.codecs, std::vector<std::string>{"PCMU"});
  EXPECT_EQ(both.ptime_ms, 30u) << "what the nearer does not say stays";
  const auto wrong = parse_config(
      "[media]\ncomfort_noise = \"on\"\n[[peer]]\nname = \"x\"\nptime_ms = 25\ncodecs = [\"G 729\"]\nsecret "
      "= 1\n");
  std::vector<std::string> keys;
  for (const auto& one : wrong.errors) keys.push_back(one.key);
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(keys, (std::vector<std::string>{"media.comfort_noise", "peer.codecs", "peer.hosts",
                                            "peer.ptime_ms", "peer.secret"}));
}

}  // namespace
}  // namespace tandem::app
