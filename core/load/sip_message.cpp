// SipDriver's reading of messages and answering of challenges.
#include <fmt/format.h>

#include <charconv>

#include "core/base/text.hpp"
#include "core/load/md5.hpp"
#include "core/load/sip_driver.hpp"

namespace tandem::load {
namespace {

bool is_header(std::string_view name, std::string_view long_name, char short_name) {
  return (name.size() == 1 && short_name != 0 && (name[0] | 0x20) == short_name) ||
         same_name(name, long_name);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

void take_header(std::string_view name, std::string_view value, SipMessage& out) {
  const auto first = [&](std::string& field) {
    if (field.empty()) field = std::string(value);
  };
  if (is_header(name, "Call-ID", 'i')) first(out.call_id);
  if (is_header(name, "To", 't')) first(out.to);
  if (is_header(name, "From", 'f')) first(out.from);
  if (is_header(name, "Contact", 'm')) first(out.contact);
  if (is_header(name, "CSeq", 0)) first(out.cseq);
  if (is_header(name, "Via", 'v')) out.vias.emplace_back(value);
  if (is_header(name, "WWW-Authenticate", 0) || is_header(name, "Proxy-Authenticate", 0)) {
    if (out.challenge.empty())
      out.challenge_header = (name[0] | 0x20) == 'w' ? "Authorization" : "Proxy-Authorization";
    first(out.challenge);
  }
  if (!is_header(name, "Record-Route", 0)) return;
  for (std::size_t at = 0; at < value.size();) {  // several may stand in one header
    const std::size_t end = std::min(value.find(',', value.find('>', at)), value.size());
    out.record_routes.emplace_back(trimmed(value.substr(at, end - at)));
    at = end + 1;
  }
}

std::string parameter(const std::string& challenge, const std::string& name) {
  for (std::size_t at = challenge.find(name + "="); at != challenge.npos;
       at = challenge.find(name + "=", at + 1)) {
    if (at > 0 && challenge[at - 1] != ' ' && challenge[at - 1] != ',') continue;
    at += name.size() + 1;
    if (at < challenge.size() && challenge[at] == '"')
      return challenge.substr(at + 1, challenge.find('"', at + 1) - at - 1);
    return challenge.substr(at, challenge.find_first_of(", ", at) - at);
  }
  return {};
}

}  // namespace

bool read_sip(std::string_view text, SipMessage& out) {
  const std::size_t head = std::min(text.find("\r\n\r\n"), text.size());
  if (head < text.size()) out.body = std::string(text.substr(head + 4));
  std::size_t at = std::min(text.find("\r\n"), head);
  const std::string_view first = text.substr(0, at);
  if (first.starts_with("SIP/2.0 ") && first.size() >= 11) {
    std::from_chars(first.data() + 8, first.data() + 11, out.status);
    if (out.status < 100 || out.status > 699) return false;
  } else {
    out.method = std::string(first.substr(0, first.find(' ')));
    if (!first.ends_with("SIP/2.0")) return false;
  }
  while (at + 2 < head) {
    const std::size_t end = std::min(text.find("\r\n", at + 2), head);
    const std::string_view line = text.substr(at + 2, end - at - 2);
    at = end;
    const std::size_t colon = line.find(':');
    if (colon != line.npos) take_header(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)), out);
  }
  return !out.call_id.empty() && !out.cseq.empty() && !out.vias.empty();
}

std::string digest_answer(const std::string& challenge, const SipAccount& account, const std::string& method,
                          const std::string& uri) {
  const std::string realm = parameter(challenge, "realm"), nonce = parameter(challenge, "nonce");
  const std::string algorithm = parameter(challenge, "algorithm"), opaque = parameter(challenge, "opaque");
  if (strncasecmp(challenge.c_str(), "Digest ", 7) != 0 || nonce.empty()) return {};
  if (!algorithm.empty() && !same_name(algorithm, "MD5")) return {};
  const std::string one = md5_hex(fmt::format("{}:{}:{}", account.user, realm, account.password));
  const std::string two = md5_hex(method + ":" + uri);
  std::string out = fmt::format("Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\"",
                                account.user, realm, nonce, uri);
  if (parameter(challenge, "qop").find("auth") != std::string::npos) {
    const std::string cnonce = md5_hex(nonce + uri).substr(0, 16);
    out += fmt::format(", qop=auth, nc=00000001, cnonce=\"{}\", response=\"{}\"", cnonce,
                       md5_hex(fmt::format("{}:{}:00000001:{}:auth:{}", one, nonce, cnonce, two)));
  } else {
    out += fmt::format(", response=\"{}\"", md5_hex(fmt::format("{}:{}:{}", one, nonce, two)));
  }
  if (!opaque.empty()) out += fmt::format(", opaque=\"{}\"", opaque);
  return out;
}

}  // namespace tandem::load
