// Fuzz: the HTTP answer that the command line reads.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/app/rpc_client.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)tandem::app::http_body(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
