// Melody: the tables and the reading of them.
#include "core/load/melody.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string_view>

#include "core/audio/sound_file.hpp"
#include "core/codec/g711.hpp"

namespace tandem::load {
namespace {

constexpr std::array<unsigned, 3> kRates{8000, 16000, 48000};
constexpr double kFirstHz = 400, kStepHz = 160;
constexpr double kEdgeS = 0.004;  // raised cosine at both ends of a tone
constexpr double kSymbolS = 0.040;
constexpr std::int64_t kPrelude = 50, kVerse = 125, kRefrain = 25;  // of speech: 2 s, of 5 s, 1 s
constexpr std::int64_t kTalkSymbols = 25;                           // 1 s: what is spoken or not as one

constexpr std::string_view kKeys = "123456789*0#";  // ITU-T Q.23, row by row
constexpr std::array<double, 4> kLowHz{697, 770, 852, 941};
constexpr std::array<double, 3> kHighHz{1209, 1336, 1477};

double hz(unsigned tone) { return kFirstHz + kStepHz * tone; }

double window(double t) {
  const double edge = std::min(t, kSymbolS - t);
  return edge >= kEdgeS ? 1 : 0.5 - 0.5 * std::cos(std::numbers::pi * edge / kEdgeS);
}

std::size_t rate_index(unsigned rate) { return rate == 8000 ? 0 : rate == 16000 ? 1 : 2; }

// What `read` gives for [position, position + size) piece by piece: no piece crosses a symbol.
template <typename Piece>
void pieces(std::int64_t position, std::size_t size, std::int64_t symbol_samples, const Piece& piece) {
  for (std::size_t done = 0; done < size;) {
    const std::int64_t at = position + static_cast<std::int64_t>(done);
    const std::int64_t index = at >= 0 ? at / symbol_samples : (at - symbol_samples + 1) / symbol_samples;
    const std::int64_t inside = at - index * symbol_samples;
    const std::size_t n = std::min(size - done, static_cast<std::size_t>(symbol_samples - inside));
    piece(index, static_cast<std::size_t>(inside), done, n);
    done += n;
  }
}

}  // namespace

std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

char key_of(std::uint32_t singer, std::uint64_t n) {
  return "0123456789*#"[mixed(mixed(singer) ^ (n + 1)) % 12];
}

unsigned symbol(std::uint32_t singer, std::int64_t index, Talk talk) {
  if (singer == kPromptSinger) {
    index %= kPromptSymbols;
    if (index < 0) index += kPromptSymbols;
  } else if (talk.members > 0) {
    const Singing singing = singing_in(index / kTurnSymbols, talk);
    const unsigned lane = singing.lane(talk.seat, talk.members);
    if (lane >= singing.count || index % kTurnSymbols >= kSungSymbols) return kSilence;
    const std::uint64_t own = mixed(mixed(singer) + static_cast<std::uint64_t>(index));
    if (singing.count > 1)
      return lane + singing.count * static_cast<unsigned>(own % (kTones / singing.count));
  } else if (talk.share < 256) {
    const auto second = static_cast<std::uint64_t>(index / kTalkSymbols);
    if (mixed(mixed(singer) ^ ~second) % 256 >= talk.share) return kSilence;
  }
  if (talk.keys_every > 0 && index >= talk.keys_every && singer != kPromptSinger) {
    const auto inside = static_cast<unsigned>(index % talk.keys_every);
    if (inside < kKeySymbols) return kKey;
    if (inside == kKeySymbols) return kSilence;
  }
  if (talk.speech && singer != kPromptSinger && index >= kPrelude && index % kVerse >= kRefrain)
    return kSpeech;
  return static_cast<unsigned>(mixed(mixed(singer) + static_cast<std::uint64_t>(index)) % kTones);
}

Melody::Melody() : sine_(kTones * kSymbolSamples), cosine_(kTones * kSymbolSamples) {
  for (std::size_t r = 0; r < kRates.size(); ++r) {
    const auto samples = static_cast<std::size_t>(kSymbolSamples) * kRates[r] / 8000;
    pcm_[r].assign((kTones + 1) * samples, 0);
    for (unsigned tone = 0; tone < kTones; ++tone) {
      for (std::size_t i = 0; i < samples; ++i) {
        const double t = (static_cast<double>(i) + 0.5) / kRates[r];
        const double phase = 2 * std::numbers::pi * hz(tone) * t;
        pcm_[r][tone * samples + i] =
            static_cast<std::int16_t>(std::lround(kAmplitude * window(t) * std::sin(phase)));
        if (kRates[r] != 8000) continue;
        sine_[tone * samples + i] =
            static_cast<std::int16_t>(std::lround(kTableScale * window(t) * std::sin(phase)));
        cosine_[tone * samples + i] =
            static_cast<std::int16_t>(std::lround(kTableScale * window(t) * std::cos(phase)));
      }
    }
  }
  for (auto& bytes : g711_) bytes.resize(pcm_[0].size());
  codec::encode_ulaw(pcm_[0], g711_[0].data());
  codec::encode_alaw(pcm_[0], g711_[1].data());
  make_keys();
}

// Two tones of -18 dBFS each: a phone's (ITU-T Q.24 wants -25 dBm and more).
void Melody::make_keys() {
  for (std::size_t r = 0; r < kRates.size(); ++r) {
    const std::size_t samples = std::size_t{kKeySymbols} * kSymbolSamples * kRates[r] / 8000;
    keys_[r].resize(kKeys.size() * samples);
    for (std::size_t key = 0; key < kKeys.size(); ++key)
      for (std::size_t i = 0; i < samples; ++i) {
        const double t = (static_cast<double>(i) + 0.5) / kRates[r];
        const double edge = std::min({t, kKeySymbols * kSymbolS - t, kEdgeS}) / kEdgeS;
        const double gain = 0.5 - 0.5 * std::cos(std::numbers::pi * edge);
        const double sum = std::sin(2 * std::numbers::pi * kLowHz[key / kHighHz.size()] * t) +
                           std::sin(2 * std::numbers::pi * kHighHz[key % kHighHz.size()] * t);
        keys_[r][key * samples + i] = static_cast<std::int16_t>(std::lround(kAmplitude / 2.0 * gain * sum));
      }
  }
  for (auto& bytes : keys_g711_) bytes.resize(keys_[0].size());
  codec::encode_ulaw(keys_[0], keys_g711_[0].data());
  codec::encode_alaw(keys_[0], keys_g711_[1].data());
}

// Where a singer's symbol is in the tables of keys: samples at 8 kHz.
std::size_t Melody::key_at(std::uint32_t singer, std::int64_t index, Talk talk) {
  const std::size_t key = kKeys.find(key_of(singer, key_number(index, talk)));
  const auto part = static_cast<std::size_t>(index % talk.keys_every);
  return (key * kKeySymbols + part) * kSymbolSamples;
}

char key_in(std::span<const std::int16_t> pcm) {
  double energy = 1;
  for (const std::int16_t v : pcm) energy += double{1} * v * v;
  // The share of the energy at a frequency.
  const auto share = [&](double hz) {
    double a = 0, b = 0;
    for (std::size_t i = 0; i < pcm.size(); ++i) {
      const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / 8000;
      a += pcm[i] * std::cos(angle);
      b += pcm[i] * std::sin(angle);
    }
    return 2 * (a * a + b * b) / (static_cast<double>(pcm.size()) * energy);
  };
  const auto loudest = [&](const auto& row, double& most) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < row.size(); ++i)
      if (const double found = share(row[i]); found > most) {
        most = found;
        best = i;
      }
    return best;
  };
  double low = 0, high = 0;
  const std::size_t row = loudest(kLowHz, low), column = loudest(kHighHz, high);
  const bool key = low + high > 0.4 && low > 0.08 && high > 0.08;
  return key ? kKeys[row * kHighHz.size() + column] : '\0';
}

