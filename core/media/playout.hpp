// Playout: from the packets of one leg to the PCM that it says, frame by frame.
//
//   packet ──push──► JitterBuffer ──► decode / recover / conceal ──► [resample] ──► PCM ──pull──► frame
//                          ▲ surplus of delay ──────────► TimeScale: a period less or more ──▲
//
// The codec of each packet is told by its payload type; all of them end at the leg's rate. Made on [control]
// with all it needs; push and pull on [media]; reset() before it goes back to [control] to die. A leg that is
// relayed or transcoded packet by packet has only the decoders: the rest is cold memory until the first push
// or pull.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/audio/comfort_noise.hpp"
#include "core/audio/concealment.hpp"
#include "core/audio/resampler.hpp"
#include "core/audio/time_scale.hpp"
#include "core/base/cold_memory.hpp"
#include "core/codec/coder.hpp"
#include "core/jitter/jitter_buffer.hpp"
#include "core/media/leg_config.hpp"

namespace tandem::media {

class Playout {
 public:
  struct Codec {
    std::uint8_t payload_type = 0;
    codec::Decoder decoder;
    std::optional<audio::Resampler> to_leg_rate;  // none: the codec has the leg's rate
  };
  struct Counts {
    std::uint64_t decoded = 0, concealed = 0, undecodable = 0;  // packets, or parts of them
    std::uint64_t recovered = 0;                                // of those lost, from in-band FEC
    std::uint64_t shortened = 0, lengthened = 0;                // samples taken out, put in
    std::uint64_t made_up = 0;                                  // samples of concealment
  };

  // [control] `codecs` is not empty; the first is the leg's own, and its rate the leg's.
  Playout(jitter::PayloadPool& pool, const jitter::JitterConfig& config, std::vector<Codec> codecs);
  ~Playout();
  Playout(const Playout&) = delete;
  Playout& operator=(const Playout&) = delete;

  // [control] The payload types of comfort noise (RFC 3389), before the first packet.
  void set_noise(const std::vector<ClockedType>& types) { noise_types_ = types; }

  // [media] One audio packet, or one of comfort noise. The verdict is the jitter buffer's; malformed also for
  // a type that is not ours.
  [[nodiscard]] jitter::Push push(const jitter::Incoming& packet, std::span<const std::uint8_t> payload,
                                  TimePoint arrival);
  // [media] Fills `frame` (at most 20 ms at the leg's rate): speech, concealment or silence.
  void pull(TimePoint now, std::span<std::int16_t> frame);
  // [media] Drops what waits.
  void reset();

  // [media] Null when the type was not negotiated.
  Codec* find(std::uint8_t payload_type);
  Codec& own() { return codecs_.front(); }  // the leg's
  std::uint32_t rate() const { return rate_; }
  const Counts& counts() const { return counts_; }
  const jitter::JitterBuffer& jitter() { return sound().jitter; }
  // [media] That of the jitter buffer; 0 as long as nothing was pushed or pulled.
  milliseconds delay() const { return sound_ == nullptr ? milliseconds(0) : sound_->jitter.delay(); }

 private:
  struct Sound {
    Sound(jitter::PayloadPool& pool, const jitter::JitterConfig& config, unsigned rate,
          std::span<std::int16_t> room)
        : jitter(pool, config), concealment(rate), noise(rate), scale(rate), fifo(room) {}
    jitter::JitterBuffer jitter;
    audio::Concealment concealment;
    audio::ComfortNoise noise;  // that the sender described last
    audio::TimeScale scale;
    const std::span<std::int16_t> fifo;  // [begin, end) waits; what was played stands before it
    std::size_t begin = 0, end = 0;
    std::array<std::int16_t, 320> ahead;  // of a packet decoded before its turn: 20 ms at 16 kHz
    std::size_t waiting() const { return end - begin; }
  };
  Sound& sound() { return sound_ != nullptr ? *sound_ : wake(); }
  Sound& wake();
  const ClockedType* noise_of(std::uint8_t payload_type) const;
  void pause(Codec& codec, std::span<std::int16_t> pcm);
  void fill(TimePoint now, std::size_t frame);
  void play(const jitter::Pulled& item, std::size_t frame);
  void take(Codec& codec, std::span<std::int16_t> pcm, std::size_t samples, std::size_t frame, bool put_off);
  int decode(Codec& codec, const jitter::Pulled& item, std::span<std::int16_t> pcm);
  std::span<const std::int16_t> decode_ahead(Codec& codec, const jitter::Pulled& item);
  void conceal(const jitter::Pulled& item);
  void make_up(Codec& codec, std::uint32_t ticks);
  bool recover(const jitter::Pulled& item);
  void append(Codec& codec, std::span<const std::int16_t> pcm);
  void correct(std::size_t frame);

  // borrowed
  jitter::PayloadPool& pool_;
  // owned
  std::vector<Codec> codecs_;
  std::vector<ClockedType> noise_types_;
  const std::uint32_t rate_;
  const jitter::JitterConfig config_;
  const ColdMemory memory_;  // Sound, and the samples of its fifo
  Sound* sound_ = nullptr;   // null: nothing was pushed or pulled yet
  // state
  std::size_t active_ = 0;         // index of the codec heard last
  bool codec_pauses_ = false;      // the last payload said so: the decoder makes the noise of the pause
  std::int32_t surplus_ = 0;       // of the packet decoded last: samples above (below 0: under) the target
  std::size_t packet_ = 0;         // samples of it
  std::size_t ahead_samples_ = 0;  // 0: none
  std::uint32_t ahead_timestamp_ = 0;
  bool fresh_ = false;                  // one was decoded for this frame
  std::uint64_t since_scaled_ = 0;      // samples
  std::uint32_t tries_ = 0, hits_ = 0;  // of recovering
  Counts counts_;
};

}  // namespace tandem::media
