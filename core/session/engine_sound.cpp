// What a leg hears and what is kept of it: prompts and tones, recordings, digits, figures.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "core/audio/tones.hpp"
#include "core/rtp/mos.hpp"
#include "core/session/engine.hpp"

namespace tandem::session {

// A play on its way: files are read one after the other, off the control thread.
struct PlayRequest {
  PlaySpec spec;
  std::uint32_t rate = 0;
  std::uint64_t order = 0;
  std::vector<media::ClipPtr> clips;
  std::function<void(Result<Playing>)> started;
};

namespace {

struct SwapPlayer {
  media::Leg* leg;
  std::unique_ptr<media::Player> player;
  PlayEnd reason;
};

std::unique_ptr<media::Command> swap_player(SwapPlayer state) {
  return media::make_command(
      std::move(state), [](media::MediaLoop&, SwapPlayer& s) { s.leg->swap_player(s.player, s.reason); });
}

audio::Tone to_audio(Tone tone) {
  switch (tone) {
    case Tone::ringback: return audio::Tone::ringback;
    case Tone::busy: return audio::Tone::busy;
    case Tone::congestion: return audio::Tone::congestion;
    case Tone::dial: return audio::Tone::dial;
    case Tone::beep: return audio::Tone::beep;
    case Tone::silence: return audio::Tone::silence;
  }
  return audio::Tone::silence;
}

std::uint64_t to_samples(milliseconds length, std::uint32_t rate) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, length.count())) * rate / 1000;
}

bool is_digit(char c) { return std::string_view("0123456789*#ABCDabcdwW").find(c) != std::string_view::npos; }

SourceStats to_stats(const rtp::SourceLog::Source& source, TimePoint now) {
  const auto quality = [now](const rtp::SourceLog::Quality& q) {
    return SourceStats::Quality{q.mos, q.loss_percent, q.jitter_ms, q.round_trip_ms,
                                std::chrono::duration_cast<milliseconds>(now - q.at)};
  };
  return {source.ssrc,
          source.packets,
          source.bytes,
          source.lost,
          source.samples,
          quality(source.average()),
          quality(source.lowest),
          quality(source.highest)};
}

LegStats to_stats(const media::LegFigures& figures) {
  LegStats out;
  const std::string codec = figures.codec == nullptr ? "" : figures.codec->name;
  out.received.codec = out.sent.codec = codec;
  const rtp::RxStats& rx = figures.received;
  out.received.packets = rx.packets;
  out.received.bytes = rx.bytes;
  out.received.lost = rx.lost;
  out.received.late = figures.late;
  out.received.duplicate = rx.duplicate;
  out.received.reordered = rx.reordered;
  out.received.loss_percent = figures.loss_percent;
  out.received.jitter_ms = figures.jitter_ms;
  out.received.delay_ms = figures.delay_ms;
  out.rtcp_packets = figures.rtcp_packets;
  out.rtcp_bytes = figures.rtcp_bytes;
  out.rtcp_malformed = figures.rtcp_malformed;
  out.sent.packets = figures.packets_sent;
  out.sent.bytes = figures.bytes_sent;
  if (figures.remote.any) {
    out.sent.lost = static_cast<std::uint64_t>(std::max(0, figures.remote.lost));
    out.sent.loss_percent = figures.remote.loss_percent;
    out.sent.jitter_ms = figures.remote.jitter_ms;
    out.round_trip_ms = figures.remote.round_trip_ms;
  }
  const rtp::CodecImpairment impairment = rtp::impairment_of(codec);
  const double one_way = std::max(0.0, out.round_trip_ms) / 2 + 20;
  if (rx.packets != 0) {
    const double late = 100.0 * static_cast<double>(figures.late) / static_cast<double>(rx.packets);
    out.mos_received =
        rtp::mos_of_r(rtp::r_factor(one_way + figures.delay_ms, figures.loss_percent + late, impairment));
  }
  if (figures.packets_sent != 0 && figures.remote.any)
    out.mos_sent = rtp::mos_of_r(rtp::r_factor(one_way, out.sent.loss_percent, impairment));
  for (std::size_t i = 0; i < figures.source_count; ++i)
    out.sources.push_back(to_stats(figures.sources[i], figures.at));
  out.ssrc_sent = figures.ssrc_sent;
  out.from_strangers = figures.strangers;
  out.srtp_forged = figures.srtp_forged;
  out.stun_refused = figures.stun_refused;
  out.ice = figures.ice;
  out.ice_selected = figures.ice_selected;
  out.srtp_replayed = figures.srtp_replayed;
  out.srtp = figures.srtp_suite;
  out.malformed = figures.malformed;
  out.unknown_payload = figures.unknown_payload;
  out.remote = figures.remote_address.valid() ? figures.remote_address.text() : "";
  out.mode = figures.codec == nullptr ? "idle"
             : figures.relaying       ? "relay"
             : figures.joined         ? "transcode"
                                      : "app";
  return out;
}

}  // namespace

