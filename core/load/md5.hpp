// MD5 (RFC 1321), for nothing but the digest that SIP phones answer challenges with (RFC 2617). Thread:
// [any]; pure.
#pragma once

#include <string>
#include <string_view>

namespace tandem::load {

// 32 lower-case hexadecimal digits.
std::string md5_hex(std::string_view text);

}  // namespace tandem::load
