// Phone: one simulated phone's media: its Voice and its Ear. Made on the control side, lived on a crew,
// handed back to be read and destroyed.
#pragma once

#include <memory>

#include "core/base/result.hpp"
#include "core/load/ear.hpp"
#include "core/load/voice.hpp"

namespace tandem::load {

struct Phone {
  PhoneSpec spec;
  std::unique_ptr<Voice> voice;
  std::unique_ptr<Ear> ear;
  TimePoint born{};
};

using PhonePtr = std::unique_ptr<Phone>;

// The phones of one call, which live and end together: two who hear each other, or one alone that hears
// itself (hears == leg) or what the server plays. Codecs are made where the marks are in the audio. `melody`
// outlives them. Errors: invalid (a codec refused).
struct Party {
  PhonePtr one, other;  // other: null when alone
};
Result<Party> make_party(const PhoneSpec& one, const PhoneSpec* other, const Melody& melody, TimePoint now);

}  // namespace tandem::load
