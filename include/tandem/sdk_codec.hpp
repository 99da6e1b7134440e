// A codec as C++ classes: the part of the SDK that codec plugins share. Header only; included by sdk.hpp.
//
//   struct Mine {                                                  // one codec
//     struct Encoder { static std::unique_ptr<Encoder> create(std::string_view fmtp);   // null: refused
//                      std::int32_t encode(Pcm pcm, Bytes out); };                      // interleaved PCM
//     struct Decoder { static std::unique_ptr<Decoder> create(std::string_view fmtp);
//                      std::int32_t decode(Payload payload, PcmOut pcm); };             // samples a channel
//     static std::int32_t payload_samples(Payload payload);
//   };
//   const td_codec kCodecs[] = {sdk::codec_table<Mine>({.name = "MINE", …})};
//   extern "C" const td_plugin* tandem_plugin_mine(void) {
//     static const td_plugin table = sdk::codec_plugin<kCodecs>("mine", "Apache-2.0");
//     return &table;
//   }
//
// What a class may have besides, all found by name: Decoder::conceal(PcmOut), Decoder::recover(next, PcmOut),
// Encoder::feedback(Payload), static compatible(ours, theirs), static relayable(from, to), static
// answer(ours, theirs) -> std::string, static pauses(Payload), static repacket(parts, from, samples, Bytes)
// or, for payloads that are rows of units, kUnitBytes and kUnitSamples. Threads and meanings: tandem/codec.h.
// Nothing here allocates but create and answer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tandem/abi.h"
#include "tandem/codec.h"
#include "tandem/sdk_fmtp.hpp"
#include "tandem/sdk_options.hpp"

namespace tandem::sdk {

using Pcm = std::span<const std::int16_t>;
using PcmOut = std::span<std::int16_t>;
using Payload = std::span<const std::uint8_t>;
using Bytes = std::span<std::uint8_t>;

// ---- concealment by whole frames of `Frame` samples, given out at any length

template <std::uint32_t Frame>
class Carry {
 public:
  void clear() { left_ = 0; }
  // Fills `out`; make(std::int16_t* into) makes one frame, false when it cannot. Samples written: all, or 0.
  template <typename Make>
  std::int32_t fill(PcmOut out, Make make) {
    std::size_t done = std::min<std::size_t>(left_, out.size());
    std::copy_n(frame_.end() - left_, done, out.begin());
    left_ -= static_cast<std::uint32_t>(done);
    while (done < out.size()) {
      if (!make(frame_.data())) return 0;
      const std::size_t n = std::min<std::size_t>(Frame, out.size() - done);
      std::copy_n(frame_.begin(), n, out.begin() + static_cast<std::ptrdiff_t>(done));
      left_ = Frame - static_cast<std::uint32_t>(n);
      done += n;
    }
    return static_cast<std::int32_t>(out.size());
  }

