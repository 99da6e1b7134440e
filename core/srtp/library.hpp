// Library: libsrtp2, started once, with its AES and HMAC replaced by OpenSSL's.
//
// Debian builds libsrtp2 on NSS, which makes a new cipher context for every packet: 8 allocations, the
// token's locks and 2.6 us a packet. libsrtp2 lets its users replace ciphers (srtp_replace_cipher_type); ours
// allocate nothing after they are made and hold an EVP context each. Both sides' known-answer tests run at
// every start. What of SRTP does without libsrtp2: counter_mode.hpp.
//
// Thread: [control]. Internal to core/srtp; contexts call it.
#pragma once

#include "core/base/result.hpp"

namespace tandem::srtp {

// [control] Starts libsrtp2 on the first call; the outcome is remembered. libsrtp2 keeps its ciphers in a
// table of the process, so this is one of the process as well. Errors: internal (a self-test failed: which).
const Result<void>& start_library();

// [control] While it lives, this thread derives the session keys of AES_192 suites. libsrtp2 before 2.8 takes
// AES-256 for that, with a key of 24 bytes and zeros, which nobody else does (RFC 6188 3.1 wants AES-192).
class Deriving192 {
 public:
  explicit Deriving192(bool yes);
  ~Deriving192();
  Deriving192(const Deriving192&) = delete;
  Deriving192& operator=(const Deriving192&) = delete;
};

}  // namespace tandem::srtp
