// Any bytes as the headers that decide who may ask, and as the plugin's options. Held true: what is taken out
// of a text lies inside it, a request is granted only by a token that it bears, and refused options say why.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/access.hpp"
#include "http/options.hpp"

namespace {

using namespace tandem::http;

void require(bool held) {
  if (!held) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  require(inside(bearer_of(text), text));
  require(inside(bearer_of_protocols(text), text));
  const std::string_view head = text.substr(0, size / 2), tail = text.substr(size / 2);
  static const Access open({}), closed({{"a-token-of-16-chars", "red"}});
  std::string tenant;
  const auto verdict = closed.judge({head, tail, head, tail}, tenant);
  if (verdict == Access::Verdict::granted) {
    require(tenant == "red" && text.find("a-token-of-16-chars") != std::string_view::npos);
  }
  if (open.judge({head, tail, head, tail}, tenant) == Access::Verdict::granted) {
    require(head.empty() || is_loopback_host(head));
    require(tail.empty() || same_origin(tail, head));
  }
  Listen listen;
  if (parse_listen(text, listen))
    require(listen.port >= 0 && listen.port <= 65'535 && !listen.address.empty());
  Options options;
  std::string error;
  if (parse_options(text, options, error)) {
    for (const Listen& one : options.listen) require(one.loopback() || !options.tokens.empty());
  } else {
    require(!error.empty());
  }
  return 0;
}
