// From formats of SDP to the payload types of a leg. Thread: [any]; pure.
#pragma once

#include <string_view>
#include <vector>

#include "core/anchor/formats.hpp"
#include "core/media/leg_config.hpp"

namespace tandem::anchor {

// The same codec or telephone-event among `formats`, of several (AMR in both packings) that with the number
// or the parameters; null: not there.
const Format* find_same(const std::vector<Format>& formats, const Format& wanted);
// One format as both sides say it; of telephone-events the first is sent, comfort noise stands beside.
void add_payload(media::LegConfig& config, const Format& said_by_us, const Format& said_by_them);
// Events at the clock of the audio that is sent come first: there may be several telephone-events.
void events_by_clock(std::vector<Format>& formats);
void clear_payloads(media::LegConfig& config);
bool has_events(const media::LegConfig& config);
// codec-set, and what codec-transcode says besides names: bit rate, ptime and parameters of our encoder,
// laid over what its peer said. Codecs that take no bit rate by fmtp keep theirs.
void set_encoders(media::LegConfig& config, const CodecOptions& options);
// What a leg takes, under the numbers that its party sends with.
std::vector<Format> formats_of(const media::LegConfig& config);

}  // namespace tandem::anchor
