// Leg: the media of one party, the whole path on one screen.
//
//   in:   on_packet ─ STUN? ─► answered (ICE)
//                   └ SRTP ─ parse ─ latch ─ RxStream ─┬─ telephone-event ─► digits
//                                               ├─ forward ─► peer.relay (no PCM is needed)
//                                               ├─ transcode ─► peer.relay (nor anywhere else)
//                                               └─ Playout (jitter buffer, decoder)
//   tick: pull: Playout ─► said ─► tone detector          (Session mixes: heard = others' said + player)
//         push: heard (+ digits as tones) ─► encoder ─► TxStream ─► out; recorders get said and heard
//         keep_up: RTCP, silence of the peer
//
// Thread: made on [control], [media] from add to remove, destroyed on [control]. It reads no clock and
// allocates nothing on [media]. Who hears whom is the Session's business.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>

#include "core/loop/media_io.hpp"
#include "core/media/digit_filter.hpp"
#include "core/media/feed.hpp"
#include "core/media/ids.hpp"
#include "core/media/key_mask.hpp"
#include "core/media/leg_crypto.hpp"
#include "core/media/leg_setup.hpp"
#include "core/media/player.hpp"
#include "core/media/recorder_tap.hpp"
#include "core/media/session.hpp"
#include "core/rtp/latch.hpp"
#include "core/rtp/rtcp_session.hpp"
#include "core/rtp/rx_stream.hpp"
#include "core/rtp/source_log.hpp"
#include "core/rtp/telephone_event.hpp"
#include "core/rtp/telephone_event_sender.hpp"
#include "core/rtp/tx_stream.hpp"
#include "core/stun/ice_lite.hpp"

namespace tandem::media {

class MediaLoop;

// What a leg counted, for Media::query. Plain values.
struct LegFigures {
  const td_codec* codec = nullptr;
  rtp::RxStats received;
  double jitter_ms = 0, loss_percent = 0;
  double delay_ms = 0;  // of the jitter buffer
  std::uint64_t late = 0;
  std::uint64_t packets_sent = 0, bytes_sent = 0;
  rtp::RemoteReport remote;
  std::uint64_t rtcp_packets = 0, rtcp_bytes = 0, rtcp_malformed = 0;  // received
  std::uint64_t strangers = 0, malformed = 0, unknown_payload = 0;
  Address remote_address;
  std::uint64_t srtp_forged = 0, srtp_replayed = 0;
  const char* srtp_suite = "";  // that we open with; "": plain RTP
  bool relaying = false, joined = false, playing = false;
  bool ice = false, ice_selected = false;  // checks are answered; the peer has chosen its address
  std::uint64_t stun_refused = 0;
  std::array<rtp::SourceLog::Source, rtp::SourceLog::kSources> sources;  // the newest first
  std::size_t source_count = 0;
  std::uint32_t ssrc_sent = 0;
  TimePoint at{};
};

// Whether control wants to hear that the digits are sent.
enum class Reported : bool { no, yes };

class alignas(64) Leg {
 public:
  static constexpr std::size_t kRecordersMax = 4;
  static constexpr std::size_t kFeedsMax = 16;  // legs that hear it, and legs that it hears, beside its peer

  struct Identity {
    MediaId id = 0;
    rtp::TxStream::Origin origin;  // random
    rtp::RtcpSession::Config rtcp;
  };

  // [control]
  explicit Leg(const Identity& identity);
  ~Leg();
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  // ---- [media] the path
  void on_packet(std::span<std::uint8_t> bytes, const Address& source, TimePoint arrival);
  void on_rtcp_packet(std::span<std::uint8_t> bytes, const Address& source, TimePoint arrival);
  // One comes soon: what it touches first is fetched from memory; then its SRTP and the leg that it is
  // relayed to; then what that one needs to send. Each needs what the one before has fetched.
  void expect_packet() const;
  void expect_relay() const;
  void expect_send() const;
  void pull(TimePoint now, unsigned frame_ms);   // fills said()
  void hear(std::span<const std::int16_t> pcm);  // added to what is heard in this frame
  void push(TimePoint now);                      // sends what is heard; feeds the recorders
  void keep_up(TimePoint now);

  // ---- [media] changes, by command
  void attach(MediaLoop& loop, loop::PortId rtp, loop::PortId rtcp, TimePoint now);
  void detach(TimePoint now);  // says BYE, gives the pool its blocks back, closes the ports
  // Takes the new setup; the old one comes back in `setup`.
  void swap_setup(std::unique_ptr<LegSetup>& setup, TimePoint now);
  // The same coders with other addresses, direction or event types; the old values come back in `config`.
  void swap_config(LegConfig& config, TimePoint now);
  // SRTP contexts for the setup or config that comes with them; the old ones come back.
  void swap_keys(LegCrypto::Keys& keys) { crypto_.swap_keys(keys); }
  // Before the setup or config that goes with it; the old one comes back. Null: keys pass, or are dropped.
  void swap_mask(std::unique_ptr<KeyMask>& mask);
  // Our end of ICE; null: none. What the one before has learned goes on in it; the old one comes back.
  void swap_ice(std::unique_ptr<stun::IceLite>& ice, TimePoint now);
  void swap_player(std::unique_ptr<Player>& player, PlayEnd reason);
  bool add_recorder(std::shared_ptr<RecorderTap>& tap);  // false when kRecordersMax are there
  void take_recorder(RecordingId id, std::shared_ptr<RecorderTap>& out);
  void queue_digit(char digit, milliseconds duration, milliseconds gap, Reported reported);

