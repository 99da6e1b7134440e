// Any bytes through every built-in decoder: never past the output, never a crash.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/codec/coder.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"

namespace {

void decode(const td_codec* codec, const std::vector<std::uint8_t>& payload, std::size_t samples) {
  using namespace tandem::codec;
  auto decoder = Decoder::create(codec, {});
  std::vector<std::int16_t> pcm(samples * codec->channels), mono(samples);
  const int most = static_cast<int>(samples);
  const std::uint32_t ticks = payload_ticks(*codec, payload);
  const int made = decoder->decode(payload, pcm);
  if (made > most || (made > 0 && static_cast<std::uint32_t>(made) != ticks_to_samples(*codec, ticks)))
    std::abort();
  if (decoder->decode_mono(payload, mono) > most) std::abort();
  if (decoder->conceal_mono(mono) > most || decoder->recover_mono(payload, mono) > most) std::abort();
  if (ticks > payload.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::codec;
  if (size < 1) return 0;
  const std::vector<std::uint8_t> payload(data + 1, data + size);
  for (const td_codec* codec : {pcmu(), pcma()}) decode(codec, payload, data[0] * 4u);
  for (const td_codec* codec : l16_all()) decode(codec, payload, data[0] * 4u);
  return 0;
}
