// The playout of a leg on a counted clock: its delay follows the network, its sound stays the sound.
#include "core/media/playout.hpp"

#include <gtest/gtest.h>

#include "core/codec/g711.hpp"
#include "tests/audio/signal.hpp"

namespace tandem::media {
namespace {

using audio::testing::Pcm;

// One byte of level, and the level of the packet before (its redundancy), for 20 ms each.
struct td_codec leveled() {
  static int state;
  struct td_codec codec {};
  codec.size = sizeof(codec);
  codec.name = "level";
  codec.static_type = -1;
  codec.clock_rate = codec.sample_rate = 8000;
  codec.rtpmap_channels = codec.channels = 1;
  codec.frame_samples = 160;
  codec.max_payload = 2;
  codec.default_fmtp = "";
  codec.create_decoder = [](td_str) noexcept { return reinterpret_cast<td_decoder*>(&state); };
  codec.destroy_decoder = [](td_decoder*) noexcept {};
  codec.decode = [](td_decoder*, const std::uint8_t* payload, std::uint32_t, std::int16_t* pcm,
                    std::uint32_t) noexcept -> std::int32_t {
    std::fill_n(pcm, 160, std::int16_t{payload[0]});
    return 160;
  };
  codec.conceal = [](td_decoder*, std::int16_t* pcm, std::uint32_t samples) noexcept -> std::int32_t {
    std::fill_n(pcm, samples, std::int16_t{-1});
    return static_cast<std::int32_t>(samples);
  };
  codec.payload_samples = [](const std::uint8_t*, std::uint32_t) noexcept -> std::int32_t { return 160; };
  codec.recover = [](td_decoder*, const std::uint8_t* next, std::uint32_t, std::int16_t* pcm,
                     std::uint32_t samples) noexcept -> std::int32_t {
    if (next[1] == 0) return 0;
    std::fill_n(pcm, samples, std::int16_t{next[1]});
    return static_cast<std::int32_t>(samples);
  };
  return codec;
}

class PlayoutTest : public ::testing::Test {
 protected:
  void make(const td_codec* codec, jitter::JitterConfig config = {}) {
    std::vector<Playout::Codec> decoders;
    decoders.push_back({0, std::move(*codec::Decoder::create(codec, "")), {}});
    playout_.emplace(pool_, config, std::move(decoders));
  }
  void TearDown() override {
    if (playout_) playout_->reset();
  }
  static TimePoint at(double ms) {
    return TimePoint(seconds(100) + microseconds(static_cast<std::int64_t>(ms * 1000)));
  }
  void send(unsigned i, std::span<const std::uint8_t> payload, double ms) {
    (void)playout_->push(
        {.sequence = static_cast<std::uint16_t>(65500 + i), .timestamp = 0xFFFFF000u + i * 160, .ssrc = 1},
        payload, at(ms));
  }
  Pcm hear(double ms) {
    Pcm frame(160);
    playout_->pull(at(ms), frame);
    return frame;
  }
  // A tone of 200 Hz; packet i arrives at when(i), in order. What is heard until the last one arrives.
  template <typename When>
  Pcm call(unsigned packets, When when) {
    const Pcm tone = audio::testing::sine(200, 8000, packets * 160);
    Pcm heard;
    unsigned next = 0;
    for (double now = 0; next < packets; now += 20) {
      for (; next < packets && when(next) <= now; ++next) {
        std::array<std::uint8_t, 160> payload;
        codec::encode_ulaw({tone.data() + next * 160, 160}, payload.data());
        send(next, payload, when(next));
      }
      const Pcm frame = hear(now);
      heard.insert(heard.end(), frame.begin(), frame.end());
    }
    return heard;
  }

