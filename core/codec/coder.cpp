// Encoder and Decoder check lengths before the plugin sees them: a plugin never gets what its table excludes.
#include "core/codec/coder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace tandem::codec {
namespace {

// A member that an older table may not reach: null or 0 then.
template <typename Member>
Member reached(const td_codec& codec, Member td_codec::*member) {
  const auto at = static_cast<std::size_t>(reinterpret_cast<const char*>(&(codec.*member)) -
                                           reinterpret_cast<const char*>(&codec));
  return codec.size >= at + sizeof(Member) ? codec.*member : Member{};
}

td_str str(std::string_view text) { return {text.data(), text.size()}; }

constexpr std::size_t kStereoMax = std::size_t{48000} * 120 / 1000 * 2;

}  // namespace

Result<Encoder> Encoder::create(const td_codec* codec, std::string_view fmtp) {
  td_encoder* state = codec->create_encoder({fmtp.data(), fmtp.size()});
  if (state == nullptr)
    return Error{ErrorCode::invalid, fmt::format("codec {}: no encoder for fmtp \"{}\"", codec->name, fmtp)};
  return Encoder(codec, state);
}

int Encoder::encode(std::span<const std::int16_t> pcm, std::span<std::uint8_t> out) {
  const std::size_t samples = pcm.size() / codec_->channels;
  if (samples == 0 || samples % codec_->frame_samples != 0 ||
      samples * 1000 > std::size_t{codec_->sample_rate} * 60)
    return TD_INVALID;
  const std::int32_t written = codec_->encode(state_.get(), pcm.data(), static_cast<std::uint32_t>(samples),
                                              out.data(), static_cast<std::uint32_t>(out.size()));
  return written > static_cast<std::int32_t>(out.size()) ? int{TD_INTERNAL} : written;
}

int Encoder::encode_mono(std::span<const std::int16_t> pcm, std::span<std::uint8_t> out) {
  if (codec_->channels == 1) return encode(pcm, out);
  std::array<std::int16_t, kStereoMax / 2> both;
  if (pcm.size() * 2 > both.size()) return TD_INVALID;
  for (std::size_t i = 0; i < pcm.size(); ++i) both[2 * i] = both[2 * i + 1] = pcm[i];
  return encode({both.data(), pcm.size() * 2}, out);
}

bool Encoder::heeds() const { return reached(*codec_, &td_codec::feedback) != nullptr; }

void Encoder::heed(std::span<const std::uint8_t> payload) {
  const auto function = reached(*codec_, &td_codec::feedback);
  if (function != nullptr) function(state_.get(), payload.data(), static_cast<std::uint32_t>(payload.size()));
}

Result<Decoder> Decoder::create(const td_codec* codec, std::string_view fmtp) {
  td_decoder* state = codec->create_decoder({fmtp.data(), fmtp.size()});
  if (state == nullptr)
    return Error{ErrorCode::invalid, fmt::format("codec {}: no decoder for fmtp \"{}\"", codec->name, fmtp)};
  return Decoder(codec, state);
}

int Decoder::decode(std::span<const std::uint8_t> payload, std::span<std::int16_t> pcm) {
  if (payload.empty()) return TD_INVALID;
  return codec_->decode(state_.get(), payload.data(), static_cast<std::uint32_t>(payload.size()), pcm.data(),
                        static_cast<std::uint32_t>(pcm.size() / codec_->channels));
}

int Decoder::conceal(std::span<std::int16_t> pcm) {
  return codec_->conceal(state_.get(), pcm.data(), static_cast<std::uint32_t>(pcm.size() / codec_->channels));
}

namespace {

int mix_down(std::span<const std::int16_t> both, int samples, std::span<std::int16_t> pcm) {
  if (samples <= 0) return samples;
  const auto n = static_cast<std::size_t>(samples);
  if (n > pcm.size()) return TD_INVALID;
  for (std::size_t i = 0; i < n; ++i) pcm[i] = static_cast<std::int16_t>((both[2 * i] + both[2 * i + 1]) / 2);
  return samples;
}

}  // namespace

int Decoder::decode_mono(std::span<const std::uint8_t> payload, std::span<std::int16_t> pcm) {
  if (codec_->channels == 1) return decode(payload, pcm);
  std::array<std::int16_t, kStereoMax> both;
  return mix_down(both, decode(payload, both), pcm);
}

