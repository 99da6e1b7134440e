// a=crypto (crypto.hpp). Source: RFC 4568 6, 9.1; RFC 6188 and 7714 for the suites.
#include "core/sdp/crypto.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.hpp"
#include "core/sdp/payloads.hpp"

namespace tandem::sdp {
namespace {

constexpr std::uint32_t kTagMax = 999'999'999;
constexpr unsigned kLifetimeLogMax = 48;  // 2^48 packets (RFC 3711 9.2)

Error invalid(const std::string& message) { return {ErrorCode::invalid, "a=crypto: " + message}; }
Error unusable(const std::string& message) { return {ErrorCode::unsupported, "a=crypto: " + message}; }

// "2^20" or "1048576".
std::optional<std::uint64_t> read_lifetime(std::string_view text) {
  if (text.starts_with("2^")) {
    const auto log = number<unsigned>(text.substr(2), 0, kLifetimeLogMax);
    return log ? std::optional(std::uint64_t{1} << *log) : std::nullopt;
  }
  return number<std::uint64_t>(text, 1, std::uint64_t{1} << kLifetimeLogMax);
}

// The key's name as packets carry it: the number, highest byte first, in so many bytes.
std::string mki_bytes(std::uint64_t value, std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < std::min<std::size_t>(8, length); ++i)
    bytes[length - 1 - i] = static_cast<char>(value >> (8 * i) & 0xFFu);
  return bytes;
}

std::uint64_t mki_value(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

// "inline:KEY[|LIFETIME][|MKI:LENGTH]"
Result<CryptoLine> read_key(srtp::Suite suite, std::string_view text) {
  constexpr std::string_view kInline = "inline:";
  if (text.size() < kInline.size() || !same_name(text.substr(0, kInline.size()), kInline))
    return invalid("expected inline: and a key");
  text.remove_prefix(kInline.size());
  const std::size_t bar = text.find('|');
  auto key = srtp::Key::from_base64(suite, text.substr(0, bar));
  if (!key) return invalid(key.error().message);
  CryptoLine line{1, {}, {*key}, 0};
  if (bar == std::string_view::npos) return line;
  text.remove_prefix(bar + 1);
  const std::string_view first = text.substr(0, text.find('|'));
  if (first.find(':') == std::string_view::npos) {
    const auto lifetime = read_lifetime(first);
    if (!lifetime) return invalid("expected a lifetime from 1 to 2^48 packets");
    line.lifetime = *lifetime;
    if (first.size() == text.size()) return line;
    text.remove_prefix(first.size() + 1);
  }
  const std::size_t colon = text.find(':');
  const bool both = colon != std::string_view::npos;
  const std::size_t length = both ? number<std::size_t>(text.substr(colon + 1)).value_or(0) : 0;
  const std::uint64_t value = number<std::uint64_t>(text.substr(0, both ? colon : 0)).value_or(0);
  const bool digits =
      both && colon != 0 && text.substr(0, colon).find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || length < 1 || length > srtp::kMkiBytesMax || (length < 8 && value >> (8 * length) != 0))
    return invalid("expected an MKI and its length in bytes, 1 to 128, after the key");
  line.protection.mki = mki_bytes(value, length);
  return line;
}

// One key, or several that a packet's MKI tells apart (RFC 4568 6.1): KEY;KEY;…
Result<CryptoLine> read_keys(srtp::Suite suite, std::string_view text) {
  const auto next = [&text] {
    const std::string_view one = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    return one;
  };
  const bool several = text.find(';') != std::string_view::npos;
  auto line = read_key(suite, next());
  if (!line || !several) return line;
  srtp::Protection& all = line->protection;
  const auto known = [&all](const std::string& mki) {
    return mki == all.mki || std::any_of(all.others.begin(), all.others.end(),
                                         [&](const srtp::NamedKey& one) { return one.mki == mki; });
  };
  do {
    auto one = read_key(suite, next());
    if (!one) return one;
    const std::string& mki = one->protection.mki;
    if (mki.empty() || mki.size() != all.mki.size() || known(mki))
      return invalid("several keys: expected an MKI of each, of one length and its own");
    if (all.others.size() + 1 == srtp::kKeysMax)
      return unusable(fmt::format("more than {} keys", srtp::kKeysMax));
    all.others.push_back({one->protection.key, mki});
  } while (!text.empty());
  return line;
}

Result<void> read_parameter(std::string_view word, srtp::Protection& into) {
  if (same_name(word, "UNENCRYPTED_SRTP")) {
    into.encrypt_rtp = false;
  } else if (same_name(word, "UNENCRYPTED_SRTCP")) {
    into.encrypt_rtcp = false;
  } else if (same_name(word, "UNAUTHENTICATED_SRTP")) {
    into.authenticate_rtp = false;
  } else if (word.starts_with("WSH=") || word.starts_with('-')) {
    // A hint at a window (ours is 128), and what the sender says may be passed over (RFC 4568 6.3.6, 6.3.7).
  } else {
    return unusable(fmt::format("the session parameter {}", printable(word, 24)));
  }
  return {};
}

bool allowed_by(const CryptoFlags& flags, const srtp::Protection& p) {
  return (p.encrypt_rtp || flags.unencrypted_srtp) && (p.encrypt_rtcp || flags.unencrypted_srtcp) &&
         (p.authenticate_rtp || flags.unauthenticated_srtp);
}

bool is_crypto(const Attribute& a) { return same_name(a.name, "crypto"); }

bool same_flags(const srtp::Protection& a, const srtp::Protection& b) {
  return a.encrypt_rtp == b.encrypt_rtp && a.encrypt_rtcp == b.encrypt_rtcp &&
         a.authenticate_rtp == b.authenticate_rtp;
}

const CryptoLine* line_of(std::span<const CryptoLine> lines, srtp::Suite suite) {
  for (const CryptoLine& line : lines)
    if (line.protection.key.suite() == suite) return &line;
  return nullptr;
}

}  // namespace