Result<void> Melody::give_speech(std::span<const std::int16_t> pcm) {
  const std::size_t pages = pcm.size() / kSymbolSamples;
  if (pages < 25)
    return Error{ErrorCode::invalid,
                 fmt::format("expected a second of speech or more, found {} samples", pcm.size())};
  pcm = pcm.first(pages * kSymbolSamples);
  for (std::size_t r = 0; r < kRates.size(); ++r) {
    auto converted = audio::convert_rate(pcm, 8000, kRates[r]);
    if (!converted) return converted.error();
    speech_[r] = std::move(*converted);
    speech_[r].resize(pcm.size() * kRates[r] / 8000);
  }
  for (auto& bytes : speech_g711_) bytes.resize(speech_[0].size());
  codec::encode_ulaw(speech_[0], speech_g711_[0].data());
  codec::encode_alaw(speech_[0], speech_g711_[1].data());
  pages_ = pages;
  return {};
}

// Which symbol of the text a singer reads.
std::size_t Melody::page(std::uint32_t singer, std::int64_t index) const {
  return (static_cast<std::size_t>(index) + mixed(singer + 5)) % pages_;
}

const std::int16_t* Melody::pcm(unsigned rate, unsigned tone) const {
  const std::size_t r = rate_index(rate);
  return &pcm_[r][tone * static_cast<std::size_t>(kSymbolSamples) * kRates[r] / 8000];
}

void Melody::sing(std::uint32_t singer, std::int64_t position, unsigned rate, std::span<std::int16_t> out,
                  Talk talk) const {
  const std::int64_t samples = static_cast<std::int64_t>(kSymbolSamples) * rate / 8000;
  pieces(position, out.size(), samples,
         [&](std::int64_t index, std::size_t inside, std::size_t to, std::size_t n) {
           const unsigned what = symbol(singer, index, talk);
           if (what == kKey) {
             const std::int16_t* tones = &keys_[rate_index(rate)][key_at(singer, index, talk) * rate / 8000];
             std::memcpy(&out[to], tones + inside, n * sizeof out[0]);
             return;
           }
           const bool read = what == kSpeech && pages_ > 0;
           const std::int16_t* from =
               read ? &speech_[rate_index(rate)][page(singer, index) * static_cast<std::size_t>(samples)]
                    : pcm(rate, std::min(what, kSilence));
           std::memcpy(&out[to], from + inside, n * sizeof out[0]);
         });
}

void Melody::sing(std::uint32_t singer, std::int64_t position, Law law, std::span<std::uint8_t> out,
                  Talk talk) const {
  const std::size_t which = law == Law::mu ? 0 : 1;
  pieces(position, out.size(), kSymbolSamples,
         [&](std::int64_t index, std::size_t inside, std::size_t to, std::size_t n) {
           const unsigned what = symbol(singer, index, talk);
           const std::uint8_t* from = what == kKey ? &keys_g711_[which][key_at(singer, index, talk)]
                                      : what == kSpeech && pages_ > 0
                                          ? &speech_g711_[which][page(singer, index) * kSymbolSamples]
                                          : &g711_[which][std::min(what, kSilence) * kSymbolSamples];
           std::memcpy(&out[to], from + inside, n);
         });
}

}  // namespace tandem::load