  // This leg's packets go to feed.to() as well / no more, and that leg takes them. There is room
  // (Media::listen sees to it). Each is of the loop that the leg lives on.
  void say_to(Feed& feed);
  void say_no_more_to(Feed& feed);
  void listen_to(Feed& feed);
  void listen_no_more_to(Feed& feed);

  // ---- [media] for a Feed: a packet of another stream, in this leg's own
  void send_fed(const rtp::Header& in, std::span<const std::uint8_t> payload, std::uint8_t type,
                rtp::Timing timing, TimePoint now);
  void send_fed_datagram(std::span<const std::uint8_t> bytes, bool rtcp);
  void begin_run() { tx_.begin_run(); }
  // Of the feeds by which it hears itself: who sends from here on. True when another did, or none: its stream
  // goes on in a new run, at this clock (RFC 7160).
  bool give_floor(const Feed& feed, std::uint32_t clock_rate, TimePoint now);
  bool has_floor(const Feed& feed) const { return floor_ == &feed; }

  // ---- [media] for the Session
  MediaId id() const { return id_; }
  LegSetup* setup() const { return setup_.get(); }
  std::span<std::int16_t> said() const { return {setup_->said.data(), frame_samples_}; }
  std::span<std::int16_t> heard() const { return {setup_->heard.data(), frame_samples_}; }
  Player* player() const { return player_.get(); }
  void render_player(std::span<std::int16_t> frame);
  bool has_recorder() const { return recorder_count_ != 0; }
  bool sends_digits() const;  // as events or tones
  bool sends_tones() const { return tones_count_ != 0 || (setup_ != nullptr && setup_->tone.active()); }
  struct Plan {
    Leg* forward_to = nullptr;    // packets go there undecoded
    Leg* transcode_to = nullptr;  // packets go there in another codec, as they come
    bool decode = false;          // somebody needs what it says as PCM
    bool send = false;            // what it hears is encoded here
    bool detect = false;          // tones in the audio are looked for
  };
  void set_plan(const Plan& plan);
  const Plan& plan() const { return plan_; }
  bool may_forward_to(const Leg& other) const;
  bool hears_only_its_peer() const;  // no player, no digits to send, no feeds to be mixed
  bool is_masked() const { return mask_ != nullptr && mask_->needs_sound(); }  // what it says must be PCM
  bool can_detect() const;
  bool passes_event() const { return event_passes_; }  // the one that is fed now
  void plan_feeds(const Leg* peer);
  bool fed_directly() const { return fed_directly_; }
  void hear_feeds(TimePoint now, unsigned frame_ms);

  Session& solo() { return solo_; }
  Session& session() const { return *session_; }
  void set_session(Session& session) { session_ = &session; }
  LegFigures figures() const;
  loop::PortId rtp_port() const { return rtp_port_; }
  loop::PortId rtcp_port() const { return rtcp_port_; }

