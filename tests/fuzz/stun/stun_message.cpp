// Fuzz: STUN from strangers. What parses can be written again with the same meaning; our end of ICE answers
// within its bounds and lets nobody in who does not know the password.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "core/stun/ice_lite.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes(data, data + size);  // exactly as long: ASan sees one byte too far
  stun::IceLite ice({{"evtj", "VOkJxbRl1RmTxUk/WvJxBt"}, "h6vY"});
  const Address source = *Address::parse("192.0.2.1", 4000);
  std::uint8_t answer[stun::IceLite::kAnswerBytesMax];
  const auto outcome = ice.on_datagram(bytes, source, stun::Component::rtp, TimePoint(seconds(5)), answer);
  if (outcome.answer_bytes > sizeof answer) std::abort();
  stun::Message read;
  const stun::ParseVerdict verdict = stun::parse(bytes, read);
  const bool known = outcome.verdict == stun::IceLite::Verdict::answered;
  if (!known && outcome.answer_bytes > size) std::abort();
  if (known && !read.authentic("VOkJxbRl1RmTxUk/WvJxBt")) std::abort();
  if (!known && (outcome.selected || ice.admits(source, stun::Component::rtp, TimePoint(seconds(5)))))
    std::abort();
  if (outcome.answer_bytes != 0) {
    stun::Message said;
    if (stun::parse({answer, outcome.answer_bytes}, said) != stun::ParseVerdict::ok) std::abort();
    if (said.transaction != read.transaction) std::abort();
  }
  if (verdict != stun::ParseVerdict::ok) return 0;
  (void)read.authentic("password");
  std::vector<std::uint8_t> out(2048);
  stun::Writer writer(out, read.kind, read.method, read.transaction);
  if (read.has_username) writer.username(read.username);
  if (read.priority) writer.priority(*read.priority);
  if (read.mapped.valid()) writer.mapped(read.mapped);
  if (read.use_candidate) writer.use_candidate();
  writer.integrity("password");
  writer.fingerprint();
  stun::Message again;
  if (stun::parse({out.data(), writer.bytes()}, again) != stun::ParseVerdict::ok) std::abort();
  if (again.kind != read.kind || again.method != read.method || again.username != read.username ||
      again.priority != read.priority || !again.authentic("password"))
    std::abort();
  return 0;
}
