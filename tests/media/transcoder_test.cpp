// The direct way from one codec to another, packet by packet: order, loss, pauses, packet lengths, and that
// nothing waits.
#include "core/media/transcoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
  void on_noise(const rtp::Header& header, std::span<const std::uint8_t> payload) override {
    noise.push_back({header, {payload.begin(), payload.end()}});
  }
  std::vector<Made> made, noise;
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
      : Way(config_of(from, 20), config_of(to, to_ptime_ms)) {}
  Way(const LegConfig& source, const LegConfig& destination)
      : Way(source, destination, source.payloads.front().codec, destination.payloads.front().codec) {}
  Way(const LegConfig& source, const LegConfig& destination, const td_codec* from, const td_codec* to)
      : from_(from),
        pool_(64),
        playout_(pool_, {}, decoders(from)),
        encoder_(encoder_of(to)),
        source_(encoder_of(from)),
        back_(decoder_of(to)) {
    auto made = Transcoder::create(source, destination);
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
  // Speech whose number and whose time are not each other's.
  void push_numbered(int number, int time_number, TimePoint at) {
    const std::vector<std::uint8_t> payload(160, 0x55);
    push_raw(seq(number), time(time_number), payload, at);
  }
  void push_noise_numbered(int number, int time_number, const std::vector<std::uint8_t>& payload,
                           TimePoint at) {
    transcoder->push_noise({false, 13, seq(number), time(time_number), rtp::Ssrc(7)}, payload,
                           from_->clock_rate, at, playout_, encoder_, sink);
  }
  void push_noise(int number, const std::vector<std::uint8_t>& payload, TimePoint at) {
    transcoder->push_noise({false, 13, seq(number), time(number), rtp::Ssrc(7)}, payload, from_->clock_rate,
                           at, playout_, encoder_, sink);
  }
  void push_event(rtp::SeqNum seq, rtp::RtpTime time) {
    transcoder->push_event({false, 101, seq, time, rtp::Ssrc(7)}, std::vector<std::uint8_t>{5, 10, 0, 160},
                           from_->clock_rate, playout_, encoder_, sink);
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

TEST(Transcoder, StereoStaysStereoAtAnotherRate) {
  const auto stereo = [](std::uint32_t rate) {
    for (const td_codec* one : codec::l16_all())
      if (one->sample_rate == rate && one->channels == 2) return one;
    return static_cast<const td_codec*>(nullptr);
  };
  const td_codec *from = stereo(8000), *to = stereo(16000);
  ASSERT_TRUE(from != nullptr && to != nullptr);
  Way way(from, to);
  std::vector<std::uint8_t> payload;
  for (int i = 0; i < 160; ++i) {  // left 0x2000, right -0x1000
    for (const int byte : {0x20, 0x00, 0xf0, 0x00}) payload.push_back(static_cast<std::uint8_t>(byte));
  }
  for (int i = 0; i < 10; ++i) way.push_raw(way.seq(i), way.time(i), payload);
  const auto sound = way.sound();
  ASSERT_EQ(sound.size(), 10u * 320 * 2);
  for (std::size_t at = sound.size() / 2; at < sound.size(); at += 2) {
    ASSERT_NEAR(sound[at], 0x2000, 40) << at;
    ASSERT_NEAR(sound[at + 1], -0x1000, 40) << at;
  }
}

// A voice of 125 Hz, to the left; what `way` makes of it without packets `lost`.
std::vector<std::int16_t> carried(const td_codec* from, const td_codec* to, std::initializer_list<int> lost) {
  Way way(from, to);
  auto encoder = encoder_of(from);
  const std::size_t samples = from->sample_rate / 50;
  for (int n = 0; n < 30; ++n) {
    std::vector<std::int16_t> pcm;
    for (std::size_t i = 0; i < samples; ++i) {
      const double t = static_cast<double>(static_cast<std::size_t>(n) * samples + i) / from->sample_rate;
      double value = 0;
      for (int k = 1; k <= 12; ++k) value += std::cos(2 * 3.14159265 * 125 * k * t + k) / k;
      for (std::uint32_t c = 0; c < from->channels; ++c)
        pcm.push_back(static_cast<std::int16_t>(4000 * value / (c == 0 ? 1 : 3)));
    }
    std::vector<std::uint8_t> payload(2000);
    payload.resize(static_cast<std::size_t>(encoder.encode(pcm, payload)));
    if (std::find(lost.begin(), lost.end(), n) == lost.end()) way.push_raw(way.seq(n), way.time(n), payload);
  }
  EXPECT_EQ(way.transcoder->counts().concealed, lost.size());
  return way.sound();
}

TEST(Transcoder, WhatIsLostOfAVoiceIsMadeUpInBothChannels) {
  const auto l16 = [](std::uint32_t rate, std::uint32_t channels) {
    const auto all = codec::l16_all();
    return *std::find_if(all.begin(), all.end(), [&](const td_codec* one) {
      return one->sample_rate == rate && one->channels == channels;
    });
  };
  for (const std::uint32_t from : {8000u, 16000u})
    for (const std::uint32_t to : {8000u, 16000u})
      for (const std::uint32_t channels : {1u, 2u}) {
        if (from == to) continue;  // nothing to transcode
        const auto whole = carried(l16(from, channels), l16(to, channels), {});
        const auto heard = carried(l16(from, channels), l16(to, channels), {12, 20});
        ASSERT_EQ(whole.size(), heard.size());
        ASSERT_GT(whole.size(), to / 50 * 25u);
        const std::size_t frame = to / 50 * channels;
        for (std::size_t c = 0; c < channels; ++c)
          for (const std::size_t lost : {12u, 20u}) {
            double signal = 0, noise = 0;
            for (std::size_t i = lost * frame + c; i < (lost + 1) * frame; i += channels) {
              signal += whole[i] * whole[i];
              noise += (whole[i] - heard[i]) * (whole[i] - heard[i]);
            }
            EXPECT_GT(10 * std::log10(signal / noise), channels == 1 ? 14 : 10)
                << from << " to " << to << " channel " << c << " of " << channels << ", packet " << lost;
          }
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

// ---- pauses

double level_of(const std::vector<std::int16_t>& pcm, std::size_t from, std::size_t n) {
  double sum = 0;
  for (std::size_t i = from; i < from + n && i < pcm.size(); ++i) sum += double(pcm[i]) * pcm[i];
  return 10 * std::log10(std::max(sum / static_cast<double>(n), 1e-9) / (32768.0 * 32768.0));
}

LegConfig with_noise(LegConfig config) {
  config.noise.push_back({13, 13, config.payloads.front().codec->clock_rate});
  return config;
}

// Ten packets of speech, a second of told silence, ten packets of speech: by the clock, as the engine calls
// it.
void pause_of_a_second(Way& way, int speech_late_ms = 0) {
  const TimePoint start = TimePoint(100s);
  for (int i = 0; i < 10; ++i) way.push(i, 20, start + i * 20ms);
  way.push_noise(10, {40}, start + 200ms);
  for (int ms = 200; ms < 1200 + speech_late_ms; ms += 20) way.keep_up(start + milliseconds(ms));
  for (int i = 0; i < 10; ++i)  // its time goes on after the pause, its numbers just behind the description
    way.push_numbered(11 + i, 60 + i, start + milliseconds(1200 + speech_late_ms + i * 20));
}

TEST(Transcoder, AToldPauseIsNoiseByTheClockForWhoTakesNoDescriptions) {
  for (const td_codec* to : {codec::pcma(), codec::pcmu(), codec::l16_8000()}) {
    Way way(with_noise(config_of(codec::pcmu(), 20)), config_of(to, 20));
    pause_of_a_second(way);
    EXPECT_TRUE(way.sink.noise.empty());
    ASSERT_GE(way.sink.made.size(), 69u) << to->name;
    EXPECT_LE(way.sink.made.size(), 71u) << to->name;
    expect_contiguous(way.sink.made, 160);
    EXPECT_NEAR(level_of(way.sound(), 10 * 160 + 800, 40 * 160), -40, 1.5) << to->name;
    EXPECT_EQ(way.transcoder->counts().concealed, 0u) << to->name;
    EXPECT_EQ(way.sink.made.back().header.time - way.sink.made.front().header.time, 69 * 160) << to->name;
  }
}

TEST(Transcoder, ANoiseThatWasMadeTooLongIsTakenBackByTheNextPause) {
  Way way(with_noise(config_of(codec::pcmu(), 20)), config_of(codec::pcma(), 20));
  pause_of_a_second(way, 60);
  const auto lag = [&] { return way.sink.made.back().header.time - way.time(69); };
  EXPECT_NEAR(lag(), 3 * 160, 160) << "60 ms of noise more than the source was silent";
  expect_contiguous(way.sink.made, 160);
  const TimePoint start = TimePoint(200s);
  way.push_noise_numbered(21, 70, {40}, start);
  for (int ms = 0; ms < 500; ms += 20) way.keep_up(start + milliseconds(ms));
  way.push_numbered(22, 95, start + 500ms);
  EXPECT_EQ(way.sink.made.back().header.time - way.time(95), 0);
  expect_contiguous(way.sink.made, 160);
}

TEST(Transcoder, ADescriptionGoesOnToWhoTakesItInItsPlace) {
  for (const td_codec* to : {codec::pcma(), codec::pcmu(), codec::l16_8000()}) {
    Way way(with_noise(config_of(codec::pcmu(), 20)), with_noise(config_of(to, 20)));
    pause_of_a_second(way);
    ASSERT_EQ(way.sink.noise.size(), 1u) << to->name;
    ASSERT_EQ(way.sink.made.size(), 20u) << to->name;
    EXPECT_EQ(way.sink.noise[0].payload, std::vector<std::uint8_t>{40});
    EXPECT_EQ(way.sink.noise[0].header.seq - way.sink.made[9].header.seq, 1) << to->name;
    EXPECT_EQ(way.sink.noise[0].header.time - way.sink.made[9].header.time, 160) << to->name;
    EXPECT_EQ(way.sink.made[10].header.seq - way.sink.noise[0].header.seq, 1) << to->name;
    EXPECT_EQ(way.sink.made[10].header.time - way.sink.made[9].header.time, 51 * 160) << to->name;
  }
}

TEST(Transcoder, SilenceIsDescribedToWhoWantsThatAndSpeechIsNot) {
  LegConfig to = with_noise(config_of(codec::pcma(), 20));
  to.suppress_silence = true;
  Way way(config_of(codec::l16_8000(), 20), to);
  std::vector<std::uint8_t> room(320);
  std::uint32_t seed = 3;
  for (int i = 0; i < 150; ++i) {
    for (std::size_t k = 0; k < room.size(); k += 2) {
      const auto sample = static_cast<std::int16_t>(
          static_cast<std::int32_t>((seed = seed * 1664525u + 1013904223u) >> 16) % 61 - 30);
      room[k] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(sample) >> 8);
      room[k + 1] = static_cast<std::uint8_t>(sample & 0xFF);
    }
    way.push_raw(way.seq(i), way.time(i), room);
  }
  const std::size_t quiet = way.sink.made.size();
  EXPECT_LT(quiet, 20u) << "at first the floor is learned";
  ASSERT_GE(way.sink.noise.size(), 2u);
  EXPECT_LE(way.sink.noise.size(), 5u) << "one a second, and one at the begin";
  EXPECT_NEAR(way.sink.noise.back().payload.at(0), 65, 3);
  EXPECT_EQ(way.sink.noise[0].header.seq - way.sink.made.back().header.seq, 1);
  for (int i = 150; i < 160; ++i) way.push(i);
  ASSERT_EQ(way.sink.made.size(), quiet + 10);
  EXPECT_TRUE(way.sink.made[quiet].header.marker) << "a talk spurt begins (RFC 3551 4.1)";
  EXPECT_EQ(way.sink.made[quiet].header.time - way.sink.made[0].header.time, 150 * 160);
}

// ---- packets of another length

LegConfig asking(const td_codec* codec, unsigned ptime_ms) {
  LegConfig config = config_of(codec, ptime_ms);
  config.ptime_asked = true;
  return config;
}

TEST(Transcoder, OneCodecIsCutAndJoinedWithoutBeingDecoded) {
  for (const td_codec* codec : {codec::pcmu(), codec::l16_8000()})
    for (const auto& [from_ms, to_ms] : {std::pair{20, 60}, {60, 20}, {20, 30}, {30, 20}, {10, 20}}) {
      Way way(config_of(codec, static_cast<unsigned>(from_ms)), asking(codec, static_cast<unsigned>(to_ms)));
      EXPECT_FALSE(speak_alike(config_of(codec, static_cast<unsigned>(from_ms)),
                               asking(codec, static_cast<unsigned>(to_ms))));
      std::vector<std::uint8_t> said, heard;
      const std::size_t unit = codec == codec::pcmu() ? 8 : 16;  // bytes a ms
      const int packets = 600 / from_ms;
      for (int i = 0; i < packets; ++i) {
        std::vector<std::uint8_t> payload(unit * static_cast<std::size_t>(from_ms));
        for (std::size_t k = 0; k < payload.size(); ++k)
          payload[k] = static_cast<std::uint8_t>(said.size() + k * 7);
        said.insert(said.end(), payload.begin(), payload.end());
        way.push_raw(way.seq(i), way.time(0).plus(i * from_ms * 8), payload);
      }
      for (const Made& made : way.sink.made) {
        EXPECT_EQ(made.payload.size(), unit * static_cast<std::size_t>(to_ms))
            << codec->name << from_ms << to_ms;
        heard.insert(heard.end(), made.payload.begin(), made.payload.end());
      }
      EXPECT_EQ(heard, said) << codec->name << ' ' << from_ms << " to " << to_ms;
      expect_contiguous(way.sink.made, to_ms * 8);
      EXPECT_EQ(way.transcoder->counts().decoded, 0u);
    }
}

TEST(Transcoder, ALossIsSeenAtTheFarEndAlsoWherePacketsAreJoined) {
  Way way(config_of(codec::pcmu(), 20), asking(codec::pcmu(), 60));
  const std::vector<std::uint8_t> payload(160, 1);
  for (const int number : {0, 1, 2, 3, 5, 6, 7, 8}) way.push_raw(way.seq(number), way.time(number), payload);
  ASSERT_EQ(way.sink.made.size(), 3u);
  EXPECT_EQ(way.sink.made[1].payload.size(), 160u) << "what came before the loss";
  EXPECT_EQ(way.sink.made[1].header.time - way.sink.made[0].header.time, 480);
  EXPECT_EQ(way.sink.made[2].header.seq - way.sink.made[1].header.seq, 2) << "one is missing";
  EXPECT_EQ(way.sink.made[2].header.time - way.time(5), way.sink.made[0].header.time - way.time(0));
  EXPECT_FALSE(way.sink.made[2].header.marker);
}

TEST(Transcoder, PacketsOfTheLengthAskedForGoOnUntouched) {
  Way way(config_of(codec::pcmu(), 30), asking(codec::pcmu(), 20));
  std::vector<std::uint8_t> payload(160, 9);  // it was to send 30 ms, and sends what suits
  for (const int number : {0, 1, 3, 2}) {
    way.push_raw(way.seq(number), way.time(number), payload);
    EXPECT_EQ(way.sink.made.back().header.seq, way.seq(number));
    EXPECT_EQ(way.sink.made.back().payload, payload);
  }
  EXPECT_EQ(way.transcoder->counts().translated, 4u);
}

// A tenth of a second at 8 kHz is one at 48.
TEST(Transcoder, AnEventBetweenClocksKeepsItsPlaceAndItsLength) {
  LegConfig narrow = config_of(codec::pcmu(), 20);
  const td_codec* wide = nullptr;
  for (const td_codec* one : codec::l16_all())
    if (one->clock_rate == 16000 && one->channels == 1) wide = one;
  ASSERT_NE(wide, nullptr);
  Way way(narrow, config_of(wide, 20));
  for (int i = 0; i < 5; ++i) way.push(i);
  const std::size_t before = way.sink.made.size();
  for (int i = 5; i < 8; ++i) way.push_event(way.seq(i), way.time(5));
  const Made event = way.sink.made.at(before);
  ASSERT_EQ(event.payload.size(), 4u);
  EXPECT_EQ(event.payload[2] << 8 | event.payload[3], 320) << "twice 160";
  EXPECT_NEAR(event.header.time - way.sink.made[0].header.time, 5 * 320, 320);
  for (int i = 8; i < 10; ++i) way.push(i);
  EXPECT_NEAR(way.sink.made.back().header.time - event.header.time, 4 * 320, 64);
}

}  // namespace
}  // namespace tandem::media
