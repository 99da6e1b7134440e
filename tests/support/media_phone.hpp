// MediaPhone: a phone's media on a MemoryNetwork: sends what it is given every ptime, decodes and keeps what
// it hears. Any codec, telephone-events both ways, SRTP when secured. Thread: one, on a counted
// clock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/loop/memory_io.hpp"
#include "core/rtp/packet.hpp"
#include "core/rtp/telephone_event.hpp"
#include "core/rtp/telephone_event_sender.hpp"
#include "core/rtp/tx_stream.hpp"
#include "core/srtp/context.hpp"
#include "tandem/codec.h"

namespace tandem::testing {

class MediaPhone {
 public:
  struct Got {
    rtp::Header header;
    std::vector<std::uint8_t> payload;
    TimePoint at;
  };

  // With the codec's static payload type, else 96; PCM of more than one channel is interleaved.
  MediaPhone(loop::MemoryNetwork& network, const Address& local, const td_codec* codec,
             unsigned ptime_ms = 20);
  ~MediaPhone();
  MediaPhone(const MediaPhone&) = delete;
  MediaPhone& operator=(const MediaPhone&) = delete;

  static std::uint8_t type_of(const td_codec* codec);
  const Address& local() const { return phone_.local(); }
  void set_remote(const Address& to) { remote_ = to; }
  // What it says, once, then silence. Nothing is sent before start().
  void say(std::vector<std::int16_t> pcm) {
    pcm_ = std::move(pcm);
    said_ = 0;
  }
  void start() { sending_ = true; }
  void stop() { sending_ = false; }
  // Sends a key as telephone-events of type 101 in place of audio.
  void press(char digit, milliseconds duration = milliseconds(100)) { (void)events_.queue(digit, duration); }
  void set_leak(bool leak) { leak_ = leak; }  // tones in the audio beside the events

  // Every 5 ms of the counted clock: sends what is due, takes in what came.
  void step(TimePoint now);
  // Sends raw bytes from this phone's address.
  void send_raw(TimePoint now, const std::vector<std::uint8_t>& bytes) { phone_.send(now, remote_, bytes); }
  // A new SSRC, sequence and timestamp from the next packet on.
  void restart_stream(std::uint32_t ssrc);
  // SRTP from now on: `send` is the phone's own key. What cannot be opened is dropped and counted.
  void secure(const srtp::Protection& send, const srtp::Protection& receive);
  void unsecure();
  unsigned unopened() const { return unopened_; }
  const std::vector<std::uint8_t>& last_sent() const { return last_sent_; }  // as it went out
  void set_ptime(unsigned ms) { ptime_ms_ = ms; }

  const std::vector<Got>& got() const { return got_; }               // audio packets
  const std::vector<std::int16_t>& heard() const { return heard_; }  // decoded, in order of arrival
  const std::string& digits() const { return digits_; }              // keys that came as telephone-events
  unsigned rtcp_packets() const { return rtcp_; }
  void forget() {
    got_.clear();
    heard_.clear();
  }

 private:
  void send(TimePoint now);
  void send_packet(TimePoint now, std::span<std::uint8_t> room, std::size_t bytes);
  void take(std::span<const std::uint8_t> bytes, TimePoint at);
  loop::MemoryPhone phone_;
  const td_codec* codec_;
  td_encoder* encoder_;
  td_decoder* decoder_;
  unsigned ptime_ms_;
  Address remote_;
  bool sending_ = false, leak_ = false;
  TimePoint next_{};
  std::vector<std::int16_t> pcm_;
  std::size_t said_ = 0;
  rtp::TxStream tx_;
  rtp::TelephoneEventSender events_;
  rtp::TelephoneEventReceiver events_in_;
  std::vector<Got> got_;
  std::vector<std::int16_t> heard_;
  std::string digits_;
  unsigned rtcp_ = 0;
  std::unique_ptr<srtp::Sender> sealer_;
  std::unique_ptr<srtp::Receiver> opener_;
  std::vector<std::uint8_t> last_sent_;
  unsigned unopened_ = 0;
};

}  // namespace tandem::testing
