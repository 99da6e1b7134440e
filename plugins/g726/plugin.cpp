// The G.726 codecs (ITU-T G.726, ADPCM at 16, 24, 32 and 40 kbit/s) over SpanDSP, in both packings.
//
//   8 samples ──encode──► 2 to 5 bytes     G726-xx: the first code in the lowest bits (RFC 3551 4.5.4)
//                                          AAL2-G726-xx: in the highest (RFC 3551 4.5.4, ITU-T I.366.2)
//
// Thread: coders as in tandem/codec.h. No concealment of its own: the host's is used. No options.
#include <spandsp.h>

#include "tandem/sdk_codec.hpp"

namespace {

using namespace tandem::sdk;

struct Free {
  void operator()(g726_state_t* state) const { (void)g726_free(state); }
};
using State = std::unique_ptr<g726_state_t, Free>;

// `Bits` a sample; 8 samples are Bits bytes.
template <std::uint32_t Bits, int Packing>
struct G726 {
  static constexpr std::uint32_t kMaxPayload = 60 * Bits;
  static constexpr std::uint32_t kUnitBytes = Bits, kUnitSamples = 8;

  using Encoder = UnitCoder<G726>;
  using Decoder = UnitCoder<G726>;

  static State open() {
    return State(g726_init(nullptr, static_cast<int>(Bits * 8000), G726_ENCODING_LINEAR, Packing));
  }
  static std::int32_t encode(g726_state_t& state, Pcm pcm, Bytes out) {
    return g726_encode(&state, out.data(), pcm.data(), static_cast<int>(pcm.size()));
  }
  static std::int32_t decode(g726_state_t& state, Payload payload, PcmOut pcm) {
    return g726_decode(&state, pcm.data(), payload.data(), static_cast<int>(payload.size()));
  }
  static std::int32_t payload_samples(Payload payload) {
    if (payload.size() % Bits != 0 || payload.size() > 2 * kMaxPayload) return TD_INVALID;
    return static_cast<std::int32_t>(payload.size() / Bits * 8);
  }
  static constexpr td_codec table(const char* name) {
    return codec_table<G726>({.name = name, .frame_samples = 8, .max_payload = kMaxPayload});
  }
};

constexpr int kFirstLow = G726_PACKING_RIGHT, kFirstHigh = G726_PACKING_LEFT;

const td_codec kCodecs[] = {
    G726<4, kFirstLow>::table("G726-32"),       G726<5, kFirstLow>::table("G726-40"),
    G726<3, kFirstLow>::table("G726-24"),       G726<2, kFirstLow>::table("G726-16"),
    G726<4, kFirstHigh>::table("AAL2-G726-32"), G726<5, kFirstHigh>::table("AAL2-G726-40"),
    G726<3, kFirstHigh>::table("AAL2-G726-24"), G726<2, kFirstHigh>::table("AAL2-G726-16")};

}  // namespace

extern "C" const td_plugin* tandem_plugin_g726(void) {
  static const td_plugin table = codec_plugin<kCodecs>("g726", "Apache-2.0");
  return &table;
}