// ---- play

void MediaEngine::play(MediaId id, const PlaySpec& spec, std::function<void(Result<Playing>)> started) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* entry = find(id);
  if (entry == nullptr)
    return started(Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", id)});
  if (!entry->configured)
    return started(
        Error{ErrorCode::conflict, "nothing can be played before the leg is answered or in early media"});
  auto request = std::make_shared<PlayRequest>();
  request->spec = spec;
  request->rate = entry->rate;
  request->order = entry->play_order = ++last_id_;
  request->started = std::move(started);
  load(id, std::move(request));
}

void MediaEngine::load(MediaId id, std::shared_ptr<PlayRequest> request) {
  const std::size_t next = request->clips.size();
  if (next < request->spec.files.size()) {
    prompts_.get(request->spec.files[next], request->rate, [this, id, request](Result<media::ClipPtr> clip) {
      if (!clip) return request->started(clip.error());
      request->clips.push_back(std::move(*clip));
      load(id, request);
    });
    return;
  }
  LegEntry* entry = find(id);
  if (entry == nullptr)
    return request->started(Error{ErrorCode::not_found, "the leg ended before its prompt was read"});
  if (entry->play_order != request->order || entry->rate != request->rate)
    return request->started(Error{ErrorCode::conflict, "replaced by another play before it began"});
  start_playback(*entry, *request);
}

void MediaEngine::start_playback(LegEntry& leg, PlayRequest& request) {
  const PlaySpec& spec = request.spec;
  media::Player::Spec made;
  made.id = ++last_id_;
  std::uint64_t samples = 0;
  for (const media::ClipPtr& clip : request.clips) samples += clip->pcm.size();
  const Playing begun{made.id, milliseconds(samples * 1000 / leg.rate)};
  made.clips = std::move(request.clips);
  if (made.clips.empty() && spec.tone != Tone::silence)
    made.tone =
        std::make_unique<audio::ToneGenerator>(audio::tone_spec(spec.country, to_audio(spec.tone)), leg.rate);
  made.loop = spec.loop;
  made.offset_samples = to_samples(spec.offset, leg.rate);
  made.limit_samples = to_samples(spec.limit, leg.rate);
  made.gain_db = spec.gain_db;
  made.for_bridge = spec.mix_into_bridge;
  ++counts_.playbacks;
  // Told before it begins: its end cannot come first.
  request.started(begun);
  post(leg.unit,
       swap_player({leg.leg.get(), std::make_unique<media::Player>(std::move(made)), PlayEnd::replaced}));
}

void MediaEngine::stop_play(MediaId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* entry = find(id);
  if (entry == nullptr) return;
  entry->play_order = ++last_id_;  // a play that is still being read does not begin
  post(entry->unit, swap_player({entry->leg.get(), nullptr, PlayEnd::stopped}));
}

// A player that has ended still holds its clips: it comes home, unless another one took its place.
void MediaEngine::take_player_back(LegEntry& leg, PlaybackId id) {
  struct State {
    media::Leg* leg;
    PlaybackId id;
    std::unique_ptr<media::Player> player;
  };
  post(leg.unit, media::make_command(State{leg.leg.get(), id, nullptr}, [](media::MediaLoop&, State& state) {
         if (state.leg->player() != nullptr && state.leg->player()->id() == state.id)
           state.leg->swap_player(state.player, PlayEnd::done);
       }));
}

// ---- record

Result<RecordingId> MediaEngine::record(const RecordSpec& spec) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* entry = find(spec.leg);
  if (entry == nullptr)
    return Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", spec.leg)};
  if (!entry->configured)
    return Error{ErrorCode::conflict, "nothing can be recorded before the leg has media"};
  if (taps_of(spec.leg) >= media::Leg::kRecordersMax)
    return Error{ErrorCode::exhausted, fmt::format("a leg has at most {} recordings and streams at a time",
                                                   media::Leg::kRecordersMax)};
  media::RecorderTap::Spec tap;
  tap.id = ++last_id_;
  tap.rate = entry->rate;
  tap.stereo = spec.stereo;
  tap.heard_too = spec.heard_too;
  tap.limit_samples = to_samples(spec.limit, entry->rate);
  tap.silence_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(0, spec.silence_end.count()));
  auto shared = std::make_shared<media::RecorderTap>(tap);
  recordings_[tap.id] = {spec.leg, entry->unit, shared};
  struct State {
    media::Leg* leg;
    TapPtr tap;
  };
  post(entry->unit, media::make_command(State{entry->leg.get(), shared}, [](media::MediaLoop&, State& state) {
         if (!state.leg->add_recorder(state.tap)) state.tap->close(RecordEnd::failed);
       }));
  writer_.add(std::move(shared), spec.path);
  return tap.id;
}

