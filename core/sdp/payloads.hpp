// Payloads: which codec is which number. The part of offer and answer that looks at a=rtpmap and a=fmtp.
//
//   their m= formats ──read_payloads()──► [Payload] ──match_codecs()──► [AgreedPayload], pick_event()
//   our codecs + numbers used before ──number_payloads()──► [Payload] for our m=
//
// Thread: [any]; pure. Internal to core/sdp: others use negotiate.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sdp/description.hpp"
#include "core/sdp/negotiate.hpp"

namespace tandem::sdp {

// One understood format of an m= line.
struct Payload {
  Rtpmap map;
  std::string fmtp;
};

// [any] "PCMU/8000", "opus/48000/2".
std::string codec_text(std::string_view name, std::uint32_t clock_rate, std::uint32_t channels);

// [any] The formats of `media` that are payload types with a known meaning, in order, each number once. A
// dynamic number without a=rtpmap takes its meaning from `fallback`, if that has it: answers are sent like
// this.
std::vector<Payload> read_payloads(const Media& media, const Media* fallback);

// Whether `theirs` is an offer, so that our parameters may still be fitted to it, or the answer to ours.
enum class Theirs : bool { answer, offer };

// [any] The codecs that both have, in the order of `theirs`: each of ours and each of theirs at most once.
// Both types of an AgreedPayload are theirs.
std::vector<AgreedPayload> match_codecs(const std::vector<CodecOffer>& ours,
                                        const std::vector<Payload>& theirs, Theirs are = Theirs::answer);

// [any] Their telephone-event at `clock_rate`, else the first at another, else null.
const Payload* pick_event(const std::vector<Payload>& theirs, std::uint32_t clock_rate);

// [any] Their formats of this name that go beside audio (telephone-event, CN), one a clock rate: of those
// rates that `agreed` has, by `ours`.
std::vector<const Payload*> pick_beside(std::string_view name, const std::vector<Payload>& theirs,
                                        const std::vector<CodecOffer>& ours,
                                        const std::vector<AgreedPayload>& agreed);

inline constexpr const char* kNoiseName = "CN";
inline constexpr const char* kEventName = "telephone-event";

// [any] Our codecs, comfort noise and telephone-events with numbers: those the session has used for them
// before, else the static ones, else free ones from 96 to 127, then 35 to 63 (RFC 3551 3; 64 to 95 look like
// RTCP, RFC 5761 4). When no number is left the rest is left out.
std::vector<Payload> number_payloads(const Local& local, const std::vector<Binding>& bindings);

// [any] The entry of `payloads` (made by number_payloads) that stands for this codec, or null.
const Payload* payload_of(const std::vector<Payload>& payloads, const CodecOffer& codec);

}  // namespace tandem::sdp
