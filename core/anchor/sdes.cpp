#include "core/anchor/sdes.hpp"

#include <algorithm>

namespace tandem::anchor {
namespace {

using Names = std::vector<std::string>;

// Where the suite stands in the list; its end: nowhere.
std::size_t rank_in(const Names& names, srtp::Suite suite) {
  const auto found = std::find_if(names.begin(), names.end(), [suite](const std::string& name) {
    return srtp::suite_named(name) == suite;
  });
  return static_cast<std::size_t>(found - names.begin());
}
bool is_in(const Names& names, srtp::Suite suite) { return rank_in(names, suite) != names.size(); }

bool is_excluded(srtp::Suite suite, const Options& options) {
  if (!options.srtp_only.empty()) return !is_in(options.srtp_only, suite);
  return is_in(options.srtp_without, suite);
}

const sdp::CryptoLine* of_suite(std::span<const sdp::CryptoLine> lines, srtp::Suite suite) {
  for (const sdp::CryptoLine& line : lines)
    if (line.protection.key.suite() == suite) return &line;
  return nullptr;
}

}  // namespace

sdp::CryptoFlags allowed_flags(const Options& options) {
  return {options.srtp_unencrypted, options.srtcp_unencrypted, options.srtp_unauthenticated};
}

sdp::CryptoFlags flags_of(std::span<const sdp::CryptoLine> lines) {
  sdp::CryptoFlags out;
  for (const sdp::CryptoLine& line : lines) {
    out.unencrypted_srtp = out.unencrypted_srtp || !line.protection.encrypt_rtp;
    out.unencrypted_srtcp = out.unencrypted_srtcp || !line.protection.encrypt_rtcp;
    out.unauthenticated_srtp = out.unauthenticated_srtp || !line.protection.authenticate_rtp;
  }
  return out;
}

std::optional<sdp::CryptoLine> choose_offered(std::span<const sdp::CryptoLine> theirs,
                                              const Options& options) {
  for (const std::string& name : options.srtp_prefer)
    for (const sdp::CryptoLine& line : theirs)
      if (srtp::suite_named(name) == line.protection.key.suite()) return line;
  for (const sdp::CryptoLine& line : theirs)
    if (options.srtp_keep_offered || !is_excluded(line.protection.key.suite(), options)) return line;
  return theirs.empty() ? std::nullopt : std::optional(theirs.front());
}

std::vector<sdp::CryptoLine> lines_to_offer(std::span<const sdp::CryptoLine> before,
                                            std::span<const sdp::CryptoLine> offered,
                                            const Options& options) {
  std::vector<srtp::Suite> suites;
  if (options.srtp_keep_offered) {
    for (const sdp::CryptoLine& line : offered)
      if (std::find(suites.begin(), suites.end(), line.protection.key.suite()) == suites.end())
        suites.push_back(line.protection.key.suite());
  } else {
    for (const srtp::SuiteFacts& facts : srtp::suites())
      if (!is_excluded(facts.suite, options)) suites.push_back(facts.suite);
  }
  std::vector<sdp::CryptoLine> out = sdp::make_crypto_lines(suites, allowed_flags(options));
  for (sdp::CryptoLine& line : out)
    if (const sdp::CryptoLine* known = of_suite(before, line.protection.key.suite()))
      line.protection.key = known->protection.key;
  std::stable_sort(out.begin(), out.end(), [&](const sdp::CryptoLine& a, const sdp::CryptoLine& b) {
    return rank_in(options.srtp_order, a.protection.key.suite()) <
           rank_in(options.srtp_order, b.protection.key.suite());
  });
  return out;
}

std::string crypto_line(const sdp::CryptoLine& line, const Options& options) {
  return "a=crypto:" + sdp::print_crypto(line, {options.srtp_padded, options.srtp_lifetime});
}

// ---- keys of a line

Result<std::vector<std::string>> offer_keys(Line& line, std::span<const sdp::CryptoLine> offered,
                                            const Options& options) {
  line.keys = lines_to_offer(line.keys, offered, options);
  if (line.keys.empty()) return Error{ErrorCode::unsupported, "SDES: no crypto suite is left to offer"};
  std::vector<std::string> out;
  for (const sdp::CryptoLine& key : line.keys) out.push_back(crypto_line(key, options));
  return out;
}

Result<std::string> answer_key(const sdp::CryptoLine& theirs, Line& line,
                               std::optional<media::SrtpConfig>& config, const Options& options) {
  auto ours = sdp::answer_line(theirs, line.keys);
  if (!ours) {
    const srtp::Suite suite = theirs.protection.key.suite();
    ours = sdp::answer_line(theirs, line.answer_keys);
    if (!ours) line.answer_keys = sdp::make_crypto_lines({&suite, 1});
    if (!ours) ours = sdp::answer_line(theirs, line.answer_keys);
  }
  if (!ours) return Error{ErrorCode::internal, "SDES: no key of ours for the offered suite"};
  config = media::SrtpConfig{ours->protection, theirs.protection};
  return crypto_line(*ours, options);
}

Result<void> agree_keys(OfferedSection& section, Line& offerer, const Line& answerer, const sdp::Media& media,
                        std::vector<std::string>& crypto, media::LegConfig& answerer_config,
                        const Options& options) {
  if (section.secure_sent) {
    const auto pair = sdp::match_crypto(answerer.keys, media, flags_of(answerer.keys));
    if (!pair) return pair.error();
    answerer_config.srtp = media::SrtpConfig{pair->send, pair->receive};
  }
  section.offerer.srtp.reset();
  if (!section.crypto) return {};
  if (options.srtp_fixed && offerer.agreed.srtp)
    if (const auto* same = of_suite(section.cryptos, offerer.agreed.srtp->receive.key.suite()))
      section.crypto = *same;
  auto line = answer_key(*section.crypto, offerer, section.offerer.srtp, options);
  if (!line) return line.error();
  crypto.push_back(std::move(*line));
  return {};
}

}  // namespace tandem::anchor
