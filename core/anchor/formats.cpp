#include "core/anchor/formats.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/payloads.hpp"
#include "core/base/text.hpp"
#include "core/codec/coder.hpp"

namespace tandem::anchor {
namespace {

bool any_matches(const std::vector<std::string>& specs, const Format& format) {
  return std::any_of(specs.begin(), specs.end(), [&](const auto& s) { return matches(s, format); });
}

bool says_all(std::string_view spec) { return same_name(spec, "all") || same_name(spec, "any"); }

bool is_named(const std::vector<std::string>& specs, const Format& format) {
  return std::any_of(specs.begin(), specs.end(), [&](const auto& s) {
    return !says_all(s) && !same_name(s, "full") && matches(s, format);
  });
}

bool has_word(const std::vector<std::string>& specs, std::string_view word) {
  return std::any_of(specs.begin(), specs.end(), [&](const auto& s) { return same_name(s, word); });
}

// Whether the answerer does not get to see it.
bool removed(const Format& format, const CodecOptions& o) {
  const bool kept = any_matches(o.except, format) || any_matches(o.offer, format);
  for (const auto* list : {&o.strip, &o.mask, &o.consume}) {
    if (is_named(*list, format)) return true;
    if ((has_word(*list, "all") || has_word(*list, "full")) && !kept) {
      // strip=all gives back what transcode names; strip=full does not.
      if (has_word(*list, "full") || !any_matches(o.transcode, format)) return true;
    }
  }
  return false;
}

const td_codec* find_codec(const CodecSpec& spec, Codecs codecs) {
  for (const td_codec* codec : codecs.registry.all()) {
    if (!same_name(spec.name, codec->name)) continue;
    if (spec.clock_rate != 0 && spec.clock_rate != codec->clock_rate) continue;
    if (spec.channels != 0 && spec.channels != codec->rtpmap_channels &&
        spec.channels != codec->channels)  // opus/48000/1 is opus/48000/2 in SDP
      continue;
    return codec;
  }
  return nullptr;
}

std::uint8_t free_type(std::int32_t static_type, const std::vector<Format>& taken) {
  const auto used = [&](int type) {
    return std::any_of(taken.begin(), taken.end(), [&](const Format& f) { return f.type == type; });
  };
  if (static_type >= 0 && !used(static_type)) return static_cast<std::uint8_t>(static_type);
  for (int type = 96; type < 128; ++type)
    if (!used(type)) return static_cast<std::uint8_t>(type);
  return 127;
}

void reorder(std::vector<Format>& formats, const std::vector<std::string>& order) {
  std::vector<Format> sorted;
  for (const std::string& spec : order)
    for (Format& format : formats)
      if (!format.name.empty() && matches(spec, format)) sorted.push_back(std::exchange(format, {}));
  for (Format& format : formats)
    if (!format.name.empty()) sorted.push_back(std::move(format));
  formats = std::move(sorted);
}

// Keys are told at the clock of the audio beside them (RFC 4733 2.5.1.1): where they are offered at all, at
// that of each codec added, too.
void add_events(std::vector<Format>& formats, const std::vector<Format>& added, std::vector<Format>& taken) {
  const auto event = std::find_if(formats.begin(), formats.end(), [](const Format& f) { return f.event; });
  if (event == formats.end()) return;
  Format made = *event;
  made.added = true;
  for (const Format& codec : added) {
    made.clock_rate = codec.clock_rate;
    if (find_same(formats, made) != nullptr) continue;
    made.type = made.source_type = free_type(-1, taken);
    taken.push_back(made);
    formats.push_back(made);
  }
}

void add_transcoded(Chosen& chosen, const std::vector<Format>& offered, const CodecOptions& o,
                    Codecs codecs) {
  std::vector<Format> taken = offered;
  std::vector<Format> added;
  for (const std::string& text : o.transcode) {
    const auto here = [&](const Format& f) { return matches(text, f); };
    if (std::any_of(chosen.formats.begin(), chosen.formats.end(), here)) continue;
    const CodecSpec spec = read_codec_spec(text);
    if (same_name(spec.name, "telephone-event") || same_name(spec.name, "CN")) continue;
    auto format = make_format(text, taken, codecs);
    if (!format) {
      chosen.warnings.push_back(format.error().message);
      continue;
    }
    taken.push_back(*format);
    added.push_back(std::move(*format));
  }
  // Before the keys' events, so that a codec stays the first format.
  const auto at =
      std::find_if(chosen.formats.begin(), chosen.formats.end(), [](const Format& f) { return f.event; });
  chosen.formats.insert(at, added.begin(), added.end());
  add_events(chosen.formats, added, taken);
}

// Comfort noise (RFC 3389) goes along with a codec of its clock: it is none by itself.
bool is_noise(const Format& format) { return same_name(format.name, "CN"); }

bool has_audio(const std::vector<Format>& formats) {
  return std::any_of(formats.begin(), formats.end(),
                     [](const Format& f) { return !f.event && !is_noise(f); });
}

// What we say of a codec in the answer to this offer of it.
std::string our_parameters(const Format& offered) {
  const char* usual = offered.codec->default_fmtp;
  return codec::answer_fmtp(*offered.codec, usual == nullptr ? "" : usual, offered.fmtp);
}

// Whether we can code it with its parameters. What we cannot passes as what is unknown does.
bool can_code(const Format& offered) {
  Format answer = offered;
  answer.fmtp = our_parameters(offered);
  return answer.agrees(offered);
}

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

CodecSpec read_codec_spec(std::string_view text) {
  CodecSpec spec;
  for (int field = 0; field < 6; ++field) {
    const std::size_t slash = field == 5 ? std::string_view::npos : text.find('/');
    const std::string_view part = text.substr(0, slash);
    if (field == 0) spec.name = part;
    if (field == 1) spec.clock_rate = number<std::uint32_t>(part).value_or(0);
    if (field == 2) spec.channels = number<std::uint32_t>(part).value_or(0);
    if (field == 3) spec.bitrate = number<std::uint32_t>(part).value_or(0);
    if (field == 4) spec.ptime_ms = number<std::uint32_t>(part).value_or(0);
    if (field == 5) spec.fmtp = part;
    if (slash == std::string_view::npos) break;
    text.remove_prefix(slash + 1);
  }
  // "--" stands for "=" where flags are separated by it.
  for (std::size_t at; (at = spec.fmtp.find("--")) != std::string::npos;) spec.fmtp.replace(at, 2, "=");
  return spec;
}

bool spec_matches(std::string_view text, const td_codec& codec) {
  const CodecSpec spec = read_codec_spec(text);
  return same_name(spec.name, codec.name) && (spec.clock_rate == 0 || spec.clock_rate == codec.clock_rate) &&
         (spec.channels == 0 || spec.channels == codec.channels || spec.channels == codec.rtpmap_channels);
}

bool Format::same(const Format& other) const {
  if (!same_name(name, other.name) || clock_rate != other.clock_rate) return false;
  return channels == other.channels || same_name(name, "opus");
}

bool Format::agrees(const Format& other) const {
  if (codec == nullptr || codec->fmtp_compatible == nullptr) return true;
  return codec->fmtp_compatible({fmtp.data(), fmtp.size()}, {other.fmtp.data(), other.fmtp.size()}) != 0;
}

std::vector<Format> read_formats(const sdp::Media& media, Codecs codecs) {
  std::vector<Format> out;
  for (const std::string& text : media.formats) {
    const int type = sdp::Media::payload_type(text);
    const auto map = type < 0 ? std::nullopt : media.rtpmap_of(type);
    if (!map) continue;
    Format format;
    format.type = format.source_type = static_cast<std::uint8_t>(type);
    format.name = map->name;
    format.clock_rate = map->clock_rate;
    format.channels = map->channels;
    format.fmtp = media.fmtp_of(type);
    format.event = same_name(map->name, "telephone-event");
    if (!format.event) {
      format.codec = codecs.registry.find(map->name, map->clock_rate, map->channels);
      if (format.codec == nullptr && same_name(map->name, "opus"))
        format.codec = codecs.registry.find(map->name, map->clock_rate, 2);
      if (format.codec == nullptr || !can_code(format))
        format.codec = codecs.opaque.get(map->name, map->clock_rate, map->channels);
      if (format.codec == nullptr) continue;
    }
    out.push_back(std::move(format));
  }
  return out;
}

bool matches(std::string_view text, const Format& format) {
  if (says_all(text)) return true;
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos)
    return number<std::uint32_t>(text).value_or(0) == format.type && text.size() <= 3;
  const CodecSpec spec = read_codec_spec(text);
  return same_name(spec.name, format.name) &&
         (spec.clock_rate == 0 || spec.clock_rate == format.clock_rate) &&
         (spec.channels == 0 || spec.channels == format.channels);
}

Chosen offer_formats(const std::vector<Format>& offered, const CodecOptions& o, Codecs codecs) {
  Chosen chosen;
  if (o.empty()) {
    chosen.formats = offered;
    return chosen;
  }
  const bool transcodes = !o.transcode.empty();
  for (const Format& format : offered) {
    if (removed(format, o)) continue;
    // What cannot be decoded cannot be transcoded: it must not be chosen beside an added codec.
    if (transcodes && !format.event && !format.transcodable() && !is_noise(format)) continue;
    chosen.formats.push_back(format);
  }
  if (!o.offer.empty()) reorder(chosen.formats, o.offer);
  add_transcoded(chosen, offered, o, codecs);
  if (!has_audio(chosen.formats) && has_audio(offered)) {
    chosen.formats = offered;
    chosen.warnings.emplace_back("no codec would be left to offer: the list stays as it came");
  }
  return chosen;
}

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

Result<Format> make_format(std::string_view text, const std::vector<Format>& taken, Codecs codecs) {
  const CodecSpec spec = read_codec_spec(text);
  const td_codec* codec = find_codec(spec, codecs);
  if (codec == nullptr)
    return Error{ErrorCode::unsupported, fmt::format("codec \"{}\" is not available for transcoding", text)};
  Format format;
  format.type = free_type(codec->static_type, taken);
  format.name = codec->name;
  format.clock_rate = codec->clock_rate;
  format.channels = codec->rtpmap_channels;
  format.fmtp = !spec.fmtp.empty() ? spec.fmtp : codec->default_fmtp == nullptr ? "" : codec->default_fmtp;
  format.codec = codec;
  format.added = true;
  return format;
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
    if (sent && mine != nullptr && !theirs.event && !is_noise(theirs) && !has(theirs))
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
    if (!is_noise(mine) || has(mine) || mine.clock_rate != out.front().clock_rate || is_named(o.strip, mine))
      continue;
    const auto theirs =
        std::find_if(in.answered.begin(), in.answered.end(), [&](const Format& f) { return f.same(mine); });
    if (theirs != in.answered.end())
      take(mine, &*theirs);
    else if (!relays || in.always_transcode)
      take(mine, nullptr);
  }
  for (const Format& mine : in.offered) {  // keys, when both ends have them, or as tones where B has none
    if (!mine.event || has(mine)) continue;
    const auto theirs =
        std::find_if(in.answered.begin(), in.answered.end(), [&](const Format& f) { return f.event; });
    const bool same_clock = mine.clock_rate == out.front().clock_rate;
    if (theirs != in.answered.end() && theirs->clock_rate == mine.clock_rate) {
      take(mine, &*theirs);
    } else if (!relays && same_clock) {
      take(mine, nullptr);
      out.back().fmtp = "0-16";
    }
  }
  return out;
}

}  // namespace tandem::anchor
