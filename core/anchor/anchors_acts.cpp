// Everything but offer and answer: delete, query, blocks, sounds, keys, recordings, silence, and what the
// media engine tells.
#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/anchors.hpp"
#include "core/base/log.hpp"

namespace tandem::anchor {
namespace {

constexpr std::size_t kListMax = 100'000;

std::int64_t utc_us(WallTime at) { return at.time_since_epoch().count(); }

// A call-id as a file's name.
std::string as_name(const std::string& call_id) {
  std::string out = call_id.substr(0, 100);
  for (char& c : out) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  return out;
}

}  // namespace

// The party that the label or the from-tag names; null when none is asked for and none is needed.
Result<Party*> Anchors::select(Call& call, const Selector& who, bool needed) {
  Party* party = nullptr;
  if (!who.label.empty()) {
    party = call.by_label(who.label);
  } else if (!who.address.empty()) {
    party = call.by_address(who.address);
  } else if (!who.from_tag.empty()) {
    party = call.by_tag(who.from_tag);
  } else if (!needed) {
    return party;
  } else {
    return Error{ErrorCode::invalid, "No participant party specified: expected from-tag, label or address"};
  }
  if (party == nullptr)
    return Error{ErrorCode::not_found, "Unknown participant: no party with that tag, label or address"};
  return party;
}

// ---- delete

void Anchors::remove(const Selector& who, milliseconds delay, std::function<void(Result<CallReport>)> done) {
  counts_.deletes.add();
  auto found = demand(who.call_id);
  if (!found) {
    counts_.errors.add();
    return done(found.error());
  }
  Call& call = **found;
  if (!who.from_tag.empty() && call.by_tag(who.from_tag) == nullptr && call.by_tag(who.to_tag) == nullptr) {
    counts_.errors.add();
    return done(Error{ErrorCode::not_found, "Call-ID not found or tags didn't match"});
  }
  if (Party* only = call.by_tag(who.from_tag);
      only != nullptr && only->role != Role::dialog && call.parties.size() > 1 && who.to_tag.empty()) {
    report(call, std::move(done));
    return close_party(call, only);
  }
  report(call, std::move(done));  // asked before the lines close: the media loops answer in order
  Party* branch = nullptr;
  std::size_t branches = 0;
  for (const Exchange& e : call.exchanges) {
    if (e.offerer->has_tag(who.from_tag)) ++branches;
    if (!who.via_branch.empty() && e.answerer->via_branch == who.via_branch &&
        e.offerer->has_tag(who.from_tag))
      branch = e.answerer;
  }
  if (branch != nullptr && branches > 1 && (who.to_tag.empty() || branch->has_tag(who.to_tag)))
    return close_party(call, branch);
  if (delay <= milliseconds(0)) return close_call(who.call_id, "deleted");
  timers_.cancel(call.deletion);
  call.deletion = timers_.after(delay, [this, id = who.call_id] {
    if (Call* late = find(id)) {
      late->deletion = 0;
      close_call(id, "deleted");
    }
  });
}

// ---- query, list

void Anchors::query(const Selector& who, std::function<void(Result<CallReport>)> done) {
  counts_.queries.add();
  auto found = demand(who.call_id);
  if (!found) return done(found.error());
  Call& call = **found;
  if (who.label.empty() && who.to_tag.empty() && who.from_tag.empty()) return report(call, std::move(done));
  const Party* named = !who.label.empty() ? call.by_label(who.label) : call.by_tag(who.to_tag);
  if (named == nullptr && who.label.empty()) named = call.by_tag(who.from_tag);
  report(call, std::move(done), [&](const Party& party) {
    if (named == nullptr) return false;
    return &party == named || &party == named->partner ||
           std::any_of(call.flows.begin(), call.flows.end(),
                       [&](const Flow& flow) { return flow.from == &party && flow.to == named; });
  });
}

void Anchors::report(Call& call, std::function<void(Result<CallReport>)> done,
                     const std::function<bool(const Party&)>& wanted) {
  struct Gathering {
    CallReport report;
    std::size_t open = 1;
    std::function<void(Result<CallReport>)> done;
  };
  auto all = std::make_shared<Gathering>();
  all->done = std::move(done);
  all->report.call_id = call.id;
  all->report.created_us = utc_us(call.created_at);
  all->report.last_signal_s = utc_us(timers_.wall_now()) / 1'000'000 -
                              std::chrono::duration_cast<seconds>(timers_.now() - call.last_signal).count();
  all->report.recording = call.recording;
  const auto one_less = [](const std::shared_ptr<Gathering>& gathering) {
    if (--gathering->open == 0) gathering->done(std::move(gathering->report));
  };
  all->report.parties.reserve(call.parties.size());
  for (const auto& party : call.parties) {
    if (wanted && !wanted(*party)) continue;
    PartyReport& row = all->report.parties.emplace_back();
    row.tag = party->tags.empty() ? "" : party->tags.front();
    if (party->tags.size() > 1) row.aliases.assign(party->tags.begin() + 1, party->tags.end());
    row.via_branch = party->via_branch;
    row.label = party->label;
    if (party->partner != nullptr && !party->partner->tags.empty())
      row.partner = party->partner->tags.front();
    row.role = party->role == Role::subscriber  ? "subscriber"
               : party->role == Role::publisher ? "publisher"
               : party->role == Role::created   ? "created"
               : party->role == Role::transform ? "transform"
                                                : "dialog";
    for (const Flow& flow : call.flows)
      if (flow.to == party.get() && !flow.from->tags.empty() &&
          std::find(row.hears.begin(), row.hears.end(), flow.from->tags.front()) == row.hears.end())
        row.hears.push_back(flow.from->tags.front());
    row.media_blocked = party->media_blocked || call.media_blocked || call.dropped;
    row.digits_blocked = call.key_mode.value_or(party->keys.mode) != KeyMode::off;
    row.silenced = party->silenced || call.silenced;
    row.lines.reserve(party->lines.size());
    for (std::size_t i = 0; i < party->lines.size(); ++i) {
      const Line& line = party->lines[i];
      if (line.opened.id == 0) continue;
      LineReport& said = row.lines.emplace_back();
      said.index = i;
      said.kind = line.kind;
      said.proto = line.proto;
      said.local = line.rtp.text();
      const std::size_t at_party = all->report.parties.size() - 1, at_line = row.lines.size() - 1;
      ++all->open;
      media_.query(line.opened.id,
                   [all, at_party, at_line, one_less,
                    at_s = utc_us(timers_.wall_now()) / 1'000'000](const session::LegStats& stats) {
                     LineReport& into = all->report.parties[at_party].lines[at_line];
                     into.stats = stats;
                     into.crypto = stats.srtp;
                     into.asked_at_s = at_s;
                     into.codec = stats.received.codec;
                     into.mode = stats.mode;
                     into.remote = stats.remote;
                     one_less(all);
                   });
    }
  }
  one_less(all);
}

std::vector<std::string> Anchors::list(std::size_t most) const {
  std::vector<std::string> out;
  for (const auto& [id, call] : calls_) {
    if (out.size() >= std::min(most, kListMax)) break;
    out.push_back(id);
    out.insert(out.end(), call->aliases.begin(), call->aliases.end());
  }
  return out;
}

// ---- recordings

Result<std::vector<std::string>> Anchors::record(const Selector& who, const std::string& path_stem) {
  auto found = demand(who.call_id);
  if (!found) return found.error();
  Call& call = **found;
  auto chosen = select(call, who, false);
  if (!chosen) return chosen.error();
  std::string stem = path_stem;
  if (stem.empty()) {
    if (!recording_path_) return Error{ErrorCode::unsupported, "no folder for recordings is configured"};
    auto made = recording_path_(as_name(call.id));
    if (!made) return made.error();
    stem = std::move(*made);
  }
  if (stem.ends_with(".wav")) stem.resize(stem.size() - 4);
  std::vector<std::string> paths;
  bool running = false;
  for (const auto& party : call.parties) {
    if (*chosen != nullptr && party.get() != *chosen) continue;
    for (Line& line : party->lines) {
      if (!is_sound(line) || line.joined == 0) continue;
      const auto peer = owners_.find(line.joined);  // one file for both: the other side is its right channel
      running = running || line.recording != 0;
      if (line.recording != 0 || (*chosen == nullptr && peer != owners_.end() &&
                                  peer->second.party->lines[peer->second.index].recording != 0))
        continue;
      session::RecordSpec spec;
      spec.leg = line.opened.id;
      spec.path = paths.empty() ? stem + ".wav" : fmt::format("{}-{}.wav", stem, paths.size() + 1);
      spec.stereo = true;
      auto begun = media_.record(spec);
      if (!begun) return begun.error();
      line.recording = *begun;
      paths.push_back(spec.path);
    }
  }
  call.recording = true;
  if (paths.empty() && !running && call.any_answer)
    return Error{ErrorCode::conflict, "nothing can be recorded: no audio of that call is decoded here"};
  return paths;
}

void Anchors::start_recording_if_asked(Call& call, std::vector<std::string>& warnings) {
  for (const auto& party : call.parties)
    for (const Line& line : party->lines)
      if (line.recording != 0) return;
  Selector who;
  who.call_id = call.id;
  if (auto begun = record(who, ""); !begun) warnings.push_back("not recorded: " + begun.error().message);
}

Result<void> Anchors::control_recording(const Selector& who, RecordAct act) {
  auto found = demand(who.call_id);
  if (!found) return found.error();
  for (const auto& party : (*found)->parties) {
    for (Line& line : party->lines) {
      if (line.recording == 0) continue;
      if (act == RecordAct::pause) media_.pause_recording(line.recording);
      if (act == RecordAct::resume) media_.resume_recording(line.recording);
      if (act == RecordAct::stop) media_.stop_recording(std::exchange(line.recording, 0));
    }
  }
  if (act == RecordAct::stop) (*found)->recording = false;
  return {};
}

// ---- what the media engine tells

void Anchors::tell(AnchorEvent event) const {
  if (on_event_) on_event_(event);
}

void Anchors::on_recording_finished(session::RecordingId id, session::MediaId leg, session::RecordEnd,
                                    const std::string& path, milliseconds length, const std::string& error) {
  const auto owner = owners_.find(leg);
  if (owner == owners_.end()) return;
  Line& line = owner->second.party->lines[owner->second.index];
  if (line.recording == id) line.recording = 0;
  tell(
      {"anchor.recording_finished", owner->second.call_id, "", error.empty() ? path : error, length.count()});
}

void Anchors::on_media_started(session::MediaId leg) {
  const auto owner = owners_.find(leg);
  if (owner != owners_.end()) owner->second.party->lines[owner->second.index].silent = false;
}

// A line fell silent. When all of a call's are, their counts are compared with those of then: one that was
// heard again meanwhile is not silent, and will say so anew.
void Anchors::on_media_timed_out(session::MediaId leg) {
  const auto owner = owners_.find(leg);
  if (owner == owners_.end()) return;
  media_.query(leg, [this, leg, alive = std::weak_ptr(alive_)](const session::LegStats& stats) {
    if (!alive.lock()) return;
    const auto still = owners_.find(leg);
    if (still == owners_.end()) return;
    Line& line = still->second.party->lines[still->second.index];
    line.silent = true;
    line.packets_then = stats.received.packets;
    check_silence(still->second.call_id);
  });
}

void Anchors::check_silence(const std::string& call_id) {
  Call* call = find(call_id);
  if (call == nullptr) return;
  bool joined = false;
  for (const auto& party : call->parties)
    for (const Line& line : party->lines) {
      joined = joined || line.joined != 0;
      if (line.joined != 0 && line.agreed.receive && line.agreed.send && !line.silent) return;
    }
  if (!joined) return;  // watch() sees to it
  report(*call, [this, call_id, alive = std::weak_ptr(alive_)](const Result<CallReport>& told) {
    Call* late = alive.lock() ? find(call_id) : nullptr;
    if (late == nullptr || !told) return;
    for (std::size_t p = 0; p < told->parties.size() && p < late->parties.size(); ++p) {
      for (const LineReport& row : told->parties[p].lines) {
        if (row.index >= late->parties[p]->lines.size()) continue;
        Line& line = late->parties[p]->lines[row.index];
        if (line.silent && row.stats.received.packets != line.packets_then) line.silent = false;
        if (line.joined != 0 && line.agreed.receive && line.agreed.send && !line.silent) return;
      }
    }
    counts_.timeouts.add();
    log::info("anchor", "call {} ends: no media for {} s", call_id, config_.media_timeout.count());
    close_call(call_id, "media_timeout");
  });
}

}  // namespace tandem::anchor
