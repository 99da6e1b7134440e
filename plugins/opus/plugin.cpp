// The Opus codec (RFC 6716, RTP as RFC 7587 says) over libopus: mono at 48 kHz, a=rtpmap opus/48000/2.
//
//   10 to 60 ms of PCM ──encode──► one packet (0 bytes: DTX) ──decode──► PCM; a lost one by libopus's
//   concealment
//
// Thread: coders as in tandem/codec.h; the options are read once in activate. Not here: decoding the in-band
// FEC of the packet after a loss, which needs a look ahead that tandem.codec/1 does not have.
#include <opus.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>

#include "opus/fmtp.hpp"
#include "tandem/codec.h"
#include "tandem/sdk.hpp"
#include "tandem/sdk_options.hpp"

namespace {

using tandem::opus::Fmtp;
using tandem::opus::parse_fmtp;

constexpr int kRate = 48000;
constexpr std::uint32_t kFrame = 480;  // 10 ms
constexpr std::uint32_t kMost = 2880;  // 60 ms
constexpr std::uint32_t kMaxPayload =
    1275;                             // the greatest frame; larger packets would not fit a datagram's MTU
constexpr std::uint32_t kStep = 120;  // 2.5 ms, what concealment counts in

struct Options {
  int complexity = 5;
  int bitrate = 24000;
  int expected_loss_percent = 5;  // only with in-band FEC
};
Options options;  // set by activate, on [control], before any coder is made

struct DestroyEncoder {
  void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
};
struct DestroyDecoder {
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};
struct DestroyRepacketizer {
  void operator()(OpusRepacketizer* repacketizer) const { opus_repacketizer_destroy(repacketizer); }
};

}  // namespace

struct td_encoder {
  std::unique_ptr<OpusEncoder, DestroyEncoder> opus;
  std::unique_ptr<OpusRepacketizer, DestroyRepacketizer> repacketizer;  // for 30 and 50 ms
  bool dtx = false;
  std::array<std::uint8_t, kMaxPayload*(kMost / kFrame)> parts;
};

struct td_decoder {
  std::unique_ptr<OpusDecoder, DestroyDecoder> opus;
  std::array<std::int16_t, kStep> carry;  // made up beyond what was asked for
  std::uint32_t carried = 0;
};

namespace {

int bandwidth(int max_playback_rate) {
  if (max_playback_rate < 12000) return OPUS_BANDWIDTH_NARROWBAND;
  if (max_playback_rate < 16000) return OPUS_BANDWIDTH_MEDIUMBAND;
  if (max_playback_rate < 24000) return OPUS_BANDWIDTH_WIDEBAND;
  if (max_playback_rate < 48000) return OPUS_BANDWIDTH_SUPERWIDEBAND;
  return OPUS_BANDWIDTH_FULLBAND;
}

bool configure(OpusEncoder* opus, const Fmtp& fmtp) {
  const int bitrate =
      fmtp.max_average_bitrate > 0 ? std::min(options.bitrate, fmtp.max_average_bitrate) : options.bitrate;
  return opus_encoder_ctl(opus, OPUS_SET_BITRATE(bitrate)) == OPUS_OK &&
         opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(options.complexity)) == OPUS_OK &&
         opus_encoder_ctl(opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)) == OPUS_OK &&
         opus_encoder_ctl(opus, OPUS_SET_MAX_BANDWIDTH(bandwidth(fmtp.max_playback_rate))) == OPUS_OK &&
         opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(fmtp.inband_fec ? 1 : 0)) == OPUS_OK &&
         opus_encoder_ctl(opus, OPUS_SET_PACKET_LOSS_PERC(fmtp.inband_fec ? options.expected_loss_percent
                                                                          : 0)) == OPUS_OK &&
         opus_encoder_ctl(opus, OPUS_SET_DTX(fmtp.dtx ? 1 : 0)) == OPUS_OK &&
         opus_encoder_ctl(opus, OPUS_SET_VBR(fmtp.constant_bitrate ? 0 : 1)) == OPUS_OK;
}

