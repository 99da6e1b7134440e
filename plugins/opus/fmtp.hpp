// Fmtp: what an a=fmtp line of Opus asks of an encoder (RFC 7587 6.1), as a value. Thread: [any].
#pragma once

#include <string_view>

namespace tandem::opus {

struct Fmtp {
  int max_playback_rate = 48000;  // 8000 to 48000
  int max_average_bitrate = 0;    // 6000 to 510000; 0: the encoder's own choice
  bool inband_fec = false;
  bool dtx = false;
  bool constant_bitrate = false;
  bool stereo = false;  // it prefers to receive both channels
};

// Reads "name=value;name=value" in any case and spacing. Unknown names and values that are no numbers are
// passed over, as RFC 7587 wants; numbers beyond their range are clipped to it. sprop-stereo and
// sprop-maxcapturerate say what will come, and a decoder takes all of it: they ask nothing of us.
Fmtp parse_fmtp(std::string_view text);

}  // namespace tandem::opus
