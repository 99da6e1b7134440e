// Playbacks. Thread: [control].
#include "core/call/playback.hpp"

#include <array>
#include <optional>
#include <utility>

namespace tandem::call {
namespace {

std::optional<session::Tone> tone_named(std::string_view name) {
  using session::Tone;
  constexpr std::array<std::pair<std::string_view, Tone>, 6> kTones{{{"ringback", Tone::ringback},
                                                                     {"busy", Tone::busy},
                                                                     {"congestion", Tone::congestion},
                                                                     {"dial", Tone::dial},
                                                                     {"beep", Tone::beep},
                                                                     {"silence", Tone::silence}}};
  for (const auto& [known, tone] : kTones) {
    if (known == name) return tone;
  }
  return std::nullopt;
}

const char* name_of(session::PlayEnd how) {
  switch (how) {
    case session::PlayEnd::done: return "done";
    case session::PlayEnd::stopped: return "stopped";
    case session::PlayEnd::replaced: return "replaced";
    case session::PlayEnd::leg_closed: return "leg_closed";
  }
  return "done";
}

}  // namespace

Result<session::PlaySpec> Playbacks::resolve(const Leg& leg, const PlayOrder& order) {
  session::PlaySpec spec;
  spec.country = order.country;
  spec.loop = order.loop;
  spec.offset = order.offset;
  spec.limit = order.limit;
  spec.mix_into_bridge = order.bridge;
  spec.gain_db = order.gain_db;
  if (order.files.size() > kFilesMax) {
    return Error{ErrorCode::exhausted,
                 "expected at most 100 files, saw " + std::to_string(order.files.size())};
  }
  if (order.files.empty()) {
    const auto tone = tone_named(order.tone);
    if (!tone) {
      return Error{ErrorCode::invalid,
                   "expected files, or a tone of ringback, busy, congestion, dial, beep, silence; saw \"" +
                       order.tone + "\""};
    }
    spec.tone = *tone;
  }
  for (const std::string& name : order.files) {
    auto path = exchange_.around().sounds.resolve(leg.tenant, name);
    if (!path) return path.error();
    spec.files.push_back(std::move(*path));
  }
  return spec;
}

void Playbacks::play(Leg& leg, const PlayOrder& order, std::function<void(Result<std::string>)> started) {
  if (!leg.standing() || !leg.audible() || leg.media.id() == 0) {
    started(Error{ErrorCode::conflict, "expected leg " + leg.id +
                                           " to be answered or in early media, saw \"" +
                                           to_string(leg.state()) + "\""});
    return;
  }
  const auto spec = resolve(leg, order);
  if (!spec) {
    started(spec.error());
    return;
  }
  leg.inside_wanted = false;  // replaced by this
  const std::uint64_t number = ++leg.playing;
  exchange_.around().media.play(
      leg.media.id(), *spec,
      exchange_.guarded(
          [this, id = leg.id, number, started = std::move(started)](const Result<session::Playing>& begun) {
            if (!begun) {
              started(begun.error());
              return;
            }
            if (Leg* of = exchange_.standing(id); of != nullptr && of->playing == number) {
              of->playback = begun->id;
              of->playback_began = exchange_.now();
            }
            started("play-" + std::to_string(begun->id));
          }));
  exchange_.taken(leg);
}

void Playbacks::stop(Leg& leg) {
  if (leg.media.id() != 0) exchange_.around().media.stop_play(leg.media.id());
}

void Playbacks::on_finished(session::PlaybackId id, session::MediaId media, session::PlayEnd how,
                            milliseconds played) {
  if (exchange_.is_inside(id)) {
    exchange_.forget_inside(id);
    return;
  }
  Leg* leg = exchange_.leg_of(media);
  if (leg == nullptr || leg->ended()) return;  // its end was told already, with the leg's
  if (leg->playback == id) leg->playback = 0;
  exchange_.emit(*leg, Event{"play.finished", {}, {}, {}, {}}
                           .with("playback", "play-" + std::to_string(id))
                           .with("reason", name_of(how))
                           .with("played_ms", static_cast<std::int64_t>(played.count())));
}

}  // namespace tandem::call
