// Legs that hear others beside the pair that they are in.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/media/feed.hpp"
#include "core/session/engine.hpp"

namespace tandem::session {
namespace {

struct FeedSwap {
  std::unique_ptr<media::Feed> before;  // goes
  media::Feed* after = nullptr;         // comes
};

std::unique_ptr<media::Command> swap_feed(FeedSwap state) {
  return media::make_command(std::move(state), [](media::MediaLoop&, FeedSwap& s) {
    if (s.before != nullptr) s.before->from().remove_feed(*s.before);
    if (s.after != nullptr) s.after->from().add_feed(*s.after);
  });
}

}  // namespace

Result<std::unique_ptr<media::Feed>> MediaEngine::make_feed(const LegEntry& from, const LegEntry& to) {
  return media::Feed::create(units_[from.unit].loop->pool(), *from.leg, from.config, *to.leg, to.config);
}

Result<FeedId> MediaEngine::listen(MediaId from, MediaId to) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* source = find(from);
  LegEntry* listener = find(to);
  if (source == nullptr || listener == nullptr)
    return Error{ErrorCode::not_found,
                 fmt::format("no leg has the media id {}", source == nullptr ? from : to)};
  if (!source->configured || !listener->configured)
    return Error{ErrorCode::conflict, "a leg can be heard, and can hear, once both have media"};
  if (source->unit != listener->unit)
    return Error{ErrorCode::invalid,
                 "the two legs live on different media loops; open the second one near the first"};
  std::size_t out = 0, in = 0;
  for (const FeedId id : source->feeds) {
    if (feeds_.at(id).from != from) continue;
    ++out;
    if (feeds_.at(id).to == to)
      return Error{ErrorCode::conflict, fmt::format("leg {} hears leg {} already", to, from)};
  }
  for (const FeedId id : listener->feeds) in += feeds_.at(id).to == to ? 1 : 0;
  if (out >= media::Leg::kFeedsMax || in >= media::Leg::kFeedsMax) {
    ++counts_.feeds_refused;
    return Error{ErrorCode::exhausted,
                 fmt::format("a leg is heard by at most {} others beside its peer, and hears as many at most",
                             media::Leg::kFeedsMax)};
  }
  auto feed = make_feed(*source, *listener);
  if (!feed) return feed.error();
  const FeedId id = ++last_id_;
  post(source->unit, swap_feed({nullptr, feed->get()}));
  feeds_[id] = {from, to, std::move(*feed)};
  source->feeds.push_back(id);
  if (listener != source) listener->feeds.push_back(id);
  return id;
}

void MediaEngine::unlisten(FeedId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const auto found = feeds_.find(id);
  if (found == feeds_.end()) return;
  Listening& over = found->second;
  for (const MediaId end : {over.from, over.to})
    if (LegEntry* leg = find(end)) std::erase(leg->feeds, id);
  // Both legs stand until their remove commands, which come after this one.
  post(find(over.from)->unit, swap_feed({std::move(over.feed), nullptr}));
  feeds_.erase(found);
}

// New codecs on one side: a feed made for them takes the place. One that cannot be made ends.
void MediaEngine::refresh_feeds(const LegEntry& leg) {
  for (const FeedId id : std::vector<FeedId>(leg.feeds)) {
    Listening& known = feeds_.at(id);
    auto feed = make_feed(*find(known.from), *find(known.to));
    if (!feed) {
      unlisten(id);
      continue;
    }
    post(leg.unit, swap_feed({std::move(known.feed), feed->get()}));
    known.feed = std::move(*feed);
  }
}

}  // namespace tandem::session
