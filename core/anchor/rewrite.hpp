// Rewriting one SDP body: ours in the place of theirs, everything else as it came.
//
//   SdpText + [SectionEdit] ──rewrite()──► the text that leaves
//
// Replaced: c=, the port and, when it changed, the formats of m=, a=rtcp (RFC 3605), a=rtcp-mux (RFC 5761),
// a=rtpmap and a=fmtp of formats that changed, a=ptime when asked, o= when asked. Taken out: ICE (RFC 8839),
// which ends here (lines about our end are put in its place), BUNDLE groups (RFC 9143), as each section gets
// its own port, and a=ssrc (RFC 5576) of streams that get an SSRC of ours. Thread: [any]; pure.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/anchor/call.hpp"
#include "core/anchor/formats.hpp"
#include "core/anchor/options.hpp"
#include "core/anchor/sdp_text.hpp"
#include "core/base/address.hpp"

namespace tandem::anchor {

struct SectionEdit {
  enum class Act : std::uint8_t {
    keep,    // not ours: media goes past us (TCP)
    reject,  // port 0
    remove,
    anchor,
  };
  Act act = Act::anchor;
  Address rtp, rtcp;    // ours, as the SDP says them
  std::string host;     // said in place of rtp's host: media-address, or 0.0.0.0 of an old-style hold
  bool opaque = false;  // RTP or not, passed as it is: formats and rtcp-mux stay theirs
  std::string proto;    // "": as it came
  bool formats_changed = false;  // then `formats` are written in place of theirs
  std::vector<Format> formats;
  bool mux = false;                 // a=rtcp-mux is written
  unsigned ptime_ms = 0;            // 0: as it came
  std::vector<std::string> crypto;  // a=crypto lines in place of theirs (whole lines)
  bool replace_crypto = false;
  bool sends_only = false;       // a=sendonly in place of a=sendrecv, a=inactive of a=recvonly
  std::vector<std::string> ice;  // whole lines about our end; none: ICE is not spoken
};

// A description in which we speak ICE: we are a lite agent of RFC 8445 (RFC 8839 5.3, 5.6).
inline constexpr std::array kIceSession = {"a=ice-lite", "a=ice-options:ice2"};

struct SessionEdit {
  bool answer = false;
  std::string loop_mark;  // "": none
};

// What an answer says of the sections that its offer was made without: refused, in their places.
void note_removed(const SdpText& offer, std::vector<OfferedSection>& sections);
SdpText with_removed(SdpText answer, const std::vector<OfferedSection>& sections);

// [any] The edits of the options, at last.
void edit_attributes(SdpText& text, const std::vector<AttributeEdit>& edits);

std::string rewrite(SdpText text, const std::vector<SectionEdit>& sections, const SessionEdit& session,
                    const Options& options);

}  // namespace tandem::anchor
