// Prompts that parties are played, and keys that are pressed in their name.
#include <algorithm>
#include <utility>

#include "core/anchor/anchors.hpp"

namespace tandem::anchor {
namespace {

constexpr milliseconds kStopMax{1000};  // the media loop has told by then, or never will

}  // namespace

// Stops that wait for what the media loop tells of them.
struct Anchors::Stopping {
  std::size_t open = 1;
  std::optional<milliseconds> position;  // the first that is told
  std::function<void(Result<std::optional<milliseconds>>)> stopped;

  void one_less() {
    if (open != 0 && --open == 0) stopped(position);
  }
  void give_up() {
    if (std::exchange(open, 0) != 0) stopped(position);
  }
};

void Anchors::play(const Selector& who, const PlayOrder& order,
                   std::function<void(Result<milliseconds>)> started) {
  auto found = demand(who.call_id);
  if (!found) return started(found.error());
  auto party = order.everybody ? Result<Party*>(nullptr) : select(**found, who, true);
  if (!party) return started(party.error());
  session::PlaySpec spec;
  for (unsigned n = 0; n < order.times; ++n)
    spec.files.insert(spec.files.end(), order.files.begin(), order.files.end());
  spec.loop = order.loop;
  spec.offset = order.offset;
  spec.limit = order.limit;
  std::vector<session::MediaId> hearers;
  for (const auto& one : (*found)->parties) {
    if (*party != nullptr && one.get() != *party) continue;
    const auto line = std::find_if(one->lines.begin(), one->lines.end(), is_sound);
    if (line != one->lines.end()) hearers.push_back(line->opened.id);
  }
  if (hearers.empty())
    return started(Error{ErrorCode::invalid, "that party has no audio yet that could be heard"});
  struct Starting {
    std::size_t open = 0;
    Result<milliseconds> outcome;  // the first error
  };
  auto all = std::make_shared<Starting>(Starting{hearers.size(), milliseconds(0)});
  for (const session::MediaId hearer : hearers)
    media_.play(hearer, spec,
                [this, hearer, started, all, times = order.times, offset = order.offset,
                 alive = std::weak_ptr(alive_)](const Result<session::Playing>& playing) {
                  if (!playing && all->outcome) all->outcome = playing.error();
                  if (playing && all->outcome) all->outcome = playing->length / times;
                  const auto owner = alive.lock() && playing ? owners_.find(hearer) : owners_.end();
                  if (playing && owner != owners_.end())
                    owner->second.party->lines[owner->second.index].prompt = {playing->id, offset,
                                                                              playing->length / times};
                  if (--all->open == 0) started(all->outcome);
                });
}

void Anchors::stop_play(const Selector& who,
                        std::function<void(Result<std::optional<milliseconds>>)> stopped) {
  auto found = demand(who.call_id);
  if (!found) return stopped(found.error());
  auto chosen = select(**found, who, false);
  if (!chosen) return stopped(chosen.error());
  auto all = std::make_shared<Stopping>();
  all->stopped = std::move(stopped);
  for (const auto& party : (*found)->parties) {
    if (*chosen != nullptr && party.get() != *chosen) continue;
    for (const Line& line : party->lines) {
      if (line.opened.id == 0) continue;
      if (line.prompt.id != 0) ++all->open, stopping_.emplace(line.prompt.id, all);
      media_.stop_play(line.opened.id);
    }
  }
  all->one_less();
  if (all->open == 0) return;
  timers_.after(kStopMax, [this, all, alive = std::weak_ptr(alive_)] {
    all->give_up();
    if (alive.lock()) std::erase_if(stopping_, [&](const auto& one) { return one.second == all; });
  });
}

void Anchors::on_playback_finished(session::PlaybackId id, session::MediaId leg, session::PlayEnd how,
                                   milliseconds played) {
  const auto owner = owners_.find(leg);
  Prompt* prompt = owner == owners_.end() ? nullptr : &owner->second.party->lines[owner->second.index].prompt;
  if (prompt != nullptr && prompt->id != id) prompt = nullptr;
  const auto [first, last] = stopping_.equal_range(id);
  for (auto one = first; one != last; ++one) {
    if (prompt != nullptr && !one->second->position) one->second->position = prompt->position(played);
    one->second->one_less();
  }
  stopping_.erase(first, last);
  if (prompt != nullptr) *prompt = {};
  if (owner == owners_.end()) return;
  const Party& party = *owner->second.party;
  tell({"anchor.play_finished", owner->second.call_id, party.tags.empty() ? "" : party.tags.front(),
        how == session::PlayEnd::done ? "done" : "stopped", played.count()});
}

Result<void> Anchors::play_digits(const Selector& who, const std::string& digits, Everybody all,
                                  milliseconds length, milliseconds gap) {
  auto found = demand(who.call_id);
  if (!found) return found.error();
  auto party = all == Everybody::yes ? Result<Party*>(nullptr) : select(**found, who, true);
  if (!party) return party.error();
  bool connected = false, sent = false;
  for (const auto& one : (*found)->parties) {
    if ((*party != nullptr && one.get() != *party) || one->partner == nullptr) continue;
    connected = true;
    const std::vector<Line>& lines = one->partner->lines;
    const auto line = std::find_if(lines.begin(), lines.end(), is_sound);
    if (line == lines.end()) continue;
    if (auto pressed = media_.send_digits(line->opened.id, digits, length, gap); !pressed) return pressed;
    sent = true;
  }
  if (sent) return {};
  if (!connected) return Error{ErrorCode::conflict, "nobody is connected with that party"};
  return Error{ErrorCode::invalid, "the other party has no audio that keys could be sent in"};
}

}  // namespace tandem::anchor