 private:
  enum class Port : std::uint8_t { rtp, rtcp };
  void pass_datagram(std::span<const std::uint8_t> bytes, const Address& source, Port port,
                     TimePoint arrival);
  bool send_datagram(std::span<const std::uint8_t> bytes, Port port);
  void on_check(std::span<const std::uint8_t> bytes, const Address& source, Port port, TimePoint arrival);
  bool is_of_peer(const Address& source, rtp::Ssrc ssrc, TimePoint arrival);
  bool is_rtcp_of_peer(const Address& source, TimePoint arrival);
  void pin_selected(TimePoint now);
  void feed_packet(const rtp::Packet& packet, Feed::Kind kind, TimePoint arrival);
  void feed_datagram(std::span<const std::uint8_t> bytes, Port port);
  void restart_feeds();
  void tell_feeds(char digit, milliseconds duration);
  void keep_feeding(TimePoint now);
  void take_audio(const rtp::Packet& packet, TimePoint arrival);
  void take_event(const rtp::Packet& packet, TimePoint arrival);
  void take_noise(const rtp::Packet& packet, TimePoint arrival);
  void buffer(const rtp::Packet& packet, TimePoint arrival);
  void forward(const rtp::Packet& packet, PayloadKind kind, TimePoint now);
  int forwarded_type(const Leg& to, std::uint8_t payload_type, PayloadKind kind) const;
  void learn_forwarded_types();
  class Onward;
  void transcode(const rtp::Packet& packet, TimePoint now);
  void transcode_event(const rtp::Packet& packet, TimePoint now);
  void transcode_noise(const rtp::Packet& packet, TimePoint now);
  bool events_go_on() const;
  void keep_transcoding(TimePoint now);
  void restart_transcoding();
  PayloadKind by_its_own_number(rtp::Header& header) const;
  bool admit(const rtp::Packet& packet, PayloadKind kind, const Address& source, TimePoint arrival);
  void take_keys(const rtp::Digits& digits);
  bool passes_keys() const;
  void report_digit(char digit, milliseconds duration, DigitSource source);
  void pass_digit_on(milliseconds duration);
  void tell_tone(char digit);
  void tell_tone_ended(milliseconds duration);
  void detect_tones(TimePoint now);
  void start_next_tone();
  void send_packets(TimePoint now);
  void send_rest();
  void send_audio(std::span<const std::int16_t> pcm, TimePoint now);
  bool send_silence(std::span<const std::int16_t> pcm, std::uint32_t ticks, TimePoint now);
  bool send_event(std::uint32_t ticks, TimePoint now);
  void send_rtp(const rtp::Header& header, std::span<const std::uint8_t> payload);
  void send_rtcp(TimePoint now, bool bye);
  rtp::SourceLog::Conditions conditions() const;
  void finish_player(PlayEnd reason);
  void apply_config(TimePoint now);
  void report_digits_sent();
  void feed_recorders();
  void defend(TimePoint now);
  Address rtcp_destination() const;

  // What every packet touches stands first and close together: with thousands of legs each cache line that a
  // packet needs comes from main memory, and that was most of what a relay cost in user space.
  // borrowed
  MediaLoop* loop_ = nullptr;  // from attach to detach
  Session* session_;
  // owned
  std::unique_ptr<LegSetup> setup_;
  std::unique_ptr<stun::IceLite> ice_;  // null: the peer speaks no ICE
  // state
  Plan plan_;
  bool opaque_ = false, receives_ = false;  // as the configuration says
  bool peer_takes_ = false;                 // the leg that is forwarded to sends at all
  bool started_ = false, timed_out_ = false;
  bool in_pause_ = false;         // the peer said that it is silent: its RTCP shows that it is there
  std::int16_t heeds_type_ = -1;  // packets of it may ask our encoder for something; -1: none do
  std::uint32_t feeds_out_ = 0, feeds_in_ = 0;
  TimePoint last_heard_{};  // or since when we wait to hear something
  TimePoint idle_until_{};  // keep_up has nothing to do before
  rtp::Latch latch_;
  rtp::RxStream rx_;
  LegCrypto crypto_;
  loop::PortId rtp_port_ = loop::kNoPort, rtcp_port_ = loop::kNoPort;
  rtp::TxStream tx_;
  PayloadKinds kinds_{};
  std::array<std::int8_t, std::tuple_size_v<PayloadKinds>> forwarded_types_{};  // by type; -1: not taken
  // From here on: what a relayed packet leaves alone.
  const MediaId id_;
  Session solo_;
  std::unique_ptr<Player> player_;
  std::unique_ptr<KeyMask> mask_;
  std::array<std::shared_ptr<RecorderTap>, kRecordersMax> recorders_;
  std::array<Feed*, kFeedsMax> feeds_from_{}, feeds_to_{};  // borrowed, from add_feed to remove_feed
  const Feed* floor_ = nullptr;                             // borrowed while it is among these, compared only
  bool fed_directly_ = false;
  rtp::SourceLog sources_;
  rtp::RtcpSession rtcp_;
  rtp::TelephoneEventReceiver events_in_;
  rtp::TelephoneEventSender events_out_;
  DigitFilter filter_;
  struct ToneDigit {  // small: 64 of them are in every leg
    char digit = 0;
    std::uint16_t duration_ms = 0, gap_ms = 0;
  };
  std::array<ToneDigit, 64> tones_{};
  std::size_t tones_first_ = 0, tones_count_ = 0;
  std::size_t recorder_count_ = 0;
  std::size_t frame_samples_ = 160;
  std::uint64_t malformed_ = 0, unknown_payload_ = 0;
  std::uint64_t passed_in_ = 0, passed_bytes_in_ = 0;  // opaque datagrams
  std::uint64_t stun_refused_ = 0;
  TimePoint stranger_second_{};
  std::uint64_t strangers_before_ = 0;
  bool focused_ = false;
  bool tone_told_ = false;     // the tone in the audio, ended or not, is an event to the peer
  char told_ = 0;              // what the newest key is told as; 0: it is not
  bool event_passes_ = false;  // the newest packet of one
  bool forward_blocked_ = false, digits_reported_ = false;
};

}  // namespace tandem::media
