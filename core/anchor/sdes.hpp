// Sdes: which a=crypto lines of a party are taken and which are offered to it, as the options ask (RFC 4568;
// the options are those of rtpengine's SDES=…). Thread: [any].
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/anchor/call.hpp"
#include "core/anchor/options.hpp"
#include "core/base/result.hpp"
#include "core/sdp/crypto.hpp"

namespace tandem::anchor {

// Session parameters that may be in lines of theirs and are in ours.
sdp::CryptoFlags allowed_flags(const Options& options);
// Those that our lines have: an answer to them may have them, too.
sdp::CryptoFlags flags_of(std::span<const sdp::CryptoLine> lines);
// The offerer's line that we take: of the preferred suites, else the first that is not excluded, else the
// first. None of none.
std::optional<sdp::CryptoLine> choose_offered(std::span<const sdp::CryptoLine> theirs,
                                              const Options& options);
// Our lines for an offer: keys of `before` stay, new suites get new ones. `offered`: what came from the other
// side. [control]
std::vector<sdp::CryptoLine> lines_to_offer(std::span<const sdp::CryptoLine> before,
                                            std::span<const sdp::CryptoLine> offered, const Options& options);
// The whole a= line.
std::string crypto_line(const sdp::CryptoLine& line, const Options& options);

// The a=crypto lines of our offer to that side; its keys are made once, so that a re-INVITE changes none.
// [control] Errors: unsupported (no suite is left).
Result<std::vector<std::string>> offer_keys(Line& line, std::span<const sdp::CryptoLine> offered,
                                            const Options& options);
// The a=crypto line of our answer to theirs, and what the leg is set to. [control]
Result<std::string> answer_key(const sdp::CryptoLine& theirs, Line& line,
                               std::optional<media::SrtpConfig>& config, const Options& options);
// SRTP of both sides: what the answer says of the answerer's, what our answer says of the offerer's.
// [control]
Result<void> agree_keys(OfferedSection& section, Line& offerer, const Line& answerer, const sdp::Media& media,
                        std::vector<std::string>& crypto, media::LegConfig& answerer_config,
                        const Options& options);

}  // namespace tandem::anchor
