// What the offerer is answered, and what a publisher is.
#include <algorithm>

#include "core/anchor/codec_lists.hpp"
#include "core/anchor/formats.hpp"
#include "core/anchor/payloads.hpp"

namespace tandem::anchor {
namespace {

// The offerer's format as the answer to it has it: what the other side said of it, or what we make of it.
Format as_answered(const Format& mine, const Format* theirs) {
  Format format = mine;
  format.added = theirs == nullptr;
  if (theirs != nullptr) {
    format.source_type = theirs->source_type;
    format.fmtp = theirs->fmtp;
  } else {
    format.fmtp = mine.codec == nullptr ? "" : our_parameters(mine);
  }
  return format;
}

}  // namespace

std::vector<Format> accept_formats(const std::vector<Format>& offered, const CodecOptions& o) {
  const bool any = has_word(o.accept, "any"), all = has_word(o.accept, "all");
  if (any && all) return offered;
  std::vector<Format> out;
  const auto take_first = [&](auto wanted) {
    for (const Format& format : offered)
      if (out.empty() && !format.event && wanted(format)) out.push_back(format);
  };
  const auto left = [&](const Format& f) {
    return !is_named(o.strip, f) && !is_named(o.mask, f) && !is_named(o.consume, f) &&
           !any_matches(o.ignore, f);
  };
  if (all) {
    for (const Format& format : offered)
      if ((format.event || format.transcodable()) && left(format)) out.push_back(format);
    if (has_audio(out)) return out;
    return {};
  }
  for (const std::string& spec : o.accept)
    take_first([&](const Format& f) { return !says_all(spec) && matches(spec, f); });
  if (any) take_first(left);
  take_first([&](const Format& f) { return f.transcodable() && left(f); });
  return out;
}

Result<std::vector<Format>> answer_formats(const AnswerInput& in) {
  std::vector<Format> out;
  const auto has = [&](const Format& f) {
    return std::any_of(out.begin(), out.end(), [&](const Format& g) { return g.same(f); });
  };
  const auto offered_as = [&](const Format& f) -> const Format* {
    const Format* mine = find_same(in.offered, f);
    return mine == nullptr || any_matches(in.options.ignore, *mine) ? nullptr : mine;
  };
  const auto take = [&](const Format& mine, const Format* theirs) {
    out.push_back(as_answered(mine, theirs));
  };
  const bool can_decode =
      std::any_of(in.answered.begin(), in.answered.end(), [](const Format& f) { return f.transcodable(); });
  for (const Format& theirs : in.answered) {
    const bool sent =
        std::any_of(in.sent.begin(), in.sent.end(), [&](const Format& f) { return f.same(theirs); });
    const Format* mine = offered_as(theirs);
    if (sent && mine != nullptr && !theirs.event && !theirs.is_noise() && !has(theirs))
      take(*mine, theirs.agrees(*mine) || !mine->transcodable() ? &theirs : nullptr);
  }
  const auto add_if = [&](auto wanted) {
    for (const Format& mine : in.offered)
      if (mine.transcodable() && !any_matches(in.options.ignore, mine) && !has(mine) && wanted(mine))
        take(mine, nullptr);
  };
  const CodecOptions& o = in.options;
  if (can_decode) {
    add_if([&](const Format& f) {
      return in.always_transcode || any_matches(o.accept, f) || any_matches(o.consume, f);
    });
    if (out.empty()) add_if([&](const Format& f) { return any_matches(o.mask, f); });
    if (out.empty()) add_if([&](const Format& f) { return !is_named(o.strip, f); });
  }
  if (out.empty())
    return Error{ErrorCode::unsupported,
                 "the answer accepts no codec that the offerer has, and none that can be transcoded"};
  if (in.single_codec) out.resize(1);
  const bool relays = !out.front().added;
  for (const Format& mine : in.offered) {  // noise, when both ends have it, or to be understood here
    if (!mine.is_noise() || has(mine) || mine.clock_rate != out.front().clock_rate || is_named(o.strip, mine))
      continue;
    const auto theirs =
        std::find_if(in.answered.begin(), in.answered.end(), [&](const Format& f) { return f.same(mine); });
    if (theirs != in.answered.end())
      take(mine, &*theirs);
    else if (!relays || in.always_transcode || names(o.consume, "CN") || names(o.transcode, "CN"))
      take(mine, nullptr);
  }
  for (const Format& mine : in.offered) {  // keys, when both ends have them, or as tones where B has none
    if (!mine.event || has(mine)) continue;
    const auto theirs =
        std::find_if(in.answered.begin(), in.answered.end(), [&](const Format& f) { return f.event; });
    const bool same_clock = mine.clock_rate == out.front().clock_rate;
    if (theirs != in.answered.end() && theirs->clock_rate == mine.clock_rate) {
      take(mine, &*theirs);
    } else if ((!relays || names(o.transcode, "telephone-event")) && same_clock) {
      take(mine, nullptr);
      out.back().fmtp = "0-16";
    }
  }
  return out;
}

}  // namespace tandem::anchor