int Decoder::conceal_mono(std::span<std::int16_t> pcm) {
  if (codec_->channels == 1) return conceal(pcm);
  std::array<std::int16_t, kStereoMax> both;
  if (pcm.size() * 2 > both.size()) return 0;
  return mix_down(both, conceal({both.data(), pcm.size() * 2}), pcm);
}

int Decoder::recover(std::span<const std::uint8_t> next, std::span<std::int16_t> pcm) {
  const auto function = reached(*codec_, &td_codec::recover);
  if (function == nullptr || next.empty()) return 0;
  const auto samples = static_cast<std::uint32_t>(pcm.size() / codec_->channels);
  const std::int32_t made =
      function(state_.get(), next.data(), static_cast<std::uint32_t>(next.size()), pcm.data(), samples);
  return made == static_cast<std::int32_t>(samples) ? made : 0;
}

int Decoder::recover_mono(std::span<const std::uint8_t> next, std::span<std::int16_t> pcm) {
  if (codec_->channels == 1) return recover(next, pcm);
  std::array<std::int16_t, kStereoMax> both;
  if (pcm.size() * 2 > both.size()) return 0;
  return mix_down(both, recover(next, {both.data(), pcm.size() * 2}), pcm);
}

bool Decoder::can_recover() const { return reached(*codec_, &td_codec::recover) != nullptr; }

std::uint32_t payload_ticks(const td_codec& codec, std::span<const std::uint8_t> payload) {
  const std::int32_t samples =
      codec.payload_samples(payload.data(), static_cast<std::uint32_t>(payload.size()));
  return samples <= 0 ? 0 : samples_to_ticks(codec, static_cast<std::uint32_t>(samples));
}

unsigned packet_ms(const td_codec& codec, unsigned ptime_ms) {
  const std::uint32_t most = reached(codec, &td_codec::max_ptime_ms);
  const unsigned limit = std::min(ptime_ms, most == 0 ? 60u : static_cast<unsigned>(most));
  for (unsigned ms = limit / 10 * 10; ms >= 10; ms -= 10)
    if (codec.sample_rate / 1000 * ms % codec.frame_samples == 0) return ms;
  for (unsigned ms = 10; ms <= 60; ms += 10)
    if (codec.sample_rate / 1000 * ms % codec.frame_samples == 0) return ms;
  return ptime_ms;
}

decltype(td_codec::answer_fmtp) answer_function(const td_codec& codec) {
  return reached(codec, &td_codec::answer_fmtp);
}

std::string answer_fmtp(const td_codec& codec, std::string_view ours, std::string_view theirs) {
  const auto function = answer_function(codec);
  if (function == nullptr) return std::string(ours);
  std::array<char, 512> said;
  const std::int32_t bytes =
      function(str(ours), str(theirs), said.data(), static_cast<std::uint32_t>(said.size()));
  return bytes < 0 ? std::string(ours) : std::string(said.data(), static_cast<std::size_t>(bytes));
}

bool relayable(const td_codec& codec, std::string_view from, std::string_view to) {
  const auto function = reached(codec, &td_codec::relayable);
  if (function != nullptr) return function(str(from), str(to)) != 0;
  return codec.fmtp_compatible == nullptr || codec.fmtp_compatible(str(from), str(to)) != 0;
}

bool pauses(const td_codec& codec, std::span<const std::uint8_t> payload) {
  const auto function = reached(codec, &td_codec::pauses);
  return function != nullptr && function(payload.data(), static_cast<std::uint32_t>(payload.size())) != 0;
}

bool has_pauses(const td_codec& codec) { return reached(codec, &td_codec::pauses) != nullptr; }

bool can_repacket(const td_codec& codec) { return reached(codec, &td_codec::repacket) != nullptr; }

int repacket(const td_codec& codec, std::span<const td_str> parts, std::uint32_t from, std::uint32_t samples,
             std::span<std::uint8_t> out) {
  const auto function = reached(codec, &td_codec::repacket);
  if (function == nullptr || parts.empty() || samples == 0) return 0;
  const std::int32_t written = function(parts.data(), static_cast<std::uint32_t>(parts.size()), from, samples,
                                        out.data(), static_cast<std::uint32_t>(out.size()));
  return written < 0 || written > static_cast<std::int32_t>(out.size()) ? 0 : written;
}

}  // namespace tandem::codec