  jitter::PayloadPool pool_{200};
  std::optional<Playout> playout_;
};

void expect_tone(const Pcm& heard, std::size_t from) {
  for (std::size_t i = from; i + 800 <= heard.size(); i += 800)
    EXPECT_GT(audio::testing::tone_amplitude({heard.data() + i, 800}, 200, 8000), 9000) << i;
}

TEST_F(PlayoutTest, TakesTheDelayOfAStallBackByScalingTime) {
  make(codec::pcmu());
  const Pcm heard = call(600, [](unsigned i) { return i >= 200 && i < 210 ? 4200.0 : i * 20.0 + 3; });
  expect_tone(heard, 8000 * 4400 / 1000);
  EXPECT_GT(playout_->counts().shortened, 8000u * 120 / 1000);
  EXPECT_EQ(playout_->jitter().stats().left_out, 0u);
  EXPECT_LE(playout_->jitter().delay().count(), 44);
}

TEST_F(PlayoutTest, FollowsAClockOff200PpmWithoutAGap) {
  for (const double ppm : {200.0, -200.0}) {
    make(codec::pcmu());
    const Pcm heard = call(20000, [&](unsigned i) { return i * 20 * (1 + ppm * 1e-6) + 11; });
    expect_tone(heard, 800);
    EXPECT_LE(playout_->counts().concealed, 1u) << ppm;
    EXPECT_EQ(playout_->jitter().stats().left_out, 0u) << ppm;
    EXPECT_LE(playout_->jitter().delay().count(), 50) << ppm;
    EXPECT_LE(playout_->counts().shortened + playout_->counts().lengthened, 8000u * 200 / 1000)
        << ppm << ": 80 ms were to be made good";
    playout_->reset();
  }
}

TEST_F(PlayoutTest, RecoversALostPacketFromTheOneBehindIt) {
  static const struct td_codec codec = leveled();
  make(&codec, {.min_delay = milliseconds(40)});
  std::vector<int> levels;
  for (unsigned i = 0; i < 60; ++i) {
    const std::uint8_t payload[2] = {static_cast<std::uint8_t>(i + 1), static_cast<std::uint8_t>(i)};
    if (i != 20 && i != 40 && i != 41) send(i, payload, i * 20);
    const Pcm frame = hear(i * 20);
    EXPECT_EQ(frame.front(), frame.back()) << i;
    levels.push_back(frame.front());
  }
  EXPECT_EQ(playout_->counts().recovered, 2u);
  EXPECT_EQ(playout_->counts().concealed, 1u);
  for (std::size_t i = 4; i < levels.size(); ++i)
    EXPECT_EQ(levels[i], i == 42 ? -1 : static_cast<int>(i) - 1) << i;
}

TEST_F(PlayoutTest, ConcealsWhereTheNextPacketRepeatsNothing) {
  static const struct td_codec codec = leveled();
  make(&codec, {.min_delay = milliseconds(40)});
  for (unsigned i = 0; i < 60; ++i) {
    const std::uint8_t payload[2] = {static_cast<std::uint8_t>(i + 1), 0};
    if (i != 20) send(i, payload, i * 20);
    (void)hear(i * 20);
  }
  EXPECT_EQ(playout_->counts().recovered, 0u);
  EXPECT_EQ(playout_->counts().concealed, 1u);
}

// A decoder with a memory takes each packet once, in order, also where one is needed before its turn.
TEST_F(PlayoutTest, DecodesThePacketBehindALossAheadOfItsTurnButOnce) {
  static std::vector<int> decoded;
  decoded.clear();
  static struct td_codec codec = leveled();
  codec.recover = nullptr;
  codec.conceal = [](td_decoder*, std::int16_t*, std::uint32_t) noexcept { return std::int32_t{0}; };
  codec.decode = [](td_decoder*, const std::uint8_t* payload, std::uint32_t, std::int16_t* pcm,
                    std::uint32_t) noexcept -> std::int32_t {
    decoded.push_back(payload[0]);
    std::fill_n(pcm, 160, static_cast<std::int16_t>(payload[0] * 100));
    return 160;
  };
  make(&codec, {.min_delay = milliseconds(40)});
  std::vector<int> levels, expected;
  for (unsigned i = 0; i < 60; ++i) {
    const std::uint8_t payload[2] = {static_cast<std::uint8_t>(i + 1), 0};
    if (i != 20 && i != 40 && i != 41) {
      send(i, payload, i * 20);
      if (i <= 57) expected.push_back(static_cast<int>(i + 1));
    }
    levels.push_back(hear(i * 20).back());
  }
  EXPECT_EQ(decoded, expected);
  EXPECT_EQ(playout_->counts().concealed, 3u);
  for (std::size_t i = 4; i < levels.size(); ++i) {
    const bool made_up = i == 22 || i == 42 || i == 43;
    if (made_up) continue;
    EXPECT_EQ(levels[i], static_cast<int>(i - 1) * 100) << i;
  }
}

TEST_F(PlayoutTest, AFixedDelayIsKept) {
  make(codec::pcmu(), {.min_delay = milliseconds(100), .fixed = true});
  (void)call(500, [](unsigned i) { return i * 20.0 + (i % 5) * 4; });
  EXPECT_NEAR(static_cast<double>(playout_->jitter().delay().count()), 110, 14);
  EXPECT_EQ(playout_->counts().concealed, 0u);
}

}  // namespace
}  // namespace tandem::media
