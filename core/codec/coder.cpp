// Encoder and Decoder check lengths before the plugin sees them: a plugin never gets what its table excludes.
#include "core/codec/coder.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace tandem::codec {

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

int Decoder::recover(std::span<const std::uint8_t> next, std::span<std::int16_t> pcm) {
  constexpr std::size_t kSince = offsetof(td_codec, recover) + sizeof(codec_->recover);
  if (codec_->size < kSince || codec_->recover == nullptr || next.empty()) return 0;
  const auto samples = static_cast<std::uint32_t>(pcm.size() / codec_->channels);
  const std::int32_t made = codec_->recover(state_.get(), next.data(),
                                            static_cast<std::uint32_t>(next.size()), pcm.data(), samples);
  return made == static_cast<std::int32_t>(samples) ? made : 0;
}

std::uint32_t payload_ticks(const td_codec& codec, std::span<const std::uint8_t> payload) {
  const std::int32_t samples =
      codec.payload_samples(payload.data(), static_cast<std::uint32_t>(payload.size()));
  return samples <= 0 ? 0 : samples_to_ticks(codec, static_cast<std::uint32_t>(samples));
}

}  // namespace tandem::codec
