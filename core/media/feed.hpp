// Feed: one leg hears another beside the pair that it may be in: a copy of what `from` says goes to `to`.
// Recorders over SIP, supervisors, announcements into a call, several talkers at one listener.
//
//   from.on_packet ──push──┬─ direct: the same codec as it is, else by way of a Transcoder ──► to, at once
//                          └─ mix: into ears of its own ──pull, on to's tick──► to hears it with the rest
//
// Direct when `to` hears nothing but this; Leg::plan_feeds decides, whenever something changed. The decoders
// are the feed's own, as each listener follows the stream for itself. Legs of opaque datagrams are given
// copies of them. Made on [control]; used on [media]; detached there before it goes home to die.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/base/result.hpp"
#include "core/media/leg_setup.hpp"
#include "core/media/transcoder.hpp"
#include "core/rtp/packet.hpp"

namespace tandem::media {

class Leg;

class Feed {
 public:
  enum class Mode : std::uint8_t { idle, direct, mix };
  enum class Kind : std::uint8_t { audio, event, noise };

  // [control] Both configs are those that the legs have, or are about to have. The legs live on one media
  // loop and outlive the feed; they may be the same one. Errors: unsupported (a codec that neither passes as
  // it is nor can be decoded; audio to a leg of datagrams), invalid (a codec refuses its fmtp).
  static Result<std::unique_ptr<Feed>> create(jitter::PayloadPool& pool, Leg& from, const LegConfig& said,
                                              Leg& to, const LegConfig& wanted);

  // [media] An RTP packet of `from`, usable and of a negotiated type.
  void push(const rtp::Packet& packet, Kind kind, TimePoint arrival);
  // [media] The stream of `from` began anew.
  void restart();
  // [media] Mix: one frame into what `to` hears.
  void pull(TimePoint now, unsigned frame_ms);
  // [media] Each frame of `from`: gives up waiting for a packet that does not come.
  void keep_up(TimePoint now);
  // [media]
  void set_mode(Mode mode);
  void detach();  // drops what waits

  Leg& from() const { return *from_; }
  Leg& to() const { return *to_; }
  Mode mode() const { return mode_; }
  bool relaying() const { return relaying_; }

 private:
  class Onward;
  Feed(Leg& from, Leg& to) : from_(&from), to_(&to) {}
  void pass_event(const rtp::Packet& packet, TimePoint now);
  void pass_noise(const rtp::Packet& packet, TimePoint now);
  bool relay(const rtp::Packet& packet, TimePoint now);
  bool can_transcode() const;

  // borrowed
  Leg* from_;
  Leg* to_;
  // owned
  std::unique_ptr<LegSetup> ears_;          // decoders and jitter buffer; null: opaque datagrams
  std::unique_ptr<Transcoder> transcoder_;  // null: nothing here can be decoded
  // state
  Mode mode_ = Mode::idle;
  bool alike_ = false;     // what `from` says first passes as it is
  bool relaying_ = false;  // the last packet did
};

}  // namespace tandem::media
