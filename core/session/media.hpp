// Media: the media plane as the control side sees it. One method a thing that can be done to a leg; what
// comes of it arrives at the MediaListener. The engine (engine.hpp) implements it over N media loops; tests
// of the call layer implement it in memory.
//
//   call layer ──Media──► inbox of the leg's media loop        MediaListener ◄── events of all loops
//
// Thread: all of it [control]. Ids are never reused; an id that is gone is ignored without harm, because both
// sides may end at the same time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/media/ids.hpp"
#include "core/media/leg_config.hpp"
#include "core/stun/ice_lite.hpp"

namespace tandem::session {

using media::FeedId;
using media::MediaId;
using media::PlaybackId;
using media::PlayEnd;
using media::RecordEnd;
using media::RecordingId;
using media::StreamId;

struct OpenSpec {
  Family family = Family::v4;
  MediaId near =
      0;  // live on the same media loop as this one: the best way to join. 0: the least loaded loop
  std::string local_host;  // the address to bind and to put in the SDP; "": the configured one for the family
};

struct Opened {
  MediaId id = 0;
  Address rtp;   // local address as the SDP says it
  Address rtcp;  // the port after it; the same socket when rtcp-mux is agreed
};

enum class Tone : std::uint8_t { ringback, busy, congestion, dial, beep, silence };

struct PlaySpec {
  std::vector<std::string>
      files;  // absolute paths of sound files, one after the other (already resolved and allowed)
  Tone tone = Tone::silence;   // played when `files` is empty
  std::string country = "us";  // of the tone
  bool loop = false;
  milliseconds offset{0};        // where to begin in the first file
  milliseconds limit{0};         // ends after so long; 0: no limit
  bool mix_into_bridge = false;  // true: the joined peer hears it as well
  int gain_db = 0;
};

// A play that is about to be heard.
struct Playing {
  PlaybackId id = 0;
  milliseconds length{0};  // of its files once through, from their beginning; 0: a tone
};

struct RecordSpec {
  MediaId leg = 0;
  std::string path;             // absolute; written beside it as PATH.part and published by rename
  bool stereo = false;          // left: what the leg says, right: what it hears; mono mixes both
  bool heard_too = true;        // false: only what the leg says (voicemail)
  milliseconds limit{0};        // 0: none
  milliseconds silence_end{0};  // ends after so much silence of the leg; 0: never
};

// What a leg says, as 16 bit little-endian mono PCM over a TCP connection of its own.
struct StreamSpec {
  MediaId leg = 0;
  Address to;
  std::uint32_t rate = 8000;  // 8, 16, 24, 32 or 48 kHz
  std::string preamble;       // sent first, on each connection
};

struct DigitEvent {
  MediaId leg = 0;
  char digit = 0;  // 0-9 * # A-D
  milliseconds duration{0};
  using Source = media::DigitSource;
  Source source = Source::rfc4733;
};

// One direction's figures (RFC 3550 terms). Times in ms.
struct StreamStats {
  std::string codec;
  std::uint64_t packets = 0, bytes = 0, lost = 0, late = 0, duplicate = 0, reordered = 0;
  double loss_percent = 0, jitter_ms = 0,
         delay_ms = 0;  // delay: jitter buffer (received), playout of the peer unknown
};

// Of one SSRC that the peer sent with. Quality over intervals of about 5 s; `ago`: before the query.
struct SourceStats {
  struct Quality {
    double mos = 0, loss_percent = 0, jitter_ms = 0, round_trip_ms = 0;
    milliseconds ago{0};
  };
  std::uint32_t ssrc = 0;
  std::uint64_t packets = 0, bytes = 0, lost = 0, samples = 0;
  Quality average, lowest, highest;
};

struct LegStats {
  StreamStats received;       // from the peer, measured here
  StreamStats sent;           // to the peer; loss and jitter as the peer's RTCP says
  double round_trip_ms = -1;  // by RTCP; -1 unknown
  std::uint64_t rtcp_packets = 0, rtcp_bytes = 0, rtcp_malformed = 0;  // received
  double mos_received = 0, mos_sent = 0;                               // E-model estimate (G.107), 0 unknown
  std::uint64_t from_strangers = 0;   // packets dropped: not from the locked source
  std::uint64_t malformed = 0;        // not RTP, or cut short
  std::uint64_t unknown_payload = 0;  // a payload type never negotiated
  std::uint64_t srtp_forged = 0;      // a wrong tag or key, cut, or plain RTP where SRTP was agreed
  std::uint64_t srtp_replayed = 0;    // seen before
  std::uint64_t stun_refused = 0;     // on a leg with ICE: checks that were not the peer's, or broken
  bool ice = false;                   // the peer's checks are answered
  bool ice_selected = false;          // and it has nominated the address that is used
  std::string srtp;                   // the crypto suite; "": plain RTP
  std::string remote;                 // where media goes now
  std::vector<SourceStats> sources;   // the newest first
  std::uint32_t ssrc_sent = 0;        // that we send with
  std::string mode;                   // "relay", "transcode", "app", "idle"
};

class MediaListener {
 public:
  virtual ~MediaListener() = default;
  virtual void on_digit_received(const DigitEvent&) = 0;
  virtual void on_digits_sent(MediaId) = 0;
  virtual void on_playback_finished(PlaybackId, MediaId, PlayEnd, milliseconds played) = 0;
  virtual void on_recording_finished(RecordingId, MediaId, RecordEnd, const std::string& path,
                                     milliseconds length, const std::string& error) = 0;
  virtual void on_media_started(MediaId) = 0;    // the first good packet came
  virtual void on_media_timed_out(MediaId) = 0;  // nothing for inactivity_timeout
};

class Media {
 public:
  virtual ~Media() = default;
  virtual void set_listener(MediaListener* listener) = 0;  // outlives the Media, or null

