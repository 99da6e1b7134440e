// Offers as real programs send them, for the tests and the bench of core/sdp. Addresses are RFC 5737 and
// 3849.
#pragma once

#include <string>
#include <string_view>

namespace tandem::sdp::samples {

struct Sample {
  const char* name;
  std::string_view text;
};

// LF only here; with_crlf() makes of it what goes over the wire.
inline std::string with_crlf(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

inline constexpr std::string_view kBaresip =
    "v=0\n"
    "o=- 2890844526 1467213 IN IP4 192.0.2.10\n"
    "s=-\n"
    "c=IN IP4 192.0.2.10\n"
    "t=0 0\n"
    "a=tool:baresip 1.0.0\n"
    "m=audio 10000 RTP/AVP 96 0 8 97\n"
    "b=AS:125\n"
    "a=rtpmap:96 opus/48000/2\n"
    "a=fmtp:96 stereo=1;sprop-stereo=1\n"
    "a=rtpmap:0 PCMU/8000\n"
    "a=rtpmap:8 PCMA/8000\n"
    "a=rtpmap:97 telephone-event/8000\n"
    "a=fmtp:97 0-15\n"
    "a=rtcp:10001\n"
    "a=sendrecv\n"
    "a=label:1\n"
    "a=rtcp-rsize\n"
    "a=ssrc:1684287389 cname:sip:1001@example.com\n"
    "a=ptime:20\n";

inline constexpr std::string_view kSipp =
    "v=0\n"
    "o=user1 53655765 2353687637 IN IP4 192.0.2.11\n"
    "s=-\n"
    "c=IN IP4 192.0.2.11\n"
    "t=0 0\n"
    "m=audio 6000 RTP/AVP 0\n"
    "a=rtpmap:0 PCMU/8000\n";

inline constexpr std::string_view kLinphone =
    "v=0\n"
    "o=alice 3747 1841 IN IP4 192.0.2.12\n"
    "s=Talk\n"
    "c=IN IP4 192.0.2.12\n"
    "t=0 0\n"
    "a=ice-pwd:8b1f0c1d8a3f0e6b1d5c9f7a\n"
    "a=ice-ufrag:5f2b9c01\n"
    "a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\n"
    "a=group:BUNDLE as vs\n"
    "a=record:off\n"
    "m=audio 7078 RTP/AVPF 96 97 98 0 8 18 101 99 100\n"
    "a=rtpmap:96 opus/48000/2\n"
    "a=fmtp:96 useinbandfec=1\n"
    "a=rtpmap:97 speex/16000\n"
    "a=fmtp:97 vbr=on\n"
    "a=rtpmap:98 speex/8000\n"
    "a=fmtp:98 vbr=on\n"
    "a=fmtp:18 annexb=yes\n"
    "a=rtpmap:101 telephone-event/48000\n"
    "a=rtpmap:99 telephone-event/16000\n"
    "a=rtpmap:100 telephone-event/8000\n"
    "a=rtcp-mux\n"
    "a=mid:as\n"
    "a=candidate:1 1 UDP 2130706303 192.0.2.12 7078 typ host\n"
    "a=rtcp-fb:* trr-int 1000\n"
    "a=rtcp-fb:* ccm tmmbr\n"
    "m=video 9078 RTP/AVPF 96\n"
    "a=rtpmap:96 VP8/90000\n"
    "a=rtcp-mux\n"
    "a=mid:vs\n"
    "a=rtcp-fb:* ccm fir\n";

inline constexpr std::string_view kAsterisk =
    "v=0\n"
    "o=- 1935164187 1935164187 IN IP4 198.51.100.5\n"
    "s=Asterisk\n"
    "c=IN IP4 198.51.100.5\n"
    "t=0 0\n"
    "m=audio 14882 RTP/AVP 9 0 8 3 101\n"
    "a=rtpmap:9 G722/8000\n"
    "a=rtpmap:0 PCMU/8000\n"
    "a=rtpmap:8 PCMA/8000\n"
    "a=rtpmap:3 GSM/8000\n"
    "a=rtpmap:101 telephone-event/8000\n"
    "a=fmtp:101 0-16\n"
    "a=ptime:20\n"
    "a=maxptime:150\n"
    "a=sendrecv\n";

// SRTP preferred, plain RTP as the second choice: two audio streams.
inline constexpr std::string_view kBestEffortSrtp =
    "v=0\n"
    "o=root 1612 1612 IN IP4 203.0.113.7\n"
    "s=call\n"
    "c=IN IP4 203.0.113.7\n"
    "t=0 0\n"
    "m=audio 58862 RTP/SAVP 9 8 0 101\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"
    "a=rtpmap:101 telephone-event/8000\n"
    "m=audio 58864 RTP/AVP 9 8 0 101\n"
    "a=rtpmap:9 G722/8000\n"
    "a=rtpmap:8 PCMA/8000\n"
    "a=rtpmap:0 PCMU/8000\n"
    "a=rtpmap:101 telephone-event/8000\n"
    "a=fmtp:101 0-15\n"
    "a=ptime:20\n"
    "a=sendrecv\n";

inline constexpr std::string_view kWebrtc =
    "v=0\n"
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1\n"
    "s=-\n"
    "t=0 0\n"
    "a=group:BUNDLE 0 1 2\n"
    "a=extmap-allow-mixed\n"
    "a=msid-semantic: WMS 7c1c5a1e\n"
    "m=audio 54609 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\n"
    "c=IN IP4 203.0.113.20\n"
    "a=rtcp:9 IN IP4 0.0.0.0\n"
    "a=candidate:2999745851 1 udp 2122260223 192.0.2.20 54609 typ host generation 0 network-id 1\n"
    "a=ice-ufrag:aB3d\n"
    "a=ice-pwd:0123456789abcdef01234567\n"
    "a=ice-options:trickle\n"
    "a=fingerprint:sha-256 "
    "6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:"
    "2C:19:08\n"
    "a=setup:actpass\n"
    "a=mid:0\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
    "a=sendrecv\n"
    "a=msid:7c1c5a1e 3f2a\n"
    "a=rtcp-mux\n"
    "a=rtpmap:111 opus/48000/2\n"
    "a=rtcp-fb:111 transport-cc\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\n"
    "a=rtpmap:63 red/48000/2\n"
    "a=fmtp:63 111/111\n"
    "a=rtpmap:9 G722/8000\n"
    "a=rtpmap:0 PCMU/8000\n"
    "a=rtpmap:8 PCMA/8000\n"
    "a=rtpmap:13 CN/8000\n"
    "a=rtpmap:110 telephone-event/48000\n"
    "a=rtpmap:126 telephone-event/8000\n"
    "a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\n"
    "c=IN IP4 0.0.0.0\n"
    "a=mid:1\n"
    "a=recvonly\n"
    "a=rtpmap:96 VP8/90000\n"
    "a=rtpmap:97 rtx/90000\n"
    "a=fmtp:97 apt=96\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"
    "c=IN IP4 0.0.0.0\n"
    "a=mid:2\n"
    "a=sctp-port:5000\n";

// Static payload types without a=rtpmap, an odd order of lines, no s=, no t=, blanks at line ends, a blank
// line.
inline constexpr std::string_view kOldPhone =
    "v=0 \n"
    "o=Front Desk 3 8000 8001 IN IP4 192.0.2.13\n"
    "a=sendrecv\n"
    "c=IN  IP4\t192.0.2.13  \n"
    "x=unknown\n"
    "\n"
    "m=audio  2230  RTP/AVP  18 0 8 101  \n"
    "a=fmtp:101 0-11 \n"
    "a=rtpmap: 101 telephone-event/8000\n"
    "a=ptime: 30\n";

inline constexpr std::string_view kIpv6 =
    "v=0\n"
    "o=- 1 1 IN IP6 2001:db8::10\n"
    "s=-\n"
    "c=IN IP6 2001:db8::10\n"
    "t=0 0\n"
    "m=audio 30000 RTP/AVP 8 101\n"
    "a=rtpmap:8 PCMA/8000\n"
    "a=rtpmap:101 telephone-event/8000\n"
    "a=rtcp:30009 IN IP6 2001:db8::11\n";

inline constexpr std::string_view kFax =
    "v=0\n"
    "o=- 5 6 IN IP4 192.0.2.14\n"
    "s=-\n"
    "c=IN IP4 192.0.2.14\n"
    "t=0 0\n"
    "m=audio 0 RTP/AVP 0\n"
    "m=image 4010 udptl t38\n"
    "a=T38FaxVersion:0\n"
    "a=T38FaxRateManagement:transferredTCF\n";

inline constexpr Sample kAll[] = {
    {"baresip", kBaresip},    {"sipp", kSipp},           {"linphone", kLinphone},
    {"asterisk", kAsterisk},  {"srtp", kBestEffortSrtp}, {"webrtc", kWebrtc},
    {"old phone", kOldPhone}, {"ipv6", kIpv6},           {"fax", kFax},
};

}  // namespace tandem::sdp::samples