 private:
  std::array<std::int16_t, Frame> frame_{};
  std::uint32_t left_ = 0;  // at the end of frame_, not given out yet
};

// ---- packets of another length, where a payload is whole units of `UnitBytes`, each `UnitSamples` long

using Parts = std::span<const td_str>;

template <std::uint32_t UnitBytes, std::uint32_t UnitSamples>
std::int32_t repacket_units(Parts parts, std::uint32_t from, std::uint32_t samples, Bytes out) {
  if (from % UnitSamples != 0 || samples % UnitSamples != 0) return 0;
  std::size_t skip = std::size_t{from} / UnitSamples * UnitBytes;
  std::size_t left = std::size_t{samples} / UnitSamples * UnitBytes;
  if (left > out.size()) return 0;
  std::uint8_t* into = out.data();
  for (const td_str& part : parts) {
    if (part.size % UnitBytes != 0) return 0;
    const std::size_t passed = std::min(skip, part.size), n = std::min(left, part.size - passed);
    into = std::copy_n(reinterpret_cast<const std::uint8_t*>(part.data) + passed, n, into);
    skip -= passed;
    left -= n;
  }
  return left == 0 ? static_cast<std::int32_t>(into - out.data()) : 0;
}

// ---- coders over a library's state, where a payload is whole units: kUnitBytes for each kUnitSamples
//
// Codec::open() makes the state of either (null: it cannot); Codec::encode(state, pcm, out) and
// Codec::decode(state, payload, pcm) are given lengths that fit and return as those of a class above do.

template <typename Codec>
struct UnitCoder {
  decltype(Codec::open()) state = Codec::open();
  static std::unique_ptr<UnitCoder> create(std::string_view) {
    auto made = std::make_unique<UnitCoder>();
    return made->state ? std::move(made) : nullptr;
  }
  std::int32_t encode(Pcm pcm, Bytes out) {
    if (pcm.size() % Codec::kUnitSamples != 0 ||
        pcm.size() / Codec::kUnitSamples * Codec::kUnitBytes > out.size())
      return TD_INVALID;
    return Codec::encode(*state, pcm, out);
  }
  std::int32_t decode(Payload payload, PcmOut pcm) {
    const std::int32_t samples = Codec::payload_samples(payload);
    if (samples < 0 || static_cast<std::size_t>(samples) > pcm.size()) return TD_INVALID;
    return Codec::decode(*state, payload, pcm);
  }
};

// ---- tables

struct CodecTraits {
  const char* name = "";
  std::int32_t static_type = -1;
  std::uint32_t clock_rate = 8000, sample_rate = 8000;
  std::uint32_t rtpmap_channels = 1, channels = 1;
  std::uint32_t frame_samples = 80;
  std::uint32_t max_payload = 1;
  const char* default_fmtp = "";
  std::uint32_t max_ptime_ms = 60;
};

namespace detail {

inline std::string_view text(td_str s) {
  return s.data == nullptr ? std::string_view{} : std::string_view{s.data, s.size};
}

template <typename Mine>
struct Functions {
  using E = typename Mine::Encoder;
  using D = typename Mine::Decoder;
  static E* encoder(td_encoder* state) { return reinterpret_cast<E*>(state); }
  static D* decoder(td_decoder* state) { return reinterpret_cast<D*>(state); }

  static td_encoder* create_encoder(td_str fmtp) noexcept {
    try {
      return reinterpret_cast<td_encoder*>(E::create(text(fmtp)).release());
    } catch (...) {
      return nullptr;
    }
  }
  static td_decoder* create_decoder(td_str fmtp) noexcept {
    try {
      return reinterpret_cast<td_decoder*>(D::create(text(fmtp)).release());
    } catch (...) {
      return nullptr;
    }
  }
  static void destroy_encoder(td_encoder* state) noexcept { delete encoder(state); }
  static void destroy_decoder(td_decoder* state) noexcept { delete decoder(state); }

