// Sender and Receiver: one direction of SRTP and SRTCP (RFC 3711, 6188, 7714).
//
//   [control] Protection ──create──► Sender / Receiver ──command──► leg  [media]  ──command──► [control] dies
//   [media]   out: packet ─ protect ─► socket          in: socket ─ unprotect ─► parse, latch, everything
//   else
//
// The AES_CM suites are done here (counter_mode.hpp, replay_window.hpp), so that a packet finds all it needs
// in a few cache lines next to each other; AES-GCM, a receiver with several keys, and machines without AES
// instructions go through libsrtp2. What goes over the wire and what is refused is the same.
//
// Rollover: both count it themselves. The sender's sequence must begin below 2^15 or the first packets must
// not be lost, as ever with SDES; a stream that jumps ahead by less than 2^15 keeps its rollover, one that
// goes back behind the replay window of 128 is refused as a replay. A new SSRC begins at rollover 0.
//
// Several keys of a receiver (RFC 3711 8.1): each packet names its own. For RTP they share one libsrtp2
// session, and so rollover and replay go on from key to key; for RTCP, whose numbers are told, each has its
// own.
//
// Allocation: a Sender has one SSRC, whose stream is made in create(): nothing after that. A Receiver takes
// any SSRC, at most kSourcesMax in its life: its replay state is never forgotten, so those beyond are
// refused. Where libsrtp2 is used, the first authentic packet of each (not a stranger's: it is only made
// after the tag was right) makes it allocate four small blocks a key on the media thread. Made and destroyed
// on [control] (destruction wipes the keys); protect and unprotect [media], one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/srtp/counter_mode.hpp"
#include "core/srtp/key.hpp"
#include "core/srtp/replay_window.hpp"
#include "core/srtp/session.hpp"

namespace tandem::srtp {

enum class Verdict : std::uint8_t {
  ok,
  replayed,   // seen before, or older than the window
  forged,     // the tag is wrong: another key, a changed or cut packet
  malformed,  // too short for header and tag, or no RTP
  too_many,   // a source beyond kSourcesMax
};

// The name of the key (MKI) in each packet: put in after libsrtp2, taken out before it. Its own looks for it
// in RTCP by the length of RTP's tag, and so fails for the suites where they differ.
class KeyName {
 public:
  enum class In : std::uint8_t { rtp, rtcp };
  explicit KeyName(const Protection& protection) : KeyName(protection, protection.mki) {}
  KeyName(const Protection& protection, std::string mki);
  // [media] `buffer` has room for it. The new length.
  std::size_t put(std::span<std::uint8_t> buffer, std::size_t bytes, In in) const;
  // [media] The packet is long enough for it and the tag. False: another key's, or none.
  [[nodiscard]] bool take(std::span<std::uint8_t>& packet, In in) const;
  bool empty() const { return bytes_.empty(); }

 private:
  std::size_t behind(In in) const { return in == In::rtp ? behind_rtp_ : behind_rtcp_; }
  std::string bytes_;
  std::size_t behind_rtp_ = 0, behind_rtcp_ = 0;  // bytes of the tag that comes after it
};

class Sender {
 public:
  // [control] For the stream with this SSRC. Errors: unsupported (an AEAD suite without encryption or tags),
  // internal (libsrtp2 refuses; its number).
  static Result<std::unique_ptr<Sender>> create(const Protection& protection, std::uint32_t ssrc);

  // [media] Protects the first `bytes` of `buffer` in place and gives the new length; `buffer` must have
  // kTrailerBytesMax more. 0: not protected, must not be sent (a number used before, another SSRC, no room).
  [[nodiscard]] std::size_t protect(std::span<std::uint8_t> buffer, std::size_t bytes);
  [[nodiscard]] std::size_t protect_rtcp(std::span<std::uint8_t> buffer, std::size_t bytes);

  // [media] A packet will leave soon: asks for the memory that it needs.
  void expect() const {
    __builtin_prefetch(&sent_, 1);
    rtp_.prefetch();
  }

 private:
  Sender(Session session, const Protection& protection, std::uint32_t ssrc);
  std::size_t seal(std::span<std::uint8_t> buffer, std::size_t bytes);
  std::size_t seal_rtcp(std::span<std::uint8_t> buffer, std::size_t bytes);

  // What an RTP packet touches stands together.
  CounterMode rtp_;
  ReplayWindow sent_;  // one number twice is one key stream twice
  const std::uint32_t ssrc_;
  std::uint32_t rtcp_index_ = 0;  // of the last one
  const bool direct_;             // not by libsrtp2
  const bool named_;              // name_ is one
  CounterMode rtcp_;
  Session session_;
  KeyName name_;
};

class Receiver {
 public:
  static constexpr std::size_t kSourcesMax = 64;

  // [control] Errors as Sender::create.
  static Result<std::unique_ptr<Receiver>> create(const Protection& protection);

  // [media] Authenticates and decrypts in place; `packet` shrinks to the plain one when ok. Otherwise its
  // bytes are rubbish and must not be used.
  [[nodiscard]] Verdict unprotect(std::span<std::uint8_t>& packet);
  [[nodiscard]] Verdict unprotect_rtcp(std::span<std::uint8_t>& packet);

  // [media] A packet will come soon: asks for the memory that it needs.
  void expect() const {
    __builtin_prefetch(&direct_, 1);
    __builtin_prefetch(sources_.data(), 1);
    rtp_.prefetch();
  }

 private:
  struct RtcpKey {
    KeyName name;
    Session session;
  };
  struct Source {
    ReplayWindow rtp, rtcp;
    std::uint32_t ssrc = 0;
  };
  Receiver(Session session, const Protection& protection);
  Verdict open(std::span<std::uint8_t>& packet);
  Verdict open_rtcp(std::span<std::uint8_t>& packet);
  Session* rtcp_session(std::span<std::uint8_t>& packet);
  Source* find(std::uint32_t ssrc);  // null: not seen yet
  bool may_come(std::uint32_t ssrc);
  Source& remember(std::uint32_t ssrc);  // may_come() it

  // What an RTP packet touches stands together: the key, this, and the source of the last packet.
  CounterMode rtp_;
  const bool direct_;  // not by libsrtp2
  const bool named_;   // name_ is one
  std::uint8_t source_count_ = 0, last_ = 0;
  const std::uint16_t rtp_bytes_min_, rtcp_bytes_min_;
  std::array<Source, kSourcesMax> sources_;
  CounterMode rtcp_;
  Session session_;
  KeyName name_;
  std::vector<RtcpKey> rtcp_keys_;  // empty: one key for everything
};

}  // namespace tandem::srtp
