// AMR and AMR-WB (3GPP TS 26.071, 26.171; RTP as RFC 4867 says) over opencore-amr and vo-amrwbenc.
//
//   20 ms of PCM ──encode──► frame of the mode in use ─┐                        ┌─► frames ──decode──► PCM
//   the peer's mode request (CMR) ──feedback──► mode   └─ payload, both kinds ──┘
//
// Thread: coders as in tandem/codec.h. No options: a=fmtp says it all.
#include <opencore-amrnb/interf_dec.h>
#include <opencore-amrnb/interf_enc.h>
#include <opencore-amrwb/dec_if.h>
#include <vo-amrwbenc/enc_if.h>

#include "amr/fmtp.hpp"
#include "amr/payload.hpp"
#include "tandem/sdk_codec.hpp"

namespace {

using namespace tandem::sdk;
using namespace tandem::amr;

// What differs between the two: the library, the rate, the modes.
struct Narrow {
  static constexpr Band kBand = Band::narrow;
  static constexpr std::uint32_t kFrame = 160;
  static constexpr unsigned kHighest = 7, kUsual = 7;  // 12.2 kbit/s
  static constexpr unsigned kLost = kNoData, kNoise = 8;
  static void* open_encoder() { return Encoder_Interface_init(0); }
  static void close_encoder(void* state) { Encoder_Interface_exit(state); }
  static int encode(void* state, unsigned mode, const std::int16_t* pcm, std::uint8_t* out) {
    return Encoder_Interface_Encode(state, static_cast<Mode>(mode), pcm, out, 0);
  }
  static void* open_decoder() { return Decoder_Interface_init(); }
  static void close_decoder(void* state) { Decoder_Interface_exit(state); }
  static void decode(void* state, const std::uint8_t* frame, std::int16_t* pcm) {
    Decoder_Interface_Decode(state, frame, pcm, 0);
  }
};

struct Wide {
  static constexpr Band kBand = Band::wide;
  static constexpr std::uint32_t kFrame = 320;
  static constexpr unsigned kHighest = 8, kUsual = 2;  // 12.65 kbit/s
  static constexpr unsigned kLost = 14, kNoise = 9;
  static void* open_encoder() { return E_IF_init(); }
  static void close_encoder(void* state) { E_IF_exit(state); }
  static int encode(void* state, unsigned mode, const std::int16_t* pcm, std::uint8_t* out) {
    return E_IF_encode(state, static_cast<int>(mode), pcm, out, 0);
  }
  static void* open_decoder() { return D_IF_init(); }
  static void close_decoder(void* state) { D_IF_exit(state); }
  static void decode(void* state, const std::uint8_t* frame, std::int16_t* pcm) {
    D_IF_decode(state, frame, pcm, _good_frame);
  }
};

// The highest mode of the set that is not above `wanted`, else the lowest there is.
unsigned mode_within(std::uint16_t modes, unsigned wanted) {
  for (unsigned mode = wanted + 1; mode-- > 0;)
    if ((modes >> mode & 1u) != 0) return mode;
  unsigned mode = 0;
  while (mode < 15 && (modes >> mode & 1u) == 0) ++mode;
  return mode;
}

template <typename Kind>
struct Amr {
  struct CloseEncoder {
    void operator()(void* state) const { Kind::close_encoder(state); }
  };
  struct CloseDecoder {
    void operator()(void* state) const { Kind::close_decoder(state); }
  };

  struct Encoder {
    std::unique_ptr<void, CloseEncoder> state;
    Fmtp fmtp;
    unsigned mode = 0, wanted = 0;
    unsigned frames_in_mode = 0;

    static std::unique_ptr<Encoder> create(std::string_view text) {
      auto made = std::make_unique<Encoder>();
      made->fmtp = parse_fmtp(text, Kind::kHighest);
      if (made->fmtp.unsupported) return nullptr;
      made->mode = made->wanted = mode_within(made->fmtp.modes, Kind::kUsual);
      made->state.reset(Kind::open_encoder());
      return made->state ? std::move(made) : nullptr;
    }
    // A mode request that the set does not allow is brought into it (RFC 4867 3.3.1).
    void feedback(Payload payload) {
      const unsigned request = payload[0] >> 4u;
      if (request <= Kind::kHighest) wanted = mode_within(fmtp.modes, request);
    }
    void change_mode() {
      ++frames_in_mode;
      if (mode == wanted || frames_in_mode % static_cast<unsigned>(fmtp.change_period) != 0) return;
      if (!fmtp.change_neighbor) {
        mode = wanted;
      } else {
        const int step = wanted > mode ? 1 : -1;
        do {
          mode = static_cast<unsigned>(static_cast<int>(mode) + step);
        } while ((fmtp.modes >> mode & 1u) == 0);
      }
    }
    std::int32_t encode(Pcm pcm, Bytes out) {
      const std::size_t frames = pcm.size() / Kind::kFrame;
      if (pcm.size() % Kind::kFrame != 0 || frames == 0 || frames > kFramesMax) return TD_INVALID;
      std::array<Frame, kFramesMax> made;
      for (std::size_t i = 0; i < frames; ++i) {
        change_mode();
        std::array<std::uint8_t, 2 * kFrameBytesMax> bytes{};
        std::array<std::int16_t, Kind::kFrame> speech;  // a copy: the libraries scale what they are given
        std::copy_n(pcm.begin() + static_cast<std::ptrdiff_t>(i * Kind::kFrame), speech.size(),
                    speech.begin());
        if (Kind::encode(state.get(), mode, speech.data(), bytes.data()) <= 0) return TD_INTERNAL;
        std::copy_n(bytes.begin(), kFrameBytesMax, made[i].begin());
      }
      const std::size_t bytes = build(Kind::kBand, fmtp.octet_align, kNoRequest, {made.data(), frames}, out);
      return bytes == 0 ? std::int32_t{TD_INVALID} : static_cast<std::int32_t>(bytes);
    }
  };

