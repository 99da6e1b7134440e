// A proxy's view of Anchors over a media engine in memory: offers, answers, and the SDP that leaves.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/anchor/anchors.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"
#include "tests/support/fake_media.hpp"
#include "tests/support/fake_timers.hpp"

namespace tandem::anchor {

inline std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

// One audio section at an address, with the lines given after it.
inline std::string audio_sdp(
    const std::string& host, int port, const std::string& formats = "0 8 101",
    const std::string& lines = "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n",
    const std::string& proto = "RTP/AVP") {
  return crlf("v=0\no=alice 2890844526 2890844526 IN IP4 " + host + "\ns=-\nc=IN IP4 " + host +
              "\nt=0 0\nm=audio " + std::to_string(port) + " " + proto + " " + formats + "\n" + lines);
}

class AnchorWorld : public ::testing::Test {
 protected:
  AnchorWorld() {
    for (const td_codec* codec : {codec::pcmu(), codec::pcma(), codec::l16_8000()}) (void)registry.add(codec);
    make();
  }
  void make() {
    anchors.reset();
    anchors = std::make_unique<Anchors>(timers, media, Codecs{registry, opaque}, config,
                                        [this](const AnchorEvent& event) { events.push_back(event); });
    media.set_listener(anchors.get());
  }
  Result<SdpOutcome> offer(const std::string& sdp, const Options& options = {}, const std::string& from = "A",
                           const std::string& to = "", const std::string& branch = "") {
    return anchors->offer({"call", from, to, branch, "", ""}, sdp, options);
  }
  Result<SdpOutcome> answer(const std::string& sdp, const Options& options = {},
                            const std::string& from = "A", const std::string& to = "B",
                            const std::string& branch = "") {
    return anchors->answer({"call", from, to, branch, "", ""}, sdp, options);
  }
  void remove(const std::string& from = "A", const std::string& branch = "", milliseconds delay = {}) {
    anchors->remove({"call", from, "", branch, "", ""}, delay, [](const Result<CallReport>&) {});
  }
  // Legs that stand, in the order in which they were opened.
  std::vector<testing::FakeMedia::Leg*> legs() {
    std::vector<testing::FakeMedia::Leg*> out;
    for (auto& [id, leg] : media.legs)
      if (!leg.closed) out.push_back(&leg);
    return out;
  }
  static int port_of(const std::string& sdp, std::size_t section = 0) {
    std::size_t at = 0;
    for (std::size_t i = 0; i <= section; ++i) at = sdp.find("m=", at) + 2;
    return std::stoi(sdp.substr(sdp.find(' ', at)));
  }
  static bool has(const std::string& sdp, const std::string& line) {
    return sdp.find("\r\n" + line + "\r\n") != std::string::npos;
  }

  testing::FakeTimers timers;
  testing::FakeMedia media{timers};
  codec::CodecRegistry registry;
  OpaqueCodecs opaque;
  AnchorsConfig config;
  std::unique_ptr<Anchors> anchors;
  std::vector<AnchorEvent> events;
};

}  // namespace tandem::anchor