td_encoder* create_encoder(td_str text) noexcept {
  const Fmtp fmtp = parse_fmtp(tandem::sdk::view(text));
  std::unique_ptr<td_encoder> encoder(new (std::nothrow) td_encoder);
  if (!encoder) return nullptr;
  encoder->opus.reset(opus_encoder_create(kRate, 1, OPUS_APPLICATION_VOIP, nullptr));
  encoder->repacketizer.reset(opus_repacketizer_create());
  encoder->dtx = fmtp.dtx;
  if (!encoder->opus || !encoder->repacketizer || !configure(encoder->opus.get(), fmtp)) return nullptr;
  return encoder.release();
}
void destroy_encoder(td_encoder* encoder) noexcept { delete encoder; }

// 30 and 50 ms are no frame sizes of Opus 1.3: several frames of 10 ms in one packet.
std::int32_t encode_parts(td_encoder* encoder, const std::int16_t* pcm, std::uint32_t samples,
                          std::uint8_t* out, int capacity) {
  const auto share = static_cast<opus_int32>(kMaxPayload * kFrame / samples);
  opus_repacketizer_init(encoder->repacketizer.get());
  for (std::uint32_t at = 0, part = 0; at < samples; at += kFrame, ++part) {
    std::uint8_t* into = encoder->parts.data() + part * kMaxPayload;
    const opus_int32 bytes =
        opus_encode(encoder->opus.get(), pcm + at, static_cast<int>(kFrame), into, share - 2);
    if (bytes <= 0) return TD_INTERNAL;
    // Frames of one packet have one mode. Where the encoder changes it in between, the packet begins anew
    // with this frame: what was before is lost to the peer, once, rather than the whole packet.
    if (opus_repacketizer_cat(encoder->repacketizer.get(), into, bytes) != OPUS_OK) {
      opus_repacketizer_init(encoder->repacketizer.get());
      if (opus_repacketizer_cat(encoder->repacketizer.get(), into, bytes) != OPUS_OK) return TD_INTERNAL;
    }
  }
  const opus_int32 bytes = opus_repacketizer_out(encoder->repacketizer.get(), out, capacity);
  return bytes > 0 ? bytes : std::int32_t{TD_INTERNAL};
}

std::int32_t encode(td_encoder* encoder, const std::int16_t* pcm, std::uint32_t samples, std::uint8_t* out,
                    std::uint32_t capacity) noexcept {
  if (samples == 0 || samples % kFrame != 0 || samples > kMost || capacity < 3) return TD_INVALID;
  const auto room = static_cast<opus_int32>(std::min(capacity, kMaxPayload));
  if (samples == 3 * kFrame || samples == 5 * kFrame) return encode_parts(encoder, pcm, samples, out, room);
  const opus_int32 bytes = opus_encode(encoder->opus.get(), pcm, static_cast<int>(samples), out, room);
  if (bytes < 0) return TD_INTERNAL;
  return encoder->dtx && bytes <= 2 ? 0 : bytes;  // opus_encoder.h: 2 bytes or less need not be sent
}

td_decoder* create_decoder(td_str) noexcept {
  std::unique_ptr<td_decoder> decoder(new (std::nothrow) td_decoder);
  if (!decoder) return nullptr;
  decoder->opus.reset(opus_decoder_create(kRate, 1, nullptr));
  return decoder->opus ? decoder.release() : nullptr;
}
void destroy_decoder(td_decoder* decoder) noexcept { delete decoder; }

std::int32_t decode(td_decoder* decoder, const std::uint8_t* payload, std::uint32_t bytes, std::int16_t* pcm,
                    std::uint32_t capacity) noexcept {
  if (bytes == 0 || bytes > 65535 || capacity == 0) return TD_INVALID;
  decoder->carried = 0;
  const int samples = opus_decode(decoder->opus.get(), payload, static_cast<opus_int32>(bytes), pcm,
                                  static_cast<int>(std::min<std::uint32_t>(capacity, 5760)), 0);
  return samples > 0 ? samples : std::int32_t{TD_INVALID};
}