Result<CryptoLine> parse_crypto(std::string_view value) {
  std::string_view rest = value;
  const auto tag = number<std::uint32_t>(next_word(rest), 0, kTagMax);
  if (!tag) return invalid("expected a tag of one to nine digits");
  const std::string_view name = next_word(rest);
  const auto suite = srtp::suite_named(name);
  if (name.empty()) return invalid("expected a crypto suite");
  if (!suite) return unusable(fmt::format("the suite {}", printable(name)));
  auto line = read_keys(*suite, next_word(rest));
  if (!line) return line;
  line->tag = *tag;
  line->suite_name = name;
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest))
    if (auto read = read_parameter(word, line->protection); !read) return read.error();
  const srtp::Protection& p = line->protection;
  if (srtp::facts(*suite).aead && (!p.encrypt_rtp || !p.encrypt_rtcp || !p.authenticate_rtp))
    return unusable("an AEAD suite without encryption or authentication");
  return line;
}

std::string print_crypto(const CryptoLine& line, const CryptoWriting& writing) {
  const srtp::Protection& p = line.protection;
  std::string text = fmt::format("{} {} inline:", line.tag, line.suite_name);
  const auto add_key = [&](const srtp::Key& key) {
    text += key.to_base64();
    while (!writing.padded && text.back() == '=') text.pop_back();
    if (writing.lifetime) text += "|2^31";
  };
  add_key(p.key);
  const auto add_mki = [&text](const std::string& mki) {
    if (!mki.empty()) text += fmt::format("|{}:{}", mki_value(mki), mki.size());
  };
  add_mki(p.mki);
  for (const srtp::NamedKey& one : p.others) {
    text += ";inline:";
    add_key(one.key);
    add_mki(one.mki);
  }
  if (!p.encrypt_rtp) text += " UNENCRYPTED_SRTP";
  if (!p.encrypt_rtcp) text += " UNENCRYPTED_SRTCP";
  if (!p.authenticate_rtp) text += " UNAUTHENTICATED_SRTP";
  return text;
}

CryptoRead crypto_lines(const Media& media, const CryptoFlags& allowed) {
  CryptoRead read;
  std::size_t seen = 0;
  const auto pass_over = [&](const std::string& why) {
    if (read.problem.empty()) read.problem = why;
  };
  for (const Attribute& a : media.attributes) {
    if (!is_crypto(a)) continue;
    if (++seen > kCryptoLinesMax) break;
    auto line = parse_crypto(a.value.value_or(""));
    if (!line) {
      pass_over(line.error().message);
    } else if (!allowed_by(allowed, line->protection)) {
      pass_over("a=crypto: without encryption or authentication");
    } else {
      read.lines.push_back(std::move(*line));
    }
  }
  return read;
}

bool has_crypto(const Media& media) {
  return std::any_of(media.attributes.begin(), media.attributes.end(), is_crypto);
}

