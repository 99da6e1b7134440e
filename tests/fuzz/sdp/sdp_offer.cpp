// Any bytes as the peer's SDP: parse, print, answer them as an offer and conclude with them as an answer.
// Held true whatever comes: print(parse(x)) is stable, an answer keeps the streams, their kinds and places,
// refers only to codecs we have and types the offer has, carries no byte that is not printable, and can be
// read back. It seeds itself: one mutation in sixteen starts from a sample of the tests. Breaches end the
// program, which is how libFuzzer hears of them. Thread: one.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include "core/sdp/negotiate.hpp"
#include "tests/sdp/samples.hpp"

using namespace tandem;
using namespace tandem::sdp;

namespace {

void require(bool held) {
  if (!held) std::abort();
}

int fits(td_str, td_str theirs) noexcept { return theirs.size % 2 == 0; }

Local our_side() {
  Local local;
  local.rtp = *Address::parse("198.51.100.1", 20'000);
  local.codecs = {{"PCMU", 8'000, 1, 0, "", nullptr},
                  {"PCMA", 8'000, 1, 8, "", nullptr},
                  {"opus", 48'000, 2, -1, "useinbandfec=1", fits},
                  {"telephone-event", 8'000, 1, -1, "", nullptr}};  // nonsense, and must be harmless
  return local;
}

void check(const Local& local, const Negotiated& n) {
  require(!n.payloads.empty() && n.payloads.size() <= local.codecs.size());
  for (const AgreedPayload& p : n.payloads)
    require(p.codec < local.codecs.size() && p.receive_type < 128 && p.send_type < 128);
  require(n.send_ptime_ms >= kPtimeMinMs && n.send_ptime_ms <= kPtimeMaxMs && n.send_ptime_ms % 10 == 0);
  require(!n.send || (n.remote_rtp.valid() && n.remote_rtp.port() != 0));
  require(n.direction == direction_from(n.send, n.receive));
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned int seed) {
  if (seed % 16 == 0) {
    const std::string text = samples::with_crlf(samples::kAll[seed / 16 % std::size(samples::kAll)].text);
    if (text.size() <= size_max) {
      std::memcpy(data, text.data(), text.size());
      size = text.size();
    }
  }
  return LLVMFuzzerMutate(data, size, size_max);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = parse({reinterpret_cast<const char*>(data), size});
  if (!read) {
    for (char c : read.error().message) require(c >= 0x20 && c <= 0x7e);
    return 0;
  }
  const std::string once = print(*read);
  const auto again = parse(once);
  // Lines that were missing are added by print(): only a limit may be passed by that.
  require(again ? print(*again) == once : again.error().code == ErrorCode::exhausted);

  const Local local = our_side();
  SessionState state{.id = 1};
  const Description offer = make_offer(local, state);
  if (const auto n = conclude(local, offer, *read)) check(local, *n);
  const auto a = answer(local, *read, state);
  if (!a) {
    require(sip_code(a.error()) == 488);
    return 0;
  }
  check(local, a->negotiated);
  require(a->description.media.size() == read->media.size());
  std::size_t live = 0;
  for (std::size_t i = 0; i < read->media.size(); ++i) {
    require(a->description.media[i].kind == read->media[i].kind);
    live += a->description.media[i].port != 0;
  }
  require(live == 1);
  const std::string reply = print(a->description);
  for (char c : reply) require((c >= 0x20 && c <= 0x7e) || c == '\r' || c == '\n');
  const auto back = parse(reply);
  require(back && *back == a->description);
  remember(state, a->description);
  require(answer(local, *read, state)->description == a->description);
  const Description next = make_offer(local, state);
  require(next.media.size() == a->description.media.size() && same_session(a->description, next));
  return 0;
}
