#include "core/session/sound_sender.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/log.hpp"
#include "core/base/time.hpp"

namespace tandem::session {
namespace {

constexpr unsigned kRetryPumps = 50;    // a second
constexpr unsigned kLingerPumps = 100;  // what waits is given two seconds to leave after the end
constexpr std::size_t kWaitingMax = 64U << 10U;
constexpr std::size_t kPieceSamples = 960;

}  // namespace

Result<void> SoundSender::add(TapPtr tap, const Address& to, std::uint32_t rate, std::string preamble) {
  auto resampler = audio::Resampler::create(tap->spec().rate, rate);
  if (!resampler) return resampler.error();
  std::unique_ptr<Stream> stream(new Stream{std::move(tap), to, std::move(preamble), std::move(*resampler)});
  stream->waiting.reserve(kWaitingMax);
  counts_.streams.fetch_add(1, std::memory_order_relaxed);
  if (threaded_) thread_.start();
  const std::lock_guard lock(mutex_);
  added_.push_back(std::move(stream));
  return {};
}

void SoundSender::stop() {
  thread_.stop();
  pump();  // what the kernel takes at once still goes
  streams_.clear();
  added_.clear();
  counts_.streams.store(0, std::memory_order_relaxed);
}

void SoundSender::pump() {
  {
    const std::lock_guard lock(mutex_);
    std::move(added_.begin(), added_.end(), std::back_inserter(streams_));
    added_.clear();
  }
  const auto over = std::erase_if(streams_, [this](const auto& stream) { return !advance(*stream); });
  counts_.streams.fetch_sub(over, std::memory_order_relaxed);
}

bool SoundSender::advance(Stream& stream) {
  const bool closed = stream.tap->closed();  // before reading: what was written until then is all there is
  if (closed && ++stream.closing_pumps > kLingerPumps) {
    drop(stream);
    return false;
  }
  if (!connect(stream)) return !closed || stream.wait_pumps == 0;
  fill(stream);
  const std::size_t sent = stream.connection.write(stream.waiting);
  counts_.bytes.add(sent);
  stream.waiting.erase(stream.waiting.begin(), stream.waiting.begin() + static_cast<std::ptrdiff_t>(sent));
  return !closed || !stream.waiting.empty();
}

bool SoundSender::connect(Stream& stream) {
  using State = loop::TcpClient::State;
  if (stream.wait_pumps != 0) {
    drop(stream);
    --stream.wait_pumps;
    return false;
  }
  State state = stream.connection.state();
  if (state == State::closed) {
    stream.connection.connect_to(stream.to);
    state = stream.connection.state();
  }
  if (state == State::failed) {
    counts_.failures.add();
    if (!std::exchange(stream.told, true))
      log::warn("forwarding", "{}: {}; tried again every second", stream.to.text(),
                stream.connection.problem());
    stream.connection.close();
    stream.waiting.clear();
    stream.begun = false;
    stream.wait_pumps = kRetryPumps;
    return false;
  }
  if (state != State::open) return false;  // the ring keeps what is said meanwhile
  if (!std::exchange(stream.begun, true)) {
    counts_.connections.add();
    stream.told = false;
    stream.waiting.assign(stream.preamble.begin(), stream.preamble.end());
  }
  return true;
}

// From the ring to what waits, as far as there is room.
void SoundSender::fill(Stream& stream) {
  std::array<std::int16_t, kPieceSamples> said;
  std::array<std::int16_t, kPieceSamples * 6 + 64> made;  // 8 to 48 kHz
  while (stream.waiting.size() + made.size() * 2 <= kWaitingMax) {
    const std::size_t n = stream.tap->ring().read(said);
    if (n == 0) break;
    const std::size_t samples = stream.resampler.process({said.data(), n}, made);
    for (std::size_t i = 0; i < samples; ++i) {
      const auto sample = static_cast<std::uint16_t>(made[i]);
      stream.waiting.push_back(static_cast<std::uint8_t>(sample));
      stream.waiting.push_back(static_cast<std::uint8_t>(sample >> 8U));
    }
  }
  const std::uint64_t missed = stream.tap->ring().missed();
  counts_.samples_dropped.add(missed - std::exchange(stream.missed_seen, missed));
}

void SoundSender::drop(Stream& stream) {
  std::array<std::int16_t, kPieceSamples> ignored;
  std::size_t dropped = 0;
  for (std::size_t n = 1; n != 0; dropped += n) n = stream.tap->ring().read(ignored);
  counts_.samples_dropped.add(dropped);
}

}  // namespace tandem::session
