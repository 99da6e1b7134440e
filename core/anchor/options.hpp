// Options: what a proxy may ask of an offer or an answer, as plain values. The names are those of rtpengine's
// ng protocol, which plugins/ng translates; docs/ng.md lists which of its flags come here. Thread: [any].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/anchor/keys.hpp"
#include "core/base/address.hpp"

namespace tandem::anchor {

// Each item is "PCMU", "opus/48000", "opus/48000/2", with "/bitrate/ptime/fmtp" behind it where a codec is
// added, a payload type number, or "all", "full", "any".
struct CodecOptions {
  std::vector<std::string> strip{}, offer{}, except{}, mask{}, consume{}, accept{}, ignore{}, transcode{},
      set{};
  bool empty() const {
    return strip.empty() && offer.empty() && except.empty() && mask.empty() && consume.empty() &&
           accept.empty() && ignore.empty() && transcode.empty() && set.empty();
  }
};

struct MuxOptions {  // RFC 5761
  bool offer = false, require = false, demux = false, accept = false, reject = false;
};

// `standard`: towards a party that speaks it, and in an offer made of one that does.
enum class IceOption : std::uint8_t { standard, force, remove };

struct AttributeEdit {  // one a= line, without "a="
  enum class Act : std::uint8_t { add, remove, substitute };
  Act act = Act::add;
  std::string kind;  // of the m= lines; "": the session's
  std::string what;  // added; or which: its name, its name with the value's first word, or all of it
  std::string with;  // substitute
};

// Who hears himself in place of the other side, which is not heard then.
enum class Echo : std::uint8_t {
  none,
  nobody,    // and nobody is heard
  receiver,  // of the SDP that leaves
  sender,    // of the SDP that came
  both,
};

struct Options {
  // where
  std::vector<std::string> direction;    // interfaces: towards who sent this SDP, towards who gets it
  std::optional<Family> address_family;  // of the SDP that leaves
  std::string media_address;             // stands in the SDP that leaves in place of ours
  std::string received_from;             // where the SIP message came from
  bool sip_source_address = false;       // media goes there and not to the SDP's address
  std::string transport;                 // "RTP/AVP", …; "": as it came; "accept": as the answer says
  // SDES (RFC 4568), suites by name
  std::vector<std::string> srtp_only, srtp_without;  // offered; empty: all, none
  std::vector<std::string> srtp_order;               // offered first, in this order
  std::vector<std::string> srtp_prefer;              // taken of the offerer's, in this order
  bool srtp_keep_offered = false;                    // no suite is offered on that was not offered
  bool srtp_padded = false, srtp_lifetime = false;   // how our lines are written
  bool srtp_fixed = false;                           // an answer keeps the suite that was in force before
  bool srtp_unencrypted = false, srtcp_unencrypted = false, srtp_unauthenticated = false;  // offered, taken
  std::optional<unsigned> tos;  // of the whole call, 0 to 255: the upper six bits are its DSCP (RFC 2474)
  bool asymmetric = false;      // who gets this SDP sends from another address than it receives at
  IceOption ice = IceOption::standard;  // in the SDP that leaves
  bool ice_reject = false;              // who sent this offer is answered without
  // what
  CodecOptions codecs;
  MuxOptions mux;
  unsigned ptime_ms = 0, ptime_reverse_ms = 0;  // 0: as they say
  bool always_transcode = false;                // accepted to the offerer even when the answerer has it not
  bool force_transcoding = false;               // never relayed
  bool single_codec = false;                    // an answer names one codec
  // how the SDP looks
  bool replace_origin = false, replace_username = false, replace_session_name = false;
  bool replace_zero_address = false, force_increment_version = false;
  bool no_rtcp_attribute = false, full_rtcp_attribute = false;
  bool loop_protect = false;
  std::vector<std::string> media_remove;  // kinds of m= lines that an offer leaves without
  std::vector<AttributeEdit> attributes;  // of what leaves, at last
  std::vector<std::string> extmap_strip;  // RTP header extensions (RFC 8285) that are taken out; "all"
  // besides
  std::optional<bool> drop;  // nobody's media passes from here on, or does again
  Echo echo = Echo::none;
  std::string label;
  bool block_dtmf = false;
  std::optional<KeyOrder> keys;  // as a block of the keys of who sent this SDP
  bool record = false;
  std::string metadata;
};

struct PlayOrder {
  std::vector<std::string> files;  // absolute
  bool loop = false;
  bool everybody = false;  // each party that has sound, and not the selected one alone
  milliseconds offset{0}, limit{0};
  unsigned times = 1;  // the files one after the other, so often
};

}  // namespace tandem::anchor
