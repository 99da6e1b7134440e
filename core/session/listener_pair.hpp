// ListenerPair: one MediaListener for two that share a media engine. Each is told everything and leaves alone
// what is not its own: ids are never the same. Thread: [control].
#pragma once

#include "core/session/media.hpp"

namespace tandem::session {

class ListenerPair final : public MediaListener {
 public:
  // Both outlive this.
  ListenerPair(MediaListener& first, MediaListener& second) : both_{&first, &second} {}

  void on_digit_received(const DigitEvent& event) override {
    for (MediaListener* one : both_) one->on_digit_received(event);
  }
  void on_digits_sent(MediaId leg) override {
    for (MediaListener* one : both_) one->on_digits_sent(leg);
  }
  void on_playback_finished(PlaybackId id, MediaId leg, PlayEnd end, milliseconds played) override {
    for (MediaListener* one : both_) one->on_playback_finished(id, leg, end, played);
  }
  void on_recording_finished(RecordingId id, MediaId leg, RecordEnd end, const std::string& path,
                             milliseconds length, const std::string& error) override {
    for (MediaListener* one : both_) one->on_recording_finished(id, leg, end, path, length, error);
  }
  void on_media_started(MediaId leg) override {
    for (MediaListener* one : both_) one->on_media_started(leg);
  }
  void on_media_timed_out(MediaId leg) override {
    for (MediaListener* one : both_) one->on_media_timed_out(leg);
  }

 private:
  MediaListener* both_[2];
};

}  // namespace tandem::session
