#include "core/anchor/opaque_codecs.hpp"

#include <cctype>

namespace tandem::anchor {
namespace {

char state;  // what coders of these tables point at: they have none

int compatible(td_str, td_str) noexcept { return 1; }
td_encoder* create_encoder(td_str) noexcept { return reinterpret_cast<td_encoder*>(&state); }
void destroy_encoder(td_encoder*) noexcept {}
std::int32_t encode(td_encoder*, const std::int16_t*, std::uint32_t, std::uint8_t*, std::uint32_t) noexcept {
  return 0;
}
td_decoder* create_decoder(td_str) noexcept { return reinterpret_cast<td_decoder*>(&state); }
void destroy_decoder(td_decoder*) noexcept {}
std::int32_t decode(td_decoder*, const std::uint8_t*, std::uint32_t, std::int16_t*, std::uint32_t) noexcept {
  return -1;
}
std::int32_t conceal(td_decoder*, std::int16_t*, std::uint32_t) noexcept { return 0; }
std::int32_t payload_samples(const std::uint8_t*, std::uint32_t) noexcept { return -1; }

}  // namespace

const td_codec* OpaqueCodecs::get(std::string_view name, std::uint32_t clock_rate, std::uint32_t channels) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto key = std::tuple(lower, clock_rate, channels);
  if (const auto found = known_.find(key); found != known_.end()) return &found->second->table;
  if (known_.size() >= kMax) return nullptr;
  auto entry = std::make_unique<Entry>();
  entry->name = name;
  td_codec& t = entry->table;
  t = {};
  t.size = sizeof(td_codec);
  t.name = entry->name.c_str();
  t.static_type = -1;
  t.clock_rate = clock_rate == 0 ? 8000 : clock_rate;
  t.sample_rate = 8000;
  t.rtpmap_channels = channels;
  t.channels = 1;
  t.frame_samples = 80;
  t.max_payload = 1;
  t.default_fmtp = "";
  t.fmtp_compatible = &compatible;
  t.create_encoder = &create_encoder;
  t.destroy_encoder = &destroy_encoder;
  t.encode = &encode;
  t.create_decoder = &create_decoder;
  t.destroy_decoder = &destroy_decoder;
  t.decode = &decode;
  t.conceal = &conceal;
  t.payload_samples = &payload_samples;
  return &known_.emplace(key, std::move(entry)).first->second->table;
}

bool OpaqueCodecs::is_opaque(const td_codec* codec) {
  return codec != nullptr && codec->decode == static_cast<decltype(td_codec::decode)>(&decode);
}

}  // namespace tandem::anchor
