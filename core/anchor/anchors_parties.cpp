// Whose an offer is, whom it is to, and which one an answer is meant for.
#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/anchors.hpp"

namespace tandem::anchor {
namespace {

constexpr std::size_t kExchangesMax = 64;  // kept; the oldest goes
constexpr std::size_t kTagsMax = 64;       // aliases of one party

}  // namespace

Party& Anchors::offerer_of(Call& call, const Selector& who) {
  if (Party* known = call.by_tag(who.from_tag)) return *known;
  call.parties.push_back(std::make_unique<Party>());
  call.parties.back()->tags.push_back(who.from_tag);
  return *call.parties.back();
}

Party& Anchors::answerer_of(Call& call, Party& offerer, const Selector& who) {
  if (Party* known = call.by_tag(who.to_tag); known != nullptr && known != &offerer) return *known;
  // Offered before and not answered by anybody with a tag yet, or named by no tag: the same side again.
  for (auto exchange = call.exchanges.rbegin(); exchange != call.exchanges.rend(); ++exchange) {
    Party& party = *exchange->answerer;
    if (exchange->offerer != &offerer || &party == &offerer) continue;
    const bool same_branch = party.via_branch == who.via_branch;
    if (same_branch && (party.tags.empty() || who.to_tag.empty())) {
      if (!who.to_tag.empty()) party.tags.push_back(who.to_tag);
      return party;
    }
  }
  call.parties.push_back(std::make_unique<Party>());
  Party& party = *call.parties.back();
  if (!who.to_tag.empty()) party.tags.push_back(who.to_tag);
  party.via_branch = who.via_branch;
  return party;
}

Exchange& Anchors::exchange_of(Call& call, Party& offerer, Party& answerer) {
  std::erase_if(call.exchanges, [&](const Exchange& e) {
    return (e.offerer == &offerer && e.answerer == &answerer) ||
           (e.offerer == &answerer && e.answerer == &offerer);
  });
  if (call.exchanges.size() >= kExchangesMax) call.exchanges.erase(call.exchanges.begin());
  Exchange fresh;
  fresh.offerer = &offerer;
  fresh.answerer = &answerer;
  return call.exchanges.emplace_back(std::move(fresh));
}

// The offer that an answer is meant for, newest first: by the answerer's tag, by the branch, by being
// unanswered; else the newest of this offerer, whose answerer's ports are then shared by several tags.
Result<Exchange*> Anchors::answered_exchange(Call& call, const Selector& who) {
  std::vector<Exchange*> mine;
  for (auto e = call.exchanges.rbegin(); e != call.exchanges.rend(); ++e)
    if (e->offerer->has_tag(who.from_tag)) mine.push_back(&*e);
  for (Exchange* e : mine)
    if (e->answerer->has_tag(who.to_tag)) return e;
  Exchange* chosen = nullptr;
  for (Exchange* e : mine)
    if (chosen == nullptr && !who.via_branch.empty() && e->answerer->via_branch == who.via_branch) chosen = e;
  for (Exchange* e : mine)
    if (chosen == nullptr && e->answerer->tags.empty()) chosen = e;
  if (chosen == nullptr && !mine.empty()) chosen = mine.front();
  if (chosen == nullptr)
    return Error{ErrorCode::not_found,
                 "this answer has no offer: no party of the call with its from-tag offered"};
  if (chosen->answerer->tags.size() >= kTagsMax)
    return Error{ErrorCode::exhausted, fmt::format("at most {} to-tags may answer one offer", kTagsMax)};
  chosen->answerer->tags.push_back(who.to_tag);
  return chosen;
}

}  // namespace tandem::anchor
