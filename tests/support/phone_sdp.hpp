// PhoneSdp: the SDP of a simulated phone, written and read by hand: an opinion of its own about what Tandem
// sends, so that a mistake in core/sdp is seen from outside. Thread: one. One audio stream, nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::testing {

struct PhoneSdp {
  std::string host = "192.0.2.1";
  std::uint16_t port = 40000;
  std::vector<int> types{0, 8, 101};  // payload types in order
  std::map<int, std::string> names{{0, "PCMU/8000"}, {8, "PCMA/8000"}, {101, "telephone-event/8000"}};
  std::string direction = "sendrecv";
  unsigned ptime_ms = 20;
  std::uint64_t session = 1, version = 1;

  bool v6() const { return host.find(':') != std::string::npos; }
  std::string text() const;
  // Nothing when there is no audio stream to be read in it.
  static std::optional<PhoneSdp> read(std::string_view text);
  // The first payload type that is no telephone-event, as a name: "PCMU"; "" when refused.
  std::string first_codec() const;
  // This phone's answer to an offer: its own address, the offer's types that it knows too, by name.
  PhoneSdp answer_to(const PhoneSdp& offer) const;
};

}  // namespace tandem::testing
