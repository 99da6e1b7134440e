// The table is written as operators know it: frequencies joined by '+', a slash, milliseconds; 0 is a pause.
// A tone without milliseconds lasts for ever. It is parsed when a tone is asked for, so a wrong row fails the
// tests.
#include "core/audio/tones.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/text.hpp"

namespace tandem::audio {
namespace {

struct Country {
  std::string_view code, dial, ringback, busy, congestion;
};

// ITU-T E.180 Supplement 2 (various tones used in national networks); the first row is 3GPP TS 22.001's for
// Europe.
constexpr Country kCountries[] = {
    {"", "425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"},
    {"at", "420", "420/1000,0/5000", "420/400,0/400", "420/200,0/200"},
    {"au", "413+438", "413+438/400,0/200,413+438/400,0/2000", "425/375,0/375", "425/375,0/375"},
    {"be", "425", "425/1000,0/3000", "425/500,0/500", "425/167,0/167"},
    {"br", "425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250,425/750,0/250"},
    {"ca", "350+440", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250"},
    {"ch", "425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"},
    {"cn", "450", "450/1000,0/4000", "450/350,0/350", "450/700,0/700"},
    {"cz", "425/330,0/330,425/660,0/660", "425/1000,0/4000", "425/330,0/330", "425/165,0/165"},
    {"de", "425", "425/1000,0/4000", "425/480,0/480", "425/240,0/240"},
    {"dk", "425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"},
    {"es", "425", "425/1500,0/3000", "425/200,0/200", "425/200,0/200,425/200,0/200,425/200,0/600"},
    {"fi", "425", "425/1000,0/4000", "425/300,0/300", "425/200,0/200"},
    {"fr", "440", "440/1500,0/3500", "440/500,0/500", "440/250,0/250"},
    {"gb", "350+440", "400+450/400,0/200,400+450/400,0/2000", "400/375,0/375", "400/400,0/350,400/225,0/525"},
    {"gr", "425/200,0/300,425/700,0/800", "425/1000,0/4000", "425/300,0/300", "425/200,0/200"},
    {"hu", "425", "425/1250,0/3750", "425/300,0/300", "425/300,0/300"},
    {"ie", "425", "400+450/400,0/200,400+450/400,0/2000", "425/500,0/500", "425/250,0/250"},
    {"il", "414", "414/1000,0/3000", "414/500,0/500", "414/250,0/250"},
    {"it", "425/200,0/200,425/600,0/1000", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"},
    {"jp", "400", "384+416/1000,0/2000", "400/500,0/500", "400/500,0/500"},
    {"mx", "425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250"},
    {"nl", "425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250"},
    {"no", "425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200"},
    {"nz", "400", "400+450/400,0/200,400+450/400,0/2000", "400/500,0/500", "400/250,0/250"},
    {"pl", "425", "425/1000,0/4000", "425/500,0/500", "425/500,0/500"},
    {"pt", "425", "425/1000,0/5000", "425/500,0/500", "425/200,0/200"},
    {"ru", "425", "425/1000,0/4000", "425/350,0/350", "425/175,0/175"},
    {"se", "425", "425/1000,0/5000", "425/250,0/250", "425/250,0/750"},
    {"tr", "450", "450/2000,0/4000", "450/500,0/500", "450/200,0/200,450/200,0/200,450/600,0/200"},
    {"us", "350+440", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250"}};

constexpr std::string_view kBeep = "1000/250";
constexpr double kRampSeconds = 0.002;

const Country* find(std::string_view code) {
  for (const Country& country : kCountries)
    if (!country.code.empty() && same_name(code, country.code)) return &country;
  return nullptr;
}

std::uint16_t number(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  return static_cast<std::uint16_t>(value);
}

// Takes what comes before `mark` off the front of `text`.
std::string_view take(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  const std::string_view part = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return part;
}

ToneSpec parse(std::string_view text) {
  ToneSpec spec;
  while (!text.empty() && spec.count < spec.steps.size()) {
    std::string_view step = take(text, ',');
    std::string_view frequencies = take(step, '/');
    ToneStep& into = spec.steps[spec.count++];
    into.ms = number(step);
    for (std::size_t i = 0; i < into.hz.size() && !frequencies.empty(); ++i)
      into.hz[i] = number(take(frequencies, '+'));
  }
  return spec;
}

}  // namespace

bool knows_country(std::string_view country) { return find(country) != nullptr; }

ToneSpec tone_spec(std::string_view country, Tone tone) {
  const Country* found = find(country);
  if (found == nullptr) found = &kCountries[0];
  ToneSpec spec;
  switch (tone) {
    case Tone::dial: return parse(found->dial);
    case Tone::ringback: return parse(found->ringback);
    case Tone::busy: return parse(found->busy);
    case Tone::congestion: return parse(found->congestion);
    case Tone::beep:
      spec = parse(kBeep);
      spec.repeats = false;
      return spec;
    case Tone::silence: break;
  }
  spec.count = 1;  // one step without frequencies, for ever
  return spec;
}

ToneGenerator::ToneGenerator(const ToneSpec& spec, unsigned sample_rate)
    : spec_(spec),
      rate_(sample_rate),
      // 0 dBm0 is 3.14 dB below a full-scale sine (G.711).
      amplitude_(static_cast<float>(32767 * std::pow(10, (spec.level_dbm0 - 3.14) / 20))),
      ended_(spec.count == 0) {
  if (!ended_) enter(0);
}

void ToneGenerator::enter(std::size_t step) {
  step_ = step;
  played_ = 0;
  left_ = std::size_t{spec_.steps[step].ms} * rate_ / 1000;
  for (std::size_t i = 0; i < oscillators_.size(); ++i) {
    const double w = 2 * std::numbers::pi * spec_.steps[step].hz[i] / rate_;
    oscillators_[i] = {1, 0, static_cast<float>(std::cos(w)), static_cast<float>(std::sin(w))};
  }
}

std::size_t ToneGenerator::fill(std::span<std::int16_t> out) {
  std::size_t written = 0;
  while (written < out.size() && !ended_) {
    const ToneStep& step = spec_.steps[step_];
    const bool endless = step.ms == 0;
    const std::size_t n = endless ? out.size() - written : std::min(out.size() - written, left_);
    render(step, out.subspan(written, n));
    written += n;
    played_ += n;
    if (endless) continue;
    left_ -= n;
    if (left_ > 0) continue;
    if (step_ + 1 < spec_.count) {
      enter(step_ + 1);
    } else if (spec_.repeats) {
      enter(0);
    } else {
      ended_ = true;
    }
  }
  return written;
}

void ToneGenerator::render(const ToneStep& step, std::span<std::int16_t> out) {
  const auto ramp = static_cast<std::size_t>(kRampSeconds * rate_);
  for (std::size_t i = 0; i < out.size(); ++i) {
    float value = 0;
    for (std::size_t k = 0; k < step.hz.size() && step.hz[k] != 0; ++k) {
      Oscillator& o = oscillators_[k];
      value += o.im;
      const float re = o.re * o.step_re - o.im * o.step_im;
      o.im = o.re * o.step_im + o.im * o.step_re;
      o.re = re;
    }
    const std::size_t from_start = played_ + i + 1;
    const std::size_t to_end = step.ms == 0 ? ramp : left_ - i;
    const std::size_t edge = std::min({from_start, to_end, ramp});
    value *= amplitude_ * static_cast<float>(edge) / static_cast<float>(ramp);
    out[i] = static_cast<std::int16_t>(std::lrintf(std::clamp(value, -32768.0f, 32767.0f)));
  }
  for (Oscillator& o : oscillators_) {  // rotation loses a little of its length in each step: put it back
    const float length = 1.0f / std::sqrt(o.re * o.re + o.im * o.im);
    o.re *= length;
    o.im *= length;
  }
}

}  // namespace tandem::audio
