// Payloads of any bytes through the codecs of plugins/g729.
#include "tests/fuzz/codec_payloads.hpp"

extern "C" const td_plugin* tandem_plugin_g729(void);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return tandem::fuzz::codec_payloads(tandem_plugin_g729(), data, size);
}
