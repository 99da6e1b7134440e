// FakeMedia. Thread: one.
#include "tests/support/fake_media.hpp"

#include <algorithm>
#include <utility>

namespace tandem::testing {

using session::MediaId;
using session::PlaybackId;
using session::PlayEnd;
using session::RecordEnd;
using session::RecordingId;

std::size_t FakeMedia::open_legs() const {
  return static_cast<std::size_t>(
      std::count_if(legs.begin(), legs.end(), [](const auto& entry) { return !entry.second.closed; }));
}

FakeMedia::Leg* FakeMedia::live(MediaId id) {
  const auto it = legs.find(id);
  return it == legs.end() || it->second.closed ? nullptr : &it->second;
}

Result<session::Opened> FakeMedia::open(const session::OpenSpec& spec) {
  if (ports_left == 0) return Error{ErrorCode::exhausted, "no port is left"};
  --ports_left;
  Leg leg;
  leg.spec = spec;
  leg.opened.id = ++last_leg_;
  const char* host = spec.family == Family::v6 ? "2001:db8:ffff::1" : "198.51.100.1";
  const auto port = static_cast<std::uint16_t>(20000 + 2 * (last_leg_ % 10000));
  leg.opened.rtp = *Address::parse(host, port);
  leg.opened.rtcp = *Address::parse(host, static_cast<std::uint16_t>(port + 1));
  const session::Opened opened = leg.opened;
  legs[opened.id] = std::move(leg);
  return opened;
}

Result<void> FakeMedia::set_ice(MediaId id, const std::optional<stun::IceConfig>& config) {
  if (Leg* leg = live(id)) leg->ice = config;
  return {};
}

Result<void> FakeMedia::configure(MediaId id, const media::LegConfig& config) {
  Leg* leg = live(id);
  if (leg == nullptr) return {};
  if (config.payloads.empty()) return Error{ErrorCode::invalid, "no codec"};
  leg->configs.push_back(config);
  leg->stats.received.codec = leg->stats.sent.codec = config.payloads.front().codec->name;
  leg->stats.received.packets = 100;
  leg->stats.mos_received = 4.4;
  return {};
}

void FakeMedia::close(MediaId id) {
  Leg* leg = live(id);
  if (leg == nullptr) return;
  split(id);
  end_play(id, PlayEnd::leg_closed);
  for (auto& [rec, recording] : recordings) {
    if (recording.spec.leg == id) end_recording(rec, RecordEnd::leg_closed);
  }
  std::erase_if(feeds, [id](const auto& feed) { return feed.second.from == id || feed.second.to == id; });
  leg->closed = true;
  ++ports_left;
}

Result<void> FakeMedia::join(MediaId a, MediaId b) {
  Leg* left = live(a);
  Leg* right = live(b);
  if (left == nullptr || right == nullptr) return Error{ErrorCode::not_found, "no such media leg"};
  split(a);
  split(b);
  left->peer = b;
  right->peer = a;
  return {};
}

void FakeMedia::split(MediaId id) {
  Leg* leg = live(id);
  if (leg == nullptr) return;
  const MediaId peer = std::exchange(leg->peer, 0);
  if (Leg* other = live(peer)) other->peer = 0;
}

Result<session::FeedId> FakeMedia::listen(MediaId from, MediaId to) {
  const Leg* source = live(from);
  const Leg* listener = live(to);
  if (source == nullptr || listener == nullptr) return Error{ErrorCode::not_found, "no such media leg"};
  if (source->configs.empty() || listener->configs.empty())
    return Error{ErrorCode::conflict, "both must have media"};
  feeds[++last_feed_] = {from, to};
  return last_feed_;
}

void FakeMedia::play(MediaId id, const session::PlaySpec& spec,
                     std::function<void(Result<session::Playing>)> started) {
  timers_.after(milliseconds(1), [this, id, spec, started = std::move(started)] {
    Leg* leg = live(id);
    if (leg == nullptr) return started(Error{ErrorCode::not_found, "the leg is gone"});
    end_play(id, PlayEnd::replaced);
    leg->playing = ++last_play_;
    leg->play = spec;
    leg->play_began = timers_.now();
    milliseconds length{0};
    for (const std::string& file : spec.files) {
      length += length_of.contains(file) ? length_of[file] : milliseconds(1000);
    }
    started(session::Playing{last_play_, length});
    if (spec.loop) return;
    if (spec.files.empty()) length = spec.limit;
    if (spec.limit > milliseconds(0)) length = std::min(length, spec.limit);
    if (spec.files.empty() && spec.limit == milliseconds(0)) return;  // a tone without end
    leg->play_timer = timers_.after(length, [this, id] { end_play(id, PlayEnd::done); });
  });
}

void FakeMedia::end_play(MediaId id, PlayEnd how) {
  Leg* leg = live(id);
  if (leg == nullptr || leg->playing == 0) return;
  timers_.cancel(std::exchange(leg->play_timer, 0));
  const PlaybackId over = std::exchange(leg->playing, 0);
  const auto played = std::chrono::duration_cast<milliseconds>(timers_.now() - leg->play_began);
  if (listener_ != nullptr) listener_->on_playback_finished(over, id, how, played);
}

void FakeMedia::stop_play(MediaId id) { end_play(id, PlayEnd::stopped); }

Result<RecordingId> FakeMedia::record(const session::RecordSpec& spec) {
  if (live(spec.leg) == nullptr) return Error{ErrorCode::not_found, "no such media leg"};
  recordings[++last_recording_] = Recording{spec, timers_.now(), false, false};
  if (spec.limit > milliseconds(0)) {
    timers_.after(spec.limit, [this, id = last_recording_] { end_recording(id, RecordEnd::limit); });
  }
  return last_recording_;
}

void FakeMedia::pause_recording(RecordingId id) { recordings.at(id).paused = true; }
void FakeMedia::resume_recording(RecordingId id) { recordings.at(id).paused = false; }
void FakeMedia::stop_recording(RecordingId id) { end_recording(id, RecordEnd::stopped); }

void FakeMedia::end_recording(RecordingId id, RecordEnd how, const std::string& error) {
  Recording& recording = recordings.at(id);
  if (std::exchange(recording.over, true)) return;
  const auto length = std::chrono::duration_cast<milliseconds>(timers_.now() - recording.began);
  if (listener_ != nullptr) {
    listener_->on_recording_finished(id, recording.spec.leg, how, recording.spec.path, length, error);
  }
}

Result<void> FakeMedia::send_digits(MediaId id, std::string_view digits, milliseconds duration,
                                    milliseconds gap) {
  Leg* leg = live(id);
  if (leg == nullptr) return Error{ErrorCode::not_found, "no such media leg"};
  leg->digits_sent += digits;
  timers_.after((duration + gap) * static_cast<long>(digits.size()), [this, id] {
    if (listener_ != nullptr && live(id) != nullptr) listener_->on_digits_sent(id);
  });
  return {};
}

void FakeMedia::query(MediaId id, std::function<void(const session::LegStats&)> answer) {
  if (!answers_queries) return;
  timers_.after(milliseconds(1), [this, id, answer = std::move(answer)] {
    if (Leg* leg = live(id)) answer(leg->stats);
  });
}

void FakeMedia::press(MediaId leg, char digit, session::DigitEvent::Source source) {
  session::DigitEvent event;
  event.leg = leg;
  event.digit = digit;
  event.duration = milliseconds(100);
  event.source = source;
  if (listener_ != nullptr) listener_->on_digit_received(event);
}

void FakeMedia::time_out(MediaId leg) {
  if (listener_ != nullptr) listener_->on_media_timed_out(leg);
}

}  // namespace tandem::testing
