// media::Playout behind the bench's interface, and the codecs.
#include <fmt/format.h>

#include <cstdlib>

#include "bench/jitter/traces/player.hpp"
#include "core/codec/g711.hpp"
#include "core/codec/registry.hpp"
#include "core/media/playout.hpp"

#ifdef TANDEM_HAVE_OPUS
#include "tandem/abi.h"
extern "C" const td_plugin* tandem_plugin_opus(void);
#endif

namespace tandem::bench {
namespace {

const td_codec* codec(Coding coding) {
  if (coding == Coding::pcmu) return codec::pcmu();
#ifdef TANDEM_HAVE_OPUS
  static const td_codec* opus = [] {
    td_host host{};
    host.size = sizeof(host);
    host.config = [](const td_host*) noexcept {
      static constexpr std::string_view kOptions = R"({"complexity":5,"expected_loss_percent":10})";
      return td_str{kOptions.data(), kOptions.size()};
    };
    const char* error = "";
    (void)tandem_plugin_opus()->activate(&host, &error);
    return static_cast<const td_codec*>(tandem_plugin_opus()->interface(TD_CODEC_ID, 0));
  }();
  return opus;
#else
  return nullptr;
#endif
}

template <typename T>
T must(Result<T> made) {
  if (!made) {
    fmt::print(stderr, "{}\n", made.error().message);
    std::exit(1);
  }
  return std::move(*made);
}

std::vector<media::Playout::Codec> decoders(Coding coding) {
  std::vector<media::Playout::Codec> made;
  made.push_back({0, must(codec::Decoder::create(codec(coding), "")), {}});
  return made;
}

class TandemPlayer final : public Player {
 public:
  TandemPlayer(Coding coding, unsigned tick_ms)
      : tick_ms_(tick_ms), pool_(256), playout_(pool_, jitter::JitterConfig{}, decoders(coding)) {}
  ~TandemPlayer() override { playout_.reset(); }

  void push(const Packet& packet, double now_ms) override {
    const jitter::Incoming incoming{.sequence = packet.sequence, .timestamp = packet.timestamp, .ssrc = 1};
    (void)playout_.push(incoming, packet.payload, at(now_ms));
  }
  void pull(std::span<std::int16_t> frame, double now_ms) override { playout_.pull(at(now_ms), frame); }
  unsigned tick_ms() const override { return tick_ms_; }
  std::uint64_t made_up() const override { return playout_.counts().made_up; }
  std::uint64_t scaled() const override { return playout_.counts().shortened + playout_.counts().lengthened; }

 private:
  static TimePoint at(double ms) {
    return TimePoint(seconds(1000) + std::chrono::microseconds(static_cast<std::int64_t>(ms * 1000)));
  }

  unsigned tick_ms_;
  jitter::PayloadPool pool_;
  media::Playout playout_;
};

}  // namespace

std::unique_ptr<Player> make_tandem(Coding coding, unsigned tick_ms) {
  return std::make_unique<TandemPlayer>(coding, tick_ms);
}

#ifndef TANDEM_HAVE_NETEQ
std::unique_ptr<Player> make_neteq(Coding) { return nullptr; }
#endif

std::vector<Packet> encode(Coding coding, std::span<const std::int16_t> pcm) {
  auto encoder = must(codec::Encoder::create(codec(coding), coding == Coding::opus ? "useinbandfec=1" : ""));
  const std::size_t frame = rate_of(coding) / 50;
  std::vector<Packet> packets;
  for (std::size_t i = 0; (i + 1) * frame <= pcm.size(); ++i) {
    Packet packet{static_cast<std::uint16_t>(65000 + i), static_cast<std::uint32_t>(0xFFFF0000u + i * frame),
                  std::vector<std::uint8_t>(1500)};
    const int bytes = encoder.encode(pcm.subspan(i * frame, frame), packet.payload);
    packet.payload.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
    packets.push_back(std::move(packet));
  }
  return packets;
}

std::vector<std::int16_t> decode(Coding coding, const std::vector<Packet>& packets) {
  auto decoder = must(codec::Decoder::create(codec(coding), ""));
  std::vector<std::int16_t> pcm, frame(codec::kMaxFrameSamples);
  for (const Packet& packet : packets) {
    const int samples = decoder.decode(packet.payload, frame);
    pcm.insert(pcm.end(), frame.begin(), frame.begin() + std::max(samples, 0));
  }
  return pcm;
}

}  // namespace tandem::bench
