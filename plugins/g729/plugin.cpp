// The G.729 codec (ITU-T G.729 Annex A and B, 8 kbit/s) over bcg729, in RTP as RFC 3551 4.5.6 says.
//
//   80 samples ──encode──► 10 bytes (2: comfort noise, always the last of a packet; 0: nothing) ──decode──►
//
// Annex B (silence is described instead of sent) is used towards a peer that says annexb=yes, and decoded
// whoever sends it. Thread: coders as in tandem/codec.h. No options.
extern "C" {  // its headers do not say so themselves
#include <bcg729/decoder.h>
#include <bcg729/encoder.h>
}

#include "tandem/sdk_codec.hpp"

namespace {

using namespace tandem::sdk;

constexpr std::uint32_t kFrame = 80, kBytes = 10, kNoiseBytes = 2;

struct Close {
  void operator()(bcg729EncoderChannelContextStruct* state) const { closeBcg729EncoderChannel(state); }
  void operator()(bcg729DecoderChannelContextStruct* state) const { closeBcg729DecoderChannel(state); }
};

bool annex_b(std::string_view fmtp) {
  const auto value = fmtp_value(fmtp, "annexb");
  return value && same_letters(*value, "yes");
}

struct G729 {
  // Packets that end with a description of noise stay as they are: it may only be the last of one.
  static constexpr std::uint32_t kUnitBytes = kBytes, kUnitSamples = kFrame;
  static bool pauses(Payload payload) { return payload.size() % kBytes == kNoiseBytes; }

  struct Encoder {
    std::unique_ptr<bcg729EncoderChannelContextStruct, Close> state;
    static std::unique_ptr<Encoder> create(std::string_view fmtp) {
      auto made = std::make_unique<Encoder>();
      made->state.reset(initBcg729EncoderChannel(annex_b(fmtp) ? 1 : 0));
      return made->state ? std::move(made) : nullptr;
    }
    std::int32_t encode(Pcm pcm, Bytes out) {
      if (pcm.size() % kFrame != 0 || pcm.size() / kFrame * kBytes > out.size()) return TD_INVALID;
      std::size_t written = 0;
      bool noise = false;
      for (std::size_t at = 0; at < pcm.size(); at += kFrame) {
        std::array<std::uint8_t, kBytes> frame;
        std::uint8_t bytes = 0;
        bcg729Encoder(state.get(), pcm.data() + at, frame.data(), &bytes);
        // A description of noise ends a packet: speech that follows it takes its place.
        if (bytes == kBytes && noise) written -= kNoiseBytes, noise = false;
        if (bytes == kNoiseBytes && noise) written -= kNoiseBytes;
        noise = noise || bytes == kNoiseBytes;
        std::copy_n(frame.begin(), bytes, out.begin() + static_cast<std::ptrdiff_t>(written));
        written += bytes;
      }
      return static_cast<std::int32_t>(written);
    }
  };
  struct Decoder {
    std::unique_ptr<bcg729DecoderChannelContextStruct, Close> state;
    Carry<kFrame> carry;
    static std::unique_ptr<Decoder> create(std::string_view) {
      auto made = std::make_unique<Decoder>();
      made->state.reset(initBcg729DecoderChannel());
      return made->state ? std::move(made) : nullptr;
    }
    std::int32_t decode(Payload payload, PcmOut pcm) {
      const std::int32_t samples = payload_samples(payload);
      if (samples < 0 || static_cast<std::size_t>(samples) > pcm.size()) return TD_INVALID;
      carry.clear();
      std::int16_t* into = pcm.data();
      while (!payload.empty()) {
        const bool noise = payload.size() < kBytes;
        const std::size_t n = noise ? kNoiseBytes : kBytes;
        bcg729Decoder(state.get(), payload.data(), static_cast<std::uint8_t>(n), 0, noise ? 1 : 0, 0, into);
        payload = payload.subspan(n);
        into += kFrame;
      }
      return samples;
    }
    std::int32_t conceal(PcmOut pcm) {
      return carry.fill(pcm, [this](std::int16_t* into) {
        bcg729Decoder(state.get(), nullptr, 0, 1, 0, 0, into);
        return true;
      });
    }
  };
  static std::int32_t payload_samples(Payload payload) {
    const std::size_t rest = payload.size() % kBytes;
    if ((rest != 0 && rest != kNoiseBytes) || payload.size() > 12 * kBytes) return TD_INVALID;
    return static_cast<std::int32_t>((payload.size() / kBytes + (rest != 0 ? 1 : 0)) * kFrame);
  }
  // Who does not want descriptions of noise gets none from us, and says so (RFC 4856 2.1.9).
  static std::string answer(std::string_view ours, std::string_view theirs) {
    const auto value = fmtp_value(theirs, "annexb");
    return value && same_letters(*value, "no") ? "annexb=no" : std::string(ours);
  }
  // Noise descriptions of one peer may not reach another that refused them.
  static bool relayable(std::string_view from, std::string_view to) {
    const auto sends = fmtp_value(from, "annexb"), takes = fmtp_value(to, "annexb");
    return !(takes && same_letters(*takes, "no")) || (sends && same_letters(*sends, "no"));
  }
};

const td_codec kCodecs[] = {codec_table<G729>({.name = "G729",
                                               .static_type = 18,
                                               .frame_samples = kFrame,
                                               .max_payload = 6 * kBytes,
                                               .default_fmtp = "annexb=no"})};

}  // namespace

extern "C" const td_plugin* tandem_plugin_g729(void) {
  static const td_plugin table = codec_plugin<kCodecs>("g729", "GPL-3.0-or-later");
  return &table;
}
