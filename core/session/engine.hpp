// MediaEngine: the media plane of the server: N media loops with their threads and sockets, the prompt cache,
// the recording writer, and the translation of each Media method into commands.
//
//   Media method ──► Command ──► inbox of the leg's loop        pump() ◄── events, commands that came back
//
// In the server each loop has a thread and wakes control when it left something; on a counted clock there are
// no threads: the test calls tick() and everything happens in order. Thread: [control], all of it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/affinity.hpp"
#include "core/base/timers.hpp"
#include "core/loop/media_io.hpp"
#include "core/loop/port_range.hpp"
#include "core/media/leg.hpp"
#include "core/media/media_loop.hpp"
#include "core/session/media.hpp"
#include "core/session/prompt_cache.hpp"
#include "core/session/recording_writer.hpp"
#include "core/session/sound_sender.hpp"
#include "tandem/stage.h"

namespace tandem::session {

class MediaThread;
struct PlayRequest;

enum class Forwarding : std::uint8_t { automatic, immediate, on_tick };

struct EngineConfig {
  std::string host_v4 = "127.0.0.1";         // bound; "" : no IPv4
  std::string host_v6 = "::1";               // "" : no IPv6
  std::string advertised_v4, advertised_v6;  // in the SDP when not the bound one (behind NAT)
  std::uint16_t port_min = 20000, port_max = 29999;
  unsigned loops = 1;
  std::size_t legs_max = 8192;
  std::uint8_t dscp = 46;
  Forwarding forwarding = Forwarding::automatic;
  bool realtime = true;  // SCHED_FIFO for the media threads where the system allows it
  std::size_t prompt_cache_bytes = 256u << 20;
  media::JitterConfig jitter;  // of every leg
};

// Runs work() on [io], then done() on [control]; false when the queue is full.
using RunIo = std::function<bool(std::function<void()> work, std::function<void()> done)>;

struct EngineCounters {
  std::size_t streams = 0;
  std::size_t legs = 0, playbacks = 0, recordings = 0, feeds = 0, ports_free = 0, prompts_cached = 0;
  std::uint64_t legs_refused = 0, feeds_refused = 0, commands_refused = 0, events_lost = 0;
  std::uint64_t packets_not_crossed = 0;  // from loop to loop: the ring was full
};

class MediaEngine final : public Media {
 public:
  // Opens nothing yet but the loops' own descriptors. `wake` is called [any] when pump() has something to do;
  // `binder` and `make_io` are the packet I/O: the binder binds ports, make_io makes the I/O of one loop (the
  // server: the best backend there is; tests: memory). The binder outlives the engine. `dtmf` detects tones
  // in the audio; null: none are. Throws std::runtime_error (start-up only).
  MediaEngine(const EngineConfig& config, Timers& timers, RunIo run_io, std::function<void()> wake,
              loop::PortBinder& binder, const std::function<std::unique_ptr<loop::MediaIo>()>& make_io,
              const td_stage_type* dtmf);
  ~MediaEngine() override;

  void start();              // threads
  void stop();               // closes every leg, ends the threads, finishes the recordings
  void pump();               // what the loops left: events to the listener, commands home
  void tick(TimePoint now);  // counted clock only: one tick of every loop, and pump()

  void set_listener(MediaListener* listener) override { listener_ = listener; }
  Result<Opened> open(const OpenSpec&) override;
  Result<void> configure(MediaId, const media::LegConfig&) override;
  Result<void> set_ice(MediaId, const std::optional<stun::IceConfig>&) override;
  void close(MediaId) override;
  Result<void> join(MediaId a, MediaId b) override;
  void split(MediaId leg) override;
  Result<FeedId> listen(MediaId from, MediaId to) override;
  Result<FeedId> loop_back(MediaId, std::uint8_t output) override;
  void unlisten(FeedId) override;
  void play(MediaId, const PlaySpec&, std::function<void(Result<Playing>)> started) override;
  void stop_play(MediaId) override;
  Result<RecordingId> record(const RecordSpec&) override;
  void pause_recording(RecordingId) override;
  void resume_recording(RecordingId) override;
  void stop_recording(RecordingId) override;
  Result<StreamId> stream(const StreamSpec&) override;
  void stop_stream(StreamId) override;
  Result<void> send_digits(MediaId, std::string_view digits, milliseconds duration,
                           milliseconds gap) override;
  void query(MediaId, std::function<void(const LegStats&)> answer) override;

  EngineCounters counters() const;
  const SoundSenderCounters& stream_counters() const { return sender_.counters(); }
  std::size_t loop_count() const { return units_.size(); }
  const media::MediaLoop& media_loop(std::size_t i) const { return *units_[i].loop; }
  const loop::MediaIo& media_io(std::size_t i) const { return *units_[i].io; }

