// Crypto: a=crypto lines (SDES, RFC 4568) read, printed, and chosen from. Pure but for make_crypto_lines().
//
//   Media::attributes ──crypto_lines()──► [CryptoLine] ──choose_crypto()──► line + our key ──► a=crypto of
//   the answer suites ──make_crypto_lines()──► [CryptoLine] with fresh keys ──► a=crypto of an offer;  their
//   answer's tag picks
//
// negotiate.hpp does all of this for a call of ours. Who rewrites somebody else's SDP (the ng protocol) does
// it by hand, for each side of the call:
//   1. offer comes in:  crypto_lines(media, …) are the offerer's usable lines; keep the one you choose and
//   its tag.
//   2. offer goes out:  make_crypto_lines(suites, flags) once a call leg, kept for every later offer (new
//   keys only
//      when asked for); set_crypto(media, lines); Media::proto by secure_profile() / plain_profile().
//   3. answer comes in: match_crypto(ours, media) is the pair for the answerer's leg.
//   4. answer goes out: answer_line(chosen, our lines) with the offerer's tag; set_crypto(media, {that}).
//   Each side's media::LegConfig::srtp is { send: our Protection, receive: theirs }.
// Lines that cannot be used (unknown suites and parameters, several keys without names) are passed over, and
// crypto_lines() says why. Thread: [any].
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/sdp/description.hpp"
#include "core/srtp/key.hpp"

namespace tandem::sdp {

inline constexpr std::size_t kCryptoLinesMax = 32;  // read of one section; RFC 4568 has no limit

// One a=crypto line that can be used.
struct CryptoLine {
  std::uint32_t tag = 1;   // 1 to 999,999,999 (RFC 4568 9.1)
  std::string suite_name;  // as written; an answer repeats it
  srtp::Protection protection;
  std::uint64_t lifetime = 0;  // packets, as theirs says; 0: the suite's own 2^48. Theirs to keep: a new key
                               // comes with a re-offer.
  bool operator==(const CryptoLine&) const = default;
};

// UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP and UNAUTHENTICATED_SRTP: whether lines with them may be used, or are
// made.
struct CryptoFlags {
  bool unencrypted_srtp = false;
  bool unencrypted_srtcp = false;
  bool unauthenticated_srtp = false;
};

// [any] What stands after "a=crypto:". Errors: invalid (not the grammar of RFC 4568 9.1, or a key of another
// length; several keys without MKIs of one length, each its own), unsupported (the suite; more than 16 keys;
// a session parameter that is not WSH and not marked optional with "-"). No message quotes the key.
Result<CryptoLine> parse_crypto(std::string_view value);
// How a line is written: with the "=" behind its base64 (RFC 4568 6.1 reads either way), and a lifetime of
// 2^31 packets.
struct CryptoWriting {
  bool padded = true;
  bool lifetime = false;
};
// [any] The same back. It holds the key: for the wire only, never for a log.
std::string print_crypto(const CryptoLine& line, const CryptoWriting& writing = {});

struct CryptoRead {
  std::vector<CryptoLine> lines;  // usable ones, in their order
  std::string problem;            // of the first that is not, "" when all are
};
// [any] The section's a=crypto lines. Those with a flag that `allowed` does not have are not usable.
CryptoRead crypto_lines(const Media& media, const CryptoFlags& allowed = {});
// [any] True when the section has any a=crypto, usable or not.
bool has_crypto(const Media& media);

// [any] One line a suite with a fresh key from the kernel's generator, tags from 1 up, in this order. AEAD
// suites ignore the flags.
std::vector<CryptoLine> make_crypto_lines(std::span<const srtp::Suite> suites, const CryptoFlags& flags = {});

// [any] Their line that we take: the first of theirs whose suite is among `ours`, or with `ours_first` the
// one whose suite comes first in ours. Null: none.
const CryptoLine* choose_crypto(std::span<const CryptoLine> theirs, std::span<const CryptoLine> ours,
                                bool ours_first = false);
// [any] What our answer to `chosen` says: its tag, name, flags and first MKI, with our key for that suite.
std::optional<CryptoLine> answer_line(const CryptoLine& chosen, std::span<const CryptoLine> ours);

// One section's agreement: what we send with and what we open theirs with.
struct CryptoPair {
  std::uint32_t tag = 1;
  srtp::Protection send;     // our key
  srtp::Protection receive;  // theirs
  bool operator==(const CryptoPair&) const = default;
};
// [any] What their answer's line comes to, when it answers one of `offered` by tag and suite. Errors:
// unsupported (no usable line), invalid (another tag or suite than was offered).
Result<CryptoPair> match_crypto(std::span<const CryptoLine> offered, const Media& answer,
                                const CryptoFlags& allowed = {});

// [any] Puts these a=crypto lines in place of all that the section has.
void set_crypto(Media& media, std::span<const CryptoLine> lines);

// [any] RTP/SAVP, RTP/SAVPF and their like; and a profile's name with and without the S ("RTP/AVPF" ⇄
// "RTP/SAVPF"). Unknown ones stay as they are.
bool is_secure(std::string_view proto);
std::string secure_profile(std::string_view proto);
std::string plain_profile(std::string_view proto);

// [any] Overwrites the a=crypto values before the description goes.
void wipe_crypto(Description& description);

// [any] An SDP as it may stand in a log or an API's answer: keys of a=crypto (and k=) replaced by "…".
std::string without_keys(std::string_view sdp);

}  // namespace tandem::sdp
