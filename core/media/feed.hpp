// Feed: one leg hears another beside the pair that it may be in: a copy of what `from` says goes to `to`.
// Recorders over SIP, supervisors, announcements into a call, several talkers at one listener.
//
//   from.on_packet ──push──┬─ direct: the same codec as it is, else by way of a Transcoder ──► to, at once
//                          └─ mix: into ears of its own ──pull, on to's tick──► to hears it with the rest
//
// Direct when `to` hears nothing but this; Leg::plan_feeds decides, whenever something changed. The decoders
// are the feed's own, as each listener follows the stream for itself. Legs of opaque datagrams are given
// copies of them. A leg may hear itself: what it takes goes back out in what it sends (a transform), by a
// feed for each of its outputs. They share its stream: whose codec came last has the floor.
//
// The two legs may live on two media loops: then packets cross in a PacketRing, and the listener's loop takes
// them at its next tick (5 ms at most). push and restart are of the talker's loop, everything else of the
// listener's. Made on [control]; used on [media]; detached there before it goes home to die.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/audio/resampler.hpp"
#include "core/base/result.hpp"
#include "core/media/leg_setup.hpp"
#include "core/media/packet_ring.hpp"
#include "core/media/transcoder.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::media {

class Leg;

class Feed {
 public:
  enum class Mode : std::uint8_t { idle, direct, mix };
  enum class Kind : std::uint8_t { audio, event, noise };
  enum class Loops : std::uint8_t { one, two };
  enum class As : std::uint8_t { listener, peer };  // peer: one of the two feeds of a pair over two loops

  // [control] Both configs are those that the legs have, or are about to have; `pool` is of the loop of `to`.
  // The legs outlive the feed; they may be the same one. Errors: unsupported (a codec that neither passes as
  // it is nor can be decoded; audio to a leg of datagrams), invalid (a codec refuses its fmtp).
  static Result<std::unique_ptr<Feed>> create(jitter::PayloadPool& pool, Leg& from, const LegConfig& said,
                                              Leg& to, const LegConfig& wanted, Loops loops = Loops::one,
                                              As as = As::listener);
  // [control] The leg hears itself as one of its outputs (PayloadMap::output). Errors as above, and invalid:
  // there is none of that number.
  static Result<std::unique_ptr<Feed>> create_own(jitter::PayloadPool& pool, Leg& leg,
                                                  const LegConfig& config, std::uint8_t output);

  // [media] An RTP packet of `from`, usable and of a negotiated type; a datagram of a leg of those.
  void push(const rtp::Packet& packet, Kind kind, TimePoint arrival);
  void push_datagram(std::span<const std::uint8_t> bytes, bool rtcp);
  // A key of `from`, once it is over. Two loops, a pair: where its packets do not go on themselves, it is
  // made anew.
  void push_digit(char digit, milliseconds duration);
  // [media] The stream of `from` began anew.
  void restart();
  // [media] Two loops: what came over since the last tick of the listener's.
  void cross();
  // [media] Mix: one frame into what `to` hears.
  void pull(TimePoint now, unsigned frame_ms);
  // [media] Each frame of `from` (two loops: each tick): gives up waiting for a packet that does not come.
  void keep_up(TimePoint now);
  // [media]
  void set_mode(Mode mode);
  void detach();  // drops what waits

  Leg& from() const { return *from_; }
  Leg& to() const { return *to_; }
  Mode mode() const { return mode_; }
  bool relaying() const { return relaying_; }
  bool crosses() const { return ring_ != nullptr; }
  std::uint64_t dropped() const { return ring_ == nullptr ? 0 : ring_->dropped(); }  // [any]

 private:
  class Onward;
  Feed(Leg& from, Leg& to) : from_(&from), to_(&to) {}
  void take(const rtp::Packet& packet, Kind kind, bool passes, TimePoint arrival);
  void begin_anew();
  void take_digit(std::span<const std::uint8_t> told);
  const LegConfig& said() const;
  LegSetup& mouth() const;
  bool own() const { return from_ == to_; }
  bool take_floor(std::uint8_t payload_type, TimePoint now);
  void pass_event(const rtp::Packet& packet, bool allowed, TimePoint now);
  void pass_noise(const rtp::Packet& packet, TimePoint now);
  bool relay(const rtp::Packet& packet, TimePoint now);
  bool can_transcode() const;

  // borrowed
  Leg* from_;
  Leg* to_;
  // owned
  std::unique_ptr<LegSetup> ears_;          // decoders and jitter buffer; null: opaque datagrams
  std::unique_ptr<LegSetup> mouth_;         // the encoder of an own output; null: that of `to`
  std::optional<audio::Resampler> to_mix_;  // of an own output, where ears and leg differ
  std::unique_ptr<Transcoder> transcoder_;  // null: nothing here can be decoded
  std::unique_ptr<PacketRing> ring_;        // null: both legs live on one loop
  // state
  Mode mode_ = Mode::idle;
  bool peer_ = false;      // of a pair
  bool alike_ = false;     // what `from` says first passes as it is
  bool relaying_ = false;  // the last packet did
};

}  // namespace tandem::media
