// Single header values as phones write them: URIs, name-addr, lists, parameters, Reason, challenges, SDP in
// multipart.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kamailio/cause.hpp"
#include "kamailio/digest.hpp"
#include "kamailio/referral.hpp"
#include "kamailio/sip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::kamailio;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto uri = parse_uri(text)) (void)param(uri->params, "transport");
  if (const auto addr = parse_name_addr(text)) (void)param(addr->params, "tag");
  for (const std::string& item : split_list(text)) (void)has_param(item, "x");
  (void)parse_reason({{"Reason", std::string(text)}});
  if (auto challenge = parse_challenge(text, false))
    (void)authorization(*challenge, {"u", "p"}, "INVITE", "sip:a", "c");
  (void)sdp_of(text.substr(0, size / 2), text.substr(size / 2));
  (void)referral::parse_replaces(text);
  (void)address_uri(text, "u");
  const std::string safe = quotable(text);
  if (safe.find('\n') != std::string::npos || clean(text).find('\r') != std::string::npos) __builtin_trap();
  return 0;
}
