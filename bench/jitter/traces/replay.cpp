// Each network is replayed from two seeds and two phases between the sender's packets and our tick; a row is
// their mean.
#include "bench/jitter/traces/replay.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include "bench/jitter/traces/appendix1.hpp"
#include "bench/jitter/traces/network.hpp"
#include "core/audio/concealment.hpp"
#include "core/audio/resampler.hpp"
#include "core/audio/sound_file.hpp"

namespace tandem::bench {
namespace {

constexpr const char* kSounds = "/usr/share/asterisk/sounds/en_US_f_Allison/";
constexpr const char* kNames[] = {"demo-instruct",      "demo-congrats", "priv-callee-options",
                                  "demo-echotest",      "demo-moreinfo", "vm-options",
                                  "conf-usermenu",      "dir-intro",     "demo-abouttotry",
                                  "basic-pbx-ivr-main", "vm-opts-full"};
constexpr double kPacketMs = 20;

struct Run {
  double phase_ms;
  std::uint64_t seed;
};
constexpr Run kRuns[] = {{5, 1}, {15, 2}};

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
        const std::vector<std::int16_t>& said, const std::string& name,
        const std::function<std::unique_ptr<Player>()>& make) {
  Row row{.network = network.name, .player = name};
  const double share = 1.0 / std::size(kRuns);
  for (const Run& one : kRuns) {
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
Row fixed(const Network& network, const std::vector<std::int16_t>& said, double most_concealed) {
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
    for (const Run& one : kRuns) {
      const auto which = lost_at(delay, one.seed);
      lost += static_cast<double>(std::count(which.begin(), which.end(), true));
    }
    return 100 * lost / static_cast<double>(packets * std::size(kRuns));
  };
  constexpr double kMostDelay = 700;
  const double wanted = std::max(most_concealed, share(kMostDelay));
  double delay = 0;
  while (share(delay) > wanted) delay += 5;
  Row row{.network = network.name, .player = "fixed"};
  row.concealed_percent = share(delay);
  for (const Run& one : kRuns) {
    const auto lost = lost_at(delay, one.seed);
    Appendix1 concealment;
    std::vector<std::int16_t> heard(said.begin(), said.begin() + static_cast<std::ptrdiff_t>(packets * 160));
    for (std::size_t at = 0; at < heard.size(); at += 80) {
      const std::span<std::int16_t, 80> frame(heard.data() + at, 80);
      lost[at / 160] ? concealment.lost(frame) : concealment.good(frame);
    }
    heard.erase(heard.begin(), heard.begin() + Appendix1::kDelay);
    const Score score = compare_in_place(said, heard);
    row.score.distance_db += score.distance_db / std::size(kRuns);
    row.score.hurt_percent += score.hurt_percent / std::size(kRuns);
  }
  row.score.delay_ms = row.score.delay_p95_ms = delay + 1000.0 * Appendix1::kDelay / 8000;
  return row;
}

}  // namespace

std::vector<std::int16_t> load_speech(double seconds) {
  std::vector<std::int16_t> speech;
  for (const char* name : kNames) {
    const std::string path = std::string(kSounds) + name + ".wav";
    if (!std::filesystem::exists(path)) continue;
    auto sound = audio::read_sound(path, 8000);
    if (sound) speech.insert(speech.end(), sound->pcm.begin(), sound->pcm.end());
  }
  const auto most = static_cast<std::size_t>(seconds * 8000);
  if (speech.size() > most) speech.resize(most);
  return speech;
}

std::vector<Row> replay(Coding coding, const std::vector<std::int16_t>& speech, std::string_view only) {
  const auto pcm = coding == Coding::opus ? resampled(speech, 8000, 48000) : speech;
  const auto packets = encode(coding, pcm);
  auto said = decode(coding, packets);
  if (coding == Coding::opus) said = resampled(said, 48000, 8000);
  std::vector<Row> rows;
  for (const Network& network : networks()) {
    if (network.name.find(only) == std::string::npos) continue;
    std::optional<Row> neteq;
    if (make_neteq(coding))
      neteq = run(network, coding, packets, said, "NetEq", [&] { return make_neteq(coding); });
    rows.push_back(
        run(network, coding, packets, said, "Tandem, 10 ms ticks", [&] { return make_tandem(coding, 10); }));
    rows.push_back(
        run(network, coding, packets, said, "Tandem, 20 ms ticks", [&] { return make_tandem(coding, 20); }));
    if (coding == Coding::pcmu)
      rows.push_back(fixed(network, said, (neteq ? *neteq : rows[rows.size() - 2]).concealed_percent));
    if (neteq) rows.push_back(*neteq);
  }
  return rows;
}

std::vector<ConcealmentRow> compare_concealment(const std::vector<std::int16_t>& speech) {
  std::vector<ConcealmentRow> rows;
  struct Loss {
    const char* name;
    double percent, burst;
  };
  for (const Loss& loss : {Loss{"1 %", 1, 1}, Loss{"3 %", 3, 1}, Loss{"5 %", 5, 1}, Loss{"10 %", 10, 1},
                           Loss{"5 % in bursts of 2", 5, 2}, Loss{"5 % in bursts of 3", 5, 3}}) {
    const Network network{.name = loss.name, .loss_percent = loss.percent, .burst_packets = loss.burst};
    const std::size_t packets = speech.size() / 160;
    ConcealmentRow ours{loss.name, "ours"}, itu{loss.name, "G.711 Appendix I"}, none{loss.name, "silence"};
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      const Arrivals all = arrivals(network, packets, kPacketMs, seed);
      std::vector<std::int16_t> a(speech.begin(),
                                  speech.begin() + static_cast<std::ptrdiff_t>(packets * 160));
      auto b = a, c = a;
      std::vector<bool> hurt(packets);
      for (std::size_t i = 0; i < packets; ++i) hurt[i] = !all[i];
      audio::Concealment concealment(8000);
      Appendix1 appendix;
      for (std::size_t at = 0; at < a.size(); at += 80) {
        const bool lost = !all[at / 160];
        const std::span<std::int16_t, 80> half(b.data() + at, 80);
        lost ? appendix.lost(half) : appendix.good(half);
        if (lost) std::fill_n(c.begin() + static_cast<std::ptrdiff_t>(at), 80, std::int16_t{0});
        if (at % 160 != 0) continue;
        const std::span<std::int16_t> whole(a.data() + at, 160);
        lost ? concealment.conceal(whole) : concealment.good(whole);
      }
      b.erase(b.begin(), b.begin() + Appendix1::kDelay);
      const auto add = [&](ConcealmentRow& row, const std::vector<std::int16_t>& heard) {
        row.distance_db += compare_in_place(speech, heard).distance_db / 4;
        row.snr_db += segmental_snr(speech, heard, hurt) / 4;
      };
      add(ours, a), add(itu, b), add(none, c);
    }
    rows.insert(rows.end(), {ours, itu, none});
  }
  return rows;
}

}  // namespace tandem::bench
