// Any bytes through every built-in decoder: never past the output, never a crash.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::codec;
  if (size < 1) return 0;
  const std::vector<std::uint8_t> payload(data + 1, data + size);
  for (const td_codec* codec : {pcmu(), pcma(), l16_8000()}) {
    auto decoder = Decoder::create(codec, {});
    std::vector<std::int16_t> pcm(data[0] * 4u);
    const int samples = decoder->decode(payload, pcm);
    if (samples > static_cast<int>(pcm.size())) std::abort();
    if (payload_ticks(*codec, payload) > 2000) std::abort();
  }
  return 0;
}
