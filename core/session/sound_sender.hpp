// SoundSender: what legs say, as PCM over TCP to a program outside: a transcriber, a monitor, a store.
//
//   [media] RecorderTap ring ──► pump() [io], every 20 ms ──► resampled ──► a connection of its own
//                                                             preamble first, then 16 bit little-endian mono
//
// Nothing here makes media wait: the ring holds 2 s and a connection 64 KB; a consumer that is slower loses
// what comes after, counted. A connection that breaks, or cannot be made, is tried again after a second, with
// its preamble; what is said meanwhile is lost, counted. The thread is begun with the first stream; on a
// counted clock pump() is called by hand.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/audio/resampler.hpp"
#include "core/base/address.hpp"
#include "core/base/counter.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/loop/tcp_client.hpp"
#include "core/media/recorder_tap.hpp"
#include "core/session/pump_thread.hpp"

namespace tandem::session {

struct SoundSenderCounters {
  Counter connections, failures, bytes, samples_dropped;
  std::atomic<std::size_t> streams{0};
};

class SoundSender {
 public:
  using TapPtr = std::shared_ptr<media::RecorderTap>;  // owners: the leg's command or Leg, and this

  static constexpr milliseconds kPeriod{20};

  SoundSender() = default;
  ~SoundSender() { stop(); }

  // [control] From now on streams have a thread; without it pump() is the caller's business.
  void use_thread() { threaded_ = true; }
  // [control] Sends what `tap` gets until it is closed. Errors: unsupported (a rate that cannot be made).
  Result<void> add(TapPtr tap, const Address& to, std::uint32_t rate, std::string preamble);
  // [control] Ends the thread and all connections.
  void stop();

  // [io] 20 ms later.
  void pump();

  const SoundSenderCounters& counters() const { return counts_; }

 private:
  struct Stream {
    TapPtr tap;
    Address to;
    std::string preamble;
    audio::Resampler resampler;
    loop::TcpClient connection{};
    std::vector<std::uint8_t> waiting{};  // for the kernel to take
    unsigned wait_pumps = 0;              // until the next attempt
    unsigned closing_pumps = 0;           // since the tap was closed
    std::uint64_t missed_seen = 0;
    bool begun = false, told = false;
  };
  bool advance(Stream& stream);  // false: over
  bool connect(Stream& stream);  // true: open
  void fill(Stream& stream);
  void drop(Stream& stream);

  // owned
  SoundSenderCounters counts_;
  std::mutex mutex_;  // control adds now and then; io holds it only to take what was added
  std::vector<std::unique_ptr<Stream>> added_;
  std::vector<std::unique_ptr<Stream>> streams_;  // [io]
  bool threaded_ = false;
  PumpThread thread_{kPeriod, [this] { pump(); }};
};

}  // namespace tandem::session
