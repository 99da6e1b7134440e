// The registry is a short list: it is searched a few times a call, so it is searched from end to end.
#include "core/codec/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "core/base/text.hpp"

namespace tandem::codec {
namespace {

bool good_name(const char* name) {
  if (name == nullptr || *name == 0 || std::strlen(name) > 32) return false;
  return std::all_of(name, name + std::strlen(name), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

Error invalid(const char* name, std::string what) {
  return {ErrorCode::invalid, fmt::format("codec {}: {}", name, what)};
}

// "opus/48000/2" against a codec; parts left out fit everything.
bool wanted(std::string_view spelled, const td_codec& codec) {
  std::string_view parts[3];
  for (auto& part : parts) {
    const std::size_t slash = spelled.find('/');
    part = spelled.substr(0, slash);
    spelled = slash == std::string_view::npos ? std::string_view{} : spelled.substr(slash + 1);
  }
  return spelled.empty() && same_name(parts[0], codec.name) &&
         (parts[1].empty() || number<long>(parts[1]) == static_cast<long>(codec.clock_rate)) &&
         (parts[2].empty() || number<long>(parts[2]) == static_cast<long>(codec.rtpmap_channels));
}

// Those that come with Tandem when their libraries are installed.
bool known(std::string_view spelled) {
  constexpr std::string_view kNames[] = {
      "opus",    "G722",    "GSM",          "G729",         "AMR", "AMR-WB",       "G726-16",     "G726-24",
      "G726-32", "G726-40", "AAL2-G726-16", "AAL2-G726-24", "L16", "AAL2-G726-32", "AAL2-G726-40"};
  const std::string_view name = spelled.substr(0, spelled.find('/'));
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view one) { return same_name(one, name); });
}

}  // namespace

Result<void> validate(const td_codec* codec) {
  if (codec == nullptr) return Error{ErrorCode::invalid, "codec: expected a table, got null"};
  if (codec->size < kLeastTable)
    return Error{ErrorCode::invalid,
                 fmt::format("codec: expected a table of at least {} bytes, its size says {}", kLeastTable,
                             codec->size)};
  if (!good_name(codec->name))
    return Error{ErrorCode::invalid, "codec: expected a name of 1 to 32 letters, digits, '-', '_' or '.'"};
  const char* name = codec->name;
  const auto rate_ok = [](std::uint32_t rate) { return rate >= 8000 && rate <= 48000; };
  if (codec->static_type < -1 || codec->static_type > 95)
    return invalid(name, fmt::format("static_type is -1 or 0 to 95, not {}", codec->static_type));
  if (codec->clock_rate < 1000 || codec->clock_rate > 192000)
    return invalid(name, fmt::format("clock_rate is 1000 to 192000, not {}", codec->clock_rate));
  if (!rate_ok(codec->sample_rate))
    return invalid(name, fmt::format("sample_rate is 8000 to 48000, not {}", codec->sample_rate));
  if (codec->rtpmap_channels < 1 || codec->rtpmap_channels > 2)
    return invalid(name, fmt::format("rtpmap_channels is 1 or 2, not {}", codec->rtpmap_channels));
  if (codec->channels < 1 || codec->channels > 2)
    return invalid(name, fmt::format("channels is 1 or 2, not {}", codec->channels));
  if (codec->frame_samples < 1 || codec->frame_samples > codec->sample_rate * 60 / 1000)
    return invalid(name, fmt::format("frame_samples is 1 to 60 ms, not {}", codec->frame_samples));
  if (codec->max_payload < 1 || codec->max_payload > 12000)
    return invalid(name, fmt::format("max_payload is 1 to 12000 bytes, not {}", codec->max_payload));
  if (codec->default_fmtp == nullptr) return invalid(name, "default_fmtp is missing");
  const std::pair<const char*, bool> functions[] = {{"fmtp_compatible", codec->fmtp_compatible != nullptr},
                                                    {"create_encoder", codec->create_encoder != nullptr},
                                                    {"destroy_encoder", codec->destroy_encoder != nullptr},
                                                    {"encode", codec->encode != nullptr},
                                                    {"create_decoder", codec->create_decoder != nullptr},
                                                    {"destroy_decoder", codec->destroy_decoder != nullptr},
                                                    {"decode", codec->decode != nullptr},
                                                    {"conceal", codec->conceal != nullptr},
                                                    {"payload_samples", codec->payload_samples != nullptr}};
  for (const auto& [function, there] : functions)
    if (!there) return invalid(name, fmt::format("the function {} is missing", function));
  return {};
}

Result<void> CodecRegistry::add(const td_codec* codec) {
  if (auto checked = validate(codec); !checked) return checked;
  if (find(codec->name, codec->clock_rate, codec->rtpmap_channels) != nullptr)
    return Error{ErrorCode::conflict, fmt::format("codec {}/{}/{} is already there", codec->name,
                                                  codec->clock_rate, codec->rtpmap_channels)};
  if (const td_codec* other = find_static(codec->static_type))
    return Error{ErrorCode::conflict, fmt::format("codec {}: static payload type {} is already {}'s",
                                                  codec->name, codec->static_type, other->name)};
  codecs_.push_back(codec);
  return {};
}

const td_codec* CodecRegistry::find(std::string_view name, std::uint32_t clock_rate,
                                    std::uint32_t channels) const {
  for (const td_codec* codec : codecs_)
    if (codec->clock_rate == clock_rate && codec->rtpmap_channels == channels && same_name(codec->name, name))
      return codec;
  return nullptr;
}

const td_codec* CodecRegistry::find_static(int payload_type) const {
  if (payload_type < 0) return nullptr;
  for (const td_codec* codec : codecs_)
    if (codec->static_type == payload_type) return codec;
  return nullptr;
}

Result<std::vector<const td_codec*>> CodecRegistry::select(std::span<const std::string> names) const {
  if (names.empty())
    return Error{ErrorCode::invalid, "codecs: expected at least one name, got an empty list"};
  std::vector<const td_codec*> chosen;
  for (const std::string& name : names) {
    const auto it =
        std::find_if(codecs_.begin(), codecs_.end(), [&](auto* codec) { return wanted(name, *codec); });
    if (it == codecs_.end()) {
      std::string there;
      for (const td_codec* codec : codecs_)
        there += fmt::format("{}{}", there.empty() ? "" : ", ", codec->name);
      return Error{ErrorCode::not_found,
                   fmt::format("codecs: there is no \"{}\"; there are: {}", name, there)};
    }
    if (std::find(chosen.begin(), chosen.end(), *it) != chosen.end())
      return Error{ErrorCode::invalid, fmt::format("codecs: \"{}\" is named twice", name)};
    chosen.push_back(*it);
  }
  return chosen;
}

Result<std::vector<CodecRegistry::Choice>> CodecRegistry::choose(std::span<const std::string> names,
                                                                 std::vector<std::string>& missing) const {
  std::vector<std::string> bare, fmtps;
  for (const std::string& name : names) {
    const std::size_t semicolon = name.find(';');
    const std::string one = name.substr(0, semicolon);
    if (!select(std::array{one}) && known(one)) {
      missing.push_back(one);
      continue;
    }
    bare.push_back(one);
    fmtps.push_back(semicolon == std::string::npos ? "" : name.substr(semicolon + 1));
  }
  if (bare.empty() && !missing.empty())
    return Error{ErrorCode::not_found, "codecs: none of those that are named is here"};
  const auto chosen = select(bare);
  if (!chosen) return chosen.error();
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < chosen->size(); ++i)
    choices.push_back({(*chosen)[i], fmtps[i], fmtps[i].empty()});
  return choices;
}

}  // namespace tandem::codec
