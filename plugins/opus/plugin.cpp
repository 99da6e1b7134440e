// The Opus codec (RFC 6716, RTP as RFC 7587 says) over libopus: 48 kHz, a=rtpmap opus/48000/2, mono or stereo
// as the options say.
//
//   10 to 60 ms of PCM ──encode──► one packet (0 bytes: DTX) ──decode──► PCM
//   a lost one ◄──recover── the redundancy in the next (in-band FEC), else conceal: libopus's own
//
// Thread: coders as in tandem/codec.h; the options are read once in activate.
#include <opus.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "opus/fmtp.hpp"
#include "opus/packet.hpp"
#include "tandem/sdk_codec.hpp"
#include "tandem/sdk_options.hpp"

namespace {

using namespace tandem::sdk;
using tandem::opus::Fmtp;
using tandem::opus::parse_fmtp;

constexpr int kRate = 48000;
constexpr std::uint32_t kFrame = 480;        // 10 ms
constexpr std::uint32_t kMost = 2880;        // 60 ms
constexpr std::uint32_t kMaxPayload = 1275;  // the greatest frame; more would not fit a datagram's MTU
constexpr std::uint32_t kStep = 120;         // 2.5 ms, what concealment counts in

struct Options {
  int complexity = 5;
  int bitrate = 24000;            // of one channel
  int expected_loss_percent = 5;  // only with in-band FEC
  bool stereo = false;
};
Options options;  // set by activate, on [control], before any coder is made

struct Destroy {
  void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
  void operator()(OpusRepacketizer* repacketizer) const { opus_repacketizer_destroy(repacketizer); }
};

int bandwidth(int max_playback_rate) {
  if (max_playback_rate < 12000) return OPUS_BANDWIDTH_NARROWBAND;
  if (max_playback_rate < 16000) return OPUS_BANDWIDTH_MEDIUMBAND;
  if (max_playback_rate < 24000) return OPUS_BANDWIDTH_WIDEBAND;
  if (max_playback_rate < 48000) return OPUS_BANDWIDTH_SUPERWIDEBAND;
  return OPUS_BANDWIDTH_FULLBAND;
}

template <std::uint32_t Channels>
struct Opus {
  struct Encoder {
    std::unique_ptr<OpusEncoder, Destroy> opus;
    std::unique_ptr<OpusRepacketizer, Destroy> repacketizer;  // for 30 and 50 ms
    bool dtx = false;
    std::array<std::uint8_t, kMaxPayload*(kMost / kFrame)> parts;

    static std::unique_ptr<Encoder> create(std::string_view text) {
      const Fmtp fmtp = parse_fmtp(text);
      auto made = std::make_unique<Encoder>();
      made->opus.reset(opus_encoder_create(
          kRate, Channels, Channels == 2 ? OPUS_APPLICATION_AUDIO : OPUS_APPLICATION_VOIP, nullptr));
      made->repacketizer.reset(opus_repacketizer_create());
      made->dtx = fmtp.dtx;
      if (!made->opus || !made->repacketizer || !made->configure(fmtp)) return nullptr;
      return made;
    }
    template <typename... Request>
    bool set(Request... request) {
      return opus_encoder_ctl(opus.get(), request...) == OPUS_OK;
    }
    bool configure(const Fmtp& fmtp) {
      const bool both = Channels == 2 && fmtp.stereo;
      const int wanted = options.bitrate * (both ? 2 : 1);
      const int bitrate = fmtp.max_average_bitrate > 0 ? std::min(wanted, fmtp.max_average_bitrate) : wanted;
      return set(OPUS_SET_BITRATE(bitrate)) && set(OPUS_SET_COMPLEXITY(options.complexity)) &&
             (Channels == 2 || set(OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE))) &&
             (Channels == 1 || set(OPUS_SET_FORCE_CHANNELS(both ? 2 : 1))) &&
             set(OPUS_SET_MAX_BANDWIDTH(bandwidth(fmtp.max_playback_rate))) &&
             set(OPUS_SET_INBAND_FEC(fmtp.inband_fec ? 1 : 0)) &&
             set(OPUS_SET_PACKET_LOSS_PERC(fmtp.inband_fec ? options.expected_loss_percent : 0)) &&
             set(OPUS_SET_DTX(fmtp.dtx ? 1 : 0)) && set(OPUS_SET_VBR(fmtp.constant_bitrate ? 0 : 1));
    }

    // 30 and 50 ms are no frame sizes of Opus 1.3: several frames of 10 ms in one packet.
    std::int32_t encode_parts(Pcm pcm, std::uint32_t samples, Bytes out) {
      const auto share = static_cast<opus_int32>(kMaxPayload * kFrame / samples);
      opus_repacketizer_init(repacketizer.get());
      for (std::uint32_t at = 0, part = 0; at < samples; at += kFrame, ++part) {
        std::uint8_t* into = parts.data() + part * kMaxPayload;
        const opus_int32 bytes =
            opus_encode(opus.get(), pcm.data() + at * Channels, static_cast<int>(kFrame), into, share - 2);
        if (bytes <= 0) return TD_INTERNAL;
        // Frames of one packet have one mode. Where the encoder changes it in between, the packet begins anew
        // with this frame: what was before is lost to the peer, once, rather than the whole packet.
        if (opus_repacketizer_cat(repacketizer.get(), into, bytes) == OPUS_OK) continue;
        opus_repacketizer_init(repacketizer.get());
        if (opus_repacketizer_cat(repacketizer.get(), into, bytes) != OPUS_OK) return TD_INTERNAL;
      }
      const opus_int32 bytes =
          opus_repacketizer_out(repacketizer.get(), out.data(), static_cast<opus_int32>(out.size()));
      return bytes > 0 ? bytes : std::int32_t{TD_INTERNAL};
    }
    std::int32_t encode(Pcm pcm, Bytes out) {
      const auto samples = static_cast<std::uint32_t>(pcm.size() / Channels);
      if (samples == 0 || samples % kFrame != 0 || samples > kMost || out.size() < 3) return TD_INVALID;
      out = out.first(std::min<std::size_t>(out.size(), kMaxPayload));
      if (samples == 3 * kFrame || samples == 5 * kFrame) return encode_parts(pcm, samples, out);
      const opus_int32 bytes = opus_encode(opus.get(), pcm.data(), static_cast<int>(samples), out.data(),
                                           static_cast<opus_int32>(out.size()));
      if (bytes < 0) return TD_INTERNAL;
      return dtx && bytes <= 2 ? 0 : bytes;  // opus_encoder.h: 2 bytes or less need not be sent
    }
  };

