// The G.722 codec (ITU-T G.722, 64 kbit/s) over SpanDSP: 16 kHz PCM, an RTP clock that says 8000 (RFC
// 3551 4.5.2).
//
//   320 samples ──encode──► 160 bytes ──decode──► 320 samples       20 ms
//
// Thread: coders as in tandem/codec.h. No concealment of its own: the host's is used. No options.
#include <spandsp.h>

#include "tandem/codec.h"
#include "tandem/sdk.hpp"

namespace {

constexpr std::uint32_t kMaxPayload = 480;  // 60 ms
constexpr int kBitrate = 64000;

// td_encoder and td_decoder are SpanDSP's own states under another name.
g722_encode_state_t* state(td_encoder* encoder) { return reinterpret_cast<g722_encode_state_t*>(encoder); }
g722_decode_state_t* state(td_decoder* decoder) { return reinterpret_cast<g722_decode_state_t*>(decoder); }

td_encoder* create_encoder(td_str) noexcept {
  return reinterpret_cast<td_encoder*>(g722_encode_init(nullptr, kBitrate, 0));
}
void destroy_encoder(td_encoder* encoder) noexcept { (void)g722_encode_free(state(encoder)); }

std::int32_t encode(td_encoder* encoder, const std::int16_t* pcm, std::uint32_t samples, std::uint8_t* out,
                    std::uint32_t capacity) noexcept {
  if (samples % 2 != 0 || samples / 2 > capacity || samples / 2 > kMaxPayload) return TD_INVALID;
  return g722_encode(state(encoder), out, pcm, static_cast<int>(samples));
}

td_decoder* create_decoder(td_str) noexcept {
  return reinterpret_cast<td_decoder*>(g722_decode_init(nullptr, kBitrate, 0));
}
void destroy_decoder(td_decoder* decoder) noexcept { (void)g722_decode_free(state(decoder)); }

std::int32_t decode(td_decoder* decoder, const std::uint8_t* payload, std::uint32_t bytes, std::int16_t* pcm,
                    std::uint32_t capacity) noexcept {
  if (bytes == 0 || bytes > capacity / 2) return TD_INVALID;
  return g722_decode(state(decoder), pcm, payload, static_cast<int>(bytes));
}

std::int32_t conceal(td_decoder*, std::int16_t*, std::uint32_t) noexcept { return 0; }

std::int32_t payload_samples(const std::uint8_t*, std::uint32_t bytes) noexcept {
  return bytes == 0 || bytes > kMaxPayload * 2 ? std::int32_t{TD_INVALID}
                                               : static_cast<std::int32_t>(bytes * 2);
}

int fmtp_compatible(td_str, td_str) noexcept { return 1; }

const td_codec kCodec = {.size = sizeof(td_codec),
                         .name = "G722",
                         .static_type = 9,
                         .clock_rate = 8000,
                         .sample_rate = 16000,
                         .rtpmap_channels = 1,
                         .channels = 1,
                         .frame_samples = 16,
                         .max_payload = kMaxPayload,
                         .default_fmtp = "",
                         .fmtp_compatible = fmtp_compatible,
                         .create_encoder = create_encoder,
                         .destroy_encoder = destroy_encoder,
                         .encode = encode,
                         .create_decoder = create_decoder,
                         .destroy_decoder = destroy_decoder,
                         .decode = decode,
                         .conceal = conceal,
                         .payload_samples = payload_samples,
                         .recover = nullptr};

int activate(const td_host*, const char**) noexcept { return TD_OK; }
void deactivate() noexcept {}

const void* interface(const char* id, std::uint32_t index) noexcept {
  return std::string_view(id) == TD_CODEC_ID && index == 0 ? &kCodec : nullptr;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_g722(void) {
  static const td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "g722",    "0.1.0",
                                  "Apache-2.0",      &activate,    &deactivate,  &interface};
  return &table;
}
