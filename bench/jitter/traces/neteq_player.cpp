// WebRTC's NetEq behind the bench's interface. Its clock is a counted one; frames are of 10 ms.
#include "bench/jitter/traces/player.hpp"

#include <algorithm>

#include "api/audio/audio_frame.h"
#include "api/audio_codecs/audio_decoder_factory_template.h"
#include "api/audio_codecs/g711/audio_decoder_g711.h"
#include "api/audio_codecs/opus/audio_decoder_opus.h"
#include "modules/audio_coding/neteq/default_neteq_factory.h"
#include "rtc_base/logging.h"
#include "system_wrappers/include/clock.h"

namespace tandem::bench {
namespace {

class NetEqPlayer final : public Player {
 public:
  explicit NetEqPlayer(Coding coding) : clock_(1'000'000) {
    rtc::LogMessage::LogToDebug(rtc::LS_NONE);
    webrtc::NetEq::Config config;
    config.sample_rate_hz = static_cast<int>(rate_of(coding));
    neteq_ = webrtc::DefaultNetEqFactory().CreateNetEq(
        config, webrtc::CreateAudioDecoderFactory<webrtc::AudioDecoderG711, webrtc::AudioDecoderOpus>(),
        &clock_);
    if (coding == Coding::pcmu)
      neteq_->RegisterPayloadType(0, webrtc::SdpAudioFormat("PCMU", 8000, 1));
    else
      neteq_->RegisterPayloadType(0, webrtc::SdpAudioFormat("opus", 48000, 2, {{"useinbandfec", "1"}}));
  }
  void push(const Packet& packet, double now_ms) override {
    advance(now_ms);
    webrtc::RTPHeader header;
    header.payloadType = 0;
    header.sequenceNumber = packet.sequence;
    header.timestamp = packet.timestamp;
    header.ssrc = 1;
    neteq_->InsertPacket(header, packet.payload);
  }
  void pull(std::span<std::int16_t> frame, double now_ms) override {
    advance(now_ms);
    bool muted = false;
    neteq_->GetAudio(&frame_, &muted);
    const std::size_t n = std::min<std::size_t>(frame.size(), frame_.samples_per_channel_);
    for (std::size_t i = 0; i < n; ++i) frame[i] = frame_.data()[i * frame_.num_channels_];
    std::fill(frame.begin() + static_cast<std::ptrdiff_t>(n), frame.end(), std::int16_t{0});
  }
  unsigned tick_ms() const override { return 10; }
  std::uint64_t made_up() const override { return neteq_->GetLifetimeStatistics().concealed_samples; }
  std::uint64_t scaled() const override {
    const auto stats = neteq_->GetLifetimeStatistics();
    return stats.inserted_samples_for_deceleration + stats.removed_samples_for_acceleration;
  }

 private:
  void advance(double now_ms) {
    const auto us = static_cast<std::int64_t>(now_ms * 1000) + 1'000'000;
    if (us > clock_.TimeInMicroseconds()) clock_.AdvanceTimeMicroseconds(us - clock_.TimeInMicroseconds());
  }

  webrtc::SimulatedClock clock_;
  std::unique_ptr<webrtc::NetEq> neteq_;
  webrtc::AudioFrame frame_;
};

}  // namespace

std::unique_ptr<Player> make_neteq(Coding coding) { return std::make_unique<NetEqPlayer>(coding); }

}  // namespace tandem::bench
