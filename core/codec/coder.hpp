// Encoder and Decoder: one direction of one codec, owned. They give the C table's functions spans and
// verdicts.
//
//   PCM ──Encoder::encode──► RTP payload        RTP payload ──Decoder::decode──► PCM
//
// Thread: created and destroyed on [control]; encode, decode, conceal on the one [media] loop that has them.
// Not here: resampling to the session's rate, concealment for codecs that have none (core/audio).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "tandem/codec.h"

namespace tandem::codec {

class Encoder {
 public:
  // [control] `fmtp` is the peer's. Errors: invalid (the codec refused: fmtp or memory). May allocate.
  static Result<Encoder> create(const td_codec* codec, std::string_view fmtp);

  // [media] PCM of a multiple of frame_samples into one payload. Bytes written, 0 for nothing to send (DTX),
  // below 0 for a refused length or a codec's error. `out` should have codec().max_payload bytes.
  [[nodiscard]] int encode(std::span<const std::int16_t> pcm, std::span<std::uint8_t> out);
  // [media] The same from mono: a stereo codec gets it on both channels.
  [[nodiscard]] int encode_mono(std::span<const std::int16_t> pcm, std::span<std::uint8_t> out);

  // [media] What the peer says: it may ask something of us (AMR's mode request).
  void heed(std::span<const std::uint8_t> payload);
  bool heeds() const;  // [any] it may: heed() does something

  const td_codec& codec() const { return *codec_; }

 private:
  struct Destroy {
    const td_codec* codec = nullptr;
    void operator()(td_encoder* state) const { codec->destroy_encoder(state); }
  };
  Encoder(const td_codec* codec, td_encoder* state) : codec_(codec), state_(state, Destroy{codec}) {}

  const td_codec* codec_;  // borrowed
  std::unique_ptr<td_encoder, Destroy> state_;
};

class Decoder {
 public:
  // [control] `fmtp` is ours. Errors: invalid (the codec refused: fmtp or memory). May allocate.
  static Result<Decoder> create(const td_codec* codec, std::string_view fmtp);

  // [media] One payload into PCM. Samples per channel written, below 0 when the payload is not this codec's
  // or does not fit: count it and treat it as lost.
  [[nodiscard]] int decode(std::span<const std::uint8_t> payload, std::span<std::int16_t> pcm);

  // [media] The same as mono: a stereo codec's two channels mixed.
  [[nodiscard]] int decode_mono(std::span<const std::uint8_t> payload, std::span<std::int16_t> pcm);
  [[nodiscard]] int conceal_mono(std::span<std::int16_t> pcm);

  // [media] Makes up a lost stretch. Samples per channel written; 0: the codec cannot, use
  // audio::Concealment.
  [[nodiscard]] int conceal(std::span<std::int16_t> pcm);

  // [media] The packet before `next` was lost: its end, as long as `pcm`, from what `next` repeats of it
  // (in-band FEC); to be called before `next` is decoded. Samples per channel written, all of `pcm` or 0.
  [[nodiscard]] int recover(std::span<const std::uint8_t> next, std::span<std::int16_t> pcm);

  // [media] The same as mono.
  [[nodiscard]] int recover_mono(std::span<const std::uint8_t> next, std::span<std::int16_t> pcm);
  // [any] The codec knows in-band FEC; whether a stream has it, only recover tells.
  bool can_recover() const;

  const td_codec& codec() const { return *codec_; }

 private:
  struct Destroy {
    const td_codec* codec = nullptr;
    void operator()(td_decoder* state) const { codec->destroy_decoder(state); }
  };
  Decoder(const td_codec* codec, td_decoder* state) : codec_(codec), state_(state, Destroy{codec}) {}

  const td_codec* codec_;  // borrowed
  std::unique_ptr<td_decoder, Destroy> state_;
};

// [any] Duration of a payload in RTP timestamp units (the codec's clock, not its sample rate), 0 when
// invalid.
std::uint32_t payload_ticks(const td_codec& codec, std::span<const std::uint8_t> payload);

// [any] The packet length nearest below `ptime_ms` that the codec can fill with whole frames, at least one.
unsigned packet_ms(const td_codec& codec, unsigned ptime_ms);

// [any] The table's answer_fmtp; null where it has none.
decltype(td_codec::answer_fmtp) answer_function(const td_codec& codec);

// [any] What our a=fmtp says in an answer to `theirs`.
std::string answer_fmtp(const td_codec& codec, std::string_view ours, std::string_view theirs);

// [any] Packets made for `from` may go to a peer that says `to` as they are.
bool relayable(const td_codec& codec, std::string_view from, std::string_view to);

// [any] Whether its sender says with this payload that it is silent until the next.
bool pauses(const td_codec& codec, std::span<const std::uint8_t> payload);
// [any] Whether the codec has a way of its own to be silent.
bool has_pauses(const td_codec& codec);

// [any] Whether the codec can make packets of another length without decoding, at times.
bool can_repacket(const td_codec& codec);
// [media] `samples` from the `from`th on of what `parts` say, as one payload; bytes, 0 when it cannot be
// done.
int repacket(const td_codec& codec, std::span<const td_str> parts, std::uint32_t from, std::uint32_t samples,
             std::span<std::uint8_t> out);

// [any] RTP timestamp units <-> PCM samples of the codec (G722: 8000 <-> 16000).
constexpr std::uint32_t ticks_to_samples(const td_codec& codec, std::uint32_t ticks) {
  return static_cast<std::uint32_t>(std::uint64_t{ticks} * codec.sample_rate / codec.clock_rate);
}
constexpr std::uint32_t samples_to_ticks(const td_codec& codec, std::uint32_t samples) {
  return static_cast<std::uint32_t>(std::uint64_t{samples} * codec.clock_rate / codec.sample_rate);
}

}  // namespace tandem::codec