 private:
  struct Unit {  // one media loop with what belongs to it
    std::unique_ptr<loop::MediaIo> io;
    std::unique_ptr<media::MediaLoop> loop;
    std::unique_ptr<MediaThread> thread;
    std::deque<std::unique_ptr<media::Command>> deferred;  // the inbox was full: they go first
    std::size_t legs = 0;
    std::size_t crossings = 0;  // feeds of its legs from other loops
  };
  struct LegEntry {
    MediaId id = 0;
    std::size_t unit = 0;
    std::unique_ptr<media::Leg> leg;  // the media loop borrows it until its remove command is back
    media::LegConfig config;
    bool configured = false;
    std::uint32_t rate = 0;                  // PCM, once configured
    MediaId peer = 0;                        // joined with; itself: echo
    std::unique_ptr<media::Session> joined;  // held by one of the two
    Family family = Family::v4;
    std::string host;
    std::uint16_t rtp_port = 0;
    std::uint32_t ssrc = 0;         // that we send with
    std::vector<FeedId> feeds;      // that it is an end of
    std::array<FeedId, 2> links{};  // in place of `joined`: its peer lives on another loop
    std::uint64_t play_order = 0;  // of the newest play: an older one that is still being read does not begin
  };
  struct Recording {
    MediaId leg = 0;
    std::size_t unit = 0;
    TapPtr tap;
  };
  struct Streaming {
    StreamSpec spec;
    std::size_t unit = 0;
    TapPtr tap;
  };
  struct Listening {
    MediaId from = 0, to = 0;
    std::size_t from_unit = 0, to_unit = 0;
    media::Feed::As as = media::Feed::As::listener;
    std::uint8_t output = 0;            // of a leg that hears itself
    std::shared_ptr<media::Feed> feed;  // the media loops borrow it until their remove commands are back
  };
  struct Ports {  // of one local host
    std::string host;
    std::unique_ptr<loop::PortRange> range;
  };

  LegEntry* find(MediaId);
  void post(std::size_t unit, std::unique_ptr<media::Command> command);
  void flush_deferred(Unit& unit);
  Result<loop::PortRange*> ports_for(Family family, const std::string& host, std::string& host_out);
  std::size_t choose_unit(MediaId near);
  using Transcoders = media::Session::Transcoders;
  static Result<Transcoders> make_transcoders(const LegEntry& a, const LegEntry& b);
  Result<std::unique_ptr<media::KeyMask>> make_mask(const media::LegConfig& config) const;
  void refresh_transcoders(LegEntry& leg);
  Result<std::shared_ptr<media::Feed>> make_feed(const LegEntry& from, const LegEntry& to, media::Feed::As as,
                                                 std::uint8_t output);
  Result<FeedId> attach(LegEntry& from, LegEntry& to, media::Feed::As as, std::uint8_t output = 0);
  bool hears(const LegEntry& source, const LegEntry& listener, std::uint8_t output) const;
  void begin_feed(const Listening& listening);
  void end_feed(Listening& listening);
  Result<void> link(LegEntry& first, LegEntry& second);
  void refresh_feeds(const LegEntry& leg);
  void load(MediaId id, std::shared_ptr<PlayRequest> request);
  std::size_t taps_of(MediaId leg) const;
  Result<void> begin_stream(StreamId id, const StreamSpec& spec);
  void end_stream(const Streaming& streaming);
  void refresh_streams(const LegEntry& leg);
  void finish_recording(const FinishedRecording& finished);
  void start_playback(LegEntry& leg, PlayRequest& request);
  void take_player_back(LegEntry& leg, PlaybackId id);
  void set_paused(RecordingId id, bool paused);
  void dissolve(LegEntry& leg);  // leaves its pair, both sides
  void on_event(const media::Event&);

  // borrowed
  Timers& timers_;
  MediaListener* listener_ = nullptr;
  const td_stage_type* dtmf_;
  loop::PortBinder& binder_;
  // owned
  const EngineConfig config_;
  RunIo run_io_;
  std::function<void()> wake_;
  std::vector<Unit> units_;
  std::vector<Ports> ports_;
  PromptCache prompts_;
  RecordingWriter writer_;
  SoundSender sender_;
  std::unordered_map<MediaId, std::unique_ptr<LegEntry>> legs_;
  std::unordered_map<RecordingId, Recording> recordings_;
  std::unordered_map<FeedId, Listening> feeds_;
  std::unordered_map<StreamId, Streaming> streams_;
  // state
  std::uint64_t last_id_ = 0;
  EngineCounters counts_;
  TimePoint sent_at_{};  // counted clock only
  bool threaded_ = false;
  bool stopped_ = false;
  Affinity affinity_;
};

}  // namespace tandem::session
