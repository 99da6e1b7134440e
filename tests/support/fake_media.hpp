// FakeMedia: session::Media in memory on a counted clock: it remembers what it was told and plays no sound.
//
// Prompts last a second unless length_of says otherwise; recordings end when they are told to. Thread: one.
// Not for tests of audio: there the real engine stands behind the same interface.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/timers.hpp"
#include "core/session/media.hpp"

namespace tandem::testing {

class FakeMedia final : public session::Media {
 public:
  struct Leg {
    session::OpenSpec spec;
    session::Opened opened;
    std::vector<media::LegConfig> configs;  // in the order they were set
    std::optional<stun::IceConfig> ice;
    session::MediaId peer = 0;
    session::PlaybackId playing = 0;
    session::PlaySpec play;
    TimePoint play_began{};
    TimerId play_timer = 0;
    std::string digits_sent;
    bool closed = false;
    session::LegStats stats;
    const media::LegConfig& config() const { return configs.at(configs.size() - 1); }
  };
  struct Feed {
    session::MediaId from = 0, to = 0;
  };
  struct Recording {
    session::RecordSpec spec;
    TimePoint began{};
    bool paused = false, over = false;
  };

  explicit FakeMedia(Timers& timers) : timers_(timers) {}

  // ---- for tests
  std::map<session::MediaId, Leg> legs;
  std::map<session::RecordingId, Recording> recordings;
  std::map<session::FeedId, Feed> feeds;
  std::map<session::StreamId, session::StreamSpec> streams;
  std::map<std::string, milliseconds> length_of;  // by path
  std::size_t ports_left = 100000;                // legs that may be opened
  bool answers_queries = true;
  std::size_t open_legs() const;
  void press(session::MediaId leg, char digit,
             session::DigitEvent::Source source = session::DigitEvent::Source::rfc4733);
  void time_out(session::MediaId leg);
  void end_recording(session::RecordingId id, session::RecordEnd how, const std::string& error = {});

  // ---- session::Media
  void set_listener(session::MediaListener* listener) override { listener_ = listener; }
  Result<session::Opened> open(const session::OpenSpec&) override;
  Result<void> configure(session::MediaId, const media::LegConfig&) override;
  Result<void> set_ice(session::MediaId, const std::optional<stun::IceConfig>&) override;
  void close(session::MediaId) override;
  Result<void> join(session::MediaId a, session::MediaId b) override;
  void split(session::MediaId leg) override;
  Result<session::FeedId> listen(session::MediaId from, session::MediaId to) override;
  Result<session::FeedId> loop_back(session::MediaId id, std::uint8_t) override { return listen(id, id); }
  void unlisten(session::FeedId id) override { feeds.erase(id); }
  void play(session::MediaId, const session::PlaySpec&,
            std::function<void(Result<session::Playing>)> started) override;
  void stop_play(session::MediaId) override;
  Result<session::RecordingId> record(const session::RecordSpec&) override;
  void pause_recording(session::RecordingId id) override;
  void resume_recording(session::RecordingId id) override;
  void stop_recording(session::RecordingId id) override;
  Result<session::StreamId> stream(const session::StreamSpec& spec) override {
    streams[++last_stream_] = spec;
    return last_stream_;
  }
  void stop_stream(session::StreamId id) override { streams.erase(id); }
  Result<void> send_digits(session::MediaId, std::string_view digits, milliseconds duration,
                           milliseconds gap) override;
  void query(session::MediaId, std::function<void(const session::LegStats&)> answer) override;

 private:
  Leg* live(session::MediaId id);
  void end_play(session::MediaId id, session::PlayEnd how);

  Timers& timers_;
  session::MediaListener* listener_ = nullptr;
  session::MediaId last_leg_ = 0;
  session::PlaybackId last_play_ = 0;
  session::RecordingId last_recording_ = 0, last_feed_ = 0, last_stream_ = 0;
};

}  // namespace tandem::testing
