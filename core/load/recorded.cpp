// Recorded: see the header.
#include "core/load/recorded.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>

#include "core/audio/sound_file.hpp"

namespace tandem::load {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kGridStep = 20, kRecordedMin = 15;  // samples; symbols
constexpr std::int64_t kLongest = 15'000;              // symbols: ten minutes of a phone's life
constexpr double kToneShare = 0.6, kQuietRms = 120;
constexpr std::size_t kFilesMax = 10'000;
constexpr std::uint8_t kUnclear = kTones + 1;
constexpr unsigned kSlipAfter = 2, kSlipProbe = 6;  // symbols that are not right, then those that must be
constexpr std::int64_t kSlipMax = 3200;             // samples

// The tone of 40 ms and the share of their energy that it explains.
std::pair<std::uint8_t, double> tone_of(const Melody& melody, const std::int16_t* x) {
  double energy = 0;
  for (unsigned i = 0; i < kSymbolSamples; ++i) energy += double{1} * x[i] * x[i];
  if (energy < kQuietRms * kQuietRms * kSymbolSamples) return {std::uint8_t{kSilence}, 0};
  std::pair<std::uint8_t, double> best{kUnclear, 0};
  for (unsigned tone = 0; tone < kTones; ++tone) {
    const std::int16_t *s = melody.sine(tone), *c = melody.cosine(tone);
    double a = 0, b = 0, norm = 0;
    for (unsigned i = 0; i < kSymbolSamples; ++i) {
      a += double{1} * x[i] * s[i];
      b += double{1} * x[i] * c[i];
      norm += (double{1} * s[i] * s[i] + double{1} * c[i] * c[i]) / 2;
    }
    const double share = (a * a + b * b) / (norm * energy);
    if (share > best.second) best = {static_cast<std::uint8_t>(tone), share};
  }
  if (best.second < kToneShare) best.first = kUnclear;
  return best;
}

// Where symbols begin: the offset at which tones explain most of the first seconds that are not silent.
unsigned grid_of(const Melody& melody, std::span<const std::int16_t> pcm) {
  unsigned best = 0;
  double most = -1;
  for (unsigned offset = 0; offset < kSymbolSamples; offset += kGridStep) {
    double sum = 0;
    unsigned heard = 0;
    for (std::size_t at = offset; at + kSymbolSamples <= pcm.size() && heard < 50; at += kSymbolSamples) {
      const auto [tone, share] = tone_of(melody, &pcm[at]);
      sum += share;
      heard += tone != kSilence ? 1 : 0;
    }
    if (sum > most) {
      most = sum;
      best = offset;
    }
  }
  return best;
}

// The singer's sound from its symbol `first`, which stands at sample `at`, to the last that is its own.
class Follower {
 public:
  Follower(const Melody& melody, std::span<const std::int16_t> pcm, const RecordedVoice& found)
      : melody_(melody), pcm_(pcm), out_(found) {}

  RecordedVoice follow(std::int64_t at) {
    unsigned streak = 0;
    for (std::int64_t index = out_.first; at + kSymbolSamples <= std::ssize(pcm_);
         at += kSymbolSamples, ++index) {
      if (right(at, index) == 0 && ++streak % kSlipAfter == 0) {
        const std::int64_t slip = slipped(at, index);
        at += slip;
        out_.slips += slip != 0 ? 1 : 0;
      }
      if (right(at, index) == 0) continue;
      streak = 0;
      ++out_.right;
      out_.symbols = static_cast<unsigned>(index - out_.first + 1);
    }
    return out_;
  }

 private:
  // How much of what stands there the symbol explains, 0 to 1; 0: it is not that symbol.
  double right(std::int64_t at, std::int64_t index) const {
    if (at < 0 || at + kSymbolSamples > std::ssize(pcm_)) return 0;
    const auto [tone, share] = tone_of(melody_, &pcm_[static_cast<std::size_t>(at)]);
    return tone == symbol(out_.singer, index) ? share : 0;
  }

  // How far from `at` the symbols from `index` on stand; 0: nowhere else.
  std::int64_t slipped(std::int64_t at, std::int64_t index) const {
    std::int64_t best = 0;
    double most = 0;
    for (std::int64_t by = -kSlipMax; by <= kSlipMax; by += kGridStep) {
      unsigned fit = 0;
      double sum = 0;
      for (unsigned i = 0; i < kSlipProbe; ++i) {
        const double one = right(at + by + std::int64_t{i} * kSymbolSamples, index + i);
        fit += one > 0 ? 1 : 0;
        sum += one;
      }
      if (fit + 1 < kSlipProbe || sum <= most) continue;
      most = sum;
      best = by;
    }
    return best;
  }

