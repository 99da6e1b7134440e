// Transcoder: one direction between two joined legs that do not speak alike, packet by packet, as they come.
//
//   packet ─┬─ G.711 to the other law, or the same codec, and the length fits ─► the source's own header ───┐
//           └─ in order? ─┬─ same codec ─► cut and joined (Repacketizer) ───────────────────────────────────┤
//                         └─ gap made up (FEC, PLC) ─► decode ─► channels, rate ─► packet ─► encode
//                         ────────┴─► sink
//   pause (comfort noise, the codec's DTX) ─► noise as it was told, by the clock, until somebody speaks again
//
// There is no jitter buffer in this path: it adds what the codecs look ahead and nothing else, a stall leaves
// no lag behind, and the far end's own buffer sees the network as it is. What comes out is a stream of its
// own (source's SSRC, own sequence and time) for rtp::TxStream::relay. While somebody needs the sound itself
// (player, recorder, tones) the Session runs both legs on the tick instead and uses only resample().
//
// Thread: made on [control] with all it needs, used on [media], destroyed on [control]. Not here: sockets,
// latching, statistics of RFC 3550.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/audio/comfort_noise.hpp"
#include "core/audio/concealment.hpp"
#include "core/audio/resampler.hpp"
#include "core/audio/stereo_concealment.hpp"
#include "core/base/result.hpp"
#include "core/media/leg_config.hpp"
#include "core/media/playout.hpp"
#include "core/media/repacketizer.hpp"
#include "core/media/silence_sender.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::media {

// Who takes what the transcoder makes.
class TranscodeSink {
 public:
  // [media] One packet: its place in the transcoder's stream (the payload type is the sink's business).
  virtual void on_transcoded(const rtp::Header& header, std::span<const std::uint8_t> payload) = 0;
  // [media] The same for a description of noise (RFC 3389), at the clock of the destination's audio.
  virtual void on_noise(const rtp::Header& header, std::span<const std::uint8_t> payload) = 0;

 protected:
  ~TranscodeSink() = default;
};

// [any] What `from` says first can be sent to `to` as it is: the same codec, with parameters that agree, in
// packets of a length that suits, and noise is described to whom takes that.
bool speak_alike(const LegConfig& from, const LegConfig& to);

class Transcoder {
 public:
  static constexpr int kDropoutMax = 3000;         // RFC 3550 A.1: a greater step ahead is another stream
  static constexpr milliseconds kConcealMax{60};   // a longer loss is left to the far end
  static constexpr seconds kReorderMemory{10};     // after a packet came late, gaps are waited for so long
  static constexpr milliseconds kReorderWait{20};  // at most so long
  static constexpr std::uint32_t kJitterOfClockMs = 4;  // a timestamp that is off by less is not meant so

  struct Counts {
    std::uint64_t decoded = 0, encoded = 0, translated = 0;
    std::uint64_t recovered = 0;  // lost packets made from the redundancy of the one after
    std::uint64_t concealed = 0;  // lost ones made up
    std::uint64_t undecodable = 0, late = 0;
  };

  // [control] For what `from` says, as `to` is sent it; both have a codec. Errors: unsupported (a rate that
  // cannot be resampled).
  static Result<std::unique_ptr<Transcoder>> create(const LegConfig& from, const LegConfig& to);

  // [any] Made for these two? Between a change of a leg's codecs and the new transcoder it is not.
  bool fits(const LegConfig& from, const LegConfig& to) const;

  // [media] One audio packet of a negotiated type, in any order, once each. `decoders` are the source's,
  // `encoder` the destination's. Bad payloads count as lost.
  void push(const rtp::Header& header, std::span<const std::uint8_t> payload, TimePoint now,
            Playout& decoders, codec::Encoder& encoder, TranscodeSink& sink);
  // [media] One telephone-event packet of this clock rate, in its place in the stream: to the sink with its
  // duration in the destination's.
  void push_event(const rtp::Header& header, std::span<const std::uint8_t> payload, std::uint32_t clock_rate,
                  Playout& decoders, codec::Encoder& encoder, TranscodeSink& sink);
  // [media] One packet of comfort noise of this clock rate: described on where the destination takes that,
  // else made until the next audio comes.
  void push_noise(const rtp::Header& header, std::span<const std::uint8_t> payload, std::uint32_t clock_rate,
                  TimePoint now, Playout& decoders, codec::Encoder& encoder, TranscodeSink& sink);
  // [media] A packet that is not passed on (a telephone-event made anew) took this sequence number.
  void pass(rtp::SeqNum seq);
  // [media] Each frame: gives up waiting for a packet that does not come, and makes the noise of a pause.
  void keep_up(TimePoint now, Playout& decoders, codec::Encoder& encoder, TranscodeSink& sink);
  // [media] Begins anew with the next packet.
  void reset();

