// Server: the goodbye. The order, and why it is this one, is docs/lifetimes.md.
#include <cstdint>

#include "core/app/server.hpp"
#include "core/base/log.hpp"

namespace tandem::app {

// First: nobody is called any more, who talks is told goodbye, for stop_grace_s. Second time: at once.
void Server::begin_stop(const char* why) {
  if (++stops_ > 1) {
    log::warn("app", "{} again: leaving at once", why);
    loop_.stop();
    return;
  }
  log::info("app", "{}: ending {} calls", why, calls_->call_count());
  constexpr int kTemporaryFailure =
      41;  // Q.850: the condition will not last, the caller may try again at once
  calls_->hang_up_all(kTemporaryFailure);
  const seconds grace(config_.server.stop_grace_s);
  signaling_->stop(static_cast<std::uint64_t>(Nanos(grace).count()),
                   [this] { leave_when_quiet(timers_.now() + seconds(2)); });
  timers_.after(grace + seconds(5), [this] {
    log::warn("app", "the link to phones did not end in time");
    loop_.stop();
  });
}

// The last legs' records ask the media loops for their figures: some turns of the loop.
void Server::leave_when_quiet(TimePoint latest) {
  timers_.after(milliseconds(20), [this, latest] {
    if (calls_->leg_count() == 0 || timers_.now() >= latest) return loop_.stop();
    leave_when_quiet(latest);
  });
}

int Server::run() {
  loop_.run();
  take_apart();
  log::info("app", "ended");
  return 0;
}

Server::~Server() { take_apart(); }

void Server::take_apart() {
  if (taken_apart_) return;
  taken_apart_ = true;
  if (engine_) engine_->stop();  // recordings are whole after this
  if (engine_) engine_->pump();
  pool_.drain();
  plugins_.unload();  // while all that their commands touch still stands
  if (signaling_) signaling_->detach();
  waiting_.reset();
  if (engine_) engine_->set_listener(nullptr);
  media_listeners_.reset();
  anchors_.reset();
  calls_.reset();
  apps_.reset();
  cdrs_.reset();
  directory_.reset();
  sounds_.reset();
  signaling_.reset();
  engine_.reset();
  pool_.finish();
}

}  // namespace tandem::app
