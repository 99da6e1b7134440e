// Anchors over the media engine on a counted clock, phones on a network in memory, and the SDP between them.
#pragma once

#include "core/anchor/anchors.hpp"
#include "tests/session/engine_fixture.hpp"

namespace tandem::anchor {

class RelayTest : public session::EngineTest {
 protected:
  RelayTest() {
    (void)registry_.add(codec::pcmu());
    (void)registry_.add(codec::pcma());
    anchors_ = std::make_unique<Anchors>(timers_, *engine_, Codecs{registry_, opaque_}, AnchorsConfig{},
                                         [this](const AnchorEvent& event) { events_.push_back(event); });
    engine_->set_listener(anchors_.get());
  }
  ~RelayTest() override {
    engine_->set_listener(nullptr);
    anchors_.reset();
    engine_.reset();  // before the codecs that its legs borrow
  }
  testing::MediaPhone& phone(const td_codec* codec) {
    const auto port = static_cast<std::uint16_t>(40000 + 2 * phones_.size());
    phones_.push_back(
        std::make_unique<testing::MediaPhone>(network_, *Address::parse("127.0.0.1", port), codec));
    return *phones_.back();
  }
  static std::string sdp(const testing::MediaPhone& phone, const std::string& line) {
    return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio " +
           std::to_string(phone.local().port()) + " " + line;
  }
  static Address address_in(const std::string& sdp) {
    return *Address::parse("127.0.0.1",
                           static_cast<std::uint16_t>(std::stoi(sdp.substr(sdp.find("m=audio ") + 8))));
  }
  // A calls B; both begin to speak.
  void connect(testing::MediaPhone& a, testing::MediaPhone& b, const std::string& line_a,
               const std::string& line_b, const Options& options = {}) {
    const auto offered = anchors_->offer({"call", "A", "", "", "", ""}, sdp(a, line_a), options);
    ASSERT_TRUE(offered) << offered.error().message;
    b.set_remote(last_offered_ = address_in(offered->sdp));
    const auto answered = anchors_->answer({"call", "A", "B", "", "", ""}, sdp(b, line_b), {});
    ASSERT_TRUE(answered) << answered.error().message;
    a.set_remote(address_in(answered->sdp));
    a.say(session::noise(3000, 1));
    b.say(session::noise(3000, 2));
    a.start();
    b.start();
  }
  // The first 200 ms of what a phone says.
  static std::vector<std::int16_t> beginning(std::uint32_t seed) {
    auto all = session::noise(3000, seed);
    all.resize(1600);
    return all;
  }
  static constexpr const char* kPlain = "RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

  codec::CodecRegistry registry_;
  OpaqueCodecs opaque_;
  std::unique_ptr<Anchors> anchors_;
  std::vector<AnchorEvent> events_;
  Address last_offered_;
};

}  // namespace tandem::anchor
