// Identifiers that are unguessable and sortable by eye: a prefix and 16 random hex digits ("call-9f3c…").
// Thread: [any].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem {

// 64 bits from the kernel's generator (getrandom). Ends the program if the kernel has none.
std::uint64_t random_u64();

// Fills n bytes from the kernel's generator.
void random_bytes(void* out, std::size_t n);

// "<prefix>-" and 16 hex digits, or without a prefix the digits alone.
std::string make_id(std::string_view prefix = {});

// 32 hex digits for passwords and tokens.
std::string make_secret();

}  // namespace tandem