// libopus makes up multiples of 2.5 ms: what is too much is kept for the next call.
std::int32_t conceal(td_decoder* decoder, std::int16_t* pcm, std::uint32_t samples) noexcept {
  if (samples == 0) return 0;
  std::uint32_t done = std::min(decoder->carried, samples);
  std::copy_n(decoder->carry.begin(), done, pcm);
  std::copy(decoder->carry.begin() + done, decoder->carry.begin() + decoder->carried, decoder->carry.begin());
  decoder->carried -= done;
  const auto make = [&](std::int16_t* into, std::uint32_t n) {
    return opus_decode(decoder->opus.get(), nullptr, 0, into, static_cast<int>(n), 0) == static_cast<int>(n);
  };
  while (samples - done >= kStep) {
    const std::uint32_t n = std::min(samples - done, kMost) / kStep * kStep;
    if (!make(pcm + done, n)) return 0;
    done += n;
  }
  if (done < samples) {
    if (!make(decoder->carry.data(), kStep)) return 0;
    const std::uint32_t rest = samples - done;
    std::copy_n(decoder->carry.begin(), rest, pcm + done);
    std::copy(decoder->carry.begin() + rest, decoder->carry.end(), decoder->carry.begin());
    decoder->carried = kStep - rest;
  }
  return static_cast<std::int32_t>(samples);
}

std::int32_t payload_samples(const std::uint8_t* payload, std::uint32_t bytes) noexcept {
  if (bytes == 0 || bytes > 65535) return TD_INVALID;
  const int samples = opus_packet_get_nb_samples(payload, static_cast<opus_int32>(bytes), kRate);
  return samples > 0 ? samples : std::int32_t{TD_INVALID};
}

int fmtp_compatible(td_str, td_str) noexcept { return 1; }

const td_codec kCodec = {.size = sizeof(td_codec),
                         .name = "opus",
                         .static_type = -1,
                         .clock_rate = kRate,
                         .sample_rate = kRate,
                         .rtpmap_channels = 2,
                         .channels = 1,
                         .frame_samples = kFrame,
                         .max_payload = kMaxPayload,
                         .default_fmtp = "minptime=10;stereo=0;sprop-stereo=0",
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

std::string refusal;  // what activate found wrong; lives as long as the plugin

// Everything that is wrong with [plugin.opus]; `out` has what is right.
tandem::sdk::WrongOptions read_options(std::string_view section, Options& out) {
  tandem::sdk::WrongOptions wrong;
  const auto config = nlohmann::json::parse(section, nullptr, false);
  if (!config.is_object()) return {{"", "a table of options", config.type_name()}};
  const auto number = [&](const std::string& key, const nlohmann::json& value, int least, int most,
                          int& into) {
    if (value.is_number_integer() && value >= least && value <= most)
      into = value.get<int>();
    else
      wrong.push_back({key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
                       value.dump()});
  };
  for (const auto& [key, value] : config.items()) {
    if (key == "complexity")
      number(key, value, 0, 10, out.complexity);
    else if (key == "bitrate")
      number(key, value, 6000, 510000, out.bitrate);
    else if (key == "expected_loss_percent")
      number(key, value, 0, 50, out.expected_loss_percent);
    else
      wrong.push_back({key, "one of complexity, bitrate, expected_loss_percent", "an unknown option"});
  }
  return wrong;
}

int activate(const td_host* host, const char** error) noexcept {
  try {
    options = {};
    const td_str text = host->config(host);
    const auto wrong = read_options({text.data, text.size}, options);
    if (wrong.empty()) return TD_OK;
    refusal = wrong.front().text("opus");
    *error = refusal.c_str();
    return TD_INVALID;
  } catch (...) {
    *error = "out of memory";
    return TD_INTERNAL;
  }
}
void deactivate() noexcept {}

tandem::sdk::WrongOptions check(std::string_view section) {
  Options ignored;
  return read_options(section, ignored);
}

const void* interface(const char* id, std::uint32_t index) noexcept {
  if (std::string_view(id) == TD_OPTIONS_ID) return tandem::sdk::options<&check>();
  return std::string_view(id) == TD_CODEC_ID && index == 0 ? &kCodec : nullptr;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_opus(void) {
  static const td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "opus",    "0.1.0",
                                  "Apache-2.0",      &activate,    &deactivate,  &interface};
  return &table;
}
