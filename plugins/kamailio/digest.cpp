// Digest responses; see digest.hpp.
#include "kamailio/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdio>

namespace tandem::kamailio {
namespace {

bool is_sess(DigestAlgorithm a) {
  return a == DigestAlgorithm::md5_sess || a == DigestAlgorithm::sha256_sess;
}
bool is_sha(DigestAlgorithm a) { return a == DigestAlgorithm::sha256 || a == DigestAlgorithm::sha256_sess; }

const char* name_of(DigestAlgorithm a) {
  switch (a) {
    case DigestAlgorithm::md5: return "MD5";
    case DigestAlgorithm::md5_sess: return "MD5-sess";
    case DigestAlgorithm::sha256: return "SHA-256";
    case DigestAlgorithm::sha256_sess: return "SHA-256-sess";
  }
  return "MD5";
}

// The parameters of a challenge are a comma list, those of sip.hpp a semicolon list.
std::string field(const std::vector<std::string>& items, std::string_view name) {
  for (const std::string& item : items) {
    if (has_param(item, name)) return param(item, name);
  }
  return {};
}

}  // namespace

std::string hex_digest(DigestAlgorithm algorithm, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), hash.data(), &size, is_sha(algorithm) ? EVP_sha256() : EVP_md5(),
                 nullptr) != 1) {
    return {};
  }
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += kHex[hash[i] >> 4];
    out += kHex[hash[i] & 15];
  }
  return out;
}

std::optional<Challenge> parse_challenge(std::string_view value, bool proxy) {
  value = trim(value);
  if (value.size() < 7 || value.size() > 4096 || !same_text(value.substr(0, 7), "Digest "))
    return std::nullopt;
  const std::vector<std::string> items = split_list(value.substr(7));
  Challenge out;
  out.proxy = proxy;
  out.realm = field(items, "realm");
  out.nonce = field(items, "nonce");
  out.opaque = field(items, "opaque");
  out.stale = same_text(field(items, "stale"), "true");
  if (out.nonce.empty()) return std::nullopt;
  const std::string algorithm = field(items, "algorithm");
  if (algorithm.empty() || same_text(algorithm, "MD5")) {
    out.algorithm = DigestAlgorithm::md5;
  } else if (same_text(algorithm, "MD5-sess")) {
    out.algorithm = DigestAlgorithm::md5_sess;
  } else if (same_text(algorithm, "SHA-256")) {
    out.algorithm = DigestAlgorithm::sha256;
  } else if (same_text(algorithm, "SHA-256-sess")) {
    out.algorithm = DigestAlgorithm::sha256_sess;
  } else {
    return std::nullopt;
  }
  const std::string qop = field(items, "qop");
  for (const std::string& choice : split_list(qop)) out.qop_auth = out.qop_auth || same_text(choice, "auth");
  if (!qop.empty() && !out.qop_auth) return std::nullopt;  // auth-int only
  return out;
}

std::optional<Challenge> best_challenge(const HeaderList& headers) {
  std::optional<Challenge> best;
  for (const auto& [name, value] : headers) {
    const bool proxy = same_text(name, "Proxy-Authenticate");
    if (!proxy && !same_text(name, "WWW-Authenticate")) continue;
    const auto challenge = parse_challenge(value, proxy);
    if (challenge && (!best || (is_sha(challenge->algorithm) && !is_sha(best->algorithm)))) best = challenge;
  }
  return best;
}

std::string authorization(Challenge& challenge, const Credentials& who, std::string_view method,
                          std::string_view uri, std::string_view cnonce) {
  const DigestAlgorithm a = challenge.algorithm;
  const std::string nonce = challenge.nonce, c(cnonce);
  char nc[9];
  std::snprintf(nc, sizeof nc, "%08x", ++challenge.count);
  // RFC 7616 §3.4.1 to §3.4.3
  std::string ha1 = hex_digest(a, who.user + ":" + challenge.realm + ":" + who.password);
  if (is_sess(a)) ha1 = hex_digest(a, ha1 + ":" + nonce + ":" + c);
  const std::string ha2 = hex_digest(a, std::string(method) + ":" + std::string(uri));
  const std::string response = challenge.qop_auth
                                   ? hex_digest(a, ha1 + ":" + nonce + ":" + nc + ":" + c + ":auth:" + ha2)
                                   : hex_digest(a, ha1 + ":" + nonce + ":" + ha2);
  std::string out = challenge.proxy ? "Proxy-Authorization: Digest " : "Authorization: Digest ";
  const auto quoted = [](std::string_view name, const std::string& value) {
    std::string escaped;
    for (const char ch : clean(value)) {
      if (ch == '"' || ch == '\\') escaped += '\\';
      escaped += ch;
    }
    return std::string(name) + "=\"" + escaped + "\"";
  };
  out +=
      quoted("username", who.user) + ", " + quoted("realm", challenge.realm) + ", " + quoted("nonce", nonce);
  out += ", " + quoted("uri", std::string(uri)) + ", response=\"" + response + "\"";
  out += std::string(", algorithm=") + name_of(a);
  if (!challenge.opaque.empty()) out += ", " + quoted("opaque", challenge.opaque);
  if (challenge.qop_auth || is_sess(a)) out += ", " + quoted("cnonce", c);
  if (challenge.qop_auth) out += std::string(", qop=auth, nc=") + nc;
  return out + "\r\n";
}

}  // namespace tandem::kamailio
