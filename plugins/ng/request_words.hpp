// The words of the protocol that need no code: taken in silence, or refused by name. Canonical spelling.
#pragma once

#include <array>

namespace tandem::ng {

// Harmless here: we do it anyway, it is another program's business, or it only tunes what we have not.
inline constexpr std::array kQuietKeys = {
    "supports",     "sip-message-type",  "sip-code", "sip-response-code", "xmlrpc-callback", "dtls",
    "dtls-reverse", "dtls-fingerprint",  "ice-lite", "generate-rtcp",     "audio-player",    "player",
    "alias-key",    "endpoint-learning", "instance", "template",          "interface-hint"};

inline constexpr std::array kQuietFlags = {"trust-address",
                                           "symmetric",
                                           "port-latching",
                                           "strict-source",
                                           "no-redis-update",
                                           "debug",
                                           "debugging",
                                           "trickle-ice",
                                           "generate-rtcp",
                                           "provisional",
                                           "early-media",
                                           "static-codec",
                                           "static-codecs",
                                           "symmetric-codecs",
                                           "symmetric-codec",
                                           "reuse-codecs",
                                           "no-codec-renegotiation",
                                           "passthrough",
                                           "no-passthrough",
                                           "no-jitter-buffer",
                                           "original-sendrecv",
                                           "unidirectional",
                                           "no-player",
                                           "no-audio-player",
                                           "player",
                                           "audio-player",
                                           "no-tls-id",
                                           "pad-crypto",
                                           "allow-transcoding",
                                           "allow-asymmetric-codecs",
                                           "allow-asymmetric-codec",
                                           "asymmetric-codecs",
                                           "media-handover",
                                           "no-port-latching",
                                           "inject-dtmf",
                                           "skip-recording-db",
                                           "skip-recording-database",
                                           "exclude-recording",
                                           "fast",
                                           "new-branch",
                                           "to-tag",
                                           "ice-reject",
                                           "reject-ice",
                                           "weak-nat",
                                           "pierce-nat",
                                           "nat-wait",
                                           "reset",
                                           "internal",
                                           "external",
                                           "bridge"};

// These would change what the call does, and are not built: never taken in silence.
inline constexpr std::array kRefusedFlags = {"recording-vsc",
                                             "recording-announcement",
                                             "fragment",
                                             "webrtc",
                                             "recrypt",
                                             "mirror-rtcp",
                                             "rtcp-mirror",
                                             "block-egress",
                                             "discard-recording",
                                             "allow-no-codec-media",
                                             "allow-empty-codec-media"};

inline constexpr std::array kRefusedKeys = {
    "media-echo",    "drop-traffic", "blob",          "blob64",
    "db-id",         "moh",          "sdp-attr",      "sdp-media-remove",
    "vsc-start-rec", "vsc-stop-rec", "vsc-pause-rec", "inbound-peer",
    "outbound-peer", "peer",         "address"};

inline constexpr std::array kCodecLists = {"strip",  "offer",  "except",    "mask", "consume",
                                           "accept", "ignore", "transcode", "set"};

}  // namespace tandem::ng