  template <std::uint32_t Channels>
  static std::int32_t encode(td_encoder* state, const std::int16_t* pcm, std::uint32_t samples,
                             std::uint8_t* out, std::uint32_t capacity) noexcept {
    return encoder(state)->encode(Pcm(pcm, std::size_t{samples} * Channels), Bytes(out, capacity));
  }
  template <std::uint32_t Channels>
  static std::int32_t decode(td_decoder* state, const std::uint8_t* payload, std::uint32_t bytes,
                             std::int16_t* pcm, std::uint32_t capacity) noexcept {
    if (bytes == 0) return TD_INVALID;
    return decoder(state)->decode(Payload(payload, bytes), PcmOut(pcm, std::size_t{capacity} * Channels));
  }
  template <std::uint32_t Channels>
  static std::int32_t conceal(td_decoder* state, std::int16_t* pcm, std::uint32_t samples) noexcept {
    if constexpr (requires(D & d, PcmOut out) { d.conceal(out); }) {
      return samples == 0 ? 0 : decoder(state)->conceal(PcmOut(pcm, std::size_t{samples} * Channels));
    } else {
      return 0;
    }
  }
  template <std::uint32_t Channels>
  static std::int32_t recover(td_decoder* state, const std::uint8_t* next, std::uint32_t bytes,
                              std::int16_t* pcm, std::uint32_t samples) noexcept {
    if (bytes == 0 || samples == 0) return 0;
    return decoder(state)->recover(Payload(next, bytes), PcmOut(pcm, std::size_t{samples} * Channels));
  }
  static void feedback(td_encoder* state, const std::uint8_t* payload, std::uint32_t bytes) noexcept {
    if (bytes != 0) encoder(state)->feedback(Payload(payload, bytes));
  }
  static std::int32_t payload_samples(const std::uint8_t* payload, std::uint32_t bytes) noexcept {
    return bytes == 0 ? std::int32_t{TD_INVALID} : Mine::payload_samples(Payload(payload, bytes));
  }
  static int compatible(td_str ours, td_str theirs) noexcept {
    if constexpr (requires { Mine::compatible(text(ours), text(theirs)); }) {
      return Mine::compatible(text(ours), text(theirs)) ? 1 : 0;
    } else {
      return 1;
    }
  }
  static int relayable(td_str from, td_str to) noexcept {
    return Mine::relayable(text(from), text(to)) ? 1 : 0;
  }
  static int pauses(const std::uint8_t* payload, std::uint32_t bytes) noexcept {
    return bytes != 0 && Mine::pauses(Payload(payload, bytes)) ? 1 : 0;
  }
  static std::int32_t repacket(const td_str* parts, std::uint32_t count, std::uint32_t from,
                               std::uint32_t samples, std::uint8_t* out, std::uint32_t capacity) noexcept {
    if constexpr (requires { Mine::kUnitBytes; }) {
      return repacket_units<Mine::kUnitBytes, Mine::kUnitSamples>(Parts(parts, count), from, samples,
                                                                  Bytes(out, capacity));
    } else {
      return Mine::repacket(Parts(parts, count), from, samples, Bytes(out, capacity));
    }
  }
  static std::int32_t answer(td_str ours, td_str theirs, char* out, std::uint32_t capacity) noexcept {
    try {
      const std::string said = Mine::answer(text(ours), text(theirs));
      if (said.size() > capacity) return TD_INVALID;
      std::copy(said.begin(), said.end(), out);
      return static_cast<std::int32_t>(said.size());
    } catch (...) {
      return TD_INTERNAL;
    }
  }
};

}  // namespace detail

// The C table of one codec made of classes; Channels are those of its PCM.
template <typename Mine, std::uint32_t Channels = 1>
constexpr td_codec codec_table(const CodecTraits& traits) {
  using F = detail::Functions<Mine>;
  td_codec table{};
  table.size = sizeof(td_codec);
  table.name = traits.name;
  table.static_type = traits.static_type;
  table.clock_rate = traits.clock_rate;
  table.sample_rate = traits.sample_rate;
  table.rtpmap_channels = traits.rtpmap_channels;
  table.channels = Channels;
  table.frame_samples = traits.frame_samples;
  table.max_payload = traits.max_payload;
  table.default_fmtp = traits.default_fmtp;
  table.fmtp_compatible = F::compatible;
  table.create_encoder = F::create_encoder;
  table.destroy_encoder = F::destroy_encoder;
  table.encode = F::template encode<Channels>;
  table.create_decoder = F::create_decoder;
  table.destroy_decoder = F::destroy_decoder;
  table.decode = F::template decode<Channels>;
  table.conceal = F::template conceal<Channels>;
  table.payload_samples = F::payload_samples;
  if constexpr (requires(typename Mine::Decoder & d, Payload p, PcmOut out) { d.recover(p, out); })
    table.recover = F::template recover<Channels>;
  if constexpr (requires(typename Mine::Encoder & e, Payload p) { e.feedback(p); })
    table.feedback = F::feedback;
  if constexpr (requires(std::string_view s) { Mine::answer(s, s); }) table.answer_fmtp = F::answer;
  if constexpr (requires(std::string_view s) { Mine::relayable(s, s); }) table.relayable = F::relayable;
  table.max_ptime_ms = traits.max_ptime_ms;
  if constexpr (requires(Payload p) { Mine::pauses(p); }) table.pauses = F::pauses;
  if constexpr (
      requires { Mine::kUnitBytes; } || requires(Parts p, Bytes out) { Mine::repacket(p, 0u, 0u, out); })
    table.repacket = F::repacket;
  return table;
}

// The table of a plugin that gives codecs and has no options. `Codecs` is an array of static storage.
template <const auto& Codecs>
td_plugin codec_plugin(
    const char* name, const char* licence,
    int (*activate)(const td_host*, const char**) noexcept = [](const td_host*, const char**) noexcept {
      return int{TD_OK};
    }) {
  return {sizeof(td_plugin),
          TD_ABI_MAJOR,
          TD_ABI_MINOR,
          name,
          "0.1.0",
          licence,
          activate,
          []() noexcept {},
          [](const char* id, std::uint32_t index) noexcept -> const void* {
            if (std::string_view(id) == TD_OPTIONS_ID) return options<&no_options>();
            return std::string_view(id) == TD_CODEC_ID && index < std::size(Codecs) ? &Codecs[index]
                                                                                    : nullptr;
          }};
}

}  // namespace tandem::sdk
