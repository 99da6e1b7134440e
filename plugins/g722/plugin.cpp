// The G.722 codec (ITU-T G.722, 64 kbit/s) over SpanDSP: 16 kHz PCM, an RTP clock that says 8000 (RFC
// 3551 4.5.2).
//
//   320 samples ──encode──► 160 bytes ──decode──► 320 samples       20 ms
//
// Thread: coders as in tandem/codec.h. No concealment of its own: the host's is used. No options.
#include <spandsp.h>

#include "tandem/sdk_codec.hpp"

namespace {

using namespace tandem::sdk;

constexpr std::uint32_t kMaxPayload = 480;  // 60 ms
constexpr int kBitrate = 64000;

struct Free {
  void operator()(g722_encode_state_t* state) const { (void)g722_encode_free(state); }
  void operator()(g722_decode_state_t* state) const { (void)g722_decode_free(state); }
};

struct G722 {
  static constexpr std::uint32_t kUnitBytes = 1, kUnitSamples = 2;
  struct Encoder {
    std::unique_ptr<g722_encode_state_t, Free> state;
    static std::unique_ptr<Encoder> create(std::string_view) {
      auto made = std::make_unique<Encoder>();
      made->state.reset(g722_encode_init(nullptr, kBitrate, 0));
      return made->state ? std::move(made) : nullptr;
    }
    std::int32_t encode(Pcm pcm, Bytes out) {
      const std::size_t bytes = pcm.size() / 2;
      if (pcm.size() % 2 != 0 || bytes > out.size() || bytes > kMaxPayload) return TD_INVALID;
      return g722_encode(state.get(), out.data(), pcm.data(), static_cast<int>(pcm.size()));
    }
  };
  struct Decoder {
    std::unique_ptr<g722_decode_state_t, Free> state;
    static std::unique_ptr<Decoder> create(std::string_view) {
      auto made = std::make_unique<Decoder>();
      made->state.reset(g722_decode_init(nullptr, kBitrate, 0));
      return made->state ? std::move(made) : nullptr;
    }
    std::int32_t decode(Payload payload, PcmOut pcm) {
      if (payload.size() > pcm.size() / 2) return TD_INVALID;
      return g722_decode(state.get(), pcm.data(), payload.data(), static_cast<int>(payload.size()));
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
