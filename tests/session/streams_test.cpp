// What a leg says, as PCM over a real TCP connection on loopback; media on a counted clock.
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>

#include "tests/session/engine_fixture.hpp"

namespace tandem::session {
namespace {

using namespace std::chrono_literals;

// A consumer that takes what there is when it is asked to.
class Consumer {
 public:
  explicit Consumer(std::uint16_t port = 0) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    (void)::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const int little = 4096;
    (void)::setsockopt(listening_, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    const Address any = *Address::parse("127.0.0.1", port);
    EXPECT_EQ(::bind(listening_, any.raw(), any.raw_size()), 0);
    EXPECT_EQ(::listen(listening_, 8), 0);
    sockaddr_in raw{};
    socklen_t size = sizeof raw;
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&raw), &size);
    address = *Address::parse("127.0.0.1", ntohs(raw.sin_port));
  }
  ~Consumer() { close(); }
  void close() {
    for (const int fd : {connection_, listening_})
      if (fd >= 0) ::close(fd);
    connection_ = listening_ = -1;
  }
  void take() {
    if (connection_ < 0) connection_ = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK);
    if (connection_ < 0) return;
    char bytes[65536];
    for (ssize_t n = 0; (n = ::recv(connection_, bytes, sizeof bytes, 0)) >= 0;) {
      if (n == 0) {
        ended = true;
        return;
      }
      got.append(bytes, static_cast<std::size_t>(n));
    }
  }
  std::string preamble() const { return got.substr(0, got.find('\0')); }
  std::vector<std::int16_t> pcm() const {
    const std::size_t at = got.find('\0') + 1;
    std::vector<std::int16_t> out((got.size() - at) / 2);
    std::memcpy(out.data(), got.data() + at, out.size() * 2);
    return out;
  }
  Address address;
  std::string got;
  bool ended = false;

 private:
  int listening_ = -1, connection_ = -1;
};

class StreamsTest : public EngineTest {
 protected:
  StreamsTest() : a(add(codec::pcmu())), b(add(codec::pcmu(), a.id)) {
    EXPECT_TRUE(engine_->join(a.id, b.id).ok());
    advance(50ms);
  }
  void run(milliseconds by, Consumer& consumer) {
    for (milliseconds t{0}; t < by; t += 20ms) {
      advance(20ms);
      consumer.take();
    }
  }
  StreamSpec spec(const Consumer& consumer, std::uint32_t rate = 8000) const {
    return {.leg = a.id, .to = consumer.address, .rate = rate, .preamble = std::string("who\0", 4)};
  }
  Party a, b;
};

TEST_F(StreamsTest, MetadataComesFirstThenWhatTheLegSaysAndNothingElse) {
  Consumer consumer;
  const auto id = engine_->stream(spec(consumer));
  ASSERT_TRUE(id.ok()) << id.error().message;
  run(100ms, consumer);
  const auto said = noise(500, 2);
  a.phone->say(said);
  b.phone->say(noise(500, 3));
  run(800ms, consumer);
  EXPECT_EQ(consumer.preamble(), "who");
  EXPECT_GT(find_in(consumer.pcm(), said).first, 0.97);
  EXPECT_LT(find_in(consumer.pcm(), noise(300, 3)).first, 0.3);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.97);
  EXPECT_NEAR(static_cast<double>(consumer.pcm().size()), 0.9 * 8000, 800);
  engine_->stop_stream(*id);
  run(100ms, consumer);
  EXPECT_TRUE(consumer.ended);
  EXPECT_EQ(engine_->counters().streams, 0U);
  EXPECT_EQ(engine_->stream_counters().streams.load(), 0U);
  EXPECT_EQ(engine_->stream_counters().samples_dropped.get(), 0U);
  EXPECT_EQ(stats(a.id).mode, "relay") << "nobody needs the sound any more";
}

TEST_F(StreamsTest, AtTheRateThatIsAskedForAndItEndsWithTheLeg) {
  Consumer consumer;
  ASSERT_TRUE(engine_->stream(spec(consumer, 16000)).ok());
  const auto tone = sine(500, 600);
  a.phone->say(tone);
  run(800ms, consumer);
  EXPECT_GT(find_in(consumer.pcm(), sine(500, 100, 16000)).first, 0.95);
  engine_->close(a.id);
  run(100ms, consumer);
  EXPECT_TRUE(consumer.ended);
  EXPECT_EQ(engine_->counters().streams, 0U);
}

TEST_F(StreamsTest, AConsumerThatReadsNothingLosesSoundAndTheCallDoesNot) {
  Consumer consumer;
  ASSERT_TRUE(engine_->stream(spec(consumer, 48000)).ok());
  advance(40ms);
  consumer.take();
  for (int i = 0; i < 100; ++i) {  // 58 KB each: in the end more than the kernel holds
    advance(600ms);
    if (engine_->stream_counters().samples_dropped.get() != 0) break;
  }
  EXPECT_GT(engine_->stream_counters().samples_dropped.get(), 0U);
  const auto said = noise(300, 9);
  a.phone->say(said);
  advance(500ms);
  EXPECT_GT(find_in(b.phone->heard(), said).first, 0.97);
}

TEST_F(StreamsTest, AConsumerThatIsAwayIsTriedAgainAndToldItsMetadataAnew) {
  Consumer gone;
  const StreamSpec wanted = spec(gone);
  gone.close();
  ASSERT_TRUE(engine_->stream(wanted).ok());
  advance(300ms);
  EXPECT_EQ(engine_->stream_counters().failures.get(), 1U);
  EXPECT_GT(engine_->stream_counters().samples_dropped.get(), 1000U);
  Consumer back(wanted.to.port());
  run(1500ms, back);
  EXPECT_EQ(back.preamble(), "who");
  const auto said = noise(300, 4);
  a.phone->say(said);
  run(600ms, back);
  EXPECT_GT(find_in(back.pcm(), said).first, 0.97);
}

TEST_F(StreamsTest, WhatCannotBeIsRefusedWithAReason) {
  Consumer consumer;
  EXPECT_EQ(engine_->stream({.leg = 999, .to = consumer.address, .rate = 8000, .preamble = ""}).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(engine_->stream({.leg = a.id, .to = {}, .rate = 8000, .preamble = ""}).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(engine_->stream(spec(consumer, 11025)).error().code, ErrorCode::unsupported);
  for (std::size_t i = 0; i < media::Leg::kRecordersMax; ++i)
    ASSERT_TRUE(engine_->stream(spec(consumer)).ok());
  EXPECT_EQ(engine_->stream(spec(consumer)).error().code, ErrorCode::exhausted);
}

}  // namespace
}  // namespace tandem::session
