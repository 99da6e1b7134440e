// The direct way from one codec to another, packet by packet: order, loss, pauses, packet lengths, and that
// nothing waits.
#include "core/media/transcoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"

namespace tandem::media {
namespace {

using namespace std::chrono_literals;

struct Made {
  rtp::Header header;
  std::vector<std::uint8_t> payload;
};

class Sink final : public TranscodeSink {
 public:
  void on_transcoded(const rtp::Header& header, std::span<const std::uint8_t> payload) override {
    made.push_back({header, {payload.begin(), payload.end()}});
  }
  std::vector<Made> made;
};

LegConfig config_of(const td_codec* codec, unsigned ptime_ms) {
  LegConfig config;
  config.payloads.push_back({codec, 96, 96, "", ""});
  config.send_ptime_ms = ptime_ms;
  return config;
}

codec::Encoder encoder_of(const td_codec* codec) { return std::move(*codec::Encoder::create(codec, "")); }
codec::Decoder decoder_of(const td_codec* codec) { return std::move(*codec::Decoder::create(codec, "")); }

// A source and a destination with a transcoder between; numbers close to the wraps.
class Way {
 public:
  Way(const td_codec* from, const td_codec* to, unsigned to_ptime_ms = 20)
      : from_(from),
        pool_(64),
        playout_(pool_, {}, decoders(from)),
        encoder_(encoder_of(to)),
        source_(encoder_of(from)),
        back_(decoder_of(to)) {
    auto made = Transcoder::create(config_of(from, 20), config_of(to, to_ptime_ms));
    EXPECT_TRUE(made);
    transcoder = std::move(*made);
  }

  // One packet of `ms`, whose place in order is `number` packets of 20 ms from the start.
  void push(int number, unsigned ms = 20, TimePoint at = TimePoint{}) {
    std::vector<std::int16_t> pcm(from_->sample_rate / 1000 * ms * from_->channels);
    for (std::size_t i = 0; i < pcm.size(); ++i)
      pcm[i] = static_cast<std::int16_t>(1000 + 8 * number + static_cast<int>(i % 64) * 16);
    std::vector<std::uint8_t> payload(2000);
    const int bytes = source_.encode(pcm, payload);
    ASSERT_GT(bytes, 0);
    payload.resize(static_cast<std::size_t>(bytes));
    push_raw(seq(number), time(number), payload, at);
  }
  void push_raw(rtp::SeqNum seq, rtp::RtpTime time, const std::vector<std::uint8_t>& payload,
                TimePoint at = TimePoint{}) {
    transcoder->push({false, 96, seq, time, rtp::Ssrc(7)}, payload, at, playout_, encoder_, sink);
  }
  void push_as(rtp::Ssrc ssrc, int number) {
    transcoder->push({false, 96, seq(number), time(number), ssrc}, std::vector<std::uint8_t>(320, 1),
                     TimePoint{}, playout_, encoder_, sink);
  }
  void push_event(rtp::SeqNum seq, rtp::RtpTime time) {
    transcoder->push_event({false, 101, seq, time, rtp::Ssrc(7)}, std::vector<std::uint8_t>{5, 10, 0, 160},
                           playout_, encoder_, sink);
  }
  void keep_up(TimePoint at) { transcoder->keep_up(at, playout_, encoder_, sink); }
  rtp::SeqNum seq(int number) const { return rtp::SeqNum(65530).plus(number); }
  rtp::RtpTime time(int number) const {
    return rtp::RtpTime(0xffffff00u).plus(std::int64_t{number} * from_->clock_rate / 50);
  }
  // All that was made, as sound.
  std::vector<std::int16_t> sound() {
    std::vector<std::int16_t> all, pcm(6000);
    for (const Made& m : sink.made) {
      const int n = back_.decode(m.payload, pcm);
      all.insert(all.end(), pcm.begin(), pcm.begin() + std::max(0, n) * int(back_.codec().channels));
    }
    return all;
  }

  std::unique_ptr<Transcoder> transcoder;
  Sink sink;

