// Any text as an a=crypto value: what is read prints and reads the same again, and its key never stands in an
// error or in an SDP that is shown.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/sdp/crypto.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = sdp::parse_crypto(text);
  if (line) {
    const std::string printed = sdp::print_crypto(*line);
    const auto again = sdp::parse_crypto(printed);
    if (!again || !(again->protection == line->protection) || again->tag != line->tag) std::abort();
    const std::string shown = sdp::without_keys("v=0\r\na=crypto:" + printed + "\r\n");
    if (shown.find(line->protection.key.to_base64()) != std::string::npos) std::abort();
  } else if (line.error().message.size() > 400) {
    std::abort();
  }
  sdp::Media media;
  media.attributes.push_back({"crypto", std::string(text)});
  media.attributes.push_back({"Crypto", std::nullopt});
  if (sdp::crypto_lines(media).lines.size() > 1) std::abort();
  (void)sdp::without_keys(text);
  return 0;
}
