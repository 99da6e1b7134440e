// Formats: which codecs stand in the SDP that leaves, and under which numbers. Pure decisions.
//
//   A's offer ──offer_formats(options)──► what B is offered ──► B's answer ──answer_formats──► what A is
//   answered
//
// Numbers stay what they were; an added codec takes its static number or the first free dynamic one.
// Thread: [control] (codec tables are looked up).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/anchor/opaque_codecs.hpp"
#include "core/anchor/options.hpp"
#include "core/base/result.hpp"
#include "core/codec/registry.hpp"
#include "core/sdp/description.hpp"

namespace tandem::anchor {

struct Format {
  std::uint8_t type = 0;
  std::string name;
  std::uint32_t clock_rate = 8000;
  std::uint32_t channels = 1;
  std::string fmtp;
  const td_codec* codec = nullptr;  // null: telephone-event
  bool event = false;               // telephone-event (RFC 4733)
  bool added = false;               // ours: the lines of the incoming SDP have it not
  std::uint8_t source_type = 0;     // its number in the SDP that came, when not `added`
  bool transcodable() const { return codec != nullptr && !OpaqueCodecs::is_opaque(codec); }
  bool is_noise() const;  // comfort noise (RFC 3389): none by itself, it goes along with a codec of its clock
  // The same codec; numbers and fmtp may differ. Opus's "/2" may be missing (RFC 7587 wants it, some forget).
  bool same(const Format& other) const;
  // Whether its parameters go together with the other's, which names the same codec (AMR: one packing).
  bool agrees(const Format& other) const;
};

struct Codecs {  // what formats are resolved against
  const codec::CodecRegistry& registry;
  OpaqueCodecs& opaque;
};

// The formats of an RTP audio section that can be used. Unreadable ones (no rtpmap for a dynamic number) are
// left out.
std::vector<Format> read_formats(const sdp::Media& media, Codecs codecs);

// Whether "opus/48000/2", "PCMU", "0" or "all" means this format.
bool matches(std::string_view spec, const Format& format);

// A codec specification: name/clock/channels/bitrate/ptime/fmtp, "--" in the fmtp for "=".
struct CodecSpec {
  std::string_view name;
  std::uint32_t clock_rate = 0, channels = 0, bitrate = 0, ptime_ms = 0;  // 0: not said
  std::string fmtp;
};
CodecSpec read_codec_spec(std::string_view text);
bool spec_matches(std::string_view spec, const td_codec& codec);  // name, clock, channels

// What we say of a codec in the answer to this offer of it.
std::string our_parameters(const Format& offered);
// A number that none of them has: that one, or the first free dynamic one (RFC 3551 3).
std::uint8_t free_type(std::int32_t static_type, const std::vector<Format>& taken);

struct Chosen {
  std::vector<Format> formats;
  std::vector<std::string> warnings;
};

// What the answerer is offered. Never empty when `offered` is not: then the original list is kept, with a
// warning.
Chosen offer_formats(const std::vector<Format>& offered, const CodecOptions& options, Codecs codecs);

// What a publisher is answered (codec-accept is a list of preference): the first of `accept` that it offers,
// else the first that can be decoded; "any": the first offered; "all": every one that can be decoded; both:
// everything. Empty: nothing can be taken.
std::vector<Format> accept_formats(const std::vector<Format>& offered, const CodecOptions& options);

// "PCMA", "opus/48000/2": a codec that we have, under a number that `taken` has not. Errors: unsupported.
Result<Format> make_format(std::string_view spec, const std::vector<Format>& taken, Codecs codecs);

struct AnswerInput {
  const std::vector<Format>& offered;   // by the offerer
  const std::vector<Format>& sent;      // to the answerer
  const std::vector<Format>& answered;  // by the answerer
  const CodecOptions& options;          // of the offer
  bool always_transcode = false, single_codec = false;
};

// What the offerer is answered, under the offerer's numbers; the first one is what is sent to it.
// Errors: unsupported: nothing in common and nothing that can be transcoded.
Result<std::vector<Format>> answer_formats(const AnswerInput& in);

}  // namespace tandem::anchor
