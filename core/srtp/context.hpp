// Sender and Receiver: one direction of SRTP and SRTCP (RFC 3711, 6188, 7714), over libsrtp2.
//
//   [control] Protection ──create──► Sender / Receiver ──command──► leg  [media]  ──command──► [control] dies
//   [media]   out: packet ─ protect ─► socket          in: socket ─ unprotect ─► parse, latch, everything
//   else
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
// any SSRC: the first authentic packet of each (not a stranger's: it is only made after the tag was right)
// makes libsrtp2 allocate four small blocks a key on the media thread, at most kSourcesMax times in the
// Receiver's life. Its replay state is never forgotten, so SSRCs beyond are refused. Made and destroyed on
// [control] (destruction wipes the keys); protect and unprotect [media], one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/srtp/key.hpp"

struct srtp_ctx_t_;

namespace tandem::srtp {

enum class Verdict : std::uint8_t {
  ok,
  replayed,   // seen before, or older than the window
  forged,     // the tag is wrong: another key, a changed or cut packet
  malformed,  // too short for header and tag, or no RTP
  too_many,   // a source beyond kSourcesMax
};

// libsrtp2's session, wiped and freed.
class Session {
 public:
  Session() = default;
  explicit Session(srtp_ctx_t_* session) : session_(session) {}
  Session(Session&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
  Session& operator=(Session&&) = delete;
  ~Session();
  srtp_ctx_t_* get() const { return session_; }

 private:
  srtp_ctx_t_* session_ = nullptr;
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

 private:
  Sender(Session session, const Protection& protection) : session_(std::move(session)), name_(protection) {}
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

 private:
  struct RtcpKey {
    KeyName name;
    Session session;
  };
  explicit Receiver(Session session, const Protection& protection);
  Session* rtcp_session(std::span<std::uint8_t>& packet);
  bool may_come(std::uint32_t ssrc) const;
  void remember(std::uint32_t ssrc);

  Session session_;
  KeyName name_;
  std::vector<RtcpKey> rtcp_;  // empty: one key for everything
  std::size_t rtp_bytes_min_, rtcp_bytes_min_;
  std::array<std::uint32_t, kSourcesMax> sources_{};
  std::size_t source_count_ = 0;
};

}  // namespace tandem::srtp
