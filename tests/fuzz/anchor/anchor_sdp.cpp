// Any bytes as an offer and as its answer: Anchors over a media engine in memory. Held true: no crash; what
// leaves can be read, has as many m= lines as came (where none are removed), and nothing is left open when
// the call is deleted.
#include <string>

#include "tests/support/anchor_bench.hpp"

using namespace tandem;
using testing::require;

namespace {

void check(const std::string& in, const Result<anchor::SdpOutcome>& out, bool removes) {
  if (!out) return require(!out.error().message.empty());
  const auto before = sdp::parse(in), after = sdp::parse(out->sdp);
  require(before.ok() && after.ok() && (removes || before->media.size() == after->media.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t how = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = std::min(text.find('\1'), text.size());
  const std::string one = text.substr(0, cut), two = cut < text.size() ? text.substr(cut + 1) : one;
  testing::AnchorBench bench;
  anchor::Anchors& anchors = bench.anchors;
  anchor::Options options;
  if ((how & 1) != 0) options.codecs.transcode = {"PCMA"};
  if ((how & 2) != 0) options.codecs.strip = {"all"};
  if ((how & 4) != 0)
    options.replace_origin = options.replace_username = options.force_increment_version = true;
  if ((how & 8) != 0) options.mux.offer = true;
  if ((how & 16) != 0) options.ptime_ms = 40;
  if ((how & 32) != 0) options.transport = "RTP/AVPF";
  if ((how & 64) != 0) options.always_transcode = true;
  if ((how & 128) != 0) {
    options.media_remove = {"video", "other"};
    options.attributes = {{anchor::AttributeEdit::Act::remove, "audio", "rtpmap", ""},
                          {anchor::AttributeEdit::Act::substitute, "", "x", "y"},
                          {anchor::AttributeEdit::Act::add, "audio", "z", ""}};
    options.echo = anchor::Echo::both;
    options.srtp_keep_offered = options.srtp_unencrypted = options.srtp_fixed = true;
  }
  check(one, anchors.offer({"c", "A", "", "", "", ""}, one, options), (how & 128) != 0);
  check(two, anchors.answer({"c", "A", "B", "", "", ""}, two, options), (how & 128) != 0);
  check(two, anchors.offer({"c", "B", "A", "", "", ""}, two, options), (how & 128) != 0);
  check(one, anchors.answer({"c", "B", "A", "", "", ""}, one, options), (how & 128) != 0);
  bench.end();
  return 0;
}
