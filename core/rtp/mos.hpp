// MOS estimated by the E-model (ITU-T G.107), simplified: all of it at defaults but delay, packet loss and
// codec.
//
//   R = 93.2 - Id(delay) - Ie,eff(codec, loss, bursts)      MOS = f(R), 1.0 … 4.5
//
// Thread: [any]; pure. Not here: wideband MOS (G.107.1): a wideband codec is put on the narrowband scale,
// where it cannot show that it sounds better than G.711.
#pragma once

#include <string_view>

namespace tandem::rtp {

// Equipment impairment and robustness against loss, per codec (ITU-T G.113 Appendix I).
struct CodecImpairment {
  double ie = 0;      // without loss
  double bpl = 25.1;  // packet loss robustness, in percent
};

// By the codec's SDP name ("PCMU", "G722", "opus", …), upper or lower case. Unknown names get G.711 without
// concealment. G.722 and Opus have no narrowband values in G.113: theirs are ours, see mos.cpp. [any]
CodecImpairment impairment_of(std::string_view codec);

// The rating R, 0 … 93.2. `delay_ms` is mouth to ear, one way; `loss_percent` after the jitter buffer (lost
// and late); `burst_ratio` 1 for random loss (G.107 3.5: at least 1). Out-of-range values are brought into
// range. [any]
double r_factor(double delay_ms, double loss_percent, const CodecImpairment& codec, double burst_ratio = 1.0);

// G.107 Annex B. [any]
double mos_of_r(double r);

}  // namespace tandem::rtp
