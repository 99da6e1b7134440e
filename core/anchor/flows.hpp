// What parties are asked to be beside offers and answers: subscribers, publishers, parties made by us, and
// who hears whom. Plain values, the arguments and outcomes of Anchors' verbs of anchors_subscribe.cpp,
// anchors_create.cpp, anchors_connect.cpp and
// anchors_transform.cpp. Thread: [any].
#pragma once

#include <string>
#include <vector>

#include "core/base/address.hpp"

namespace tandem::anchor {

// Who is to be heard by a new subscriber.
struct Sources {
  std::vector<std::string> tags;  // besides the selector's from-tag or label
  bool all = false;               // every party of offers and answers
  bool mix = false;               // all of them in one stream
  bool label_sections = false;    // a=label:0, 1, … (RFC 7866: a recorder tells streams apart by them)
  bool bidirectional = false;     // the sources hear the subscriber, too
};

// One m= line of a subscription, and whose it is.
struct SourceReport {
  std::string tag, label, kind, mode, section_label;
  std::size_t index = 0;  // of the source's m= line, from 1
};

struct SubscribeOutcome {
  std::string sdp, to_tag;
  std::vector<SourceReport> sources;
  std::vector<std::string> warnings;
};

struct CreateOutcome {
  std::string call_id, from_tag, sdp;
  std::vector<std::string> warnings;
};

// What create() makes when the party is new.
struct WantedMedia {
  std::string kind = "audio";
  std::vector<std::string> codecs;  // "PCMA", "opus/48000/2"; empty: PCMA and PCMU
};

enum class Ways : std::uint8_t { one, both };

// One row of mesh(): `from` is heard by each of `to`.
struct MeshRow {
  std::string from;
  std::vector<std::string> to;
};

// One codec of transform() and its number.
struct TransformCodec {
  std::string name, fmtp;
  unsigned type = 0, clock_rate = 8000, channels = 1;
  unsigned bitrate = 0;  // of what we send; 0: the codec's own
  bool operator==(const TransformCodec&) const = default;
};
// What comes in the one leaves as the other.
struct TransformPair {
  TransformCodec input, output;
};
// One stream of transform(). Pairs of several outputs leave in one stream, as their inputs come.
struct TransformMedia {
  std::string id;  // told again in the outcome; empty: its place, from 1
  std::vector<TransformPair> codecs;
  Address destination;
};
struct TransformedMedia {
  std::string id;
  Address address;  // ours, to send to
};
struct TransformOutcome {
  std::string call_id, from_tag;
  std::vector<TransformedMedia> media;
  std::vector<std::string> warnings;
};

}  // namespace tandem::anchor
