// Recordings. Thread: [control].
#include "core/call/recording.hpp"

#include "core/base/id.hpp"
#include "core/sdp/description.hpp"

namespace tandem::call {
namespace {

const char* name_of(session::RecordEnd how) {
  switch (how) {
    case session::RecordEnd::stopped: return "stopped";
    case session::RecordEnd::limit: return "limit";
    case session::RecordEnd::silence: return "silence";
    case session::RecordEnd::leg_closed: return "leg_closed";
    case session::RecordEnd::disk_full: return "disk_full";
    case session::RecordEnd::failed: return "failed";
  }
  return "failed";
}

}  // namespace

Result<Recording> Recordings::start(Leg& leg, const RecordOrder& order) {
  if (!leg.standing() || !leg.audible() || leg.media.id() == 0) {
    return Error{ErrorCode::conflict, "expected leg " + leg.id + " to be answered or in early media, saw \"" +
                                          to_string(leg.state()) + "\""};
  }
  const std::size_t limit = exchange_.config().recordings_per_leg_max;
  if (leg.recordings.size() >= limit) {
    exchange_.counters().recordings_over_limit.add();
    return Error{ErrorCode::exhausted,
                 "leg " + leg.id + " has " + std::to_string(limit) + " recordings already"};
  }
  const std::string id = make_id("rec");
  auto path = exchange_.around().sounds.recording_path(leg.tenant, order.name.empty() ? id : order.name);
  if (!path) return path.error();
  for (const auto& [other, running] : running_) {
    if (running.path == *path)
      return Error{ErrorCode::conflict, "\"" + order.name + "\" is being recorded already"};
  }
  session::RecordSpec spec;
  spec.leg = leg.media.id();
  spec.path = *path;
  spec.stereo = order.stereo;
  spec.heard_too = order.heard;
  spec.limit = order.limit;
  spec.silence_end = order.silence_end;
  const auto begun = exchange_.around().media.record(spec);
  if (!begun) return begun.error();
  running_[id] = Running{*begun, leg.id, leg.call, leg.tenant, *path};
  by_media_[*begun] = id;
  leg.recordings.push_back(id);
  if (order.beep) {
    session::PlaySpec beep;
    beep.tone = session::Tone::beep;
    beep.limit = milliseconds(250);
    exchange_.play_inside(leg, beep);
  }
  exchange_.emit(leg, Event{"recording.started", {}, {}, {}, {}}.with("recording", id).with("path", *path));
  exchange_.taken(leg);
  return Recording{id, *path};
}

Result<const Recordings::Running*> Recordings::find(std::string_view tenant, std::string_view id) const {
  const auto it = running_.find(std::string(id));
  if (it == running_.end() || !may_see(tenant, it->second.tenant)) {
    return Error{ErrorCode::not_found, "no recording \"" + sdp::printable(id) + "\" is running"};
  }
  return &it->second;
}

Result<void> Recordings::stop(std::string_view tenant, std::string_view id) {
  const auto running = find(tenant, id);
  if (!running) return running.error();
  exchange_.around().media.stop_recording((*running)->media);
  return {};
}

Result<void> Recordings::pause(std::string_view tenant, std::string_view id) {
  const auto running = find(tenant, id);
  if (!running) return running.error();
  exchange_.around().media.pause_recording((*running)->media);
  return {};
}

Result<void> Recordings::resume(std::string_view tenant, std::string_view id) {
  const auto running = find(tenant, id);
  if (!running) return running.error();
  exchange_.around().media.resume_recording((*running)->media);
  return {};
}

void Recordings::on_finished(session::RecordingId media, session::RecordEnd how, const std::string& path,
                             milliseconds length, const std::string& error) {
  auto by_media = by_media_.extract(media);
  if (by_media.empty()) return;
  const std::string id = by_media.mapped();
  auto node = running_.extract(id);
  if (node.empty()) return;
  const Running& over = node.mapped();
  if (Leg* leg = exchange_.leg(over.leg)) std::erase(leg->recordings, id);
  Event event;
  event.name = "recording.finished";
  event.tenant = over.tenant;
  event.call = over.call;
  event.leg = over.leg;
  exchange_.emit(std::move(event)
                     .with("recording", id)
                     .with("path", path)
                     .with("duration_ms", static_cast<std::int64_t>(length.count()))
                     .with("reason", name_of(how))
                     .with("error", error));
}

}  // namespace tandem::call