std::vector<CryptoLine> make_crypto_lines(std::span<const srtp::Suite> suites, const CryptoFlags& flags) {
  std::vector<CryptoLine> lines;
  for (const srtp::Suite suite : suites) {
    const srtp::SuiteFacts& facts = srtp::facts(suite);
    CryptoLine line{static_cast<std::uint32_t>(lines.size() + 1), facts.name, {srtp::Key::random(suite)}, 0};
    if (!facts.aead) {
      line.protection.encrypt_rtp = !flags.unencrypted_srtp;
      line.protection.encrypt_rtcp = !flags.unencrypted_srtcp;
      line.protection.authenticate_rtp = !flags.unauthenticated_srtp;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

const CryptoLine* choose_crypto(std::span<const CryptoLine> theirs, std::span<const CryptoLine> ours,
                                bool ours_first) {
  if (ours_first) {
    for (const CryptoLine& line : ours)
      if (const CryptoLine* found = line_of(theirs, line.protection.key.suite())) return found;
    return nullptr;
  }
  for (const CryptoLine& line : theirs)
    if (line_of(ours, line.protection.key.suite()) != nullptr) return &line;
  return nullptr;
}

std::optional<CryptoLine> answer_line(const CryptoLine& chosen, std::span<const CryptoLine> ours) {
  const CryptoLine* with = line_of(ours, chosen.protection.key.suite());
  if (with == nullptr) return std::nullopt;
  CryptoLine line = chosen;
  line.lifetime = 0;
  line.protection.key = with->protection.key;
  line.protection.others.clear();
  return line;
}

Result<CryptoPair> match_crypto(std::span<const CryptoLine> offered, const Media& answer,
                                const CryptoFlags& allowed) {
  const CryptoRead read = crypto_lines(answer, allowed);
  if (read.lines.empty()) return unusable(read.problem.empty() ? "the answer has none" : read.problem);
  const CryptoLine& theirs = read.lines.front();
  for (const CryptoLine& ours : offered) {
    if (ours.tag != theirs.tag || ours.protection.key.suite() != theirs.protection.key.suite()) continue;
    CryptoPair pair{ours.tag, ours.protection, theirs.protection};
    if (!same_flags(ours.protection,
                    theirs.protection)) {  // negotiated: both sides do the same (RFC 4568 6.3)
      pair.send.encrypt_rtp = theirs.protection.encrypt_rtp;
      pair.send.encrypt_rtcp = theirs.protection.encrypt_rtcp;
      pair.send.authenticate_rtp = theirs.protection.authenticate_rtp;
    }
    return pair;
  }
  return invalid(
      fmt::format("the answer's tag {} with {} was not offered", theirs.tag, printable(theirs.suite_name)));
}

void set_crypto(Media& media, std::span<const CryptoLine> lines) {
  std::erase_if(media.attributes, is_crypto);
  for (const CryptoLine& line : lines) media.attributes.push_back({"crypto", print_crypto(line)});
}

bool is_secure(std::string_view proto) { return !same_name(plain_profile(proto), proto); }

std::string secure_profile(std::string_view proto) {
  if (same_name(proto, "RTP/AVP")) return "RTP/SAVP";
  if (same_name(proto, "RTP/AVPF")) return "RTP/SAVPF";
  return std::string(proto);
}

std::string plain_profile(std::string_view proto) {
  if (same_name(proto, "RTP/SAVP")) return "RTP/AVP";
  if (same_name(proto, "RTP/SAVPF")) return "RTP/AVPF";
  return std::string(proto);
}

void wipe_crypto(Description& description) {
  for (Media& m : description.media)
    for (Attribute& a : m.attributes)
      if (is_crypto(a) && a.value) srtp::wipe(*a.value);
}

std::string without_keys(std::string_view sdp) {
  std::string out;
  out.reserve(sdp.size());
  while (!sdp.empty()) {
    const std::size_t size = std::min(sdp.find('\n'), sdp.size() - 1) + 1;
    std::string_view line = sdp.substr(0, size);
    sdp.remove_prefix(size);
    if (line.starts_with("k=")) {
      out += "k=…\r\n";
      continue;
    }
    if (line.size() < 9 || !same_name(line.substr(0, 9), "a=crypto:")) {
      out += line;
      continue;
    }
    // Whatever the line looks like, only tag and suite are shown: what is no key by the grammar may still be
    // one.
    std::string_view rest = line.substr(9);
    while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r')) rest.remove_suffix(1);
    const std::string_view tag = next_word(rest), suite = next_word(rest);
    const bool plain =
        number<std::uint32_t>(tag, 0, kTagMax).has_value() && srtp::suite_named(suite).has_value();
    out += plain ? fmt::format("a=crypto:{} {} …\r\n", tag, suite) : std::string("a=crypto:…\r\n");
  }
  return out;
}

}  // namespace tandem::sdp
