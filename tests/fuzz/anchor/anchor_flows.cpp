// Any bytes as a series of verbs beside offer and answer, with any SDP, over calls and parties that exist or
// not. Held true: no crash; SDP that leaves can be read; no flow outlives its call; nothing is left open when
// every call is deleted.
#include <string>

#include "tests/support/anchor_bench.hpp"

using namespace tandem;
using testing::require;

namespace {

constexpr const char* kCalls[] = {"one", "two", "three", ""};
constexpr const char* kTags[] = {"A", "B", "S", "P", "C", "", "x", "y"};
constexpr const char* kSdp =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n";

struct Bytes {
  const std::uint8_t* data;
  std::size_t left;
  std::uint8_t next() { return left == 0 ? std::uint8_t{0} : (--left, *data++); }
  // The SDP that most verbs get, or what comes up to the next \1.
  std::string sdp() {
    if ((next() & 7) != 0) return kSdp;
    std::string out;
    while (left != 0) {
      const auto c = static_cast<char>(next());
      if (c == '\1') break;
      out += c;
    }
    return out;
  }
};

void run(anchor::Anchors& anchors, Bytes& in) {
  const std::uint8_t verb = in.next(), names = in.next(), more = in.next();
  const anchor::Selector who{kCalls[names & 3], kTags[names >> 2 & 7], kTags[more & 7], "", "", ""};
  const std::string other = kCalls[more >> 3 & 3];
  anchor::Sources sources{{kTags[more >> 5]}, (verb & 32) != 0, (verb & 64) != 0, true, (verb & 128) != 0};
  if ((names & 64) != 0) sources.tags.clear();
  anchor::Options options;
  if ((names & 128) != 0) options.transport = "RTP/SAVP";
  const anchor::Ways ways = sources.bidirectional ? anchor::Ways::both : anchor::Ways::one;
  switch (verb & 15) {
    case 0: (void)anchors.offer(who, in.sdp(), options); break;
    case 1: (void)anchors.answer(who, in.sdp(), {}); break;
    case 2:
      if (const auto out = anchors.subscribe(who, sources, options)) require(sdp::parse(out->sdp).ok());
      break;
    case 3: (void)anchors.subscribe_answer(who, in.sdp(), options); break;
    case 4: (void)anchors.unsubscribe(who); break;
    case 5:
      if (const auto out = anchors.publish(who, in.sdp(), {}, ways)) require(sdp::parse(out->sdp).ok());
      break;
    case 6:
      if (const auto out = anchors.create(who, {}, options)) require(sdp::parse(out->sdp).ok());
      break;
    case 7: (void)anchors.create_answer(who, in.sdp(), options); break;
    case 8: (void)anchors.connect(who, other); break;
    case 9: (void)anchors.hear(who, other, sources, ways); break;
    case 10: (void)anchors.stop_hearing(who, other, kTags[more >> 5]); break;
    case 11:
      (void)anchors.mesh({who.call_id, other}, {{who.from_tag, {who.to_tag}}}, sources.mix, ways);
      break;
    case 12: anchors.remove(who, {}, [](const Result<anchor::CallReport>&) {}); break;
    case 13: anchors.query(who, [](const Result<anchor::CallReport>&) {}); break;
    case 14:
      if (sources.mix)
        (void)anchors.block(who, anchor::Anchors::Block::media, sources.all);
      else
        (void)anchors.forward(who, sources.all, in.sdp().substr(0, 100));
      break;
    default: {
      const anchor::TransformCodec codec{(more & 64) != 0 ? "PCMU" : "x/y", "", more, 8000, names & 3U, 0};
      const anchor::TransformCodec other_codec{"PCMA", "", names, 8000, 1, 0};
      const auto to = Address::parse("192.0.2.1", static_cast<std::uint16_t>(more << 8));
      if (const auto out = anchors.transform(
              who, {{"", {{codec, sources.all ? codec : other_codec}, {other_codec, other_codec}}, *to}}, {}))
        require(out->media.size() == 1 && !out->call_id.empty());
      break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  anchor::AnchorsConfig config;
  config.forward_to = *Address::parse("192.0.2.2", 9);
  testing::AnchorBench bench(config);
  Bytes in{data, size};
  for (int i = 0; i < 32 && in.left != 0; ++i) run(bench.anchors, in);
  bench.timers.advance(seconds(200));
  bench.end();
  return 0;
}
