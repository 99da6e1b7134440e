// Secrets: digest HA1s, PIN hashes, random passwords and ids; all of it OpenSSL. Thread: [any]; hash_pin and
// check_pin take tens of milliseconds by intent and belong on [io].
#pragma once

#include <string>
#include <string_view>

namespace tandem::store {

// MD5(user:realm:password) in lower-case hex: the HA1 of RFC 7616 section 3.4.2 for algorithm MD5, which is
// what phones speak. Throws Refusal (internal) when OpenSSL has no MD5.
std::string digest_ha1(std::string_view user, std::string_view realm, std::string_view password);

// "pbkdf2-sha256$ITERATIONS$SALT$HASH" (RFC 8018), a fresh 16-byte salt, hex.
std::string hash_pin(std::string_view pin, int iterations);

// Compares in constant time. False for a text that hash_pin did not make.
bool check_pin(std::string_view pin, std::string_view hash);

// `size` characters from a–z and 2–9 without look-alikes, all equally likely: 5 bits each.
std::string random_password(std::size_t size);
std::string random_digits(std::size_t size);

// "msg-" and 24 random hex digits.
std::string random_id(std::string_view prefix);

}  // namespace tandem::store
