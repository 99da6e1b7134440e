// Two parties for the tests of offer and answer: what we can do, what they say, and outcomes as short text.
// In the tests' addresses we are 198.51.100.1 and they are 192.0.2.1.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/sdp/negotiate.hpp"

namespace tandem::sdp {

inline void PrintTo(const Description& d, std::ostream* out) { *out << print(d); }

inline Address at(std::string_view host, std::uint16_t port) { return *Address::parse(host, port); }

inline CodecOffer pcmu() { return {"PCMU", 8'000, 1, 0, "", nullptr}; }
inline CodecOffer pcma() { return {"PCMA", 8'000, 1, 8, "", nullptr}; }
inline CodecOffer g722() { return {"G722", 8'000, 1, 9, "", nullptr}; }
inline CodecOffer opus() { return {"opus", 48'000, 2, -1, "useinbandfec=1", nullptr}; }

inline Local local_of(std::vector<CodecOffer> codecs) {
  Local local;
  local.rtp = at("198.51.100.1", 20'000);
  local.codecs = std::move(codecs);
  return local;
}

inline Description parsed(std::string_view text) {
  auto d = parse(text);
  EXPECT_TRUE(d) << (d ? "" : d.error().message);
  return d ? *d : Description{};
}

inline Description offer_of(std::string_view lines, std::string_view c = "IN IP4 192.0.2.1") {
  return parsed("v=0\no=- 7 1 IN IP4 192.0.2.1\ns=-\nc=" + std::string(c) + "\nt=0 0\n" + std::string(lines));
}

inline Answer answered(const Local& local, const Description& offer, const SessionState& state = {.id = 1}) {
  auto a = answer(local, offer, state);
  EXPECT_TRUE(a) << (a ? "" : a.error().message);
  return a ? *a : Answer{};
}

inline Negotiated concluded(const Local& local, const Description& ours, const Description& theirs) {
  auto n = conclude(local, ours, theirs);
  EXPECT_TRUE(n) << (n ? "" : n.error().message);
  return n ? *n : Negotiated{};
}

// "PCMU 0/0, opus 96/97": codec, the type they send us, the type we send them.
inline std::string payloads_of(const Local& local, const Negotiated& n) {
  std::string text;
  for (const AgreedPayload& p : n.payloads)
    text += (text.empty() ? "" : ", ") + local.codecs[p.codec].name + ' ' + std::to_string(p.receive_type) +
            '/' + std::to_string(p.send_type);
  return text;
}

inline std::string formats_of(const Media& m) {
  std::string text;
  for (const std::string& f : m.formats) text += (text.empty() ? "" : " ") + f;
  return text;
}

}  // namespace tandem::sdp
