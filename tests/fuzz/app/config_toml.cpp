// Fuzz: the configuration file, as any bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/app/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto out = tandem::app::parse_config({reinterpret_cast<const char*>(data), size});
  for (const auto& error : out.errors) (void)error.text("x");
  return 0;
}
