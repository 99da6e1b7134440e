// See fmtp.hpp.
#include "amr/fmtp.hpp"

#include "tandem/sdk_codec.hpp"

namespace tandem::amr {
namespace {

bool on(std::string_view text, std::string_view name) {
  return sdk::fmtp_number(text, name, 0, 100).value_or(0) != 0;
}

// "0,2,4,7"
std::uint16_t modes_of(std::string_view list, unsigned highest) {
  std::uint16_t modes = 0;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view one = sdk::trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    if (one.size() == 1 && one[0] >= '0' && one[0] <= static_cast<char>('0' + highest))
      modes = static_cast<std::uint16_t>(modes | 1u << (one[0] - '0'));
  }
  return modes;
}

}  // namespace

Fmtp parse_fmtp(std::string_view text, unsigned highest) {
  Fmtp fmtp;
  fmtp.octet_align = on(text, "octet-align");
  const auto all = static_cast<std::uint16_t>((1u << (highest + 1)) - 1);
  fmtp.modes = modes_of(sdk::fmtp_value(text, "mode-set").value_or(""), highest);
  if (fmtp.modes == 0) fmtp.modes = all;
  fmtp.change_period = sdk::fmtp_number(text, "mode-change-period", 1, 2).value_or(1);
  fmtp.change_neighbor = on(text, "mode-change-neighbor");
  fmtp.unsupported = on(text, "crc") || on(text, "robust-sorting") || on(text, "interleaving") ||
                     sdk::fmtp_number(text, "channels", 1, 100).value_or(1) != 1;
  return fmtp;
}

std::string answer(std::string_view ours, std::string_view theirs) {
  std::string said = on(theirs, "octet-align") ? "octet-align=1" : "";
  for (const char* name : {"mode-set", "mode-change-period", "mode-change-neighbor"}) {
    auto value = sdk::fmtp_value(theirs, name);
    if (!value) value = sdk::fmtp_value(ours, name);
    if (!value || value->size() > 32) continue;
    if (!said.empty()) said += ';';
    said += std::string(name) + "=" + std::string(*value);
  }
  return said;
}

}  // namespace tandem::amr
