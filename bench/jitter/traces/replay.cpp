// Each network is replayed from several seeds and phases between the sender's packets and our tick; a row is
// their mean.
#include "bench/jitter/traces/replay.hpp"

#include <algorithm>
#include <functional>

#include "core/audio/resampler.hpp"
#include "tests/support/appendix1.hpp"
#include "tests/support/network.hpp"

namespace tandem::bench {
namespace {

using namespace testing;

constexpr double kPacketMs = 20;

struct Run {
  double phase_ms;
  std::uint64_t seed;
};

std::vector<Run> runs(const Choice& choice) {
  std::vector<Run> all;
  for (unsigned i = 0; i < choice.seeds; ++i) all.push_back({5.0 + 10 * (i % 2), choice.first + i});
  return all;
}

std::vector<std::int16_t> resampled(const std::vector<std::int16_t>& pcm, unsigned from, unsigned to) {
  auto resampler = audio::Resampler::create(from, to);
  std::vector<std::int16_t> out(resampler->max_out(pcm.size()));
  out.resize(resampler->process(pcm, out));
  return out;
}

using Arrivals = std::vector<std::optional<double>>;

// What is heard from the moment on when the first packet could have arrived.
std::vector<std::int16_t> play(Player& player, Coding coding, const std::vector<Packet>& packets,
                               const Arrivals& arrivals, double phase_ms) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < packets.size(); ++i)
    if (arrivals[i]) order.emplace_back(*arrivals[i] + phase_ms, i);
  std::stable_sort(order.begin(), order.end());
  const double tick = player.tick_ms();
  const std::size_t frame = rate_of(coding) / 1000 * player.tick_ms();
  std::vector<std::int16_t> heard;
  auto next = order.begin();
  for (double now = 0; next != order.end(); now += tick) {
    for (; next != order.end() && next->first <= now; ++next) player.push(packets[next->second], next->first);
    heard.resize(heard.size() + frame);
    player.pull({heard.end() - static_cast<std::ptrdiff_t>(frame), heard.end()}, now);
  }
  const auto skip = static_cast<std::ptrdiff_t>(rate_of(coding) / 1000 * phase_ms);
  heard.erase(heard.begin(), heard.begin() + skip);
  return coding == Coding::opus ? resampled(heard, 48000, 8000) : heard;
}

Row run(const Network& network, Coding coding, const std::vector<Packet>& packets,
        const std::vector<std::int16_t>& said, const std::vector<Run>& runs, const std::string& name,
        const std::function<std::unique_ptr<Player>()>& make) {
  Row row{.network = network.name, .player = name};
  const double share = 1.0 / static_cast<double>(runs.size());
  for (const Run& one : runs) {
    const auto player = make();
    const auto heard =
        play(*player, coding, packets, arrivals(network, packets.size(), kPacketMs, one.seed), one.phase_ms);
    const Score score = compare(said, heard, network.drift_ppm);
    const double all = static_cast<double>(packets.size()) * rate_of(coding) / 50 / 100;
    row.score.delay_ms += score.delay_ms * share;
    row.score.delay_p95_ms += score.delay_p95_ms * share;
    row.score.distance_db += score.distance_db * share;
    row.score.hurt_percent += score.hurt_percent * share;
    row.concealed_percent += static_cast<double>(player->made_up()) / all * share;
    row.scaled_percent += static_cast<double>(player->scaled()) / all * share;
  }
  return row;
}

// PCMU at a delay that never changes, what is later is lost: Appendix I conceals.
Row fixed(const Network& network, const std::vector<std::int16_t>& said, const std::vector<Run>& runs,
          double most_concealed) {
  const std::size_t packets = said.size() / 160;
  const auto lost_at = [&](double delay, std::uint64_t seed) {
    const Arrivals all = arrivals(network, packets, kPacketMs, seed);
    std::vector<bool> lost(packets);
    for (std::size_t i = 0; i < packets; ++i)
      lost[i] =
          !all[i] || *all[i] - static_cast<double>(i) * kPacketMs * (1 + network.drift_ppm * 1e-6) > delay;
    return lost;
  };
  const auto share = [&](double delay) {
    double lost = 0;
    for (const Run& one : runs) {
      const auto which = lost_at(delay, one.seed);
      lost += static_cast<double>(std::count(which.begin(), which.end(), true));
    }
    return 100 * lost / static_cast<double>(packets * runs.size());
  };
  constexpr double kMostDelay = 700;
  const double wanted = std::max(most_concealed, share(kMostDelay));
  double delay = 0;
  while (share(delay) > wanted) delay += 5;
  Row row{.network = network.name, .player = "fixed"};
  row.concealed_percent = share(delay);
  for (const Run& one : runs) {
    const auto lost = lost_at(delay, one.seed);
    Appendix1 concealment;
    std::vector<std::int16_t> heard(said.begin(), said.begin() + static_cast<std::ptrdiff_t>(packets * 160));
    for (std::size_t at = 0; at < heard.size(); at += 80) {
      const std::span<std::int16_t, 80> frame(heard.data() + at, 80);
      lost[at / 160] ? concealment.lost(frame) : concealment.good(frame);
    }
    heard.erase(heard.begin(), heard.begin() + Appendix1::kDelay);
    const Score score = compare_in_place(said, heard);
    row.score.distance_db += score.distance_db / static_cast<double>(runs.size());
    row.score.hurt_percent += score.hurt_percent / static_cast<double>(runs.size());
  }
  row.score.delay_ms = row.score.delay_p95_ms = delay + 1000.0 * Appendix1::kDelay / 8000;
  return row;
}

}  // namespace

std::vector<Row> replay(Coding coding, const std::vector<std::int16_t>& speech, const Choice& choice) {
  const auto pcm = coding == Coding::opus ? resampled(speech, 8000, 48000) : speech;
  const auto packets = encode(coding, pcm);
  auto said = decode(coding, packets);
  if (coding == Coding::opus) said = resampled(said, 48000, 8000);
  const std::vector<Run> all = runs(choice);
  std::vector<Row> rows;
  for (const Network& network : networks()) {
    if (network.name.find(choice.networks) == std::string::npos) continue;
    const auto add = [&](const char* name, const std::function<std::unique_ptr<Player>()>& make) {
      rows.push_back(run(network, coding, packets, said, all, name, make));
    };
    add("Tandem, 10 ms ticks", [&] { return make_tandem(coding, 10); });
    add("Tandem, 20 ms ticks", [&] { return make_tandem(coding, 20); });
    if (choice.ours_only) continue;
    const bool neteq = make_neteq(coding) != nullptr;
    if (neteq) add("NetEq", [&] { return make_neteq(coding); });
    if (coding == Coding::pcmu)
      rows.insert(rows.end() - (neteq ? 1 : 0), fixed(network, said, all, rows.back().concealed_percent));
  }
  return rows;
}

std::vector<ConcealmentRow> compare_concealment(const std::vector<std::int16_t>& speech, unsigned seeds) {
  static constexpr std::pair<By, const char*> kHow[] = {
      {By::ours, "ours"}, {By::appendix1, "G.711 Appendix I"}, {By::silence, "silence"}};
  std::vector<ConcealmentRow> rows;
  for (const Network& loss : losses())
    for (const auto& [by, name] : kHow)
      rows.push_back({loss.name, name, score_concealment(by, speech, loss, seeds)});
  return rows;
}

}  // namespace tandem::bench
