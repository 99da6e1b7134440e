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
  struct Encoder {
    State state{gsm0610_init(nullptr, GSM0610_PACKING_VOIP)};
    static std::unique_ptr<Encoder> create(std::string_view) {
      auto made = std::make_unique<Encoder>();
      return made->state ? std::move(made) : nullptr;
    }
    std::int32_t encode(Pcm pcm, Bytes out) {
      if (pcm.size() % kFrame != 0 || pcm.size() / kFrame * kBytes > out.size()) return TD_INVALID;
      return gsm0610_encode(state.get(), out.data(), pcm.data(), static_cast<int>(pcm.size()));
    }
  };
  struct Decoder {
    State state{gsm0610_init(nullptr, GSM0610_PACKING_VOIP)};
    static std::unique_ptr<Decoder> create(std::string_view) {
      auto made = std::make_unique<Decoder>();
      return made->state ? std::move(made) : nullptr;
    }
    std::int32_t decode(Payload payload, PcmOut pcm) {
      const std::int32_t samples = payload_samples(payload);
      if (samples < 0 || static_cast<std::size_t>(samples) > pcm.size()) return TD_INVALID;
      return gsm0610_decode(state.get(), pcm.data(), payload.data(), static_cast<int>(payload.size()));
    }
  };
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
