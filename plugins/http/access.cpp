// Header values to a verdict.
#include "http/access.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>

namespace tandem::http {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equal_nocase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::array<unsigned char, 32> digest_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace

std::string_view bearer_of(std::string_view authorization) {
  authorization = trim(authorization);
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size() ||
      !equal_nocase(authorization.substr(0, kScheme.size()), kScheme))
    return {};
  return trim(authorization.substr(kScheme.size()));
}

std::string_view bearer_of_protocols(std::string_view list) {
  constexpr std::string_view kPrefix = "bearer.";
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = trim(list.substr(0, comma));
    if (item.starts_with(kPrefix)) return item.substr(kPrefix.size());
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return {};
}

bool is_loopback_host(std::string_view host) {
  host = trim(host);
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end != std::string_view::npos && host.substr(1, end - 1) == "::1";
  }
  host = host.substr(0, host.find(':'));
  if (equal_nocase(host, "localhost")) return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool same_origin(std::string_view origin, std::string_view host) {
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && equal_nocase(trim(origin.substr(scheme + 3)), trim(host));
}

Access::Access(const std::vector<Token>& tokens) {
  for (const Token& token : tokens) known_.push_back({digest_of(token.token), token.tenant});
}

Access::Verdict Access::judge(const Request& request, std::string& tenant) const {
  if (known_.empty()) {
    const bool foreign = !request.host.empty() && !is_loopback_host(request.host);
    const bool sent = !request.origin.empty() && !same_origin(request.origin, request.host);
    if (foreign || sent) return Verdict::foreign_page;
    tenant.clear();
    return Verdict::granted;
  }
  std::string_view given = bearer_of(request.authorization);
  if (given.empty()) given = bearer_of_protocols(request.protocols);
  if (given.empty()) return Verdict::no_token;
  const auto digest = digest_of(given);
  const Known* match = nullptr;
  for (const Known& known : known_) {  // all of them, so that time does not tell which
    if (CRYPTO_memcmp(known.digest.data(), digest.data(), digest.size()) == 0) match = &known;
  }
  if (match == nullptr) return Verdict::wrong_token;
  tenant = match->tenant;
  return Verdict::granted;
}

}  // namespace tandem::http