  // [media] For the tick: mono from the source leg's rate to the destination's. Samples written.
  std::size_t resample(std::span<const std::int16_t> in, std::span<std::int16_t> out);

  const Counts& counts() const { return counts_; }

 private:
  using LawTable = const std::array<std::uint8_t, 256>;
  struct Work {  // what one push works with
    Playout& decoders;
    codec::Encoder& encoder;
    TranscodeSink& sink;
  };
  struct Held {
    rtp::Header header;
    std::size_t bytes = 0;
    TimePoint since{};
    std::array<std::uint8_t, rtp::kPacketBytesMax> payload;
  };

  Transcoder(const LegConfig& from, const LegConfig& to);
  bool translate(const rtp::Header& header, std::span<const std::uint8_t> payload, const td_codec& codec,
                 const Work& work);
  void take(const rtp::Header& header, std::span<const std::uint8_t> payload, const Work& work);
  void take_held(const Work& work);
  bool hold(const rtp::Header& header, std::span<const std::uint8_t> payload, TimePoint now);
  void begin(const rtp::Header& header);
  int bridge(std::uint32_t ticks, bool lost, Playout::Codec& codec, std::span<const std::uint8_t> next,
             std::span<std::int16_t> next_pcm, const Work& work);
  void make_up(std::size_t samples, Playout::Codec& codec, const Work& work);
  void pause(std::uint32_t ticks, bool lost, const td_codec& codec, const Work& work);
  void good(std::span<std::int16_t> pcm, Playout::Codec& codec, const Work& work);
  void heard(std::span<const std::int16_t> pcm, Playout::Codec& codec, const Work& work);
  void append(std::span<const std::int16_t> pcm, std::size_t channels, const Work& work);
  void send(const Work& work);
  void fill_up(const Work& work);
  // packets that are not decoded
  bool regroup(const rtp::Header& header, std::span<const std::uint8_t> payload, std::uint32_t ticks,
               const Work& work);
  void send_regrouped(Repacketizer::Packet packet, std::span<const std::uint8_t> payload, const Work& work);
  void flush_regrouped(const Work& work);
  void decode_regrouped(const Work& work);
  // pauses
  void begin_pause(rtp::RtpTime at, TimePoint now, bool by_codec);
  void end_pause(const rtp::Header& header, const Work& work);
  void make_noise(std::uint32_t ticks, const Work& work);
  void describe_on(const rtp::Header& header, std::span<const std::uint8_t> payload, int ahead,
                   const Work& work);

  // owned
  std::array<std::optional<audio::Resampler>, 2> resamplers_;  // of each channel; none: equal rates
  audio::Concealment concealment_;
  std::unique_ptr<audio::StereoConcealment> stereo_;  // null: no codec of the source has two channels
  std::vector<std::int16_t> packet_;                  // what fills the next packet, interleaved
  std::unique_ptr<Held> held_;
  std::unique_ptr<Repacketizer> regrouped_;  // null: what does not fit is coded anew
  std::unique_ptr<SilenceSender> silence_;   // null: silence is sent as sound
  audio::ComfortNoise noise_;
  // state
  const td_codec* from_;
  const td_codec* to_;
  const unsigned ptime_ms_;
  const std::uint32_t packet_ticks_;
  LawTable* law_ = nullptr;          // from_ to to_ byte by byte, when both are G.711
  const bool same_;                  // both speak one codec, and what one says suits the other
  const bool any_length_;            // then: in packets of whatever length
  const bool takes_noise_;           // the destination, at its audio's clock
  const std::uint32_t event_clock_;  // of the destination's telephone-events
  std::size_t filled_ = 0;
  rtp::Ssrc ssrc_;
  rtp::SeqNum next_seq_;  // of the source
  rtp::RtpTime next_time_;
  std::uint32_t clock_rate_ = 0;
  rtp::SeqNum out_seq_;  // of the next packet made
  rtp::RtpTime out_time_;
  int seq_shift_ = 0;  // what is passed with the source's own header is moved by these
  std::int64_t time_shift_ = 0;
  TimePoint now_{};
  TimePoint reordered_at_{};
  TimePoint pause_since_{};      // when the source was at the time from which pause_made_ counts
  std::int64_t pause_made_ = 0;  // ticks of the source's clock
  std::int64_t surplus_ = 0;     // ticks made that the source had not waited for: owed by the next pause
  bool pausing_ = false, codec_pauses_ = false;
  bool begun_ = false, marker_ = false, waits_ = false, reorders_ = false, repacketizes_ = false;
  Counts counts_;
};

}  // namespace tandem::media
