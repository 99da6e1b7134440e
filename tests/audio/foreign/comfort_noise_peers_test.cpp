// Comfort noise (RFC 3389) with those who speak it besides us: what we describe and they play, what they
// describe and we play, is as loud and has the same spectrum as the room that was measured, within the
// tolerances below. WebRTC does as we do. FFmpeg plays 6 dB below what it is told. bcg729, which is
// Linphone's, describes 6 dB below and plays 6 dB above (2 dB more or less with dull noise), and its
// reflection coefficients have the other sign.
#include <gtest/gtest.h>

#include "core/audio/comfort_noise.hpp"
#include "tests/audio/foreign/noise_peer.hpp"
#include "tests/audio/signal.hpp"

namespace tandem::audio {
namespace {

using namespace testing;
using tandem::testing::NoisePeer;

// How far the spectrum may be off: how alike samples 1, 2 and 4 apart are, of 1.
constexpr double kLikeness = 0.25;

struct Room {
  const char* name;
  double dbov;
  double pole;  // 0: white; nearer 1: duller; below 0: brighter
};
constexpr Room kRooms[] = {
    {"white", -50, 0}, {"dull", -45, 0.8}, {"dull and soft", -60, 0.7}, {"bright", -55, -0.5}};

std::vector<NoisePeer> peers() {
  std::vector<NoisePeer> all;
#ifdef TANDEM_HAVE_FFMPEG
  all.push_back(tandem::testing::ffmpeg_noise());
#endif
#ifdef TANDEM_HAVE_BCG729
  all.push_back(tandem::testing::bcg729_noise());
#endif
#ifdef TANDEM_HAVE_WEBRTC
  all.push_back(tandem::testing::webrtc_noise());
#endif
  return all;
}

Pcm sound_of(const Room& room, std::size_t samples) {
  const double gain = 32768 * std::pow(10, room.dbov / 20) * std::sqrt(3 * (1 - room.pole * room.pole));
  std::uint32_t seed = 4711;
  double last = 0;
  Pcm pcm(samples);
  for (std::int16_t& sample : pcm) {
    seed = seed * 1664525u + 1013904223u;
    last = room.pole * last + gain * (static_cast<double>(seed >> 8) / 8388608.0 - 1);
    sample = static_cast<std::int16_t>(std::lrint(last));
  }
  return pcm;
}

double level_db(std::span<const std::int16_t> pcm) {
  return 10 * std::log10(power(pcm) / (32768.0 * 32768.0));
}

double alike(std::span<const std::int16_t> pcm, std::size_t lag) {
  double product = 0;
  for (std::size_t i = lag; i < pcm.size(); ++i) product += static_cast<double>(pcm[i]) * pcm[i - lag];
  return product / (power(pcm) * static_cast<double>(pcm.size()));
}

// Its second half: those who fade noise in have done so by then.
void expect_the_room(const NoisePeer& peer, std::span<const std::int16_t> heard, const Pcm& room,
                     double louder_db, const std::string& where) {
  heard = heard.last(heard.size() / 2);
  EXPECT_NEAR(level_db(heard), level_db(room) + louder_db, peer.within_db) << peer.name << ' ' << where;
  for (const std::size_t lag : {1u, 2u, 4u})
    EXPECT_NEAR(alike(heard, lag), alike(room, lag), kLikeness)
        << peer.name << ' ' << where << ", lag " << lag;
}

void negate(std::span<std::uint8_t> payload) {
  for (std::uint8_t& byte : payload.subspan(1))
    byte = static_cast<std::uint8_t>(254 - std::min<int>(byte, 254));
}

TEST(ComfortNoisePeers, PlayWhatWeDescribe) {
  for (const NoisePeer& peer : peers())
    for (const unsigned rate : peer.rates)
      for (const Room& room : kRooms) {
        const Pcm pcm = sound_of(room, 2 * rate);
        NoiseMeter meter;
        for (std::size_t at = 0; at + rate / 50 <= pcm.size(); at += rate / 50)
          meter.add({pcm.data() + at, rate / 50});
        std::uint8_t payload[16];
        const std::size_t bytes = write_noise(meter.describe(), payload);
        if (peer.negated) negate({payload, bytes});
        const Pcm heard = peer.play({payload, bytes}, rate, 2 * rate);
        ASSERT_FALSE(heard.empty()) << peer.name;
        expect_the_room(peer, heard, pcm, peer.plays_db,
                        std::string("plays ") + room.name + " at " + std::to_string(rate));
      }
}

TEST(ComfortNoisePeers, ArePlayedAsTheyDescribe) {
  for (const NoisePeer& peer : peers())
    for (const unsigned rate : peer.rates)
      for (const Room& room : kRooms) {
        const Pcm pcm = sound_of(room, 4 * rate);
        auto payload = peer.describe(pcm, rate);
        ASSERT_FALSE(payload.empty()) << peer.name << ' ' << room.name;
        if (peer.negated) negate(payload);
        const auto noise = parse_noise(payload);
        ASSERT_TRUE(noise);
        ComfortNoise ours(rate);
        ours.describe(*noise);
        Pcm heard(2 * rate);
        ours.fill(heard);
        expect_the_room(peer, heard, pcm, peer.describes_db,
                        std::string("describes ") + room.name + " at " + std::to_string(rate));
      }
}

}  // namespace
}  // namespace tandem::audio
