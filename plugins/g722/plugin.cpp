// The G.722 codec (ITU-T G.722, 64 kbit/s, sub_band.hpp): 16 kHz PCM, an RTP clock that says 8000 (RFC
// 3551 4.5.2).
//
//   320 samples ──encode──► 160 bytes ──decode──► 320 samples       20 ms
//
// Thread: coders as in tandem/codec.h. No concealment of its own: the host's is used. No options.
#include "g722/sub_band.hpp"
#include "tandem/sdk_codec.hpp"

namespace {

using namespace tandem::sdk;

constexpr std::uint32_t kMaxPayload = 480;  // 60 ms
static_assert(kMaxPayload <= tandem::g722::kPairsMax);

struct G722 {
  static constexpr std::uint32_t kUnitBytes = 1, kUnitSamples = 2;
  struct Encoder {
    tandem::g722::Encoder state;
    static std::unique_ptr<Encoder> create(std::string_view) { return std::make_unique<Encoder>(); }
    std::int32_t encode(Pcm pcm, Bytes out) {
      const std::size_t bytes = pcm.size() / 2;
      if (pcm.size() % 2 != 0 || bytes > out.size() || bytes > kMaxPayload) return TD_INVALID;
      state.encode(pcm, out.first(bytes));
      return static_cast<std::int32_t>(bytes);
    }
  };
  struct Decoder {
    tandem::g722::Decoder state;
    static std::unique_ptr<Decoder> create(std::string_view) { return std::make_unique<Decoder>(); }
    std::int32_t decode(Payload payload, PcmOut pcm) {
      if (payload.size() > pcm.size() / 2) return TD_INVALID;
      for (std::size_t at = 0; at < payload.size(); at += tandem::g722::kPairsMax) {
        const std::size_t n = std::min(tandem::g722::kPairsMax, payload.size() - at);
        state.decode(payload.subspan(at, n), pcm.subspan(2 * at, 2 * n));
      }
      return static_cast<std::int32_t>(payload.size() * 2);
    }
  };
  static std::int32_t payload_samples(Payload payload) {
    return payload.size() > kMaxPayload * 2 ? std::int32_t{TD_INVALID}
                                            : static_cast<std::int32_t>(payload.size() * 2);
  }
};

const td_codec kCodecs[] = {codec_table<G722>({.name = "G722",
                                               .static_type = 9,
                                               .clock_rate = 8000,
                                               .sample_rate = 16000,
                                               .frame_samples = 16,
                                               .max_payload = kMaxPayload})};

}  // namespace

extern "C" const td_plugin* tandem_plugin_g722(void) {
  static const td_plugin table = codec_plugin<kCodecs>("g722", "Apache-2.0");
  return &table;
}