  struct Decoder {
    std::unique_ptr<void, CloseDecoder> state;
    bool octet_align = false;
    Carry<Kind::kFrame> carry;

    static std::unique_ptr<Decoder> create(std::string_view text) {
      const Fmtp fmtp = parse_fmtp(text, Kind::kHighest);
      auto made = std::make_unique<Decoder>();
      made->octet_align = fmtp.octet_align;
      made->state.reset(Kind::open_decoder());
      return made->state && !fmtp.unsupported ? std::move(made) : nullptr;
    }
    std::int32_t decode(Payload payload, PcmOut pcm) {
      Parsed parsed;
      if (!parse(Kind::kBand, octet_align, payload, parsed)) return TD_INVALID;
      if (parsed.frames * Kind::kFrame > pcm.size()) return TD_INVALID;
      carry.clear();
      for (std::size_t i = 0; i < parsed.frames; ++i) {
        Frame& frame = parsed.frame[i];
        if ((frame[0] & 4u) == 0) frame[0] = static_cast<std::uint8_t>(Kind::kLost << 3 | 4u);  // damaged
        Kind::decode(state.get(), frame.data(), pcm.data() + i * Kind::kFrame);
      }
      return static_cast<std::int32_t>(parsed.frames * Kind::kFrame);
    }
    std::int32_t conceal(PcmOut pcm) {
      return carry.fill(pcm, [this](std::int16_t* into) {
        Frame lost{};
        lost[0] = static_cast<std::uint8_t>(Kind::kLost << 3 | 4u);
        Kind::decode(state.get(), lost.data(), into);
        return true;
      });
    }
  };

  // Which kind it is only the decoder knows; the length tells it nearly always, and both agree on most.
  static bool guess(Payload payload, Parsed& parsed, bool& octet_align) {
    for (const bool aligned : {false, true}) {
      std::array<std::uint8_t, 512> scratch;
      if (!parse(Kind::kBand, aligned, payload, parsed)) continue;
      octet_align = aligned;
      if (build(Kind::kBand, aligned, parsed.request, {parsed.frame.data(), parsed.frames}, scratch) ==
          payload.size())
        return true;
    }
    return false;
  }
  static std::int32_t payload_samples(Payload payload) {
    Parsed parsed;
    bool octet_align = false;
    if (!guess(payload, parsed, octet_align)) return TD_INVALID;
    return static_cast<std::int32_t>(parsed.frames * Kind::kFrame);
  }
  static bool pauses(Payload payload) {
    Parsed parsed;
    bool octet_align = false;
    return guess(payload, parsed, octet_align) &&
           (parsed.frame[parsed.frames - 1][0] >> 3u & 15u) == Kind::kNoise;
  }
  static std::int32_t repacket(Parts parts, std::uint32_t from, std::uint32_t samples, Bytes out) {
    std::array<Frame, kFramesMax> frames;
    std::size_t skip = from / Kind::kFrame, taken = 0;
    const std::size_t wanted = samples / Kind::kFrame;
    if (from % Kind::kFrame != 0 || samples % Kind::kFrame != 0 || wanted > kFramesMax) return 0;
    unsigned request = kNoRequest;
    bool aligned = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Parsed parsed;
      bool octet_align = false;
      if (!guess({reinterpret_cast<const std::uint8_t*>(parts[i].data), parts[i].size}, parsed,
                 octet_align) ||
          (i != 0 && octet_align != aligned))
        return 0;
      aligned = octet_align;
      request = parsed.request;  // the newest counts (RFC 4867 4.3.1)
      for (std::size_t k = 0; k < parsed.frames && taken < wanted; ++k) {
        if (skip != 0) {
          --skip;
        } else {
          frames[taken++] = parsed.frame[k];
        }
      }
    }
    if (taken == 0 || taken != wanted) return 0;
    return static_cast<std::int32_t>(build(Kind::kBand, aligned, request, {frames.data(), taken}, out));
  }
  static bool compatible(std::string_view ours, std::string_view theirs) {
    const Fmtp a = parse_fmtp(ours, Kind::kHighest), b = parse_fmtp(theirs, Kind::kHighest);
    return a.octet_align == b.octet_align && !a.unsupported && !b.unsupported;
  }
  // One peer's packets suit another's decoder when it takes all modes that may come.
  static bool relayable(std::string_view from, std::string_view to) {
    const Fmtp a = parse_fmtp(from, Kind::kHighest), b = parse_fmtp(to, Kind::kHighest);
    return compatible(from, to) && (a.modes & ~b.modes) == 0;
  }
  static std::string answer(std::string_view ours, std::string_view theirs) {
    return tandem::amr::answer(ours, theirs);
  }
};

const td_codec kCodecs[] = {codec_table<Amr<Narrow>>({.name = "AMR",
                                                      .clock_rate = 8000,
                                                      .sample_rate = 8000,
                                                      .frame_samples = Narrow::kFrame,
                                                      .max_payload = 3 * 33}),
                            codec_table<Amr<Wide>>({.name = "AMR-WB",
                                                    .clock_rate = 16000,
                                                    .sample_rate = 16000,
                                                    .frame_samples = Wide::kFrame,
                                                    .max_payload = 3 * 62 + 1})};

}  // namespace

extern "C" const td_plugin* tandem_plugin_amr(void) {
  static const td_plugin table = codec_plugin<kCodecs>("amr", "Apache-2.0");
  return &table;
}
