// A run of payloads of any bytes through one decoder, with losses between them.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tandem/codec.h"

extern "C" const td_plugin* tandem_plugin_g722(void);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* codec = static_cast<const td_codec*>(tandem_plugin_g722()->interface(TD_CODEC_ID, 0));
  td_decoder* decoder = codec->create_decoder({nullptr, 0});
  if (decoder == nullptr) return 0;
  while (size >= 2) {
    const std::size_t bytes = data[0] < size - 2 ? data[0] : size - 2;
    const std::uint32_t capacity = data[1] * 12u;
    const std::vector<std::uint8_t> payload(data + 2, data + 2 + bytes);
    data += 2 + bytes, size -= 2 + bytes;
    std::vector<std::int16_t> pcm(capacity);
    const auto n = static_cast<std::uint32_t>(payload.size());
    if (codec->decode(decoder, payload.data(), n, pcm.data(), capacity) > static_cast<std::int32_t>(capacity))
      std::abort();
    if (codec->conceal(decoder, pcm.data(), capacity) > static_cast<std::int32_t>(capacity)) std::abort();
    (void)codec->payload_samples(payload.data(), n);
  }
  codec->destroy_decoder(decoder);
  return 0;
}
