// Playbacks: what an app or program lets a leg hear: prompts by name, or a tone. Thread: [control].
// Not the ringback and hold music of the call layer itself: Exchange::play_inside.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/call/exchange.hpp"

namespace tandem::call {

struct PlayOrder {
  std::vector<std::string> files;  // prompt names or paths; empty: the tone
  std::string tone;                // "ringback", "busy", "congestion", "dial", "beep", "silence"
  std::string country = "us";
  bool loop = false;
  milliseconds offset{0}, limit{0};
  bool bridge = false;  // the joined peer hears it too
  int gain_db = 0;
};

class Playbacks {
 public:
  static constexpr std::size_t kFilesMax = 100;

  explicit Playbacks(Exchange& exchange) : exchange_(exchange) {}

  // Replaces what the leg hears; `started` is called once with the playback's id ("play-7"), before its
  // play.finished. Errors: conflict (the leg cannot hear yet), invalid (nothing to play, unknown tone),
  // not_found and denied (files).
  void play(Leg& leg, const PlayOrder& order, std::function<void(Result<std::string>)> started);
  void stop(Leg& leg);
  // From the media plane.
  void on_finished(session::PlaybackId id, session::MediaId media, session::PlayEnd how, milliseconds played);

 private:
  Result<session::PlaySpec> resolve(const Leg& leg, const PlayOrder& order);
  Exchange& exchange_;
};

}  // namespace tandem::call