  // Takes a pair of ports. Errors: exhausted (says which limit: ports, legs, files), unsupported family.
  virtual Result<Opened> open(const OpenSpec&) = 0;
  // Sets or changes what SDP agreed; may come again in mid-call. Errors: invalid (no codec, ptime out of
  // range).
  virtual Result<void> configure(MediaId, const media::LegConfig&) = 0;
  // The leg answers ICE checks from here on (also before configure()), with other credentials after a
  // restart, or no more. Comes before the configure() of the same SDP. Errors: not_found.
  virtual Result<void> set_ice(MediaId, const std::optional<stun::IceConfig>&) = 0;
  virtual void close(MediaId) = 0;

  // Each hears the other: relayed when the codecs allow, else transcoded. A leg is in one pair at most:
  // joining again leaves the old pair. A leg joined with itself hears itself (an echo test). Legs of two
  // media loops are joined by a feed each way, once both are configured: each is heard a tick later. Errors:
  // not_found, conflict (two loops, not configured yet), and those of listen().
  virtual Result<void> join(MediaId a, MediaId b) = 0;
  virtual void split(MediaId leg) = 0;

  // `to` hears a copy of what `from` says, beside the pairs that they are in: as it is when the codecs allow
  // and nothing else is heard there, else transcoded or mixed. Ends with either leg. Errors: not_found,
  // conflict (not configured yet, heard already), exhausted (a leg has at most 16 each way, a loop 4,096 from
  // others), unsupported (a codec that cannot be converted).
  virtual Result<FeedId> listen(MediaId from, MediaId to) = 0;
  // A leg hears itself: what it takes in the codecs of one of its outputs (PayloadMap::output) goes back out
  // as that one. unlisten() ends it. Errors: those of listen(), and invalid (there is none of that number).
  virtual Result<FeedId> loop_back(MediaId, std::uint8_t output) = 0;
  virtual void unlisten(FeedId) = 0;

  // Replaces what the leg is being played. Errors: not_found, invalid (no sound file; the message says why),
  // before anything is heard. Files are read off this thread: `started` comes later, once.
  virtual void play(MediaId, const PlaySpec&, std::function<void(Result<Playing>)> started) = 0;
  virtual void stop_play(MediaId) = 0;

  virtual Result<RecordingId> record(const RecordSpec&) = 0;
  virtual void pause_recording(RecordingId) = 0;  // silence is written, so that time goes on
  virtual void resume_recording(RecordingId) = 0;
  virtual void stop_recording(RecordingId) = 0;

  // Until it is stopped or the leg ends. A consumer that is away or slow loses sound, counted; media never
  // waits for it. While it runs the leg's sound is decoded. Errors: not_found, conflict (no media yet),
  // invalid (address), unsupported (rate), exhausted (as record()).
  virtual Result<StreamId> stream(const StreamSpec&) = 0;
  virtual void stop_stream(StreamId) = 0;

  // Sends "0-9*#A-D", 'w' = 500 ms pause: as telephone-event, or as tones where the peer has none.
  virtual Result<void> send_digits(MediaId, std::string_view digits, milliseconds duration,
                                   milliseconds gap) = 0;

  virtual void query(MediaId, std::function<void(const LegStats&)> answer) = 0;
};

}  // namespace tandem::session
