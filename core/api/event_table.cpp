// The event table. Thread: [any].
#include "core/api/event_table.hpp"

#include <array>

namespace tandem::api {
namespace {

constexpr std::array kRows{
    EventRow{
        "call.started", "a call began",
        R"({"direction":{"enum":["inbound","outbound"]},"from":{"type":"string"},"to":{"type":"string"},"dialed":{"type":"string"}})"},
    EventRow{"call.ended", "its last leg is gone",
             R"({"cause":{"type":"string"},"q850":{"type":"integer"},"duration_ms":{"type":"integer"}})"},
    EventRow{
        "leg.created", "a leg came in or is being called",
        R"({"direction":{"enum":["inbound","outbound"]},"from":{"type":"string"},"to":{"type":"string"}})"},
    EventRow{"leg.ringing", "180 was sent or came", "{}"},
    EventRow{"leg.early", "183 with media was sent or came", "{}"},
    EventRow{"leg.answered", "200 was sent or came", "{}"},
    EventRow{"leg.confirmed", "the ACK came", "{}"},
    EventRow{"leg.held", "the phone put us on hold", "{}"},
    EventRow{"leg.resumed", "the phone took us off hold", "{}"},
    EventRow{"leg.bridged",
             "it was joined with a peer (itself: an echo); comes again with another peer after an attended "
             "transfer",
             R"({"peer":{"type":"string"}})"},
    EventRow{"leg.unbridged", "it was parted from its peer",
             R"({"peer":{"type":"string"},"reason":{"enum":["peer_hangup","split","transfer"]}})"},
    EventRow{
        "leg.ended", "the leg is gone",
        R"({"cause":{"type":"string"},"q850":{"type":"integer"},"by":{"enum":["remote","local","timer","link"]},"code":{"type":"integer"}})"},
    EventRow{"leg.media_started", "the first packet of its media came", "{}"},
    EventRow{"leg.media_timeout", "no media came for the time configured", "{}"},
    EventRow{
        "leg.digit", "a key was pressed",
        R"({"digit":{"type":"string"},"duration_ms":{"type":"integer"},"source":{"enum":["rfc4733","inband","info"]}})"},
    EventRow{
        "play.finished", "a playback is over",
        R"({"playback":{"type":"string"},"reason":{"enum":["done","stopped","replaced","leg_closed"]},"played_ms":{"type":"integer"}})"},
    EventRow{"digits.sent", "the digits of leg.send_digits are out", "{}"},
    EventRow{"dial.progress",
             "a target's state changed: ringing, early, answered, busy, no-answer, unavailable, failed, "
             "do-not-disturb",
             R"({"dial":{"type":"string"},"target":{"type":"string"},"state":{"type":"string"}})"},
    EventRow{
        "dial.finished", "a dial is over; `peer` is the leg that answered",
        R"({"dial":{"type":"string"},"status":{"enum":["answered","busy","no-answer","failed","cancelled","unavailable"]},"q850":{"type":"integer"},"code":{"type":"integer"},"peer":{"type":"string"}})"},
    EventRow{"recording.started", "a recording runs",
             R"({"recording":{"type":"string"},"path":{"type":"string"}})"},
    EventRow{
        "recording.finished", "the file is there, whole; comes after leg.ended when the leg ended it",
        R"({"recording":{"type":"string"},"path":{"type":"string"},"duration_ms":{"type":"integer"},"reason":{"enum":["stopped","limit","silence","leg_closed","disk_full","failed"]},"error":{"type":"string"}})"},
    EventRow{"transfer.requested", "a phone sent a REFER, or leg.transfer was called",
             R"({"to":{"type":"string"}})"},
    EventRow{"transfer.done", "how it went: 200, a refusal, 202 when the phone did not wait",
             R"({"to":{"type":"string"},"code":{"type":"integer"}})"},
    EventRow{"script.started", "an app runs on the leg",
             R"({"app":{"type":"string"},"run":{"type":"integer"}})"},
    EventRow{
        "script.ended", "an app is over",
        R"({"app":{"type":"string"},"run":{"type":"integer"},"reason":{"enum":["done","error","hangup","budget"]},"error":{"type":"string"},"script":{"type":"string"},"line":{"type":"integer"}})"},
    EventRow{
        "device.registered", "a phone registered",
        R"({"user":{"type":"string"},"contact":{"type":"string"},"source":{"type":"string"},"user_agent":{"type":"string"},"expires":{"type":"integer"}})"},
    EventRow{
        "device.unregistered", "a phone left",
        R"({"user":{"type":"string"},"contact":{"type":"string"},"source":{"type":"string"},"user_agent":{"type":"string"},"expires":{"type":"integer"}})"},
    EventRow{"device.subscribed", "a phone wants message-waiting state",
             R"({"user":{"type":"string"},"package":{"type":"string"},"expires":{"type":"integer"}})"},
    EventRow{
        "anchor.digit", "a key was pressed in an anchored call (call_id, tag)",
        R"({"call_id":{"type":"string"},"tag":{"type":"string"},"text":{"type":"string"},"number":{"type":"integer"}})"},
    EventRow{
        "anchor.play_finished", "what a party of an anchored call was played is over",
        R"({"call_id":{"type":"string"},"tag":{"type":"string"},"text":{"type":"string"},"number":{"type":"integer"}})"},
    EventRow{
        "anchor.recording_finished", "a recording of an anchored call is there: text is its path, number ms",
        R"({"call_id":{"type":"string"},"tag":{"type":"string"},"text":{"type":"string"},"number":{"type":"integer"}})"},
    EventRow{
        "anchor.ended", "an anchored call is gone: deleted, media_timeout, offer_timeout",
        R"({"call_id":{"type":"string"},"tag":{"type":"string"},"text":{"type":"string"},"number":{"type":"integer"}})"},
    EventRow{"link.up", "the SIP side can be reached", "{}"},
    EventRow{"link.down", "the SIP side cannot be reached; calls stand", "{}"},
    EventRow{"mailbox.changed", "messages came, were heard or went",
             R"({"mailbox":{"type":"string"},"new":{"type":"integer"},"old":{"type":"integer"}})"},
};

}  // namespace

std::span<const EventRow> event_rows() { return kRows; }

Json describe_events() {
  Json all = Json::array();
  for (const EventRow& row : kRows) {
    Json schema{{"type", "object"}, {"properties", Json::parse(row.fields, nullptr, false)}};
    all.push_back({{"name", row.name}, {"summary", row.summary}, {"schema", std::move(schema)}});
  }
  return all;
}

}  // namespace tandem::api
