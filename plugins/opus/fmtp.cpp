// See fmtp.hpp.
#include "opus/fmtp.hpp"

#include "tandem/sdk_codec.hpp"

namespace tandem::opus {

Fmtp parse_fmtp(std::string_view text) {
  const auto on = [&](std::string_view name) { return sdk::fmtp_number(text, name, 0, 2).value_or(0) == 1; };
  Fmtp fmtp;
  fmtp.max_playback_rate = sdk::fmtp_number(text, "maxplaybackrate", 8000, 48000).value_or(48000);
  fmtp.max_average_bitrate = sdk::fmtp_number(text, "maxaveragebitrate", 6000, 510000).value_or(0);
  fmtp.inband_fec = on("useinbandfec");
  fmtp.dtx = on("usedtx");
  fmtp.constant_bitrate = on("cbr");
  fmtp.stereo = on("stereo");
  return fmtp;
}

}  // namespace tandem::opus
