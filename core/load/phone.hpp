// Phone: one simulated phone's media: its Voice and its Ear. Made on the control side, lived on a crew,
// handed back to be read and destroyed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/codec/registry.hpp"
#include "core/load/ear.hpp"
#include "core/load/voice.hpp"
#include "core/srtp/context.hpp"

namespace tandem::load {

struct Phone {
  PhoneSpec spec;
  std::unique_ptr<Voice> voice;
  std::unique_ptr<Ear> ear;
  std::unique_ptr<srtp::Sender> sealer;    // null: plain RTP
  std::unique_ptr<srtp::Receiver> opener;  //
  TimePoint born{};
};

using PhonePtr = std::unique_ptr<Phone>;

// The codec that a profile names: "PCMU", "G726-32", "L16/16000"; the first of that name where no clock is
// named. Errors: not_found (with what there is), unsupported (what phones cannot carry).
Result<const td_codec*> phone_codec(const codec::CodecRegistry& codecs, const std::string& name,
                                    unsigned ptime_ms);

// The phones of one call, which live and end together: the members of a room, two who hear each other, or one
// alone that hears itself (hears == leg) or what the server plays. Codecs are made where the marks are in the
// audio. `melody` outlives them. Errors: invalid (a codec refused, or SRTP was agreed with one side's key
// only), unsupported, internal (libsrtp2 refused).
Result<std::vector<PhonePtr>> make_phones(std::span<const PhoneSpec> specs, const Melody& melody,
                                          TimePoint now);

}  // namespace tandem::load
