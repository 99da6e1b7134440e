// Digest access authentication, the client's side: our answer to a 401 or 407 (RFC 7616 and 8760; MD5 and
// SHA-256, plain and -sess, qop=auth or none). The server's side is Kamailio's.
// Thread: [any], pure. Passwords pass through and are not kept here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kamailio/sip.hpp"

namespace tandem::kamailio {

enum class DigestAlgorithm { md5, md5_sess, sha256, sha256_sess };

// One challenge that we can answer. A value, kept while its nonce is good.
struct Challenge {
  bool proxy = false;  // came as Proxy-Authenticate
  bool qop_auth = false;
  bool stale = false;
  DigestAlgorithm algorithm = DigestAlgorithm::md5;
  std::string realm, nonce, opaque;
  std::uint32_t count = 0;  // how often the nonce was used (nc)
};

// The text of one WWW-Authenticate or Proxy-Authenticate value; nothing when it is no Digest, has no nonce,
// or wants an algorithm or qop that we don't have.
std::optional<Challenge> parse_challenge(std::string_view value, bool proxy);
// The strongest answerable challenge among the headers of a 401 or 407: SHA-256 before MD5 (RFC 8760 §2.4).
std::optional<Challenge> best_challenge(const HeaderList& headers);

struct Credentials {
  std::string user, password;
};

// "Authorization: Digest …\r\n" (or Proxy-Authorization) for one request. Counts the nonce up. `cnonce` is
// random text.
std::string authorization(Challenge& challenge, const Credentials& who, std::string_view method,
                          std::string_view uri, std::string_view cnonce);

// Lower-case hex of MD5 or SHA-256 (OpenSSL EVP).
std::string hex_digest(DigestAlgorithm algorithm, std::string_view text);

}  // namespace tandem::kamailio
