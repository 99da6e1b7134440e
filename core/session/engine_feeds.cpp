// Legs that hear others beside the pair that they are in, and pairs over two media loops.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/media/feed.hpp"
#include "core/session/engine.hpp"

namespace tandem::session {
namespace {

constexpr std::size_t kCrossingsMax = 4096;  // of one loop's legs, from others

using FeedPtr = std::shared_ptr<media::Feed>;

}  // namespace

Result<std::shared_ptr<media::Feed>> MediaEngine::make_feed(const LegEntry& from, const LegEntry& to,
                                                            media::Feed::As as, std::uint8_t output) {
  using Loops = media::Feed::Loops;
  jitter::PayloadPool& pool = units_[to.unit].loop->pool();
  auto made = &from == &to ? media::Feed::create_own(pool, *to.leg, to.config, output)
                           : media::Feed::create(pool, *from.leg, from.config, *to.leg, to.config,
                                                 from.unit == to.unit ? Loops::one : Loops::two, as);
  if (!made) return made.error();
  return FeedPtr(std::move(*made));
}

// A command holds the feed until it comes home: whichever loop is last lets it die there.
void MediaEngine::begin_feed(const Listening& listening) {
  post(listening.to_unit,
       media::make_command(listening.feed, [](media::MediaLoop& loop, const FeedPtr& feed) {
         feed->to().listen_to(*feed);
         if (feed->crosses()) loop.add_crossing(*feed);
       }));
  post(listening.from_unit, media::make_command(listening.feed, [](media::MediaLoop&, const FeedPtr& feed) {
         feed->from().say_to(*feed);
       }));
  if (listening.feed->crosses()) ++units_[listening.to_unit].crossings;
}

void MediaEngine::end_feed(Listening& listening) {
  post(listening.from_unit, media::make_command(listening.feed, [](media::MediaLoop&, const FeedPtr& feed) {
         feed->from().say_no_more_to(*feed);
       }));
  post(listening.to_unit,
       media::make_command(listening.feed, [](media::MediaLoop& loop, const FeedPtr& feed) {
         if (feed->crosses()) loop.remove_crossing(*feed);
         feed->to().listen_no_more_to(*feed);
       }));
  if (listening.feed->crosses()) --units_[listening.to_unit].crossings;
  counts_.packets_not_crossed += listening.feed->dropped();
  listening.feed.reset();
}

Result<FeedId> MediaEngine::attach(LegEntry& from, LegEntry& to, media::Feed::As as, std::uint8_t output) {
  if (!from.configured || !to.configured)
    return Error{ErrorCode::conflict, "a leg can be heard, and can hear, once both have media"};
  std::size_t out = 0, in = 0;
  for (const FeedId id : from.feeds) out += feeds_.at(id).from == from.id ? 1 : 0;
  for (const FeedId id : to.feeds) in += feeds_.at(id).to == to.id ? 1 : 0;
  if (out >= media::Leg::kFeedsMax || in >= media::Leg::kFeedsMax) {
    ++counts_.feeds_refused;
    return Error{ErrorCode::exhausted,
                 fmt::format("a leg is heard by at most {} others beside its peer, and hears as many at most",
                             media::Leg::kFeedsMax)};
  }
  if (from.unit != to.unit && units_[to.unit].crossings >= kCrossingsMax) {
    ++counts_.feeds_refused;
    return Error{ErrorCode::exhausted,
                 fmt::format("a media loop hears at most {} legs of others", kCrossingsMax)};
  }
  auto feed = make_feed(from, to, as, output);
  if (!feed) return feed.error();
  const FeedId id = ++last_id_;
  Listening& known = feeds_[id] = {from.id, to.id, from.unit, to.unit, as, output, std::move(*feed)};
  begin_feed(known);
  from.feeds.push_back(id);
  if (&to != &from) to.feeds.push_back(id);
  return id;
}

Result<FeedId> MediaEngine::listen(MediaId from, MediaId to) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* source = find(from);
  LegEntry* listener = find(to);
  if (source == nullptr || listener == nullptr)
    return Error{ErrorCode::not_found,
                 fmt::format("no leg has the media id {}", source == nullptr ? from : to)};
  if (hears(*source, *listener, 0))
    return Error{ErrorCode::conflict, fmt::format("leg {} hears leg {} already", to, from)};
  return attach(*source, *listener, media::Feed::As::listener);
}

Result<FeedId> MediaEngine::loop_back(MediaId id, std::uint8_t output) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* leg = find(id);
  if (leg == nullptr) return Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", id)};
  if (hears(*leg, *leg, output))
    return Error{ErrorCode::conflict, fmt::format("leg {} hears itself as {} already", id, output)};
  return attach(*leg, *leg, media::Feed::As::listener, output);
}

bool MediaEngine::hears(const LegEntry& source, const LegEntry& listener, std::uint8_t output) const {
  return std::any_of(source.feeds.begin(), source.feeds.end(), [&](FeedId id) {
    const bool link = std::find(source.links.begin(), source.links.end(), id) != source.links.end();
    const Listening& known = feeds_.at(id);
    return !link && known.from == source.id && known.to == listener.id && known.output == output;
  });
}

void MediaEngine::unlisten(FeedId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const auto found = feeds_.find(id);
  if (found == feeds_.end()) return;
  Listening& over = found->second;
  for (const MediaId end : {over.from, over.to})
    if (LegEntry* leg = find(end)) std::erase(leg->feeds, id);
  end_feed(over);  // both legs stand until their remove commands, which come after these
  feeds_.erase(found);
}

// New codecs on one side: a feed made for them takes the place. One that cannot be made ends.
void MediaEngine::refresh_feeds(const LegEntry& leg) {
  for (const FeedId id : std::vector<FeedId>(leg.feeds)) {
    Listening& known = feeds_.at(id);
    auto feed = make_feed(*find(known.from), *find(known.to), known.as, known.output);
    if (!feed) {
      unlisten(id);
      continue;
    }
    end_feed(known);
    known.feed = std::move(*feed);
    begin_feed(known);
  }
}

// A pair whose legs live on two loops: each hears the other by a feed.
Result<void> MediaEngine::link(LegEntry& first, LegEntry& second) {
  auto there = attach(first, second, media::Feed::As::peer);
  if (!there) return there.error();
  auto back = attach(second, first, media::Feed::As::peer);
  if (!back) {
    unlisten(*there);
    return back.error();
  }
  dissolve(first);
  dissolve(second);
  first.peer = second.id;
  second.peer = first.id;
  first.links = second.links = {*there, *back};
  return {};
}

}  // namespace tandem::session
