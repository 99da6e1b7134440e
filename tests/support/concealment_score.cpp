#include "tests/support/concealment_score.hpp"

#include <algorithm>

#include "core/audio/concealment.hpp"
#include "tests/support/appendix1.hpp"
#include "tests/support/score.hpp"

namespace tandem::testing {
namespace {

constexpr std::size_t kPacket = 160;

std::vector<std::int16_t> filled(By by, std::vector<std::int16_t> pcm, const std::vector<bool>& lost) {
  if (by == By::appendix1) {
    Appendix1 appendix;
    for (std::size_t at = 0; at < pcm.size(); at += Appendix1::kFrame) {
      const std::span<std::int16_t, Appendix1::kFrame> frame(pcm.data() + at, Appendix1::kFrame);
      lost[at / kPacket] ? appendix.lost(frame) : appendix.good(frame);
    }
    pcm.erase(pcm.begin(), pcm.begin() + Appendix1::kDelay);
    return pcm;
  }
  audio::Concealment concealment(8000);
  for (std::size_t i = 0; i < lost.size(); ++i) {
    const std::span<std::int16_t> packet(pcm.data() + i * kPacket, kPacket);
    if (by == By::silence) {
      if (lost[i]) std::fill(packet.begin(), packet.end(), std::int16_t{0});
    } else {
      lost[i] ? concealment.conceal(packet) : concealment.good(packet);
    }
  }
  return pcm;
}

}  // namespace

const std::vector<Network>& losses() {
  static const std::vector<Network> all{
      {.name = "1 %", .loss_percent = 1},
      {.name = "3 %", .loss_percent = 3},
      {.name = "5 %", .loss_percent = 5},
      {.name = "10 %", .loss_percent = 10},
      {.name = "5 % in bursts of 2", .loss_percent = 5, .burst_packets = 2},
      {.name = "5 % in bursts of 3", .loss_percent = 5, .burst_packets = 3}};
  return all;
}

Concealed score_concealment(By by, const std::vector<std::int16_t>& speech, const Network& loss,
                            unsigned seeds) {
  const std::size_t packets = speech.size() / kPacket;
  const std::vector<std::int16_t> said(speech.begin(),
                                       speech.begin() + static_cast<std::ptrdiff_t>(packets * kPacket));
  Concealed mean;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    const auto all = arrivals(loss, packets, 20, seed);
    std::vector<bool> lost(packets);
    for (std::size_t i = 0; i < packets; ++i) lost[i] = !all[i];
    const auto heard = filled(by, said, lost);
    mean.distance_db += compare_in_place(said, heard).distance_db / seeds;
    mean.snr_db += segmental_snr(said, heard, lost) / seeds;
  }
  return mean;
}

}  // namespace tandem::testing
