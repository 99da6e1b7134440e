// The keys of anchored calls, told by datagrams: to whom, and what is in them.
#include "ng/key_log.hpp"

#include <gtest/gtest.h>

#include "ng/socket_name.hpp"
#include "tests/plugins/ng/commands_world.hpp"

namespace tandem::ng {
namespace {

class Receiver {
 public:
  explicit Receiver(const char* address = "127.0.0.1") {
    SocketName name = SocketName::of({address, 0});
    fd_ = ::socket(name.get()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    EXPECT_EQ(::bind(fd_, name.get(), name.size), 0);
    (void)getsockname(fd_, name.get(), &name.size);
    listen = {address, name.port()};
  }
  ~Receiver() { ::close(fd_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  // What has come: loopback delivers before sendto returns. Null: nothing.
  Value take() {
    std::array<char, 4096> bytes{};
    const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), 0);
    return size < 0 ? Value() : Value::parse(std::string_view(bytes.data(), static_cast<std::size_t>(size)));
  }
  Listen listen;

 private:
  int fd_ = -1;
};

constexpr const char* kFive =
    R"({"seq":1,"event":"anchor.digit","call_id":"c1","tag":"ft","text":"5","number":120})";
constexpr const char* kCall = R"({"call_id":"c1","parties":[
    {"tag":"ft","label":"caller","lines":[{"remote":"192.0.2.7:4000"}]},{"tag":"tt","label":"","lines":[]}]})";

class KeyLogTest : public CommandsTest {};

TEST_F(KeyLogTest, AKeyIsToldWithItsCallAndWhoPressedIt) {
  Receiver at;
  KeyLog log(sdk::Host(host_.host()), at.listen);
  answer_with("anchor.query", kCall);
  host_.publish(kFive);
  host_.run_posted();
  Value told = at.take();
  ASSERT_TRUE(told.is_object());
  EXPECT_TRUE(told["timestamp"].is_number_unsigned());
  told.erase("timestamp");
  EXPECT_EQ(told, Value::parse(R"({"callid":"c1","source_tag":"ft","source_label":"caller","tags":["ft","tt"],
      "type":"DTMF","source_ip":"192.0.2.7","event":5,"duration":120})"));
  EXPECT_EQ(log.counts().sent, 1U);
}

TEST_F(KeyLogTest, ACallsOwnDestinationStandsBeforeTheCommonOneUntilItEnds) {
  Receiver common, own;
  KeyLog log(sdk::Host(host_.host()), common.listen);
  answer_with("anchor.query", kCall);
  ASSERT_TRUE(log.lead("c1", own.listen));
  host_.publish(kFive);
  host_.run_posted();
  EXPECT_TRUE(own.take().is_object());
  EXPECT_TRUE(common.take().is_null());
  host_.publish(R"({"event":"anchor.ended","call_id":"c1","tag":"","text":"deleted","number":0})");
  host_.publish(kFive);
  host_.run_posted();
  EXPECT_TRUE(own.take().is_null());
  EXPECT_TRUE(common.take().is_object());
}

TEST_F(KeyLogTest, ACallThatIsGoneOrAKeyThatIsNoneHarmsNothing) {
  Receiver v6("::1");
  KeyLog log(sdk::Host(host_.host()), v6.listen);
  answer_with("anchor.query", R"({"code":"not_found"})", TD_NOT_FOUND);
  host_.publish(kFive);
  host_.publish(R"({"event":"anchor.digit","call_id":"c1","tag":"","text":"x","number":1})");
  host_.publish("[]");
  host_.publish("{");
  host_.run_posted();
  const Value told = v6.take();
  ASSERT_TRUE(told.is_object());
  EXPECT_EQ(told["tags"], Value::array());
  EXPECT_TRUE(v6.take().is_null());
}

TEST_F(KeyLogTest, AnOfferNamesWhereItsCallsKeysGo) {
  Receiver own;
  answer_with("anchor.offer", R"({"sdp":"x"})");
  answer_with("anchor.query", kCall);
  const Value got =
      ask_json(R"({"command":"offer","call-id":"c1","from-tag":"ft","sdp":"v=0","DTMF-log-dest":")" +
               own.listen.text() + R"("})");
  EXPECT_EQ(got["result"], "ok");
  EXPECT_FALSE(got.contains("warning")) << got;
  host_.publish(kFive);
  host_.run_posted();
  EXPECT_TRUE(own.take().is_object());
  EXPECT_EQ(text_at(ask_json(R"({"command":"offer","call-id":"c1","from-tag":"ft","sdp":"v=0",
      "dtmf-log-dest":"nowhere"})"),
                    "warning"),
            "dtmf-log-dest: expected ADDRESS:PORT");
}

TEST_F(KeyLogTest, TheConfigurationSaysWhatItExpected) {
  Options options;
  std::string error;
  EXPECT_TRUE(parse_options(R"({"dtmf_log":"[::1]:9999"})", options, error)) << error;
  EXPECT_EQ(options.dtmf_log->text(), "[::1]:9999");
  EXPECT_FALSE(parse_options(R"({"dtmf_log":"localhost"})", options, error));
  EXPECT_NE(error.find("dtmf_log"), std::string::npos) << error;
}

}  // namespace
}  // namespace tandem::ng
