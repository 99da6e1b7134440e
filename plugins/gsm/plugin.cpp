// The GSM full rate codec (GSM 06.10) over SpanDSP, packed as RFC 3551 4.5.8 says.
//
//   160 samples ──encode──► 33 bytes, the first 4 bits 0xD ──decode──► 160 samples       20 ms
//
// Thread: coders as in tandem/codec.h. No concealment of its own: the host's is used. No options.
#include <spandsp.h>

#include "tandem/sdk_codec.hpp"

namespace {

using namespace tandem::sdk;

constexpr std::uint32_t kFrame = 160, kBytes = 33;

struct Free {
  void operator()(gsm0610_state_t* state) const { (void)gsm0610_free(state); }
};
using State = std::unique_ptr<gsm0610_state_t, Free>;

struct Gsm {
  static constexpr std::uint32_t kUnitBytes = kBytes, kUnitSamples = kFrame;
  using Encoder = UnitCoder<Gsm>;
  using Decoder = UnitCoder<Gsm>;

  static State open() { return State(gsm0610_init(nullptr, GSM0610_PACKING_VOIP)); }
  static std::int32_t encode(gsm0610_state_t& state, Pcm pcm, Bytes out) {
    return gsm0610_encode(&state, out.data(), pcm.data(), static_cast<int>(pcm.size()));
  }
  static std::int32_t decode(gsm0610_state_t& state, Payload payload, PcmOut pcm) {
    return gsm0610_decode(&state, pcm.data(), payload.data(), static_cast<int>(payload.size()));
  }
  static std::int32_t payload_samples(Payload payload) {
    if (payload.size() % kBytes != 0 || payload.size() > 6 * kBytes) return TD_INVALID;
    for (std::size_t at = 0; at < payload.size(); at += kBytes)
      if (payload[at] >> 4 != 0xD) return TD_INVALID;
    return static_cast<std::int32_t>(payload.size() / kBytes * kFrame);
  }
};

const td_codec kCodecs[] = {
    codec_table<Gsm>({.name = "GSM", .static_type = 3, .frame_samples = kFrame, .max_payload = 3 * kBytes})};

}  // namespace

extern "C" const td_plugin* tandem_plugin_gsm(void) {
  static const td_plugin table = codec_plugin<kCodecs>("gsm", "Apache-2.0");
  return &table;
}