 private:
  static std::vector<Playout::Codec> decoders(const td_codec* codec) {
    std::vector<Playout::Codec> made;
    made.push_back({96, decoder_of(codec), std::nullopt});
    return made;
  }
  const td_codec* from_;
  jitter::PayloadPool pool_;
  Playout playout_;
  codec::Encoder encoder_, source_;
  codec::Decoder back_;
};

void expect_contiguous(const std::vector<Made>& made, int ticks) {
  for (std::size_t i = 1; i < made.size(); ++i) {
    EXPECT_EQ(made[i].header.seq - made[i - 1].header.seq, 1) << i;
    EXPECT_EQ(made[i].header.time - made[i - 1].header.time, ticks) << i;
  }
}

TEST(Transcoder, TranslatesTheLawsByteByByteWithTheSourcesOwnNumbers) {
  Way way(codec::pcmu(), codec::pcma());
  std::vector<std::uint8_t> bytes(160);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  for (const int number : {0, 1, 4, 3, 12}) {  // loss and order stay as they are
    way.sink.made.clear();
    way.push_raw(way.seq(number), way.time(number), bytes);
    ASSERT_EQ(way.sink.made.size(), 1u);
    const Made& made = way.sink.made.front();
    EXPECT_EQ(made.header.seq, way.seq(number));
    EXPECT_EQ(made.header.time, way.time(number));
    for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(made.payload[i], codec::kUlawToAlaw[bytes[i]]);
  }
  EXPECT_EQ(way.transcoder->counts().translated, 5u);
  EXPECT_EQ(way.transcoder->counts().decoded, 0u);
}

TEST(Transcoder, SendsEachPacketWhenItComes) {
  Way way(codec::l16_8000(), codec::pcmu());
  for (int i = 0; i < 12; ++i) {
    way.push(i);
    EXPECT_EQ(way.sink.made.size(), static_cast<std::size_t>(i + 1)) << "nothing waits for what comes next";
  }
  expect_contiguous(way.sink.made, 160);
  EXPECT_NEAR(way.sound()[160 * 5 + 3], 1000 + 8 * 5 + 3 * 16, 40);
}

TEST(Transcoder, MakesPacketsOfTheLengthThatWasAskedFor) {
  for (const unsigned in_ms : {10u, 20u, 30u, 40u, 60u})
    for (const unsigned out_ms : {10u, 20u, 30u, 40u, 50u, 60u}) {
      Way way(codec::pcmu(), codec::pcma(), out_ms);
      std::vector<std::uint8_t> bytes(8 * in_ms, 0x10);
      for (unsigned i = 0; i < 600 / in_ms; ++i)
        way.push_raw(rtp::SeqNum(65530).plus(static_cast<int>(i)),
                     rtp::RtpTime(0xffffff00u).plus(8 * in_ms * i), bytes);
      ASSERT_EQ(way.sink.made.size(), 600 / out_ms) << in_ms << " ms into " << out_ms;
      expect_contiguous(way.sink.made, static_cast<int>(8 * out_ms));
      for (const Made& made : way.sink.made) EXPECT_EQ(made.payload.size(), 8 * out_ms);
    }
}

TEST(Transcoder, AStallLeavesNoLag) {
  Way way(codec::l16_8000(), codec::pcmu());
  for (int i = 0; i < 5; ++i) way.push(i, 20, TimePoint(i * 20ms));
  for (int i = 5; i < 30; ++i) way.push(i, 20, TimePoint(500ms));  // all at once
  EXPECT_EQ(way.sink.made.size(), 30u);
  way.push(30, 20, TimePoint(600ms));
  EXPECT_EQ(way.sink.made.size(), 31u) << "the next one goes out when it comes";
  expect_contiguous(way.sink.made, 160);
}

TEST(Transcoder, MakesUpAShortLoss) {
  for (const int lost : {1, 2, 3}) {
    Way way(codec::l16_8000(), codec::pcmu());
    for (int i = 0; i < 10; ++i) way.push(i);
    way.push(10 + lost);
    ASSERT_EQ(way.sink.made.size(), 11u + static_cast<unsigned>(lost));
    expect_contiguous(way.sink.made, 160);
    EXPECT_GE(way.transcoder->counts().concealed, 1u);
    const auto sound = way.sound();
    EXPECT_GT(std::abs(sound[1605]), 300) << "it is not silence";
  }
}

TEST(Transcoder, LeavesALongLossToTheFarEnd) {
  Way way(codec::l16_8000(), codec::pcmu());
  for (int i = 0; i < 10; ++i) way.push(i);
  way.push(20);
  ASSERT_EQ(way.sink.made.size(), 11u);
  EXPECT_EQ(way.sink.made[10].header.seq - way.sink.made[9].header.seq, 11) << "it sees what is missing";
  EXPECT_EQ(way.sink.made[10].header.time - way.sink.made[9].header.time, 11 * 160);
}

TEST(Transcoder, APauseIsNoLossAndEndsWithTheMarker) {
  Way way(codec::l16_8000(), codec::pcmu());
  for (int i = 0; i < 3; ++i) way.push(i);
  std::vector<std::uint8_t> payload(320, 1);
  way.push_raw(way.seq(3), way.time(40), payload);
  ASSERT_EQ(way.sink.made.size(), 4u);
  EXPECT_EQ(way.sink.made[3].header.seq - way.sink.made[2].header.seq, 1);
  EXPECT_EQ(way.sink.made[3].header.time - way.sink.made[2].header.time, 38 * 160);
  EXPECT_TRUE(way.sink.made[3].header.marker);
  EXPECT_EQ(way.transcoder->counts().concealed, 0u);
}

TEST(Transcoder, WaitsForThePacketBeforeOnlyWherePacketsChangePlaces) {
  Way way(codec::l16_8000(), codec::pcmu());
  TimePoint now{};
  way.push(0, 20, now);
  way.push(2, 20, now);
  EXPECT_EQ(way.sink.made.size(), 3u) << "no reason to wait yet: it is made up";
  way.push(1, 20, now);
  EXPECT_EQ(way.transcoder->counts().late, 1u);
  way.push(4, 20, now);
  EXPECT_EQ(way.sink.made.size(), 3u);
  way.push(3, 20, now);
  EXPECT_EQ(way.sink.made.size(), 5u);
  expect_contiguous(way.sink.made, 160);
  EXPECT_NEAR(way.sound()[160 * 3], 1000 + 8 * 3, 40);
  EXPECT_NEAR(way.sound()[160 * 4], 1000 + 8 * 4, 40);
  way.push(6, 20, now);
  way.keep_up(now + 15ms);
  EXPECT_EQ(way.sink.made.size(), 5u);
  way.keep_up(now + 20ms);
  EXPECT_EQ(way.sink.made.size(), 7u) << "it waits for a frame at most";
  way.push(8, 20, now + 11s);
  EXPECT_EQ(way.sink.made.size(), 9u) << "and forgets after a while";
}

TEST(Transcoder, EventsBetweenTheAudioAreNoLoss) {
  Way way(codec::l16_8000(), codec::pcmu());
  way.push(0);
  way.transcoder->pass(way.seq(1));
  way.transcoder->pass(way.seq(2));
  std::vector<std::uint8_t> payload(320, 1);
  way.push_raw(way.seq(3), way.time(3), payload);
  ASSERT_EQ(way.sink.made.size(), 2u);
  EXPECT_EQ(way.sink.made[1].header.seq - way.sink.made[0].header.seq, 1);
  EXPECT_EQ(way.sink.made[1].header.time - way.sink.made[0].header.time, 3 * 160);
  EXPECT_EQ(way.transcoder->counts().concealed, 0u);
}

// The digit and the audio after it stand in the far end's time where they stood in the source's, also where a
// packet was half full, and the three end packets share their number on both sides.
TEST(Transcoder, EventsGoOnInTheirPlaceAndTheAudioAfterThemKeepsItsDelay) {
  struct Row {
    const td_codec* from;
    const td_codec* to;
    unsigned ptime_ms;
    int flushed;  // packets that the event made full
  };
  for (const Row& row :
       {Row{codec::pcmu(), codec::pcma(), 20, 0}, Row{codec::l16_8000(), codec::pcmu(), 20, 0},
        Row{codec::l16_8000(), codec::pcmu(), 40, 1}}) {
    Way way(row.from, row.to, row.ptime_ms);
    EXPECT_TRUE(way.transcoder->passes_events());
    for (int i = 0; i < 5; ++i) way.push(i);
    const std::size_t before = way.sink.made.size();
    const auto lag = [&](const Made& made, int number) { return made.header.time - way.time(number); };
    const int line = lag(way.sink.made.front(), 0);
    for (int i = 5; i < 8; ++i) way.push_event(way.seq(i), way.time(5));
    way.push_event(way.seq(7), way.time(5));
    ASSERT_EQ(way.sink.made.size(), before + 4 + static_cast<std::size_t>(row.flushed));
    const std::size_t first = before + static_cast<std::size_t>(row.flushed);
    for (std::size_t i = first; i < first + 4; ++i) {
      EXPECT_EQ(lag(way.sink.made[i], 5), line);
      EXPECT_EQ(way.sink.made[i].payload.size(), 4u);
    }
    EXPECT_EQ(way.sink.made[first].header.seq - way.sink.made[first - 1].header.seq, 1);
    EXPECT_EQ(way.sink.made[first + 2].header.seq, way.sink.made[first + 3].header.seq);
    for (int i = 8; i < 10; ++i) way.push(i);
    const Made& audio = way.sink.made[first + 4];
    EXPECT_EQ(audio.header.seq - way.sink.made[first + 3].header.seq, 1);
    EXPECT_EQ(lag(audio, 8), line) << "no lag is left by a digit";
    EXPECT_EQ(way.transcoder->counts().concealed, 0u);
  }
}

TEST(Transcoder, APayloadThatIsNoneCountsAsLost) {
  Way way(codec::l16_8000(), codec::pcmu());
  way.push(0);
  way.push_raw(way.seq(1), way.time(1), std::vector<std::uint8_t>(319, 1));
  way.push_raw(way.seq(2), way.time(2), {});
  EXPECT_EQ(way.sink.made.size(), 1u);
  way.push(3);
  EXPECT_EQ(way.transcoder->counts().undecodable, 2u);
  ASSERT_EQ(way.sink.made.size(), 4u);
  expect_contiguous(way.sink.made, 160);
}

TEST(Transcoder, ANewSourceIsNotMixedWithTheOldOne) {
  Way way(codec::l16_8000(), codec::pcmu(), 40);
  for (int i = 0; i < 3; ++i) way.push(i);
  ASSERT_EQ(way.sink.made.size(), 1u);
  way.push_as(rtp::Ssrc(8), 0);
  EXPECT_EQ(way.sink.made.size(), 1u) << "half a packet of the old source is left out";
  way.push_as(rtp::Ssrc(8), 1);
  ASSERT_EQ(way.sink.made.size(), 2u);
  EXPECT_EQ(way.sink.made[1].header.ssrc, rtp::Ssrc(8));
  EXPECT_TRUE(way.sink.made[1].header.marker);
}

}  // namespace
}  // namespace tandem::media