  const Melody& melody_;
  std::span<const std::int16_t> pcm_;
  RecordedVoice out_;
};

bool is_new(const fs::path& path, WallTime since) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return false;
  return seconds(facts.st_mtim.tv_sec) + Nanos(facts.st_mtim.tv_nsec) >= since.time_since_epoch();
}

}  // namespace

std::optional<RecordedVoice> recorded_voice(const Melody& melody, std::span<const std::int16_t> pcm,
                                            std::span<const std::uint32_t> singers) {
  std::vector<std::uint8_t> tones;
  const std::size_t grid = grid_of(melody, pcm);
  for (std::size_t at = grid; at + kSymbolSamples <= pcm.size(); at += kSymbolSamples)
    tones.push_back(tone_of(melody, &pcm[at]).first);
  while (!tones.empty() && tones.back() >= kTones) tones.pop_back();
  const auto begin = std::find_if(tones.begin(), tones.end(), [](std::uint8_t t) { return t < kTones; });
  const std::span<const std::uint8_t> heard(begin, tones.end());
  if (heard.size() < kRecordedMin) return std::nullopt;
  const std::span<const std::uint8_t> probe = heard.first(std::min<std::size_t>(heard.size(), 50));
  RecordedVoice best;
  std::vector<std::uint8_t> sung(static_cast<std::size_t>(kLongest) + heard.size());
  unsigned most = 0;
  for (const std::uint32_t singer : singers) {
    for (std::size_t i = 0; i < sung.size(); ++i)
      sung[i] = static_cast<std::uint8_t>(symbol(singer, static_cast<std::int64_t>(i)));
    for (std::int64_t first = 0; first < kLongest; ++first) {
      unsigned right = 0;
      for (std::size_t i = 0; i < probe.size(); ++i)
        right += probe[i] == sung[static_cast<std::size_t>(first) + i] ? 1 : 0;
      if (right <= most) continue;
      most = right;
      best.singer = singer;
      best.first = first;
    }
  }
  // By chance one in sixteen fits; the best of all places, about one in four.
  if (most * 3 < probe.size() * 2) return std::nullopt;
  const auto at = static_cast<std::int64_t>(grid) + (begin - tones.begin()) * std::int64_t{kSymbolSamples};
  return Follower(melody, pcm, best).follow(at);
}

Result<void> check_recordings(Outcome& outcome, const std::string& folder, WallTime since) {
  std::error_code failed;
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator at(folder, failed), end;
       !failed && at != end && files.size() < kFilesMax; at.increment(failed))
    if (at->path().extension() == ".wav" && is_new(at->path(), since)) files.push_back(at->path());
  if (failed)
    return Error{ErrorCode::not_found, fmt::format("--recordings {}: {}", folder, failed.message())};
  const Melody melody;
  std::vector<std::uint32_t> wanted;
  for (const LegRow& row : outcome.rows) wanted.push_back(row.leg);
  const std::size_t legs = wanted.size();
  std::uint64_t symbols = 0, hurt = 0, slips = 0, strange = 0;
  for (const fs::path& file : files) {
    bool known = false;
    // Of a file with two channels, each may be somebody's.
    for (const audio::Channel channel : {audio::Channel::left, audio::Channel::right}) {
      const auto sound = audio::read_sound(file.string(), 8000, {}, channel);
      if (sound && sound->channels == 1 && channel == audio::Channel::right) break;
      const auto voice = sound ? recorded_voice(melody, sound->pcm, wanted) : std::nullopt;
      if (!voice) continue;
      known = true;
      std::erase(wanted, voice->singer);
      symbols += voice->symbols;
      hurt += voice->symbols - voice->right;
      slips += voice->slips;
      if (voice->right * 100 < voice->symbols * 98)
        outcome.findings.push_back(fmt::format("{}: leg {}, {} of {} ms damaged, {} slips", file.string(),
                                               voice->singer, (voice->symbols - voice->right) * 40,
                                               voice->symbols * 40, voice->slips));
    }
    if (known) continue;
    ++strange;
    outcome.findings.push_back(fmt::format("{}: nobody's sound that is still looked for", file.string()));
  }
  for (const std::uint32_t leg : wanted) outcome.findings.push_back(fmt::format("leg {}: not recorded", leg));
  outcome.verdicts.push_back(
      {"recordings", "every leg's sound, whole",
       fmt::format("{} of {} legs, {} s, {} of {} symbols damaged, {} slips, {} files of nobody",
                   legs - wanted.size(), legs, symbols / 25, hurt, symbols, slips, strange),
       wanted.empty() && strange == 0 && hurt * 50 <= symbols});
  return {};
}

}  // namespace tandem::load
