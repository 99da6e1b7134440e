// What reading and answering an offer costs, beside the floor: walking the same bytes line by line with
// memchr. Two offers: a PBX's (Asterisk, 308 bytes) and a soft phone's with video (Linphone, 781 bytes).
// bytes).
#include <benchmark/benchmark.h>

#include <cstring>

#include "core/sdp/negotiate.hpp"
#include "tests/sdp/samples.hpp"

namespace tandem::sdp {
namespace {

std::string offer_text(const benchmark::State& state) {
  return samples::with_crlf(state.range(0) == 0 ? samples::kAsterisk : samples::kLinphone);
}

Local our_side() {
  Local local;
  local.rtp = *Address::parse("198.51.100.1", 20'000);
  local.codecs = {{"PCMU", 8'000, 1, 0, "", nullptr},
                  {"PCMA", 8'000, 1, 8, "", nullptr},
                  {"opus", 48'000, 2, -1, "useinbandfec=1", nullptr}};
  return local;
}

void count_bytes(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void LineWalk(benchmark::State& state) {
  const std::string text = offer_text(state);
  for (auto _ : state) {
    std::size_t lines = 0;
    const char* at = text.data();
    const char* end = at + text.size();
    while (const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at))) {
      at = static_cast<const char*>(found) + 1;
      benchmark::DoNotOptimize(++lines);
    }
  }
  count_bytes(state, text);
}
BENCHMARK(LineWalk)->Arg(0)->Arg(1);

void Parse(benchmark::State& state) {
  const std::string text = offer_text(state);
  for (auto _ : state) {
    auto d = parse(text);
    benchmark::DoNotOptimize(d);
  }
  count_bytes(state, text);
}
BENCHMARK(Parse)->Arg(0)->Arg(1);

void AnswerParsed(benchmark::State& state) {
  const Description offer = *parse(offer_text(state));
  const Local local = our_side();
  const SessionState session{.id = 1};
  for (auto _ : state) {
    auto a = answer(local, offer, session);
    benchmark::DoNotOptimize(a);
  }
}
BENCHMARK(AnswerParsed)->Arg(0)->Arg(1);

// All that a call does: text in, text out.
void ParseAnswerPrint(benchmark::State& state) {
  const std::string text = offer_text(state);
  const Local local = our_side();
  const SessionState session{.id = 1};
  for (auto _ : state) {
    auto offer = parse(text);
    auto a = answer(local, *offer, session);
    std::string reply = print(a->description);
    benchmark::DoNotOptimize(reply);
  }
  count_bytes(state, text);
}
BENCHMARK(ParseAnswerPrint)->Arg(0)->Arg(1);

void MakeOfferPrint(benchmark::State& state) {
  const Local local = our_side();
  const SessionState session{.id = 1};
  for (auto _ : state) {
    std::string text = print(make_offer(local, session));
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(MakeOfferPrint);

// The worst that is read at all: 1,000 lines in 64 KB.
void ParseWorst(benchmark::State& state) {
  std::string text = "v=0\r\nm=audio 4 RTP/AVP 0\r\n";
  for (std::size_t i = 0; i < kAttributesMax; ++i) text += "a=" + std::string(120, 'x') + "\r\n";
  while (text.size() < kTextBytesMax - 2) text += "\n";
  text.resize(kTextBytesMax);
  std::size_t lines = 0;
  for (char& c : text)
    if (c == '\n' && ++lines > kLinesMax - 1) c = ' ';
  if (!parse(text)) state.SkipWithError("the text is not read");
  for (auto _ : state) {
    auto d = parse(text);
    benchmark::DoNotOptimize(d);
  }
  count_bytes(state, text);
}
BENCHMARK(ParseWorst);

}  // namespace
}  // namespace tandem::sdp
