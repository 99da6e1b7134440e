// Access: who a request speaks for. With tokens, the bearer of one; without (loopback only), whoever asks,
// unless a browser was sent by a foreign page: then Host or Origin betray it (DNS rebinding, cross-site
// posts).
//
//   Authorization: Bearer TOKEN                     HTTP and WebSocket
//   Sec-WebSocket-Protocol: tandem, bearer.TOKEN    WebSocket from a browser, which can set no other header
//
// Thread: [any]; pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/options.hpp"

namespace tandem::http {

// The token of "Bearer TOKEN" (RFC 6750 section 2.1; the scheme's case does not matter), or empty.
std::string_view bearer_of(std::string_view authorization);
// The token of the first "bearer.TOKEN" in a comma list, or empty.
std::string_view bearer_of_protocols(std::string_view list);
// Whether a Host header names this machine by a loopback name or address.
bool is_loopback_host(std::string_view host);
// Whether an Origin ("http://localhost:3000") and a Host name the same authority.
bool same_origin(std::string_view origin, std::string_view host);

class Access {
 public:
  explicit Access(const std::vector<Token>& tokens);

  struct Request {
    std::string_view authorization, protocols, host, origin;
  };
  enum class Verdict { granted, no_token, wrong_token, foreign_page };
  // `tenant` is set when granted; empty is the operator.
  Verdict judge(const Request& request, std::string& tenant) const;

 private:
  struct Known {
    std::array<unsigned char, 32> digest;  // SHA-256: compared in constant time, whatever the lengths
    std::string tenant;
  };
  std::vector<Known> known_;
};

}  // namespace tandem::http
