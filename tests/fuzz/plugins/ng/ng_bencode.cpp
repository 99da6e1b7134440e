// Any bytes as bencode and as JSON: no crash, bounded, and what was read is written and read back the same.
#include <cstdlib>
#include <string_view>

#include "ng/bencode.hpp"
#include "ng/sockets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::ng;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Value value, back;
  std::string error;
  if (decode_bencode(text, value, error)) {
    if (!decode_bencode(encode_bencode(value), back, error) || back != value) std::abort();
  } else if (error.empty()) {
    std::abort();
  }
  (void)decode_json(text, value, error);
  std::size_t end = 0;
  if (MessageEnd::find(text, end) == MessageEnd::Verdict::complete && (end == 0 || end > size)) std::abort();
  std::string bytes(text);
  const std::string before = bytes;
  if (to_utf8(bytes)) {
    to_bytes(bytes);
    if (bytes != before) std::abort();
  }
  return 0;
}