  struct Decoder {
    std::unique_ptr<OpusDecoder, Destroy> opus;
    std::array<std::int16_t, kStep * Channels> carry;  // made up beyond what was asked for
    std::size_t carried = 0;

    static std::unique_ptr<Decoder> create(std::string_view) {
      auto made = std::make_unique<Decoder>();
      made->opus.reset(opus_decoder_create(kRate, Channels, nullptr));
      return made->opus ? std::move(made) : nullptr;
    }
    std::int32_t decode(Payload payload, PcmOut pcm) {
      if (payload.size() > 65535 || pcm.empty()) return TD_INVALID;
      carried = 0;
      const int samples =
          opus_decode(opus.get(), payload.data(), static_cast<opus_int32>(payload.size()), pcm.data(),
                      static_cast<int>(std::min<std::size_t>(pcm.size() / Channels, 5760)), 0);
      return samples > 0 ? samples : std::int32_t{TD_INVALID};
    }
    std::int32_t recover(Payload next, PcmOut pcm) {
      const std::size_t samples = pcm.size() / Channels;
      if (samples % kStep != 0 || samples > 5760 || next.size() > 65535) return 0;
      if (!tandem::opus::has_redundancy(next)) return 0;
      carried = 0;
      const int made = opus_decode(opus.get(), next.data(), static_cast<opus_int32>(next.size()), pcm.data(),
                                   static_cast<int>(samples), 1);
      return made == static_cast<int>(samples) ? made : 0;
    }
    bool make(std::int16_t* into, std::size_t n) {
      return opus_decode(opus.get(), nullptr, 0, into, static_cast<int>(n), 0) == static_cast<int>(n);
    }
    // libopus makes up multiples of 2.5 ms: what is too much is kept for the next call.
    std::int32_t conceal(PcmOut pcm) {
      const std::size_t wanted = pcm.size();
      std::size_t done = std::min(carried, wanted);
      std::copy_n(carry.begin(), done, pcm.begin());
      std::copy(carry.begin() + static_cast<std::ptrdiff_t>(done),
                carry.begin() + static_cast<std::ptrdiff_t>(carried), carry.begin());
      carried -= done;
      while (wanted - done >= carry.size()) {
        const std::size_t n = std::min<std::size_t>((wanted - done) / Channels, kMost) / kStep * kStep;
        if (!make(pcm.data() + done, n)) return 0;
        done += n * Channels;
      }
      if (done < wanted) {
        if (!make(carry.data(), kStep)) return 0;
        const std::size_t rest = wanted - done;
        std::copy_n(carry.begin(), rest, pcm.begin() + static_cast<std::ptrdiff_t>(done));
        std::copy(carry.begin() + static_cast<std::ptrdiff_t>(rest), carry.end(), carry.begin());
        carried = carry.size() - rest;
      }
      return static_cast<std::int32_t>(wanted / Channels);
    }
  };

  static bool pauses(Payload payload) { return payload.size() <= 2; }  // DTX (RFC 6716 2.1.9)
  static std::int32_t repacket(Parts parts, std::uint32_t from, std::uint32_t samples, Bytes out) {
    return tandem::opus::repacket(parts, from, samples, out);
  }
  static std::int32_t payload_samples(Payload payload) {
    if (payload.size() > 65535) return TD_INVALID;
    const int samples =
        opus_packet_get_nb_samples(payload.data(), static_cast<opus_int32>(payload.size()), kRate);
    return samples > 0 ? samples : std::int32_t{TD_INVALID};
  }
  static constexpr td_codec table(const char* fmtp) {
    return codec_table<Opus, Channels>({.name = "opus",
                                        .clock_rate = kRate,
                                        .sample_rate = kRate,
                                        .rtpmap_channels = 2,
                                        .frame_samples = kFrame,
                                        .max_payload = kMaxPayload,
                                        .default_fmtp = fmtp});
  }
};

const td_codec kMono = Opus<1>::table("minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0");
const td_codec kStereo = Opus<2>::table("minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1");

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
    else if (key == "stereo" && value.is_boolean())
      out.stereo = value.get<bool>();
    else if (key == "stereo")
      wrong.push_back({key, "true or false", value.dump()});
    else
      wrong.push_back(
          {key, "one of complexity, bitrate, expected_loss_percent, stereo", "an unknown option"});
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
  if (std::string_view(id) != TD_CODEC_ID || index != 0) return nullptr;
  return options.stereo ? &kStereo : &kMono;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_opus(void) {
  static const td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "opus",    "0.1.0",
                                  "Apache-2.0",      &activate,    &deactivate,  &interface};
  return &table;
}
