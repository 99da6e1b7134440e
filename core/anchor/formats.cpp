#include "core/anchor/formats.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/anchor/codec_lists.hpp"
#include "core/base/text.hpp"
#include "core/codec/coder.hpp"

namespace tandem::anchor {
namespace {

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

// Whether we can code it with its parameters. What we cannot passes as what is unknown does.
bool can_code(const Format& offered) {
  Format answer = offered;
  answer.fmtp = our_parameters(offered);
  return answer.agrees(offered);
}

}  // namespace

std::string our_parameters(const Format& offered) {
  const char* usual = offered.codec->default_fmtp;
  return codec::answer_fmtp(*offered.codec, usual == nullptr ? "" : usual, offered.fmtp);
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

bool Format::is_noise() const { return same_name(name, "CN"); }

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
         (spec.channels == 0 || spec.channels == format.channels || same_name(spec.name, "opus"));
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

}  // namespace tandem::anchor
