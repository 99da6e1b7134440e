// What legs say, on its way to programs outside.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/session/engine.hpp"

namespace tandem::session {

std::size_t MediaEngine::taps_of(MediaId leg) const {
  const auto of_leg = [leg](const auto& all, auto whose) {
    return std::count_if(all.begin(), all.end(), [&](const auto& one) { return whose(one.second) == leg; });
  };
  return static_cast<std::size_t>(of_leg(recordings_, [](const Recording& one) { return one.leg; }) +
                                  of_leg(streams_, [](const Streaming& one) { return one.spec.leg; }));
}

Result<StreamId> MediaEngine::stream(const StreamSpec& spec) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const LegEntry* entry = find(spec.leg);
  if (entry == nullptr)
    return Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", spec.leg)};
  if (!entry->configured)
    return Error{ErrorCode::conflict, "nothing can be streamed before the leg has media"};
  if (!spec.to.valid() || spec.to.is_unspecified() || spec.to.port() == 0)
    return Error{ErrorCode::invalid, "expected an IP address and a port to stream to"};
  if (taps_of(spec.leg) >= media::Leg::kRecordersMax)
    return Error{ErrorCode::exhausted, fmt::format("a leg has at most {} recordings and streams at a time",
                                                   media::Leg::kRecordersMax)};
  const StreamId id = ++last_id_;
  if (auto begun = begin_stream(id, spec); !begun) return begun.error();
  return id;
}

Result<void> MediaEngine::begin_stream(StreamId id, const StreamSpec& spec) {
  LegEntry& entry = *find(spec.leg);
  media::RecorderTap::Spec tap;
  tap.id = id;
  tap.rate = entry.rate;
  tap.heard_too = false;
  auto shared = std::make_shared<media::RecorderTap>(tap);
  if (auto added = sender_.add(shared, spec.to, spec.rate, spec.preamble); !added) return added;
  streams_[id] = {spec, entry.unit, shared};
  struct State {
    media::Leg* leg;
    TapPtr tap;
  };
  post(entry.unit,
       media::make_command(State{entry.leg.get(), std::move(shared)}, [](media::MediaLoop&, State& state) {
         if (!state.leg->add_recorder(state.tap)) state.tap->close(RecordEnd::failed);
       }));
  return {};
}

void MediaEngine::end_stream(const Streaming& streaming) {
  struct State {
    media::Leg* leg;
    RecordingId id;
    TapPtr tap;
  };
  const LegEntry* entry = find(streaming.spec.leg);
  if (entry == nullptr) return;
  post(streaming.unit, media::make_command(State{entry->leg.get(), streaming.tap->id(), nullptr},
                                           [](media::MediaLoop&, State& state) {
                                             state.leg->take_recorder(state.id, state.tap);
                                             if (state.tap != nullptr) state.tap->close(RecordEnd::stopped);
                                           }));
}

void MediaEngine::stop_stream(StreamId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  end_stream(found->second);
  streams_.erase(found);
}

// The leg's sound has another rate now: a new connection at the same one.
void MediaEngine::refresh_streams(const LegEntry& leg) {
  for (auto& [id, streaming] : streams_) {
    if (streaming.spec.leg != leg.id) continue;
    end_stream(streaming);
    const StreamSpec spec = streaming.spec;
    (void)begin_stream(id, spec);  // every rate of a codec can be brought to every other
  }
}

}  // namespace tandem::session
