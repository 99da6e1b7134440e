// The words of the protocol that need no code: taken in silence, or refused by name. Canonical spelling.
#pragma once

#include <array>
#include <utility>

namespace tandem::ng {

// Harmless here: we do it anyway, it is another program's business, or it only tunes what we have not.
inline constexpr std::array kQuietKeys = {
    "supports",     "sip-message-type",  "sip-code", "sip-response-code", "dtls",
    "dtls-reverse", "dtls-fingerprint",  "ice-lite", "generate-rtcp",     "audio-player",
    "player",       "endpoint-learning", "instance", "interface-hint"};

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
                                           "symmetric-codecs",
                                           "symmetric-codec",
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
                                           "allow-transcoding",
                                           "allow-asymmetric-codecs",
                                           "allow-asymmetric-codec",
                                           "asymmetric-codecs",
                                           "no-port-latching",
                                           "inject-dtmf",
                                           "skip-recording-db",
                                           "skip-recording-database",
                                           "new-branch",
                                           "to-tag",
                                           "ice-reject",
                                           "reject-ice",
                                           "weak-nat",
                                           "reset",
                                           "internal",
                                           "external",
                                           "bridge"};

// The call goes on without, and who asked for it is told. Keys and flags.
inline constexpr std::array<std::pair<const char*, const char*>, 13> kWarned = {{
    {"static-codec", "what is offered follows each offer"},
    {"static-codecs", "what is offered follows each offer"},
    {"reuse-codecs", "codecs follow each offer"},
    {"no-codec-renegotiation", "codecs follow each offer"},
    {"media-handover", "a party that moves is followed within media.learn_window_ms only"},
    {"pierce-nat", "nothing is sent before there is something to send"},
    {"nat-wait", "media is sent before any has come"},
    {"generate-mid", "a=mid passes, and none is made"},
    {"block-short", "short packets pass"},
    {"block-shorts", "short packets pass"},
    {"block-short-packets", "short packets pass"},
    {"reorder-codecs", "codecs stay in the order in which they were offered"},
    {"xmlrpc-callback", "nobody is called back; the event is anchor.ended"},
}};

// These would change what the call does, and are not built: never taken in silence.
inline constexpr std::array kRefusedFlags = {"exclude-recording",
                                             "inactive",
                                             "egress",
                                             "recording-vsc",
                                             "recording-announcement",
                                             "fragment",
                                             "webrtc",
                                             "recrypt",
                                             "mirror-rtcp",
                                             "rtcp-mirror",
                                             "block-egress",
                                             "discard-recording",
                                             "allow-no-codec-media",
                                             "allow-empty-codec-media",
                                             "allow-no-codec-medias",
                                             "allow-empty-codec-medias"};

inline constexpr std::array kRefusedKeys = {"template",     "blob",          "blob64",       "db-id",
                                            "moh",          "vsc-start-rec", "vsc-stop-rec", "vsc-pause-rec",
                                            "inbound-peer", "outbound-peer", "peer"};

// Whom ICE-lite is spoken to: both, always.
inline constexpr std::array kLiteWords = {"forward", "offer",  "fwd",  "fw",  "backward", "backwards",
                                          "reverse", "answer", "back", "bkw", "bk",       "both"};

inline constexpr std::array kCodecLists = {"strip",  "offer",  "except",    "mask", "consume",
                                           "accept", "ignore", "transcode", "set"};

}  // namespace tandem::ng
