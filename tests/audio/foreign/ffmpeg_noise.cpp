// FFmpeg's comfort noise: libavcodec's encoder and decoder, in frames of 80 ms.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
}

#include <algorithm>
#include <cstring>
#include <memory>

#include "tests/audio/foreign/noise_peer.hpp"

namespace tandem::testing {
namespace {

struct Free {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
using Context = std::unique_ptr<AVCodecContext, Free>;
using Packet = std::unique_ptr<AVPacket, Free>;
using Frame = std::unique_ptr<AVFrame, Free>;

Context open(const AVCodec* codec, unsigned rate) {
  if (codec == nullptr) return nullptr;
  Context context(avcodec_alloc_context3(codec));
  context->sample_rate = static_cast<int>(rate);
  context->sample_fmt = AV_SAMPLE_FMT_S16;
  av_channel_layout_default(&context->ch_layout, 1);
  return avcodec_open2(context.get(), codec, nullptr) == 0 ? std::move(context) : nullptr;
}

std::vector<std::uint8_t> describe(std::span<const std::int16_t> pcm, unsigned rate) {
  const Context context = open(avcodec_find_encoder(AV_CODEC_ID_COMFORT_NOISE), rate);
  if (!context) return {};
  const auto samples = static_cast<std::size_t>(context->frame_size);
  std::vector<std::uint8_t> payload;
  for (; pcm.size() >= samples; pcm = pcm.subspan(samples)) {
    const Frame frame(av_frame_alloc());
    frame->nb_samples = context->frame_size;
    frame->format = context->sample_fmt;
    frame->sample_rate = context->sample_rate;
    av_channel_layout_default(&frame->ch_layout, 1);
    if (av_frame_get_buffer(frame.get(), 0) != 0) return {};
    std::memcpy(frame->data[0], pcm.data(), samples * sizeof(std::int16_t));
    if (avcodec_send_frame(context.get(), frame.get()) != 0) return {};
    const Packet packet(av_packet_alloc());
    while (avcodec_receive_packet(context.get(), packet.get()) == 0)
      payload.assign(packet->data, packet->data + packet->size);
  }
  return payload;
}

std::vector<std::int16_t> play(std::span<const std::uint8_t> payload, unsigned rate, std::size_t samples) {
  const Context context = open(avcodec_find_decoder(AV_CODEC_ID_COMFORT_NOISE), rate);
  if (!context) return {};
  std::vector<std::int16_t> pcm;
  while (pcm.size() < samples) {
    const Packet packet(av_packet_alloc());
    if (av_new_packet(packet.get(), static_cast<int>(payload.size())) != 0) return {};
    std::memcpy(packet->data, payload.data(), payload.size());
    const Frame frame(av_frame_alloc());
    if (avcodec_send_packet(context.get(), packet.get()) != 0) return {};
    const std::size_t before = pcm.size();
    while (avcodec_receive_frame(context.get(), frame.get()) == 0) {
      const auto* from = reinterpret_cast<const std::int16_t*>(frame->data[0]);
      pcm.insert(pcm.end(), from, from + frame->nb_samples);
    }
    if (pcm.size() == before) return {};
  }
  return pcm;
}

}  // namespace

NoisePeer ffmpeg_noise() { return {"FFmpeg", {8000, 16000}, -6, 0, false, 2, describe, play}; }

}  // namespace tandem::testing