void MediaEngine::pause_recording(RecordingId id) { set_paused(id, true); }
void MediaEngine::resume_recording(RecordingId id) { set_paused(id, false); }

void MediaEngine::set_paused(RecordingId id, bool paused) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const auto found = recordings_.find(id);
  if (found == recordings_.end()) return;
  post(found->second.unit, media::make_command(found->second.tap, [paused](media::MediaLoop&, TapPtr& tap) {
         tap->set_paused(paused);
       }));
}

void MediaEngine::stop_recording(RecordingId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const auto found = recordings_.find(id);
  if (found == recordings_.end()) return;
  post(found->second.unit, media::make_command(found->second.tap, [](media::MediaLoop&, TapPtr& tap) {
         tap->close(RecordEnd::stopped);
       }));
}

void MediaEngine::finish_recording(const FinishedRecording& finished) {
  const auto found = recordings_.find(finished.id);
  if (found == recordings_.end()) return;
  const MediaId leg = found->second.leg;
  if (LegEntry* entry = find(leg)) {
    struct State {
      media::Leg* leg;
      RecordingId id;
      TapPtr tap;
    };
    post(entry->unit, media::make_command(
                          State{entry->leg.get(), finished.id, nullptr}, [](media::MediaLoop&, State& state) {
                            state.leg->take_recorder(state.id, state.tap);
                            if (state.tap != nullptr)
                              state.tap->close(RecordEnd::failed);  // the disk ended it, not the leg
                          }));
  }
  recordings_.erase(found);
  if (listener_ != nullptr)
    listener_->on_recording_finished(finished.id, leg, finished.end, finished.path, finished.length,
                                     finished.error);
}

// ---- digits and figures

Result<void> MediaEngine::send_digits(MediaId id, std::string_view digits, milliseconds duration,
                                      milliseconds gap) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* entry = find(id);
  if (entry == nullptr) return Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", id)};
  if (!entry->configured) return Error{ErrorCode::conflict, "digits cannot be sent before the leg has media"};
  if (digits.empty() || digits.size() > rtp::TelephoneEventSender::kQueueMax)
    return Error{ErrorCode::invalid, fmt::format("expected 1 to {} digits, got {}",
                                                 rtp::TelephoneEventSender::kQueueMax, digits.size())};
  for (const char c : digits)
    if (!is_digit(c))
      return Error{ErrorCode::invalid, fmt::format("expected digits of 0-9*#A-D and w (pause), got '{}'", c)};
  struct State {
    media::Leg* leg;
    std::string digits;
    milliseconds duration, gap;
  };
  State state{entry->leg.get(), std::string(digits),
              std::clamp(duration, milliseconds(40), milliseconds(10000)),
              std::clamp(gap, milliseconds(30), milliseconds(10000))};
  for (char& c : state.digits) c = c == 'W' ? 'w' : c == 'w' ? c : static_cast<char>(std::toupper(c));
  post(entry->unit, media::make_command(std::move(state), [](media::MediaLoop&, State& s) {
         for (const char c : s.digits) s.leg->queue_digit(c, s.duration, s.gap, media::Reported::yes);
       }));
  return {};
}

void MediaEngine::query(MediaId id, std::function<void(const LegStats&)> answer) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* entry = find(id);
  if (entry == nullptr) return answer(LegStats{});
  struct State {
    media::Leg* leg;
    std::function<void(const LegStats&)> answer;
    media::LegFigures figures;
  };
  post(entry->unit, media::make_command(
                        State{entry->leg.get(), std::move(answer), {}},
                        [](media::MediaLoop&, State& state) { state.figures = state.leg->figures(); },
                        [](State& state) { state.answer(to_stats(state.figures)); }));
}

// ---- what the loops tell

void MediaEngine::on_event(const media::Event& event) {
  using Kind = media::Event::Kind;
  if (event.kind == Kind::playback_finished) {
    if (counts_.playbacks != 0) --counts_.playbacks;
    if (LegEntry* entry = find(event.leg); entry != nullptr && event.play_end == PlayEnd::done)
      take_player_back(*entry, event.object);
  }
  if (listener_ == nullptr) return;
  const milliseconds duration(event.duration_ms);
  switch (event.kind) {
    case Kind::digit_received:
      listener_->on_digit_received({event.leg, event.digit, duration, event.source});
      break;
    case Kind::digits_sent: listener_->on_digits_sent(event.leg); break;
    case Kind::playback_finished:
      listener_->on_playback_finished(event.object, event.leg, event.play_end, duration);
      break;
    case Kind::media_started: listener_->on_media_started(event.leg); break;
    case Kind::media_timed_out: listener_->on_media_timed_out(event.leg); break;
    case Kind::recording_ended:  // told when its file is published
    case Kind::none: break;
  }
}

}  // namespace tandem::session
