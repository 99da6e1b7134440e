// Who hears whom, said outright: connect, hear (inject), mesh, and calls that become one.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/anchor/anchors.hpp"
#include "core/anchor/profile.hpp"

namespace tandem::anchor {
namespace {

constexpr std::size_t kMergedMax = 64;  // call-ids of one call

// The line of `party` that goes with line i of another: of the same kind, the same one in their order.
std::size_t matching_line(const Party& other, std::size_t i, const Party& party) {
  const auto usable = [](const Line& line) { return line.opened.id != 0 && line.configured; };
  std::size_t nth = 0;
  for (std::size_t k = 0; k < i; ++k)
    nth += usable(other.lines[k]) && other.lines[k].kind == other.lines[i].kind;
  if (!usable(other.lines[i])) return party.lines.size();
  for (std::size_t k = 0; k < party.lines.size(); ++k) {
    if (!usable(party.lines[k]) || party.lines[k].kind != other.lines[i].kind) continue;
    if (nth-- == 0) return k;
  }
  return party.lines.size();
}

Error nothing_in_common() {
  return {ErrorCode::conflict, "the two parties have no stream in common that has media yet"};
}

}  // namespace

// All of them as the first one; every call-id then names it.
Result<Call*> Anchors::merge(const std::vector<std::string>& call_ids) {
  std::vector<Call*> all;
  for (const std::string& id : call_ids) {
    auto call = demand(id);
    if (!call) return call.error();
    if (std::find(all.begin(), all.end(), *call) == all.end()) all.push_back(*call);
  }
  if (all.empty()) return Error{ErrorCode::not_found, "Unknown call-id"};
  Call& first = *all.front();
  if (all.size() == 1) return &first;
  std::set<std::string> tags, ids;
  for (const Call* call : all) {
    ids.insert(call->id);
    ids.insert(call->aliases.begin(), call->aliases.end());
    for (const auto& party : call->parties)
      for (const std::string& tag : party->tags)
        if (!tags.insert(tag).second)
          return Error{ErrorCode::conflict,
                       fmt::format("calls cannot be merged: both have a party with the tag \"{}\"",
                                   sdp::printable(tag))};
  }
  if (ids.size() > kMergedMax)
    return Error{ErrorCode::exhausted, fmt::format("at most {} calls can be merged", kMergedMax)};
  for (std::size_t i = 1; i < all.size(); ++i) {
    Call& other = *all[i];
    for (const TimerId timer : {other.deletion, other.offer_timer, other.watch}) timers_.cancel(timer);
    std::move(other.parties.begin(), other.parties.end(), std::back_inserter(first.parties));
    std::move(other.exchanges.begin(), other.exchanges.end(), std::back_inserter(first.exchanges));
    first.flows.insert(first.flows.end(), other.flows.begin(), other.flows.end());
    first.any_answer = first.any_answer || other.any_answer;
    first.recording = first.recording || other.recording;
    other.aliases.push_back(other.id);
    for (const std::string& alias : other.aliases) {
      merged_[alias] = first.id;
      first.aliases.push_back(alias);
    }
    const std::string gone = other.id;
    calls_.erase(gone);
  }
  for (const auto& party : first.parties)
    for (const Line& line : party->lines)
      if (line.opened.id != 0) owners_[line.opened.id].call_id = first.id;
  watch(first);
  first.last_signal = timers_.now();
  return &first;
}

Result<std::vector<std::string>> Anchors::connect(const Selector& who, const std::string& to_call_id) {
  if (who.to_tag.empty()) return Error{ErrorCode::invalid, "No to-tag in message"};
  std::vector<std::string> ids{who.call_id};
  if (!to_call_id.empty()) ids.push_back(to_call_id);
  for (const std::string& id : ids)
    if (auto known = demand(id); !known) return known.error();
  // Looked up before the calls become one: what cannot be done changes nothing.
  auto from = select(**demand(who.call_id), who, true);
  if (!from) return from.error();
  Party* to = (*demand(ids.back()))->by_tag(who.to_tag);
  if (to == nullptr) return Error{ErrorCode::not_found, "To-tag not found"};
  if (to == *from) return Error{ErrorCode::invalid, "a party cannot be connected with itself"};
  auto call = merge(ids);
  if (!call) return call.error();
  std::vector<std::string> warnings;
  std::size_t joined = 0;
  for (std::size_t i = 0; i < (*from)->lines.size(); ++i) {
    const std::size_t k = matching_line(**from, i, *to);
    if (k == to->lines.size()) continue;
    if (auto done = join(**from, i, *to, k); !done) {
      warnings.push_back(done.error().message);
      continue;
    }
    ++joined;
  }
  if (joined == 0)
    return warnings.empty() ? nothing_in_common() : Error{ErrorCode::conflict, warnings.front()};
  end_flows(**call, [&](const Flow& flow) {  // they hear each other anyhow
    return (flow.from == *from && flow.to == to) || (flow.from == to && flow.to == *from);
  });
  counts_.connections.add();
  (*call)->last_signal = timers_.now();
  return warnings;
}

// How many flows there are now from one party's lines to the other's.
Result<std::size_t> Anchors::pair_flows(Call& call, Party& from, Party& to) {
  std::size_t made = 0;
  for (std::size_t i = 0; i < from.lines.size(); ++i) {
    const std::size_t k = matching_line(from, i, to);
    if (k == to.lines.size()) continue;
    ++made;
    if (from.lines[i].joined == to.lines[k].opened.id) continue;
    if (auto added = add_flow(call, {&from, i, &to, k, 0}); !added) return added.error();
  }
  return made;
}

Result<std::vector<std::string>> Anchors::hear(const Selector& who, const std::string& to_call_id,
                                               const Sources& sources, Ways ways) {
  if (who.to_tag.empty()) return Error{ErrorCode::invalid, "No to-tag in message"};
  std::vector<std::string> ids{who.call_id};
  if (!to_call_id.empty()) ids.push_back(to_call_id);
  for (const std::string& id : ids)
    if (auto known = demand(id); !known) return known.error();
  std::vector<std::string> warnings;
  auto chosen = choose_sources(**demand(who.call_id), who, sources, warnings);
  if (!chosen) return chosen.error();
  Party* to = (*demand(ids.back()))->by_tag(who.to_tag);
  if (to == nullptr) return Error{ErrorCode::not_found, "To-tag not found"};
  auto call = merge(ids);
  if (!call) return call.error();
  std::size_t made = 0;
  for (Party* from : *chosen) {
    if (from == to) continue;
    auto there = pair_flows(**call, *from, *to);
    if (!there) return there.error();
    made += *there;
    if (ways == Ways::one) continue;
    if (auto back = pair_flows(**call, *to, *from); !back) return back.error();
  }
  if (made == 0) return nothing_in_common();
  attach_flows(**call);
  counts_.connections.add();
  (*call)->last_signal = timers_.now();
  return warnings;
}

Result<void> Anchors::stop_hearing(const Selector& who, const std::string& source_call_id,
                                   const std::string& source_tag) {
  auto call = demand(who.call_id);
  if (!call) return call.error();
  if (!source_call_id.empty()) {
    auto source = demand(source_call_id);
    if (!source) return source.error();
    if (*source != *call) return Error{ErrorCode::not_found, "nothing of that call is heard in this one"};
  }
  Party* to = (*call)->by_tag(who.to_tag);
  Party* from = (*call)->by_tag(source_tag);
  if (to == nullptr || from == nullptr)
    return Error{ErrorCode::not_found, to == nullptr ? "To-tag not found" : "Source-tag not found"};
  std::size_t ended = 0;
  end_flows(**call, [&](const Flow& flow) {
    const bool over = flow.from == from && flow.to == to;
    ended += over ? 1 : 0;
    return over;
  });
  if (ended == 0) return Error{ErrorCode::not_found, "the party of the to-tag does not hear that source"};
  (*call)->last_signal = timers_.now();
  return {};
}

Result<std::vector<std::string>> Anchors::mesh(const std::vector<std::string>& calls,
                                               const std::vector<MeshRow>& rows, bool reset, Ways ways) {
  for (const std::string& id : calls)
    if (auto known = demand(id); !known) return known.error();
  const auto party_of = [&](const std::string& tag) -> Party* {
    for (const std::string& id : calls)
      if (Party* party = (*demand(id))->by_tag(tag)) return party;
    return nullptr;
  };
  for (const MeshRow& row : rows) {
    if (party_of(row.from) == nullptr) return Error{ErrorCode::not_found, "Given from-tag not found"};
    for (const std::string& tag : row.to)
      if (party_of(tag) == nullptr) return Error{ErrorCode::not_found, "Given to-tag not found"};
  }
  auto call = merge(calls);
  if (!call) return call.error();
  for (const MeshRow& row : rows) {
    if (!reset) break;
    Party* from = (*call)->by_tag(row.from);
    end_flows(**call,
              [&](const Flow& flow) { return flow.to == from || (ways == Ways::both && flow.from == from); });
    part(*from);
  }
  std::vector<std::string> warnings;
  for (const MeshRow& row : rows) {
    Party* from = (*call)->by_tag(row.from);
    for (const std::string& tag : row.to) {
      Party* to = (*call)->by_tag(tag);
      if (from == to) continue;
      auto there = pair_flows(**call, *from, *to);
      if (!there) return there.error();
      if (*there == 0)
        warnings.push_back(fmt::format("\"{}\" and \"{}\" have no stream in common that has media yet",
                                       sdp::printable(row.from), sdp::printable(tag)));
      if (ways == Ways::one) continue;
      if (auto back = pair_flows(**call, *to, *from); !back) return back.error();
    }
  }
  attach_flows(**call);
  counts_.connections.add();
  return warnings;
}

}  // namespace tandem::anchor
